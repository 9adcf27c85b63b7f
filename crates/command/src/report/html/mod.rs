//! Results as one HTML page that needs nothing else: styles, drawings and a short script are inside
//! it, and it fetches nothing.
//!
//! The page answers in this order: did it hold, and if not, what is wrong and how is it reproduced;
//! how do the heaps compare; how slow were operations, how did that change over time, and what held
//! them up; what was checked; where do the results come from. Each workload has a part of its own
//! with its heaps side by side. Below each picture are its numbers as a table.

pub(super) mod axis;
mod course;
mod facts;
mod frame;
mod held_up;
mod latency;
mod marks;
pub(super) mod page;
pub(super) mod plot;
mod rows;

use maud::{Markup, html};

use super::{Collected, Group};
use crate::result::figures;
use page::{Activity, STYLE};

/// How many points a curve over time may have, summed over all results. A point takes some forty
/// bytes and a result has five such curves, so a page stays far below a megabyte, however long the
/// runs were.
const POINTS_MAX: usize = 2400;

/// Draws them.
pub fn html(collected: &Collected) -> String {
    let groups = collected.groups();
    let title = title(&groups);
    let budget = (POINTS_MAX / collected.results.len().max(1)).clamp(60, 300);
    let body = html! {
        (banner(collected, &title))
        @for group in &groups { (part(group, budget)) }
        footer {
            "Percentiles with fewer than ten values beyond them are not shown. "
            "Recorded times are not corrected for coordinated omission afterwards."
        }
    };
    let title = format!("{} – {title}", collected.verdict().name());
    page::document(
        &title,
        STYLE,
        Activity::Script(include_str!("page.js")),
        &body,
    )
}

fn title(groups: &[Group<'_>]) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    match names.as_slice() {
        [] => "gcstorm".to_owned(),
        [.., _] if names.len() <= 3 => format!("gcstorm {}", names.join(", ")),
        [..] => format!(
            "gcstorm {}",
            figures::several(names.len() as u64, "workload", "workloads")
        ),
    }
}

/// The verdict first, and what is behind it.
fn banner(collected: &Collected, title: &str) -> Markup {
    let verdict = collected.verdict().name();
    let complaints = collected.results.iter().filter_map(facts::complaint);
    let absent = collected.absent.iter().map(|absent| {
        html! {
            li {
                b { (absent.workload) " on " (absent.heap) } " "
                (absent.what.name()) ": " (absent.why)
            }
        }
    });
    let lines: Vec<Markup> = complaints.chain(absent).collect();
    html! {
        header class={ "banner " (verdict) } {
            h1 { (title) ": " (verdict) }
            p { (collected.tally()) "." }
            @if !lines.is_empty() { ul.lead { @for line in lines { (line) } } }
        }
    }
}

/// The part of the page about one workload.
fn part(group: &Group<'_>, budget: usize) -> Markup {
    let members = &group.members;
    html! {
        section {
            h2 { (group.name) }
            (facts::glance(members))
            h3 { "Latency" } (latency::draw(members))
            h3 { "Over time" } (course::draw(members, budget))
            h3 { "What held threads up" } (held_up::draw(members))
            h3 { "Checks" } (facts::checks(members))
            h3 { "Where it comes from" }
            @for member in members { (facts::provenance(member)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{MmuPoint, Sample, Slow, Timeline};
    use crate::report::{Absence, Absent};
    use crate::result::{Caveat, RunResult};
    use crate::sample;
    use page::tests::{EVIL, assert_tame};

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
        for wrong in ["http:", "https:", "NaN", "inf,", "url(", "src=", "@import"] {
            let found = page
                .find(wrong)
                .map(|at| &page[at..(at + 60).min(page.len())]);
            let namespace =
                found.is_some_and(|text| text.starts_with("http://www.w3.org/2000/svg"));
            assert!(found.is_none() || namespace, "{found:?}");
        }
    }

    /// Goal: where something was not recorded, the page says so in a line and draws no empty
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
        assert_eq!(page.matches("class=\"missing\"").count(), 7, "{page}");
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
}
