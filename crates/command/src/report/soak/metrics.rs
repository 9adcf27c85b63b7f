//! The state of a soak as metrics for Prometheus, in base units, by lane (workload, heap and fault)
//! where lanes differ.
//!
//! For alerts: `gcstorm_soak_failures_total`; `gcstorm_soak_drifts`, if a heap grows slower or
//! larger with age; and `gcstorm_soak_under_way` together with the age of
//! `gcstorm_soak_last_round_end_time_seconds`, if a soak may have died.

use super::exposition::{Exposition, Kind};
use super::{Age, Phase, Watched};
use crate::soak::trend::Slope;
use crate::soak::{Lane, LaneStanding, Snapshot};

/// The text.
pub fn metrics(watched: &Watched<'_>) -> String {
    let mut out = Exposition::default();
    of_program(&mut out, watched.now);
    of_time(&mut out, watched);
    of_rounds(&mut out, watched.now);
    of_lanes(&mut out, watched.now);
    of_moment(&mut out, watched);
    of_ages(&mut out, watched.ages);
    out.text()
}

fn of_program(out: &mut Exposition, now: &Snapshot<'_>) {
    out.metric(
        "gcstorm_build_info",
        Kind::Gauge,
        "The version of the program that began the soak; always 1.",
    );
    let (version, commit) = (&now.header.version, &now.header.commit);
    out.count(&[("version", version), ("commit", commit)], 1);
}

fn of_time(out: &mut Exposition, watched: &Watched<'_>) {
    let now = watched.now;
    let seconds = |unix_ms: u64| unix_ms as f64 / 1e3;
    out.metric(
        "gcstorm_soak_start_time_seconds",
        Kind::Gauge,
        "When this process began, in seconds since 1970.",
    );
    out.value(&[], seconds(now.unix_ms) - now.elapsed.as_secs_f64());
    out.metric(
        "gcstorm_soak_last_round_end_time_seconds",
        Kind::Gauge,
        "When the last round ended, in seconds since 1970; absent before the first.",
    );
    if let Some(unix_ms) = watched.lately.round_ended_unix_ms() {
        out.value(&[], seconds(unix_ms));
    }
    out.metric(
        "gcstorm_soak_left_seconds",
        Kind::Gauge,
        "The rest of the budget of the soak.",
    );
    out.value(&[], now.left.as_secs_f64());
    out.metric(
        "gcstorm_soak_under_way",
        Kind::Gauge,
        "1 until the soak ends in order; a soak that dies leaves 1.",
    );
    out.count(&[], u64::from(watched.phase != Phase::Over));
}

fn of_rounds(out: &mut Exposition, now: &Snapshot<'_>) {
    out.metric(
        "gcstorm_soak_rounds_total",
        Kind::Counter,
        "Rounds that are over, by outcome: held, vacuous, failed or interrupted.",
    );
    for (lane, stands) in lanes(now) {
        let judged = stands.held + stands.vacuous + stands.failures;
        for (outcome, count) in [
            ("held", stands.held),
            ("vacuous", stands.vacuous),
            ("failed", stands.failures),
            ("interrupted", stands.rounds.saturating_sub(judged)),
        ] {
            let [workload, heap, fault] = labels(lane);
            out.count(&[workload, heap, fault, ("outcome", outcome)], count);
        }
    }
    out.metric(
        "gcstorm_soak_failures_total",
        Kind::Counter,
        "Rounds that failed, over all lanes.",
    );
    out.count(&[], now.standing.failures);
}

fn of_lanes(out: &mut Exposition, now: &Snapshot<'_>) {
    type Value = fn(&LaneStanding) -> Option<f64>;
    let counters: [(&str, &str, Value); 2] = [
        (
            "gcstorm_soak_operations_total",
            "Operations of rounds that are over.",
            |stands| Some(stands.ops as f64),
        ),
        (
            "gcstorm_soak_run_seconds_total",
            "How long mutators ran for these operations.",
            |stands| Some(stands.elapsed_ns as f64 / 1e9),
        ),
    ];
    let gauges: [(&str, &str, Value); 3] = [
        (
            "gcstorm_soak_operations_per_second",
            "Operations a second over all rounds.",
            LaneStanding::throughput,
        ),
        (
            "gcstorm_soak_latency_p999_seconds",
            "The largest of the rounds' 99.9th percentiles, each of the slowest kind of operation.",
            |stands| Some(stands.p99_9_ns_max? as f64 / 1e9),
        ),
        (
            "gcstorm_soak_resident_peak_bytes",
            "The largest resident memory of all rounds so far.",
            |stands| Some(stands.rss_bytes_peak as f64),
        ),
    ];
    let counters = counters.map(|metric| (Kind::Counter, metric));
    let gauges = gauges.map(|metric| (Kind::Gauge, metric));
    for (kind, (name, help, value)) in counters.into_iter().chain(gauges) {
        out.metric(name, kind, help);
        for (lane, stands) in lanes(now) {
            if let Some(value) = value(stands) {
                out.value(&labels(lane), value);
            }
        }
    }
}

/// The last report of the round under way.
fn of_moment(out: &mut Exposition, watched: &Watched<'_>) {
    let (Some(beat), Some((round, _))) = (watched.lately.beat(), watched.now.current) else {
        return;
    };
    let labels = labels(&watched.now.header.lanes[round.lane]);
    let mut gauge = |name, help, value: Option<f64>| {
        out.metric(name, Kind::Gauge, help);
        if let Some(value) = value {
            out.value(&labels, value);
        }
    };
    gauge(
        "gcstorm_soak_round_operations_per_second",
        "Operations a second over the last few seconds, of the round under way.",
        watched.lately.rate(),
    );
    gauge(
        "gcstorm_soak_round_resident_bytes",
        "Resident memory of the round under way.",
        (beat.rss_bytes > 0).then_some(beat.rss_bytes as f64),
    );
    gauge(
        "gcstorm_soak_round_live_objects",
        "Objects that the heap of the round under way has.",
        beat.live.map(|objects| objects as f64),
    );
    gauge(
        "gcstorm_soak_round_unreclaimed_objects",
        "Those of them that only wait to be freed.",
        beat.unreclaimed.map(|objects| objects as f64),
    );
}

fn of_ages(out: &mut Exposition, ages: &[Age]) {
    type Value = fn(&Slope) -> f64;
    let slopes: [(&str, &str, Value); 3] = [
        (
            "gcstorm_soak_slope_ratio",
            "The change from round to round on one heap, as a share of the value.",
            |slope| slope.per_unit,
        ),
        (
            "gcstorm_soak_slope_low_ratio",
            "The lower bound of the slope.",
            |slope| slope.low,
        ),
        (
            "gcstorm_soak_slope_high_ratio",
            "The upper bound of the slope.",
            |slope| slope.high,
        ),
    ];
    for (name, help, value) in slopes {
        out.metric(name, Kind::Gauge, help);
        for age in ages {
            for drift in age.aging.drifts() {
                if let Some(slope) = &drift.slope {
                    let [heap, fault] = heap_labels(age);
                    out.value(&[heap, fault, ("what", drift.what)], value(slope));
                }
            }
        }
    }
    out.metric(
        "gcstorm_soak_drifts",
        Kind::Gauge,
        "1 where a heap becomes significantly worse with age: memory grows by more than a heap fills up, \
         latency grows, or throughput falls.",
    );
    for age in ages {
        for drift in age.aging.drifts() {
            let [heap, fault] = heap_labels(age);
            out.count(
                &[heap, fault, ("what", drift.what)],
                u64::from(drift.is_worse),
            );
        }
    }
}

fn lanes<'a>(now: &Snapshot<'a>) -> impl Iterator<Item = (&'a Lane, &'a LaneStanding)> {
    std::iter::zip(&now.header.lanes, &now.standing.lanes)
}

fn labels(lane: &Lane) -> [(&str, &str); 3] {
    [
        ("workload", &lane.workload),
        ("heap", &lane.heap),
        ("fault", lane.fault.as_deref().unwrap_or_default()),
    ]
}

fn heap_labels(age: &Age) -> [(&str, &str); 2] {
    let fault = age.fault.as_deref().unwrap_or_default();
    [("heap", &age.heap), ("fault", fault)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::soak::exposition::Labels;
    use crate::report::soak::exposition::reader::{self, Metric};
    use crate::report::soak::sample::{Sample, header};

    fn read(sample: &Sample, phase: Phase) -> Vec<Metric> {
        let now = sample.snapshot(100);
        let watched = Watched {
            phase,
            ..sample.watched(&now)
        };
        let text = metrics(&watched);
        reader::read(&text).unwrap_or_else(|why| panic!("{why} in:\n{text}"))
    }

    /// The value of the sample with these labels among its own.
    fn value(metrics: &[Metric], name: &str, labels: &Labels<'_>) -> Option<f64> {
        let metric = metrics.iter().find(|metric| metric.name == name)?;
        let has = |sample: &&reader::Sample| {
            let mut labels = labels.iter();
            labels.all(|(name, value)| sample.labels.get(*name).is_some_and(|has| has == value))
        };
        Some(metric.samples.iter().find(has)?.value)
    }

    /// Goal: everything known is there, by lane, under the released names and in their units.
    #[test]
    fn says_how_it_stands() {
        let sample = Sample::full(header("churn", "cell-lost"));
        let metrics = read(&sample, Phase::Rounds);
        let fault = ("fault", "cell-lost");
        for (name, labels, expected) in [
            (
                "gcstorm_build_info",
                &[("version", "0.1.0"), ("commit", "abc")][..],
                1.0,
            ),
            ("gcstorm_soak_start_time_seconds", &[], 1_795_000_000.0),
            (
                "gcstorm_soak_last_round_end_time_seconds",
                &[],
                1_795_000_001.0,
            ),
            ("gcstorm_soak_left_seconds", &[], 28_700.0),
            ("gcstorm_soak_under_way", &[], 1.0),
            ("gcstorm_soak_rounds_total", &[("outcome", "held")], 23.0),
            (
                "gcstorm_soak_rounds_total",
                &[fault, ("outcome", "failed")],
                1.0,
            ),
            (
                "gcstorm_soak_rounds_total",
                &[fault, ("outcome", "interrupted")],
                0.0,
            ),
            ("gcstorm_soak_failures_total", &[], 1.0),
            ("gcstorm_soak_operations_total", &[fault], 6_159_000.0),
            ("gcstorm_soak_run_seconds_total", &[fault], 30.0),
            ("gcstorm_soak_operations_per_second", &[fault], 205_300.0),
            (
                "gcstorm_soak_latency_p999_seconds",
                &[("workload", "churn")],
                1.523e-6,
            ),
            (
                "gcstorm_soak_resident_peak_bytes",
                &[("heap", "gil")],
                104_857_600.0,
            ),
            ("gcstorm_soak_round_live_objects", &[fault], 1_950_001.0),
            ("gcstorm_soak_round_unreclaimed_objects", &[fault], 12.0),
            (
                "gcstorm_soak_drifts",
                &[("heap", "gil"), ("what", "resident memory")],
                1.0,
            ),
        ] {
            let found = value(&metrics, name, labels).unwrap_or(f64::NAN);
            assert!(
                (found - expected).abs() <= expected * 1e-9,
                "{name}: {found}"
            );
        }
        let of = [("heap", "gil"), ("what", "resident memory")];
        let slope = |name| value(&metrics, name, &of).expect("it is there");
        let middle = slope("gcstorm_soak_slope_ratio");
        assert!((0.0006..0.0008).contains(&middle), "{middle}");
        assert!(slope("gcstorm_soak_slope_low_ratio") <= middle);
        assert!(slope("gcstorm_soak_slope_high_ratio") >= middle);
        let over = read(&sample, Phase::Over);
        assert_eq!(value(&over, "gcstorm_soak_under_way", &[]), Some(0.0));
    }

    /// Goal: the text is well formed before the first round, and whatever lanes are called.
    #[test]
    fn is_always_well_formed() {
        let evil = "a\"b\\n\nc},{x=\"y\" 7 #.toml";
        for sample in [
            Sample::begun(header(evil, evil)),
            Sample::full(header(evil, evil)),
        ] {
            let metrics = read(&sample, Phase::Rounds);
            let labels = [("workload", evil), ("fault", evil), ("outcome", "held")];
            assert!(value(&metrics, "gcstorm_soak_rounds_total", &labels).is_some());
        }
    }
}
