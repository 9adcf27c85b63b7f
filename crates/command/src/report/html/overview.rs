//! Every workload on every heap at a glance: the verdict, how many operations it did, and the
//! longest of them; each leads to the workload's own part of the page.

use maud::{Markup, html};

use super::contents::Chapter;
use super::facts::{doubt, figure};
use super::page::{prose, word};
use super::table::Table;
use crate::report::beside;
use crate::report::collected::worst;
use crate::report::headline::{self, HEADLINES, Headline, LONGEST, LONGEST_RESPONSE};
use crate::report::{Collected, Group, Member};
use crate::result::figures::NONE;
use crate::result::{Outcome, RunResult, figures};

/// The heaps of all results, each once, with the number by which it is known on the page.
pub(super) fn heaps(collected: &Collected, groups: &[Group<'_>]) -> Vec<(usize, String)> {
    let mut heaps: Vec<(usize, String)> = Vec::new();
    let mut add = |number: usize, heap: String| {
        if heaps.iter().all(|(_, known)| *known != heap) {
            heaps.push((number, heap));
        }
    };
    let members = groups.iter().flat_map(|group| &group.members);
    members.for_each(|member| add(member.number, member.result.subject()));
    let absent = collected.absent.iter();
    absent.for_each(|absent| add(collected.results.len(), absent.heap.clone()));
    heaps
}

/// The table.
pub(super) fn draw(
    collected: &Collected,
    chapters: &[Chapter<'_>],
    heaps: &[(usize, &str)],
) -> Markup {
    let mut table = Table::with_marks("workload", heaps);
    table.class = Some("overview");
    let said = |workload: &str, heap: &str| {
        let mut absent = collected.absent.iter();
        let absent = absent.find(|it| it.workload == workload && it.heap == heap);
        absent.map_or_else(
            || html! { (NONE) },
            |absent| html! { (word(absent.what.name())) br; small { (prose(&absent.why)) } },
        )
    };
    for Chapter { heading, group } in chapters {
        let workload = group
            .members
            .first()
            .map_or("", |it| &it.result.workload.name);
        let cells = heaps.iter().map(|(_, heap)| {
            let members = group.members.iter();
            let own: Vec<&Member<'_>> = members
                .filter(|member| member.result.subject() == *heap)
                .collect();
            match own.as_slice() {
                [] => said(workload, heap),
                [one] => heading.link_of(&single(one, &group.members)),
                several => heading.link_of(&several_runs(several)),
            }
        });
        table.row_under(&heading.link(), cells);
    }
    let drawn = |workload: &str| {
        let mut members = chapters.iter().flat_map(|chapter| &chapter.group.members);
        members.any(|member| member.result.workload.name == workload)
    };
    let mut others: Vec<&str> = collected
        .absent
        .iter()
        .map(|it| it.workload.as_str())
        .collect();
    others.retain(|workload| !drawn(workload));
    others.dedup();
    for workload in others {
        table.row(workload, heaps.iter().map(|(_, heap)| said(workload, heap)));
    }
    html! {
        (table)
        p.note {
            "Operations a second, and the longest of all operations"
            @if collected.results.iter().any(headline::has_responses) {
                "; of runs at a given rate the longest response, from when an operation was due"
            }
            ". × is against the first heap \
             whose run held, for runs that held; better or worse from a tenth on. Single runs vary: "
            code { "gcstorm compare" } " judges repeated ones."
            (doubt(collected.results.iter()))
        }
    }
}

/// A headline by its name.
fn head(name: &str) -> Option<&'static Headline> {
    HEADLINES.iter().find(|head| head.name == name)
}

/// Which longest time of a run is shown.
fn longest(result: &RunResult) -> &'static str {
    match headline::has_responses(result) {
        true => LONGEST_RESPONSE,
        false => LONGEST,
    }
}

/// It in short.
fn label(longest: &str) -> &str {
    match longest {
        LONGEST => "longest",
        other => other,
    }
}

fn single(member: &Member<'_>, all: &[Member<'_>]) -> Markup {
    let of = |name| {
        let row = beside::row(head(name)?, all);
        let at = all.iter().position(|other| other.number == member.number)?;
        row.get(at).map(figure)
    };
    html! {
        (word(member.result.verdict.name())) " "
        @if let Some(figure) = of("operations") { (figure) }
        br;
        @match headline::cut_short(member.result) {
            Some(how) => small { (how) },
            None if member.result.verdict.is_broken() => {}
            None => {
                @let name = longest(member.result);
                small { i { (label(name)) " " } @if let Some(figure) = of(name) { (figure) } }
            }
        }
    }
}

/// Runs of one heap that differ in their seeds.
fn several_runs(members: &[&Member<'_>]) -> Markup {
    let figures_of = |name| {
        let head = head(name)?;
        let sound = members.iter().filter(|it| !it.result.verdict.is_broken());
        let all = sound.filter_map(|member| (head.of)(member.result));
        let (least, most) = (all.clone().reduce(f64::min)?, all.reduce(f64::max)?);
        Some(((head.show)(least), (head.show)(most)))
    };
    let verdicts = members.iter().map(|member| member.result.verdict);
    let held = verdicts.clone().filter(|verdict| *verdict == Outcome::Held);
    html! {
        (word(worst(verdicts).name())) " "
        (held.count()) " of " (figures::several(members.len() as u64, "run", "runs"))
        @if let Some((least, most)) = figures_of("operations") { ", " (least) " to " (most) }
        br;
        @let longest = [LONGEST_RESPONSE, LONGEST].into_iter();
        @if let Some((name, (_, most))) = longest.filter_map(|name| Some((name, figures_of(name)?))).next() {
            small { (label(name)) " " (most) }
        }
    }
}
