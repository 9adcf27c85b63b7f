//! What values are measured in, and how one is written.

use crate::result::figures;

/// The percentile beyond which one value in so many lies: `p99.9` for a thousand.
pub(super) fn percentile(beyond: f64) -> String {
    let mut digits = 0;
    let mut rest = beyond;
    while rest > 1.001 {
        digits += 1;
        rest /= 10.0;
    }
    let text = format!("p{:.digits$}", 100.0 - 100.0 / beyond);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What values are measured in: how one is written, and which axis suits several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds.
    Time,
    /// So many a second.
    Rate,
    /// A number of objects.
    Objects,
    /// Bytes.
    Memory,
    /// Rounds of a soak, by number.
    Rounds,
    /// Seconds from now.
    Seconds,
    /// How many times something else.
    Times,
    /// A part of a whole.
    Share,
    /// One over the share of values beyond: 1 for the least value, 1000 for p99.9.
    Beyond,
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Time => figures::time(value),
            Self::Rate => figures::rate(value),
            Self::Objects => figures::short(value),
            Self::Memory => figures::memory(value),
            Self::Rounds => format!("{value:.0}"),
            Self::Seconds => format!("{value:.0} s"),
            Self::Times => format!("×{}", figures::short(value)),
            Self::Share => format!("{:.0} %", value * 100.0),
            Self::Beyond => percentile(value).trim_start_matches('p').to_owned(),
        }
    }

    /// What the script knows it by.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Rate => "rate",
            Self::Objects => "objects",
            Self::Memory => "memory",
            Self::Rounds => "rounds",
            Self::Seconds => "seconds",
            Self::Times => "times",
            Self::Share => "share",
            Self::Beyond => "beyond",
        }
    }
}
