//! What a page has, and what it never has.

use super::page::tests::{EVIL, assert_tame};
use super::*;
use crate::evidence::{Ended, MmuPoint, Sample, Slow, Timeline};
use crate::report::{Absence, Absent};
use crate::result::{Caveat, Outcome, RunResult};
use crate::sample;

/// One that has all that can be drawn, of a run of an hour.
fn full(mut result: RunResult) -> RunResult {
    let mut timeline = Timeline::new(1_000_000);
    for number in 1..=36_000 {
        timeline.push(Sample {
            at_ns: number * 100_000_000,
            ops: number * 1000,
            live: Some(number % 700),
            unreclaimed: Some(number % 70),
            rss_bytes: 1 << 30,
            collections: number / 50,
            slowest_ns: number % 13 * 1_000_000,
        });
    }
    result.evidence.timeline = timeline;
    result.evidence.slow = Slow {
        threshold_ns: 1_000_000,
        count: 7,
        total_ns: 70_000_000,
        by_cause: [("collect".to_owned(), 60_000_000)].into(),
        unattributed_ns: 10_000_000,
        longest: Vec::new(),
    };
    result.evidence.hiccups = result.pauses.get("collect").cloned();
    result.evidence.reclaim_lag = result.pauses.get("collect").cloned();
    result.mmu = [1, 10, 100]
        .map(|window_ms| MmuPoint {
            window_ms,
            utilization: 0.5,
            each: None,
        })
        .into();
    result
}

fn page(results: Vec<RunResult>) -> String {
    html(&Collected {
        results,
        absent: Vec::new(),
    })
}

/// Goal: four results of an hour make a page below a megabyte that has every picture, fetches
/// nothing, and never shows a number that is none.
#[test]
fn is_whole_and_small() {
    let heaps = ["gil", "lock-free", "a", "b"];
    let page = page(heaps.map(|heap| full(sample::result(heap))).into());
    assert!(page.len() < 1 << 20, "{}", page.len());
    for title in [
        "all operations",
        "append",
        "slowest operation",
        "throughput",
        "allocated objects",
        "unreclaimed objects",
        "resident memory",
        "pauses by cause",
        "what slow operations waited for",
        "minimum mutator utilization",
        "reclamation lag",
        "the machine itself",
    ] {
        assert!(page.contains(&format!("<h4>{title}</h4>")), "{title}");
    }
    for wrong in ["http:", "https:", "NaN", "inf,", "url(h", "src=", "@import"] {
        let found = page
            .find(wrong)
            .map(|at| &page[at..(at + 60).min(page.len())]);
        let namespace = found.is_some_and(|text| text.starts_with("http://www.w3.org/2000/svg"));
        assert!(found.is_none() || namespace, "{found:?}");
    }
}

/// Results of sixteen workloads, on each of these heaps.
fn sixteen(heaps: &[&str]) -> Vec<RunResult> {
    let of_workload = |number: usize| {
        heaps.iter().map(move |heap| {
            let mut result = full(sample::result(heap));
            result.workload.name = format!("workload-{number}");
            result
        })
    };
    (0..16).flat_map(of_workload).collect()
}

/// Goal: sixteen workloads on two heaps make a page of at most 400 kB that has each of them
/// folded, behind an overview whose cells lead there.
#[test]
fn many_workloads_stay_small() {
    let page = page(sixteen(&["gil", "lock-free"]));
    assert!(page.len() <= 400_000, "{}", page.len());
    assert_eq!(page.matches("<details class=\"chapter\">").count(), 16);
    for number in 0..16 {
        let place = format!("on-workload-{number}\"");
        assert_eq!(page.matches(&format!("id=\"{place}")).count(), 1, "{place}");
        // From the contents, from the row, and from both cells.
        assert_eq!(
            page.matches(&format!("href=\"#{place}")).count(),
            4,
            "{place}"
        );
    }
}

/// Goal: only what held is compared, what was cut short says so, and what was skipped says why;
/// a heap has one number in all pictures, also where another is missing.
#[test]
fn the_overview_is_fair() {
    let mut results = sixteen(&["gil", "racy", "lock-free"]);
    results.remove(0);
    for racy in results.iter_mut().filter(|result| result.heap == "racy") {
        racy.verdict = Outcome::Violated;
        racy.evidence.ended = Ended::Violated;
    }
    let absent = Absent {
        workload: "workload-3".to_owned(),
        heap: "python3.11".to_owned(),
        what: Absence::Skipped,
        why: "it has no weak references".to_owned(),
    };
    let collected = Collected {
        results,
        absent: vec![absent],
    };
    let page = html(&collected);
    let overview = page
        .split_once("<table class=\"overview")
        .expect("it is there")
        .1;
    let overview = overview.split_once("</table>").expect("it ends").0;
    let rows: Vec<&str> = overview.split("<tr>").skip(2).collect();
    let [first, second] = [rows[0], rows[1]].map(|row| row.matches('×').count());
    assert_eq!((first, second), (0, 2), "{}", rows[1]);
    assert!(rows[1].contains("cut short after 2 s"), "{}", rows[1]);
    assert_eq!(rows[1].matches("k/s").count(), 2, "{}", rows[1]);
    assert_eq!(
        rows[1].matches("crashed or hung\">–").count(),
        1,
        "{}",
        rows[1]
    );
    assert!(rows[3].contains("skipped") && rows[3].contains("no weak references"));
    let groups = collected.groups();
    let numbers = groups.iter().flat_map(|group| &group.members);
    let lock_free = numbers.filter(|member| member.label == "lock-free");
    let lock_free: Vec<usize> = lock_free.map(|member| member.number).collect();
    assert!(
        lock_free.iter().all(|number| *number == lock_free[0]),
        "{lock_free:?}"
    );
}

/// Goal: ratios of runs on a noisy machine have no colour, say why, and a line says it of all.
#[test]
fn noise_takes_the_colours() {
    let slow = || {
        let mut slow = sample::result("lock-free");
        for op in slow.ops.values_mut() {
            op.per_second /= 2.0;
        }
        slow
    };
    let quiet = page(vec![sample::result("gil"), slow()]);
    assert!(quiet.contains("<small class=\"worse\">×0.50<span>"));
    assert!(!quiet.contains("noisy in some"), "{quiet}");
    let mut noisy = slow();
    noisy.noisy = Some(true);
    let noisy = page(vec![sample::result("gil"), noisy]);
    assert!(!noisy.contains("class=\"worse\""), "{noisy}");
    assert!(noisy.contains(
        "<small title=\"the machine was noisy, so this is not called better or worse\">×0.50"
    ));
    assert!(noisy.contains("noisy in some of these runs"), "{noisy}");
}

/// Goal: the curves of a run that was cut short are not specks beside others: with enough points it
/// has pictures in its own time, and with fewer a line says so.
#[test]
fn specks_are_not_drawn() {
    let cases = [
        (
            20,
            2,
            "racy was cut short after 2 s, and is drawn in its own time:",
        ),
        (
            3,
            1,
            "racy was cut short after 2 s: too short to be drawn beside the others.",
        ),
    ];
    for (points, drawn, told) in cases {
        let mut short = full(sample::violated("racy"));
        short.evidence.ended = Ended::Violated;
        short.evidence.timeline.samples.truncate(points);
        let page = page(vec![full(sample::result("gil")), short]);
        let titles = page.matches("<h4>resident memory</h4>").count();
        assert_eq!(titles, drawn, "{points}");
        assert!(page.contains(told), "{told}");
    }
}

/// Goal: where something was not recorded, each section says so in one paragraph and draws no empty
/// picture.
#[test]
fn says_what_is_missing() {
    let mut result = sample::result("gil");
    result.pauses.clear();
    for op in result.ops.values_mut() {
        op.service = None;
    }
    let page = page(vec![result]);
    assert!(!page.contains("<figure>"), "{page}");
    assert_eq!(page.matches("class=\"missing\"").count(), 3, "{page}");
    for told in [
        "No operation was timed",
        "No heap here paused",
        "No slow operation was recorded.",
    ] {
        assert!(page.contains(told), "no {told} in {page}");
    }
}

/// Goal: whatever a heap, a workload or a check is called or says, it stays text.
#[test]
fn escapes_everything() {
    let evil = || EVIL.to_owned();
    let mut result = full(sample::violated(EVIL));
    result.fault = Some(evil());
    result.workload.name = evil();
    result.workload.parameters.insert(evil(), evil());
    (result.host.cpu_model, result.host.kernel) = (evil(), evil());
    (result.tool.commit, result.reproduce) = (evil(), evil());
    result.checks[0].name = evil();
    result.checks[0].detail = Some(evil());
    result.caveats.push(Caveat {
        check: evil(),
        text: evil(),
    });
    let op = result.ops["append"].clone();
    result.ops.insert(evil(), op);
    let pause = result.pauses["collect"].clone();
    result.pauses.insert(evil(), pause);
    result.evidence.slow.by_cause.insert(evil(), 1000);
    let absent = Absent {
        workload: evil(),
        heap: evil(),
        what: Absence::Failed,
        why: evil(),
    };
    let page = html(&Collected {
        results: vec![result],
        absent: vec![absent],
    });
    assert_tame(&page, 1);
}
