//! The pages of an hour: of two runs of an hour side by side, whose lists of times and stalls are as full as
//! they get, and of a soak of an hour, with a record for each round of five seconds. What their formats read
//! is made up; their sizes are those of the real thing, and are printed.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use gcstorm::evidence::stalls::{SLOW_KEPT, STALLS_KEPT, SlowOp, Stall};
use gcstorm::evidence::timeline::SAMPLES_MAX;
use gcstorm::evidence::{Evidence, Sample};
use gcstorm::report::{Collected, html, soak};
use gcstorm::result::{Outcome, RunResult};
use gcstorm::run::{Budget, Options, Registry, Unobserved};
use gcstorm::soak::{Came, Found, Header, Lane, Lately, Record, Shard, Snapshot, Standing};
use gcstorm::workload::Workload;

use crate::verify::tool;

const HOUR_NS: u64 = 3_600_000_000_000;
const ROUND_NS: u64 = 5_000_000_000;

pub(crate) fn report(criterion: &mut Criterion) {
    let collected = Collected {
        results: ["gil", "lock-free"].map(an_hour_on).into(),
        absent: Vec::new(),
    };
    let mut group = criterion.benchmark_group("report of an hour");
    let mut length = 0;
    group.bench_function("two runs", |bencher| {
        bencher.iter(|| length = black_box(html(&collected)).len());
    });
    let mut soak_length = 0;
    group.bench_function("a soak", |bencher| {
        bencher.iter(|| soak_length = a_soak());
    });
    group.finish();
    #[expect(clippy::print_stderr, reason = "criterion does not print sizes")]
    if length > 0 && soak_length > 0 {
        eprintln!("the page of the runs has {length} bytes, that of the soak {soak_length}");
    }
}

/// A timed run, stretched to an hour.
fn an_hour_on(heap: &str) -> RunResult {
    let workload = Workload::named("shared-list").expect("it comes with the program");
    let plan = workload.plan(&[], 1).expect("its parameters have defaults");
    let registry = Registry::builtin();
    let entry = registry.get(heap).expect("it comes with the program");
    let options = Options {
        budget: Budget::Ops(500_000),
        ..Options::default()
    };
    let evidence = entry.run(&plan, &options, &Unobserved);
    let evidence = stretched(evidence.expect("it opens"));
    RunResult::new(&plan, evidence, tool(), "gcstorm run".to_owned())
}

/// With as many samples, stalls and slow operations as are ever kept, over an hour.
fn stretched(mut evidence: Evidence) -> Evidence {
    let at = |number: usize, of: usize| HOUR_NS / of as u64 * number as u64;
    evidence.elapsed_ns = HOUR_NS;
    evidence.timeline.interval_ns = HOUR_NS / SAMPLES_MAX as u64;
    evidence.timeline.samples = (0..SAMPLES_MAX)
        .map(|number| Sample {
            at_ns: at(number, SAMPLES_MAX),
            ops: number as u64 * 60_000_000,
            live: Some(1_000_000 + number as u64 * 7919 % 100_000),
            unreclaimed: Some(number as u64 * 104_729 % 30_000),
            rss_bytes: (100 << 20) + number as u64 * 4096,
            collections: number as u64,
            slowest_ns: 10_000 + number as u64 * 15_485_863 % 1_000_000,
        })
        .collect();
    evidence.stalls.longest = (0..STALLS_KEPT)
        .map(|number| Stall {
            cause: "collect".to_owned(),
            mutator: Some(0),
            start_ns: at(number, STALLS_KEPT),
            ns: 1_000_000 + number as u64,
        })
        .collect();
    evidence.slow.longest = (0..SLOW_KEPT)
        .map(|number| SlowOp {
            at_ns: at(number, SLOW_KEPT),
            ns: 1_000_000 + number as u64,
            kind: "append".to_owned(),
            mutator: 0,
            by_cause: [("collect".to_owned(), 900_000)].into(),
        })
        .collect();
    evidence
}

/// The length of the page of a soak of an hour: its state is worked out of its records, as when its
/// journal is read.
fn a_soak() -> usize {
    let lane = |workload: &str| Lane {
        workload: workload.to_owned(),
        hash: String::new(),
        heap: "gil".to_owned(),
        fault: None,
        weight: 1,
    };
    let header = Header {
        version: "0.1.0".to_owned(),
        commit: String::new(),
        seed: 7,
        lanes: ["churn", "cycles", "graph"].map(lane).into(),
        shard: Shard::WHOLE,
        round_ms: ROUND_NS / 1_000_000,
        stint: 12,
        stint_grows: true,
        options: Vec::new(),
        profile: None,
    };
    let mut standing = Standing::of(header.lanes.len());
    let mut lately = Lately::default();
    let rounds = HOUR_NS / ROUND_NS;
    for round in 0..rounds {
        standing.add(&record(round, header.lanes.len()));
        lately.note(&snapshot(&header, &standing, round));
    }
    let now = snapshot(&header, &standing, rounds);
    let ages = soak::ages(&now);
    soak::html(&soak::Watched {
        now: &now,
        lately: &lately,
        ages: &ages,
        failures: &[],
        phase: soak::Phase::Over,
        between: None,
    })
    .len()
}

fn snapshot<'a>(header: &'a Header, standing: &'a Standing, round: u64) -> Snapshot<'a> {
    let elapsed = Duration::from_nanos(round * ROUND_NS);
    Snapshot {
        header,
        standing,
        current: None,
        elapsed,
        left: Duration::from_nanos(HOUR_NS) - elapsed,
        unix_ms: 1_795_000_000_000,
    }
}

fn record(round: u64, lanes: usize) -> Record {
    Record {
        round,
        lane: usize::try_from(round / 12).expect("they are few") % lanes,
        seed: round,
        since: round / 12 * 12,
        ended_unix_ms: 0,
        era: None,
        took_ms: 5100,
        came: Came::Judged {
            outcome: Outcome::Held,
        },
        last_seen: None,
        found: Found {
            ops: 100_000_000 + round * 1000,
            elapsed_ns: ROUND_NS,
            p99_9_ns: Some(1500 + round % 17),
            rss_bytes_peak: 100 << 20,
            rss_bytes_after: 90 << 20,
            ..Found::default()
        },
        reproduce: format!("gcstorm run churn --seed {round}"),
    }
}
