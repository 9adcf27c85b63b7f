//! What hunts found as one HTML page that needs nothing else.

use std::collections::BTreeMap;

use maud::{Markup, Render as _, html};

use super::{EarlierCase, HuntReport, KeptCase, flaky};
use crate::fuzz::{Bag, Failure};
use crate::report::html::contents::Book;
use crate::report::html::page::{Activity, STYLE, document, missing};
use crate::report::html::table::Table;
use crate::result::figures;

/// Draws the page; cases of earlier hunts that are beside it are listed.
pub fn html(hunts: &[HuntReport<'_>], earlier: &[EarlierCase]) -> String {
    let of = |hunt: &HuntReport<'_>| hunt.bag.failures.len() + hunt.lost_idle.len();
    let failures: usize = hunts.iter().map(of).sum();
    let cases = hunts.iter().map(|hunt| hunt.bag.cases).sum();
    let verdict = match (failures, cases) {
        (0, 0) => "vacuous",
        (0, _) => "held",
        _ => "violated",
    };
    let sum = |of: fn(&Bag) -> u64| hunts.iter().map(|hunt| of(hunt.bag)).sum::<u64>();
    let searched = sum(|bag| bag.search_ns);
    let shrunk = match sum(|bag| bag.shrink_ns) {
        0 => String::new(),
        shrunk => format!("; shrinking took {}", figures::span(shrunk)),
    };
    let programs = figures::several(cases, "program", "programs");
    let found = match failures {
        0 => "none failed".to_owned(),
        failures => figures::several(failures as u64, "failure", "failures"),
    };
    let banner = html! {
        header class={ "banner " (verdict) } {
            h1 { "gcstorm fuzz: " (programs) ", " (found) }
            @if cases > 0 { p { "Searched for " (figures::span(searched)) (shrunk) "." } }
            @if !earlier.is_empty() {
                p {
                    (figures::several(earlier.len() as u64, "case", "cases"))
                    " of earlier hunts " (if earlier.len() == 1 { "is" } else { "are" })
                    " kept beside this page, and listed below."
                }
            }
        }
    };
    let mut sections = vec![
        ("Hunts", table(hunts).render()),
        ("Failures", all_failures(hunts)),
    ];
    if !earlier.is_empty() {
        sections.push(("Earlier cases", of_earlier(earlier)));
    }
    sections.push(("Operations", operations(hunts).render()));
    let book = Book {
        banner,
        sections: &sections,
        chapters: &[],
        series: &[],
        footer: html! {
            "Each failure is shrunk: the program that is shown is the smallest found that fails in this way."
        },
    };
    let title = format!("{verdict} – gcstorm fuzz");
    document(&title, STYLE, Activity::None, &book.render())
}

fn table(hunts: &[HuntReport<'_>]) -> Table {
    let head = [
        "heap", "schedule", "seed", "programs", "a second", "turns", "failures", "crashed", "hung",
    ];
    let mut table = Table::new(head);
    table.class = Some("short");
    for HuntReport {
        subject,
        schedule,
        seed,
        bag,
        ..
    } in hunts
    {
        let cells = [
            schedule.name().to_owned(),
            seed.to_string(),
            figures::count(bag.cases),
            figures::short(bag.per_second()),
            figures::count(bag.turns),
            figures::count(bag.failures.len() as u64),
            figures::count(bag.crashed),
            figures::count(bag.hung),
        ];
        table.row(subject, cells);
    }
    table
}

fn all_failures(hunts: &[HuntReport<'_>]) -> Markup {
    let is_sound =
        |hunt: &HuntReport<'_>| hunt.bag.failures.is_empty() && hunt.lost_idle.is_empty();
    if hunts.iter().all(is_sound) {
        return missing("None.");
    }
    html! {
        @for hunt in hunts {
            @for (number, found) in hunt.bag.failures.iter().enumerate() {
                (failure(hunt, found, hunt.kept.get(number)))
            }
            @for how in hunt.lost_idle {
                h3 { "a process lost between two programs on " (hunt.subject) }
                p { (how) }
            }
        }
    }
}

fn failure(hunt: &HuntReport<'_>, failure: &Failure, kept: Option<&KeptCase>) -> Markup {
    let (turns, found) = (failure.case.all_turns().count(), failure.turns_found);
    html! {
        h3 {
            (failure.check) " on " (hunt.subject) ", program " (figures::count(failure.number + 1))
        }
        p { (failure.text) }
        p.note {
            @if !failure.is_unshrunk() {
                "Shrunk from " (figures::several(found as u64, "turn", "turns")) " to " (turns) ", in "
                (figures::span(failure.shrink_ns)) "."
            }
            @if let Some(rate) = flaky(failure) { " " (rate) "." }
        }
        @if let Some((_, line)) = kept.and_then(|kept| kept.file.as_ref()) { p { code { (line) } } }
        @let program = super::program(&failure.case);
        @if !program.is_empty() { pre { (program) } }
        @if let Some(kept) = kept { details { summary { "as a case" } pre { (kept.text) } } }
    }
}

/// Cases that earlier hunts kept. This page says nothing of those hunts, nor whether they fail still.
fn of_earlier(earlier: &[EarlierCase]) -> Markup {
    html! {
        p.note { "These were not tried in the hunts above." }
        ul.lead {
            @for EarlierCase { about, reproduce } in earlier {
                li { (about) br; code { (reproduce) } }
            }
        }
    }
}

/// How often each operation was done on each heap.
fn operations(hunts: &[HuntReport<'_>]) -> Table {
    let series: Vec<(usize, &str)> = (0..)
        .zip(hunts.iter().map(|hunt| hunt.subject.as_str()))
        .collect();
    let mut table = Table::of_series("operation", &series);
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in hunts.iter().flat_map(|hunt| &hunt.bag.ops) {
        *sums.entry(name).or_default() += count;
    }
    let mut names: Vec<(&str, u64)> = sums.into_iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (name, _) in names {
        let of = |bag: &Bag| bag.ops.get(name).map(|count| figures::count(*count));
        table.row_of(name, hunts.iter().map(|hunt| of(hunt.bag)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Case, Schedule};
    use crate::report::html::page::tests::{EVIL, assert_tame};

    /// Goal: what was tried, what failed and the lines that repeat it are there, and stay text.
    #[test]
    fn is_whole_and_tame() {
        let failure = Failure {
            case: Case::of_mutators(1, 1, 0, 1),
            check: EVIL.to_owned(),
            text: EVIL.to_owned(),
            number: 3,
            turns_found: 9,
            mutators_found: 1,
            tried: 5,
            shrink_ns: 1,
            is_cut_short: false,
            retries: 0,
            retries_failed: 0,
            again: 0,
            as_found: None,
        };
        let kept = [KeptCase {
            file: Some(("x.case".into(), format!("gcstorm replay {EVIL}"))),
            text: format!("gcstorm-case 1\nheap {EVIL}\n"),
        }];
        let earlier = [EarlierCase {
            about: EVIL.to_owned(),
            reproduce: EVIL.to_owned(),
        }];
        let bag = Bag {
            cases: 1200,
            ops: [("append", 700), ("pop", 800)].into(),
            failures: vec![failure],
            ..Bag::default()
        };
        let hunt = HuntReport {
            subject: EVIL.to_owned(),
            schedule: Schedule::Steps,
            seed: 7,
            bag: &bag,
            kept: &kept,
            lost_idle: &[],
        };
        let page = html(&[hunt], &earlier);
        assert_tame(&page, 0);
        assert!(page.contains("1,200 programs, 1 failure"), "{page}");
        assert!(page.contains("<code>gcstorm replay "), "{page}");
        assert!(page.contains("<pre>gcstorm-case 1\nheap "), "{page}");
        assert!(page.contains("1 case of earlier hunts is kept"), "{page}");
        let [pop, append] = ["<th>pop</th>", "<th>append</th>"].map(|name| page.find(name));
        assert!(
            pop.is_some() && pop < append,
            "the most frequent comes first"
        );
    }
}
