//! Results as one HTML page that needs nothing else: styles, drawings and a short script are inside
//! it, and it fetches nothing.
//!
//! The page answers in this order: did it hold, and if not, what is wrong and how is it reproduced;
//! how do the heaps compare; what was checked; how slow were operations. A page of one workload goes
//! on with how that changed over time, what held threads up, and where the results come from; one of
//! several has these in a part for each workload, folded until it is wanted. Below each picture are
//! its numbers as a table. Everything can be read without the script, which shows values under the
//! pointer and lets heaps be switched off.

pub(super) mod axis;
pub(super) mod contents;
mod course;
mod facts;
mod frame;
mod held_up;
mod latency;
mod length;
pub(super) mod marks;
mod operations;
mod origin;
mod overview;
pub(super) mod page;
pub(super) mod percentiles;
pub(super) mod plot;
mod rows;
pub(super) mod spread;
pub(super) mod table;
pub(super) mod unit;
mod verdicts;

use maud::{Markup, Render, html};

use super::{Collected, Group};
use crate::result::figures::{self, NONE};
use contents::{Book, Chapter};
use length::Length;
use page::{Activity, SCRIPT, STYLE, note, word};

/// Draws them.
pub fn html(collected: &Collected) -> String {
    let groups = collected.groups();
    let title = title(&groups);
    let body = html! {
        @match groups.as_slice() {
            [one] if collected.absent.is_empty() => (of_one(collected, one, &title)),
            _ => (of_several(collected, &groups, &title)),
        }
    };
    let title = format!("{} – {title}", collected.verdict().name());
    page::document(&title, STYLE, Activity::Script(SCRIPT), &body)
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

/// Every label of the page with its number.
fn all_series<'a>(groups: &'a [Group<'_>]) -> Vec<(usize, &'a str)> {
    let mut series: Vec<(usize, &str)> = Vec::new();
    for member in groups.iter().flat_map(|group| &group.members) {
        if series.iter().all(|(number, _)| *number != member.number) {
            series.push((member.number, &member.label));
        }
    }
    series
}

/// The parts about one workload, which are a whole page if there is no other.
fn parts<'a>(
    collected: &Collected,
    group: &'a Group<'_>,
    length: Length,
) -> Vec<(&'a str, Markup)> {
    let members = &group.members;
    vec![
        ("Overview", facts::glance(members)),
        ("Checks", verdicts::draw(members)),
        ("Latency", latency::draw(members, length)),
        ("Over time", course::draw(members, length)),
        ("What held threads up", held_up::draw(members, length)),
        (
            "Where it comes from",
            origin::draw(members, &collected.results),
        ),
    ]
}

/// The page of one workload.
fn of_one(collected: &Collected, group: &Group<'_>, title: &str) -> Markup {
    let groups = std::slice::from_ref(group);
    let mut sections = parts(collected, group, Length::Whole);
    sections.push(("On which machine", origin::shared(&collected.results)));
    Book {
        banner: facts::banner(collected, title),
        sections: &sections,
        chapters: &[],
        series: &all_series(groups),
        footer: footer(),
    }
    .render()
}

/// The page of several workloads, or of none.
fn of_several(collected: &Collected, groups: &[Group<'_>], title: &str) -> Markup {
    let chapters = Chapter::of(groups);
    let heaps = overview::heaps(collected, groups);
    let heaps: Vec<(usize, &str)> = heaps
        .iter()
        .map(|(number, heap)| (*number, &**heap))
        .collect();
    let length = Length::of(collected.results.len());
    let sections = [
        ("Overview", overview::draw(collected, &chapters, &heaps)),
        ("Checks", verdicts::over_all(&chapters, &heaps)),
        ("Latency", latency::over_all(&chapters)),
        (
            "Workloads",
            html! {
                @if length == Length::Brief {
                    (note("Of many workloads, the pictures that tell most. Everything about one: \
                           gcstorm report DIR/WORKLOAD-* --out NEW, where DIR has these results."))
                }
                @for chapter in &chapters { (folded(collected, chapter, length)) }
            },
        ),
        ("On which machine", origin::shared(&collected.results)),
    ];
    Book {
        banner: facts::banner(collected, title),
        sections: &sections,
        chapters: &chapters,
        series: &all_series(groups),
        footer: footer(),
    }
    .render()
}

/// The part about one workload among others. The place is within what is folded, since browsers
/// unfold what a link leads into.
fn folded(collected: &Collected, chapter: &Chapter<'_>, length: Length) -> Markup {
    let Chapter { heading, group } = chapter;
    html! {
        details.chapter {
            summary {
                h3 { (heading.name) }
                @for member in &group.members {
                    " " span { (member.label) " " (word(member.result.verdict.name())) }
                }
            }
            div id=(heading.id()) {
                @for (number, (name, part)) in parts(collected, group, length).iter().enumerate() {
                    @if number > 0 { h4 { (name) } } (part)
                }
            }
        }
        "\n"
    }
}

fn footer() -> Markup {
    html! {
            "Percentiles with fewer than ten values beyond them are not shown. "
            "Recorded times are not corrected for coordinated omission afterwards. "
            (NONE) " stands for what a heap or the system does not tell. "
            "Values under the pointer are read off the picture; exact ones are under “numbers”."
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
        for wrong in ["http:", "https:", "NaN", "inf,", "url(h", "src=", "@import"] {
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
