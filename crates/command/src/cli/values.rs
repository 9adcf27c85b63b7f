//! The values of options: durations, parameters, requirements, how often to verify.

use std::num::IntErrorKind;
use std::time::Duration;

use humantime::DurationError;

use crate::diagnostic::suggest;
use crate::heap::{Point, Points};
use crate::plan::{Arrivals, Asker, Pace, RATE_MAX, Requirement};
use crate::run::{CollectEvery, Verify};

/// The shortest and the longest duration that an option takes.
const DURATIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(366 * 86400);

/// A duration such as `250ms`, `1.5s`, `1h30m` or `8h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write it as 250ms, 30s, 10m, 1h30m or 8h";
    match text.strip_prefix('-') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
            return Err("a duration must be positive".to_owned());
        }
        Some(_) => return Err(format!("a duration is missing: {FORM}")),
        None => {}
    }
    let duration = humantime::parse_duration(text).map_err(|error| match error {
        DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
            format!("a unit is missing: {FORM}")
        }
        DurationError::UnknownUnit { unit, .. } => format!("unknown unit `{unit}`: {FORM}"),
        error => format!("not a duration ({error}): {FORM}"),
    })?;
    if DURATIONS.contains(&duration) {
        Ok(duration)
    } else {
        Err("a duration is at least 1ms and at most a year".to_owned())
    }
}

/// How long a thread waits for a lock: from the shortest that CPython knows, a microsecond.
pub(super) fn switch_interval(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(short) if short < *DURATIONS.start() && short.as_micros() > 0 => Ok(short),
        Ok(short) if short < *DURATIONS.start() => {
            Err("a switch interval is at least 1us".to_owned())
        }
        _ => duration(text),
    }
}

/// How long a run may make no progress. It reports its progress a few times a second, so a shorter
/// time would be over before the next report.
pub(super) fn time_limit(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        limit if limit >= Duration::from_secs(1) => Ok(limit),
        _ => {
            Err("a time limit is at least 1s: progress is reported a few times a second".to_owned())
        }
    }
}

/// A duration in the form that [`duration`] reads, as one word.
pub(super) fn duration_text(duration: Duration) -> String {
    let text = humantime::format_duration(duration).to_string();
    text.replace(' ', "")
}

/// The name of a fault that stands for no fault.
pub(super) const NO_FAULT: &str = "none";

/// A whole number of at least 1; underscores are allowed as in workloads.
pub(super) fn positive(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse::<u64>() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) if text.parse::<f64>().is_ok_and(|number| number < 0.0) => {
            Err("must be at least 1".to_owned())
        }
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err(format!("must be at most {}", u64::MAX))
        }
        Err(_) => Err("not a whole number, as 2000000 or 2_000_000 is".to_owned()),
    }
}

/// A number of operations that may be left out; a word that follows is taken for it.
pub(super) fn history(text: &str) -> Result<u64, String> {
    positive(text).map_err(|why| format!("{why}; `--history` alone stands for `--history=1000`"))
}

/// A seed: any number of 64 bits. What begins with `-` comes here as well, to be told so.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    let number = text.replace('_', "").parse();
    number.map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

/// `OPS` or `OPS,ARRIVALS`
pub(super) fn rate(text: &str) -> Result<Pace, String> {
    let (ops, arrivals) = match text.split_once(',') {
        None => (text, Arrivals::default()),
        Some((ops, name)) => {
            let unknown = || {
                let hint = suggest::hint(name, Arrivals::ALL.map(Arrivals::name));
                format!("no arrivals are called `{name}`: {hint}")
            };
            (ops, Arrivals::named(name).ok_or_else(unknown)?)
        }
    };
    let per_second = positive(ops)?;
    if per_second > RATE_MAX {
        return Err(format!("at most {RATE_MAX} operations a second"));
    }
    Ok(Pace {
        per_second: per_second as f64,
        arrivals,
    })
}

/// A rate in the form that [`rate`] reads.
pub(super) fn rate_text(rate: Pace) -> String {
    let ops = rate.per_second;
    match rate.arrivals {
        Arrivals::Constant => format!("{ops}"),
        arrivals => format!("{ops},{}", arrivals.name()),
    }
}

/// `N` or `N..M`
pub(super) fn collect_every(text: &str) -> Result<CollectEvery, String> {
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (positive(least)?, positive(most)?),
        None => (positive(text)?, positive(text)?),
    };
    if most < least {
        return Err("expected N or N..M, M not below N, in operations of a thread".to_owned());
    }
    Ok(CollectEvery { least, most })
}

/// An interval in the form that [`collect_every`] reads.
pub(super) fn collect_every_text(every: CollectEvery) -> String {
    let CollectEvery { least, most } = every;
    if least == most {
        least.to_string()
    } else {
        format!("{least}..{most}")
    }
}

/// The word that [`points`] reads as all points.
pub(super) const EVERYWHERE: &str = "all";

/// Names of points, with commas between them
pub(super) fn points(text: &str) -> Result<Points, String> {
    if text == EVERYWHERE {
        return Ok(Points::ALL);
    }
    let known = |name: &str| Point::ALL.into_iter().find(|point| point.name() == name);
    let point = |name| {
        known(name).ok_or_else(|| {
            let hint = suggest::hint(name, Point::ALL.map(Point::name));
            format!("no point is called `{name}`: {hint}")
        })
    };
    text.split(',').map(point).collect()
}

/// Points in the form that [`points`] reads.
pub(super) fn points_text(points: Points) -> String {
    let names = Point::ALL.into_iter().filter(|&point| points.has(point));
    names.map(Point::name).collect::<Vec<_>>().join(",")
}

/// `key=value`
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected key=value".to_owned()),
    }
}

/// `COUNTER>=N`
pub(super) fn requirement(text: &str) -> Result<Requirement, String> {
    let expected = "expected COUNTER>=N, as in 'collections>=10' (quoted, or the shell redirects)";
    let (counter, at_least) = text.split_once(">=").ok_or(expected)?;
    Ok(Requirement {
        counter: counter.trim().to_owned(),
        at_least: positive(at_least.trim())?,
        asked_by: Asker::Command,
    })
}

/// `end` or `every=N`
pub(super) fn verify(text: &str) -> Result<Verify, String> {
    match text.split_once('=') {
        None if text == "end" => Ok(Verify::End),
        Some(("every", ops)) => Ok(Verify::Every(positive(ops)?)),
        _ => Err("expected `end` or `every=N`, N in operations of a thread".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a duration is written in a form that reads back as the same, and every usual form is
    /// read.
    #[test]
    fn durations_round_trip() {
        for text in ["1ms", "1ms500us", "500ms", "5s", "1m30s", "8h", "1h30m"] {
            let read = duration(text).expect("it is a duration");
            assert_eq!(duration_text(read), text);
        }
        for (text, same) in [
            ("10m", "600s"),
            ("0.5s", "500ms"),
            ("1.5ms", "1500us"),
            ("1h30m", "90min"),
            ("1h 30m", "5400s"),
        ] {
            assert_eq!(duration(text), duration(same), "{text}");
        }
    }

    /// Goal: a switch interval may be as short as an interpreter knows, and no shorter.
    #[test]
    fn switch_intervals_are_short() {
        for (text, micros) in [("1us", 1), ("50us", 50), ("5ms", 5000)] {
            assert_eq!(switch_interval(text), Ok(Duration::from_micros(micros)));
        }
        for text in ["0us", "999ns", "5", "-1us", "9999999h"] {
            assert!(switch_interval(text).is_err(), "{text}");
        }
    }

    /// Goal: what is no duration, or too short or too long, is refused.
    #[test]
    fn refuses_other_durations() {
        for text in [
            "", "5", "1h30", "s", "-1s", "5x", "0ms", "999us", "1e9h", "1.2.3s", "9999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    /// Goal: values of each form read back as the same, and malformed ones are refused.
    #[test]
    fn splits_pairs() {
        assert_eq!(assignment("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(assignment("=b").is_err() && assignment("a").is_err());
        assert!(requirement("append>=1_000").is_ok_and(|r| r.at_least == 1000));
        for text in ["append", "append>1", "append>=", "append>=-1", "append>=0"] {
            assert!(requirement(text).is_err(), "{text}");
        }
        assert_eq!(verify("every=1_000"), Ok(Verify::Every(1000)));
        for text in ["7", "1..9"] {
            assert_eq!(
                collect_every(text).map(collect_every_text).as_deref(),
                Ok(text)
            );
        }
        for text in ["20000", "7,poisson", "1000000000,bursts"] {
            assert_eq!(rate(text).map(rate_text).as_deref(), Ok(text));
        }
        for text in ["0", "-1", "1e3", "5,", "5,often", "1000000001"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["0", "9..1", "..", "1..", "a"] {
            assert!(collect_every(text).is_err(), "{text}");
        }
        for text in ["read", "change,dying", "verdict"] {
            assert_eq!(points(text).map(points_text).as_deref(), Ok(text));
        }
        assert_eq!(points(EVERYWHERE), Ok(Points::ALL));
        assert!(points("").is_err() && points("read,nowhere").is_err());
        assert!(verify("every").is_err() && verify("every=0").is_err());
    }
}
