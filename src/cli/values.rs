//! The values of options: durations, parameters, requirements, how often to verify.

use std::str::FromStr;
use std::time::Duration;

use crate::heap::{Point, Points};
use crate::plan::{Arrivals, Asker, Pace, RATE_MAX, Requirement};
use crate::run::{CollectEvery, Verify};

/// A duration: a number and one of `ms`, `s`, `m`, `h`. At least a millisecond, at most a year.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or("a unit is missing: 500ms, 30s, 10m or 8h")?;
    let (number, unit) = text.split_at(split);
    let unit_seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit `{unit}`: 500ms, 30s, 10m or 8h")),
    };
    let number = f64::from_str(number).map_err(|_| format!("`{number}` is not a number"))?;
    let seconds = number * unit_seconds;
    if !(0.001..=366.0 * 86400.0).contains(&seconds) {
        return Err("a duration is at least 1ms and at most a year".to_owned());
    }
    Ok(Duration::from_micros(rounded(seconds * 1e6)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded above and below by whoever calls it"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

/// A duration as [`duration`] reads it.
pub(super) fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        _ if !duration.subsec_micros().is_multiple_of(1000) => {
            format!("{}ms", duration.as_micros() as f64 / 1e3)
        }
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}

/// A whole number of at least 1; underscores are allowed as in workloads.
pub(super) fn positive(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

/// `OPS` or `OPS,ARRIVALS`
pub(super) fn rate(text: &str) -> Result<Pace, String> {
    let (ops, arrivals) = match text.split_once(',') {
        None => (text, Arrivals::default()),
        Some((ops, name)) => {
            let unknown = || {
                let names = Arrivals::ALL.map(Arrivals::name).join(", ");
                format!("no arrivals are called `{name}`; expected one of {names}")
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

/// As [`rate`] reads it.
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

/// As [`collect_every`] reads it.
pub(super) fn collect_every_text(every: CollectEvery) -> String {
    let CollectEvery { least, most } = every;
    if least == most {
        least.to_string()
    } else {
        format!("{least}..{most}")
    }
}

/// What [`points`] reads as all of them.
pub(super) const EVERYWHERE: &str = "all";

/// Names of points, with commas between them
pub(super) fn points(text: &str) -> Result<Points, String> {
    if text == EVERYWHERE {
        return Ok(Points::ALL);
    }
    let known = |name: &str| Point::ALL.into_iter().find(|point| point.name() == name);
    let point = |name| {
        known(name).ok_or_else(|| {
            let names = Point::ALL.map(Point::name).join(", ");
            format!("no point is called `{name}`; expected some of {names}")
        })
    };
    text.split(',').map(point).collect()
}

/// As [`points`] reads them.
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

    /// Goal: a duration reads back as what it is written as.
    #[test]
    fn durations_round_trip() {
        for text in ["1ms", "1.5ms", "500ms", "5s", "90s", "8h", "1500ms"] {
            let read = duration(text).expect("it is a duration");
            assert_eq!(duration_text(read), text);
        }
        assert_eq!(duration("10m"), duration("600s"));
        assert_eq!(duration("0.5s"), duration("500ms"));
    }

    /// Goal: what is no duration is refused with what would be one.
    #[test]
    fn refuses_other_durations() {
        for text in [
            "", "5", "5 s", "s", "-1s", "5d", "0ms", "1e9h", "1.2.3s", "9999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    /// Goal: requirements and parameters are told from what only looks like them.
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
