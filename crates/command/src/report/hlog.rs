//! The latencies of a result as `latency.hlog`: HdrHistogram's log format, version 1.3, which its
//! tools in every language read.
//!
//! One interval, the whole run, with several series. The headline is untagged: all operations
//! together. The others carry a tag: `append` is the service times of that operation,
//! `response/append` its response times, `pause/collect` how long that cause held mutators up. A
//! log without an untagged series crashes HdrHistogram's own processor. Values are nanoseconds;
//! only the column of maxima, which is for people, is in milliseconds, as it is in logs of other
//! tools. A series without values is left out, except for the headline.

use std::fmt::Write as _;

use super::prose::one_line;
use crate::evidence::Latency;
use crate::result::RunResult;

/// What the column of maxima is divided by: nanoseconds to milliseconds.
const MAX_DIVISOR: f64 = 1e6;

/// Writes the log.
///
/// # Errors
///
/// A histogram cannot be written in the compressed form, since one of its counts is too large.
pub fn hlog(result: &RunResult) -> Result<String, String> {
    let started = seconds(result.evidence.started_unix_ms);
    let (what, headline) = headline(result);
    let mut log = format!(
        "#[Logged with {} {}]\n\
         #[Histogram log format version 1.3]\n\
         #[StartTime: {started} (seconds since epoch)]\n\
         #[BaseTime: {started} (seconds since epoch)]\n\
         #[MaxValueDivisor: {MAX_DIVISOR:.3}]\n\
         #[{} on {}, seed {}; without a tag: {what} of all operations; values in nanoseconds]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        one_line(&result.tool.name),
        one_line(&result.tool.version),
        one_line(&result.workload.name),
        one_line(&result.subject()),
        result.seed,
    );
    line(&mut log, result, None, &headline)?;
    for (tag, latency) in tagged(result) {
        line(&mut log, result, Some(tag), latency)?;
    }
    Ok(log)
}

/// All operations together: response times if the run had a rate, and service times otherwise.
fn headline(result: &RunResult) -> (&'static str, Latency) {
    let mut all = Latency::default();
    let mut responses = result.ops.values().filter_map(|op| op.response.as_ref());
    if let Some(first) = responses.next() {
        all.add(first);
        responses.for_each(|latency| all.add(latency));
        return ("response times", all);
    }
    let services = result.ops.values().filter_map(|op| op.service.as_ref());
    services.for_each(|latency| all.add(latency));
    ("service times", all)
}

/// The other series, each with its tag.
fn tagged(result: &RunResult) -> impl Iterator<Item = (String, &Latency)> {
    let ops = result.ops.iter().flat_map(|(name, op)| {
        let service = op.service.as_ref().map(|latency| (name.clone(), latency));
        let response = op.response.as_ref();
        let response = response.map(|latency| (format!("response/{name}"), latency));
        service.into_iter().chain(response)
    });
    let pauses = result.pauses.iter();
    let pauses = pauses.map(|(cause, latency)| (format!("pause/{cause}"), latency));
    let series = ops.chain(pauses);
    series.filter(|(_, latency)| latency.count() > 0)
}

fn line(
    log: &mut String,
    result: &RunResult,
    tag: Option<String>,
    latency: &Latency,
) -> Result<(), String> {
    if let Some(tag) = tag {
        let _ = write!(log, "Tag={},", as_tag(&tag));
    }
    let _ = writeln!(
        log,
        "0.000,{:.3},{:.3},{}",
        result.elapsed_ns as f64 / 1e9,
        latency.max() as f64 / MAX_DIVISOR,
        latency.encode()?
    );
    Ok(())
}

/// A tag ends at a comma, a blank or the end of the line, so it may hold none of these.
fn as_tag(text: &str) -> String {
    text.replace(|letter: char| letter == ',' || letter.is_whitespace(), "_")
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::sample;

    /// Goal: what is written is read back by the reader of another library, series by series;
    /// nothing but the headline is without a tag.
    #[test]
    fn is_read_back() {
        let mut result = sample::result("gil");
        result.evidence.started_unix_ms = 1_700_000_000_042;
        let odd = Latency::default();
        result.pauses.insert("a, b\nc".to_owned(), odd.clone());
        result
            .pauses
            .get_mut("a, b\nc")
            .expect("it is there")
            .record(5);
        result.pauses.insert("never".to_owned(), odd);
        let log = hlog(&result).expect("it is written");
        assert!(log.contains("#[StartTime: 1700000000.042 "), "{log}");
        // The library does not know the legend, which the format has nonetheless.
        let known: String = log
            .split_inclusive('\n')
            .filter(|line| !line.starts_with('"'))
            .collect();
        let mut series = Vec::new();
        for entry in IntervalLogIterator::new(known.as_bytes()) {
            if let LogEntry::Interval(interval) = entry.expect("it parses") {
                let tag = interval.tag().map(|tag| tag.as_str().to_owned());
                let stored = interval.encoded_histogram();
                assert!(stored.starts_with("HISTFAAA"), "{stored}");
                let json = format!(
                    "{{\"count\":0,\"mean_ns\":0,\"max\":0,\"total_ns\":0,\"hdr\":\"{stored}\"}}"
                );
                let latency: Latency = serde_json::from_str(&json).expect("a histogram");
                series.push((tag, latency.count(), latency.max()));
            }
        }
        let of = |tag: &str| series.iter().find(|(t, ..)| t.as_deref() == Some(tag));
        let append = result.ops["append"].service.as_ref().expect("it is timed");
        assert_eq!(
            of("append").map(|(_, count, max)| (*count, *max)),
            Some((append.count(), append.max()))
        );
        assert!(of("pause/a__b_c").is_some(), "{log}");
        assert!(of("pause/never").is_none(), "{log}");
        let untagged: Vec<_> = series.iter().filter(|(tag, ..)| tag.is_none()).collect();
        let all: u64 = result
            .ops
            .values()
            .filter_map(|op| op.service.as_ref())
            .map(Latency::count)
            .sum();
        assert_eq!((untagged.len(), untagged[0].1), (1, all));
    }

    /// Goal: a run in which nothing was timed has a log that can be read, too; and under a rate the
    /// headline is what was felt from outside.
    #[test]
    fn the_headline_is_always_there() {
        let mut result = sample::result("gil");
        for op in result.ops.values_mut() {
            op.response = op.service.take();
        }
        let log = hlog(&result).expect("it is written");
        assert!(log.contains("response times of all") && log.contains("Tag=response/append,"));
        result.ops.clear();
        result.pauses.clear();
        let log = hlog(&result).expect("it is written");
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.starts_with("0.000,"))
            .collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(",HISTFAAA"), "{log}");
    }
}
