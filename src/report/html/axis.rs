//! An axis: from values to a place in the picture, and the ticks a reader finds them by.

use crate::report::figures;

/// The percentile beyond which lies one in so many: `p99.9` for a thousand.
pub(in crate::report) fn percentile(beyond: f64) -> String {
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

/// How values are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    /// Equal steps are equal factors.
    Log,
}

/// One axis of a picture.
#[derive(Debug, Clone)]
pub(in crate::report) struct Axis {
    title: String,
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Times in nanoseconds, logarithmic, over whole powers of ten. `None` if there is no time to
    /// show.
    pub(in crate::report) fn times(title: &str, values: impl Iterator<Item = f64>) -> Option<Self> {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
        (most > 0.0).then(|| Self::decades(title, least, most, figures::time))
    }

    /// From the power of ten below `least` to that above `most`.
    fn decades(title: &str, least: f64, most: f64, show: fn(f64) -> String) -> Self {
        let first = least.log10().floor();
        let last = most.log10().ceil().max(first + 1.0);
        // Names of more than seven would touch each other.
        let step = ((last - first) / 7.0).ceil();
        let mut ticks = Vec::new();
        let mut exponent = first;
        while exponent <= last {
            let value = 10_f64.powf(exponent);
            ticks.push((value, show(value)));
            exponent += step;
        }
        Self {
            title: title.to_owned(),
            scale: Scale::Log,
            from: 10_f64.powf(first),
            to: 10_f64.powf(last),
            ticks,
        }
    }

    /// From nothing to the next round figure above `most`.
    pub(in crate::report) fn from_zero(
        title: &str,
        most: f64,
        show: impl Fn(f64) -> String,
    ) -> Self {
        let most = if most > 0.0 { most } else { 1.0 };
        let step = round_step(most / 4.0);
        let count = (most / step).ceil();
        let mut ticks = Vec::new();
        let mut number = 0.0;
        while number <= count {
            let name = if number == 0.0 {
                "0".to_owned()
            } else {
                show(number * step)
            };
            ticks.push((number * step, name));
            number += 1.0;
        }
        Self {
            title: title.to_owned(),
            scale: Scale::Linear,
            from: 0.0,
            to: count * step,
            ticks,
        }
    }

    /// Bytes, from nothing to a figure that is round in the unit it is written in.
    pub(in crate::report) fn memory(title: &str, most: f64) -> Self {
        let mut unit = 1.0;
        while most / unit >= 1024.0 {
            unit *= 1024.0;
        }
        let mut axis = Self::from_zero(title, most / unit, |value| figures::memory(value * unit));
        axis.to *= unit;
        axis.ticks.iter_mut().for_each(|(value, _)| *value *= unit);
        axis
    }

    /// From nothing to exactly `most` nanoseconds: the time of a run.
    pub(in crate::report) fn of_run(most: f64) -> Self {
        let mut axis = Self::from_zero("time since the start", most, figures::time);
        axis.to = most.max(1.0);
        axis.ticks.retain(|(at, _)| *at <= most);
        axis
    }

    /// From one value to another, with ticks at round figures.
    pub(in crate::report) fn between(
        title: &str,
        from: f64,
        to: f64,
        show: impl Fn(f64) -> String,
    ) -> Self {
        let to = to.max(from + 1.0);
        let step = round_step((to - from) / 4.0);
        let mut ticks = Vec::new();
        let mut at = (from / step).ceil() * step;
        while at <= to {
            ticks.push((at, show(at)));
            at += step;
        }
        Self {
            title: title.to_owned(),
            scale: Scale::Linear,
            from,
            to,
            ticks,
        }
    }

    /// Shares, from none to all.
    pub(in crate::report) fn shares(title: &str) -> Self {
        Self::from_zero(title, 1.0, |share| format!("{:.0} %", share * 100.0))
    }

    /// Windows of time, in milliseconds.
    pub(in crate::report) fn windows(title: &str, least_ms: f64, most_ms: f64) -> Self {
        Self::decades(title, least_ms, most_ms, |ms| figures::time(ms * 1e6))
    }

    /// Percentiles: equal steps divide what lies beyond by equal factors. A value is one over the share
    /// beyond, 1 for the least and 1000 for p99.9.
    pub(in crate::report) fn percentiles(most: f64) -> Self {
        let show = |beyond: f64| percentile(beyond).trim_start_matches('p').to_owned();
        Self::decades("percentile", 1.0, most.max(100.0), show)
    }

    pub(in crate::report) fn title(&self) -> &str {
        &self.title
    }

    /// Where a value lies, 0 to 1; what is outside lies at the edge.
    pub(in crate::report) fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log => (value / self.from).log10() / (self.to / self.from).log10(),
        };
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// The ticks: where, and what they are called.
    pub(in crate::report) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks
            .iter()
            .map(|(value, name)| (self.place(*value), name.as_str()))
    }
}

/// The next round figure that is not below this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(axis: &Axis) -> Vec<&str> {
        axis.ticks().map(|(_, name)| name).collect()
    }

    /// Goal: ticks are round figures that enclose the values, and few enough to be read.
    #[test]
    fn ticks_are_round() {
        let axis = Axis::times("t", [25.0, 4e6].into_iter()).expect("times");
        assert_eq!(
            named(&axis),
            [
                "10.0 ns", "100 ns", "1 µs", "10.0 µs", "100 µs", "1 ms", "10.0 ms"
            ]
        );
        assert_eq!(axis.place(1.0), 0.0);
        assert!((axis.place(10_000.0) - 0.5).abs() < 1e-9);
        let wide = Axis::times("t", [1.0, 3e12].into_iter()).expect("times");
        assert!(named(&wide).len() <= 8, "{:?}", named(&wide));
        assert!(Axis::times("t", [0.0].into_iter()).is_none());
        let axis = Axis::from_zero("n", 930.0, figures::short);
        assert_eq!(named(&axis), ["0", "250", "500", "750", "1 k"]);
        let axis = Axis::memory("m", 300.0 * 1024.0 * 1024.0);
        assert_eq!(named(&axis)[..2], ["0", "100 MiB"]);
        let axis = Axis::between("r", 880.0, 1000.0, figures::short);
        assert_eq!(named(&axis), ["900", "950", "1 k"]);
        assert_eq!((axis.place(880.0), axis.place(940.0)), (0.0, 0.5));
        let axis = Axis::percentiles(100_000.0);
        assert_eq!(named(&axis), ["0", "90", "99", "99.9", "99.99", "99.999"]);
    }
}
