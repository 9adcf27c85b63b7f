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
                           `gcstorm report DIR/WORKLOAD-* --out NEW`, where DIR has these results."))
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
mod tests;
