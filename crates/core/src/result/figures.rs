//! Numbers as people read them: three significant digits and a unit where they are measured,
//! thousands separators where they are counted.

/// Stands in place of a missing figure.
pub const NONE: &str = "–";

/// A count, exact: `61,300,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A measured time in nanoseconds: `8.4 ns`, `81.6 ns`, `480 ns`, `1.02 µs`, `12.3 s`.
pub fn time(nanos: f64) -> String {
    // Below ten nanoseconds a second decimal would be finer than any clock.
    if nanos < 9.95 {
        return format!("{nanos:.1} ns");
    }
    let (value, unit) = scaled(
        nanos,
        &[("ns", 1e3), ("µs", 1e3), ("ms", 1e3), ("s", f64::MAX)],
    );
    format!("{} {unit}", significant(value))
}

/// A time that is a whole number of nanoseconds: `75 ns`, `1.02 ms`.
pub fn nanos(nanos: u64) -> String {
    if nanos < 1000 {
        format!("{nanos} ns")
    } else {
        time(nanos as f64)
    }
}

/// A duration: as [`time`] up to two minutes, then `8 h 02 min`.
pub fn span(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0..=1) => time(nanos as f64),
        (0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

/// A large number in short: `62.5 M`, `987`.
pub fn short(value: f64) -> String {
    let (value, unit) = scaled(
        value,
        &[("", 1e3), (" k", 1e3), (" M", 1e3), (" G", f64::MAX)],
    );
    format!("{}{unit}", significant(value))
}

/// A rate per second: `62.5 M/s`, `987 /s`.
pub fn rate(per_second: f64) -> String {
    let text = short(per_second);
    let gap = if text.contains(' ') { "" } else { " " };
    format!("{text}{gap}/s")
}

/// Bytes: `48.2 MiB`.
pub fn bytes(bytes: u64) -> String {
    memory(bytes as f64)
}

/// A calculated number of bytes, shown as by [`bytes`].
pub fn memory(bytes: f64) -> String {
    let units = [
        ("B", 1024.0),
        ("KiB", 1024.0),
        ("MiB", 1024.0),
        ("GiB", f64::MAX),
    ];
    let (value, unit) = scaled(bytes, &units);
    format!("{} {unit}", significant(value))
}

/// A moment: `2026-11-23T10:05:04Z`, for a millisecond since 1970. The date is by Howard Hinnant's
/// `civil_from_days`.
pub fn utc(unix_ms: u64) -> String {
    let unix_seconds = unix_ms / 1000;
    let (days, second) = (unix_seconds / 86400, unix_seconds % 86400);
    // Days since 1 March 0000, so that the leap day ends a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// One thing or several: `1 check`, `7 checks`.
pub fn several(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The value in the first unit in which three digits can show it. Each unit comes with how many of
/// it make the next.
fn scaled<'a>(mut value: f64, units: &[(&'a str, f64)]) -> (f64, &'a str) {
    let mut unit = "";
    for (name, next) in units {
        unit = name;
        // A value that would be rounded up to one of the next unit is shown in the next unit.
        if value < next - 0.5 {
            break;
        }
        value /= next;
    }
    (value, unit)
}

fn significant(value: f64) -> String {
    let whole = value.fract() == 0.0 && value < 10.0;
    match value {
        _ if whole => format!("{value:.0}"),
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: counts are exact, and grouped from the right.
    #[test]
    fn groups_counts() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (61_300_000, "61,300,000"),
        ];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
    }

    /// Goal: a time has three digits and never reads "1000 µs".
    #[test]
    fn scales_times() {
        let cases = [
            (8.44, "8.4 ns"),
            (9.97, "9.97 ns"),
            (81.64, "81.6 ns"),
            (480.4, "480 ns"),
            (999.7, "1.00 µs"),
            (1024.0, "1.02 µs"),
            (999_600.0, "1.00 ms"),
            (12_345_678_901.0, "12.3 s"),
        ];
        for (value, text) in cases {
            assert_eq!(time(value), text);
        }
        assert_eq!(
            (nanos(75), nanos(1_020_000)),
            ("75 ns".into(), "1.02 ms".into())
        );
    }

    /// Goal: rates keep their unit apart from the figure, with and without a prefix.
    #[test]
    fn scales_rates() {
        let cases = [(0.0, "0 /s"), (987.0, "987 /s"), (1_234_000.0, "1.23 M/s")];
        for (value, text) in cases {
            assert_eq!(rate(value), text);
        }
    }

    /// Goal: a moment is named after the right second, leap days included.
    #[test]
    fn names_the_second() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(utc(seconds * 1000 + 999), text);
        }
    }

    /// Goal: long runs read as hours and minutes.
    #[test]
    fn names_spans() {
        let second = 1_000_000_000;
        assert_eq!(span(5 * second), "5 s");
        assert_eq!(span(150 * second), "2 min 30 s");
        assert_eq!(span(8 * 3600 * second + 120 * second), "8 h 02 min");
    }
}
