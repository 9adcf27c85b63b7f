//! Results as one HTML page that needs nothing else: styles, drawings and a short script are inside it,
//! and it fetches nothing.
//!
//! The page answers in this order: did it hold, and if not, what is wrong and how is it done again; how
//! do the heaps compare; how slow were operations, how did that change over time, and what held them
//! up; what was checked; where does it come from. Each workload has a part of its own with its heaps
//! side by side. Behind each picture stand its numbers as a table.

pub(super) mod axis;
mod course;
mod facts;
mod held_up;
mod latency;
pub(super) mod marks;
pub(super) mod markup;
pub(super) mod plot;
mod rows;

use std::fmt::Write as _;

use super::{Collected, Group, figures};
use markup::escaped;

pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing is fetched, and a browser that finds otherwise is to refuse.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'";
/// How many points the curves over time may have, all results together: some forty bytes each, for five
/// curves a result. So a page stays far below a megabyte, however long the runs were.
const POINTS_MAX: usize = 2400;

/// Draws them.
pub fn html(collected: &Collected) -> String {
    let groups = collected.groups();
    let verdict = collected.verdict();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{} – {}</title>\n<style>\n{STYLE}</style></head><body>\n",
        verdict.name(),
        escaped(&title(&groups)),
    );
    page += &banner(collected, &groups);
    let budget = (POINTS_MAX / collected.results.len().max(1)).clamp(60, 300);
    for group in &groups {
        page += &part(group, budget);
    }
    page += "<footer>Percentiles with fewer than ten values beyond them are not shown. Nothing is \
             corrected after the fact.</footer>\n";
    let _ = write!(page, "<script>\n{SCRIPT}</script>\n</body></html>\n");
    page
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
fn banner(collected: &Collected, groups: &[Group<'_>]) -> String {
    let verdict = collected.verdict().name();
    let mut text = format!(
        "<header class=\"banner {verdict}\"><h1>{}: {verdict}</h1>\n<p>{}.</p>",
        escaped(&title(groups)),
        escaped(&collected.tally())
    );
    let complaints: Vec<String> = collected
        .results
        .iter()
        .filter_map(facts::complaint)
        .collect();
    let absent = collected.absent.iter().map(|absent| {
        format!(
            "<li><b>{} on {}</b> {}: {}</li>",
            escaped(&absent.workload),
            escaped(&absent.heap),
            absent.what.name(),
            escaped(&absent.why)
        )
    });
    let lines: Vec<String> = complaints.into_iter().chain(absent).collect();
    if !lines.is_empty() {
        let _ = write!(text, "<ul class=\"lead\">{}</ul>", lines.join("\n"));
    }
    text + "</header>\n"
}

fn part(group: &Group<'_>, budget: usize) -> String {
    let members = &group.members;
    let mut text = format!("<section>\n<h2>{}</h2>\n", escaped(&group.name));
    text += &facts::glance(members);
    text += "<h3>Latency</h3>\n";
    text += &latency::draw(members);
    text += "<h3>Over time</h3>\n";
    text += &course::draw(members, budget);
    text += "<h3>What held threads up</h3>\n";
    text += &held_up::draw(members);
    text += "<h3>Checks</h3>\n";
    text += &facts::checks(members);
    text += "<h3>Where it comes from</h3>\n";
    members
        .iter()
        .for_each(|member| text += &facts::provenance(member));
    text + "</section>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{MmuPoint, Sample, Slow, Timeline};
    use crate::report::{RunResult, sample};

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
            "objects that are there",
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

    /// Goal: where something was not recorded, the page says so in a line and draws no empty picture.
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
        let evil = "<script>alert('1')</script>\" onload=\"x";
        let mut result = full(sample::violated(evil));
        result.fault = Some(evil.to_owned());
        result.workload.name = evil.to_owned();
        (result.workload.parameters).insert(evil.to_owned(), evil.to_owned());
        result.host.cpu_model = evil.to_owned();
        result.host.kernel = evil.to_owned();
        result.tool.commit = evil.to_owned();
        result.reproduce = evil.to_owned();
        result.checks[0].name = evil.to_owned();
        let caveat = crate::report::Caveat {
            check: evil.to_owned(),
            text: evil.to_owned(),
        };
        result.caveats.push(caveat);
        let op = result.ops["append"].clone();
        result.ops.insert(evil.to_owned(), op);
        let pause = result.pauses["collect"].clone();
        result.pauses.insert(evil.to_owned(), pause);
        (result.evidence.slow.by_cause).insert(evil.to_owned(), 1000);
        let page = page(vec![result]);
        assert_eq!(page.matches("<script").count(), 1);
        assert!(!page.contains("\" onload"), "an attribute was left");
    }
}
