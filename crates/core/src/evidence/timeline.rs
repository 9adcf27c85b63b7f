//! Gauges and counts over time, one sample per interval.
//!
//! A run may last an hour and is looked at many times a second, so samples are merged: whenever
//! there are more than [`SAMPLES_MAX`], the interval doubles and neighbours become one. What is
//! cumulative is then the later value; what goes up and down is the greater one, so that no peak is
//! lost.

use serde::{Deserialize, Serialize};

/// How many samples are kept at most: more than a picture has columns to show them in.
pub const SAMPLES_MAX: usize = 600;

/// One moment of a run, and what happened since the sample before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// When, in nanoseconds since the common start.
    pub at_ns: u64,
    /// Operations done by then, over all mutators.
    pub ops: u64,
    /// Objects that were allocated and not freed, garbage included, by their tags.
    pub live: Option<u64>,
    /// Objects that are unlinked and wait to be freed, if the heap reports it.
    pub unreclaimed: Option<u64>,
    /// Resident memory of the process in bytes; 0 if the system does not report it.
    pub rss_bytes: u64,
    /// Collections by then.
    pub collections: u64,
    /// The slowest operation that ended since the sample before, in nanoseconds; 0 where none was
    /// timed that took longer than some microseconds.
    pub slowest_ns: u64,
}

impl Sample {
    /// Merges this sample with a later one.
    fn and(self, later: Self) -> Self {
        Self {
            live: self.live.max(later.live),
            unreclaimed: self.unreclaimed.max(later.unreclaimed),
            rss_bytes: self.rss_bytes.max(later.rss_bytes),
            slowest_ns: self.slowest_ns.max(later.slowest_ns),
            ..later
        }
    }
}

/// Samples in the order of time, about one an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// How far samples lie apart, in nanoseconds; never 0.
    pub interval_ns: u64,
    /// At most [`SAMPLES_MAX`] of them.
    pub samples: Vec<Sample>,
}

impl Default for Timeline {
    /// The timeline of a run that was not sampled.
    fn default() -> Self {
        Self::new(1)
    }
}

impl Timeline {
    /// One that keeps a sample every `interval_ns` as long as there is room.
    pub fn new(interval_ns: u64) -> Self {
        Self {
            interval_ns: interval_ns.max(1),
            samples: Vec::new(),
        }
    }

    /// Adds a sample that is later than all others.
    pub fn push(&mut self, sample: Sample) {
        self.merge_in(sample);
        while self.samples.len() > SAMPLES_MAX {
            self.interval_ns *= 2;
            for sample in std::mem::take(&mut self.samples) {
                self.merge_in(sample);
            }
        }
    }

    fn merge_in(&mut self, sample: Sample) {
        let interval = |sample: &Sample| sample.at_ns / self.interval_ns;
        match self.samples.last_mut() {
            Some(last) if interval(last) == interval(&sample) => *last = last.and(sample),
            _ => self.samples.push(sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a run of any length keeps few samples in order, and loses neither its end nor a peak.
    #[test]
    fn long_runs_stay_small() {
        for count in [1, 600, 601, 5000, 100_000_u64] {
            let mut timeline = Timeline::new(50);
            for number in 1..=count {
                timeline.push(Sample {
                    at_ns: number * 50,
                    ops: number,
                    live: Some(if number == count / 2 + 1 { 9 } else { 1 }),
                    ..Sample::default()
                });
            }
            let samples = &timeline.samples;
            assert!(samples.len() <= SAMPLES_MAX, "{count}");
            assert!(samples.len() as u64 >= count.min(SAMPLES_MAX as u64) / 2);
            assert!(samples.is_sorted_by(|one, next| one.at_ns < next.at_ns));
            assert_eq!(samples.last().map(|last| last.ops), Some(count));
            assert_eq!(
                samples.iter().map(|sample| sample.live).max(),
                Some(Some(9))
            );
        }
    }

    /// Goal: a timeline survives JSON, and one without some of its fields is read.
    #[test]
    fn survives_json() {
        let mut timeline = Timeline::new(50);
        timeline.push(Sample {
            at_ns: 70,
            live: Some(3),
            ..Sample::default()
        });
        let json = serde_json::to_string(&timeline).expect("it serializes");
        assert_eq!(
            serde_json::from_str::<Timeline>(&json).expect("it parses"),
            timeline
        );
        let short: Timeline =
            serde_json::from_str(r#"{"samples": [{"at_ns": 7}]}"#).expect("it parses");
        assert_eq!(short.samples[0].at_ns, 7);
    }
}
