//! How long operations took: all together, each kind of them, and all of each workload.

use maud::{Markup, html};

use super::contents::Chapter;
use super::length::Length;
use super::operations;
use super::page::{missing, series};
use super::percentiles::percentiles;
use super::spread::{self, Spread};
use crate::evidence::Latency;
use crate::report::{Member, headline};

const SERVICE: &str = "From the start of each operation to its end.";
const RESPONSE: &str = "From the intended start to the end, under a rate.";
const EITHER: &str =
    "Response times where operations were to begin at a rate, and else service times.";

/// All operations together, and each kind of them.
pub(super) fn draw(members: &[Member<'_>], length: Length) -> Markup {
    let all = members
        .iter()
        .map(|member| headline::latencies(member.result));
    let all: Vec<Latency> = all.collect();
    if all.iter().all(|latency| latency.count() == 0) {
        return missing("No operation was timed, so there are no latencies to show.");
    }
    let have = |member: &&Member<'_>| headline::has_responses(member.result);
    let of = match members.iter().filter(have).count() {
        0 => SERVICE,
        count if count == members.len() => RESPONSE,
        _ => EITHER,
    };
    let all: Vec<Option<&Latency>> = all.iter().map(Some).collect();
    let names = operations::by_count(members);
    let each = names.iter().filter_map(|name| {
        let ops = members.iter().map(|member| member.result.ops.get(*name));
        let latencies = ops.map(|op| op?.response.as_ref().or(op?.service.as_ref()));
        let latencies: Vec<_> = latencies.collect();
        percentiles((name, ""), &series(members), &latencies)
    });
    let each: Vec<Markup> = match length {
        Length::Whole => each.collect(),
        Length::Brief => Vec::new(),
    };
    html! {
        p.note {
            (of) " Each step to the right is ten times rarer. A curve ends where ten values are left beyond \
             it; the hollow mark is the longest of all."
        }
        div.figures {
            @if let Some(figure) = percentiles(("all operations", ""), &series(members), &all) { (figure) }
            @for figure in each { (figure) }
            @if length == Length::Brief { (operations::table(&names, members, length)) }
        }
        @if length == Length::Whole { (operations::table(&names, members, length)) }
    }
}

/// All operations of each workload on each heap.
pub(super) fn over_all(chapters: &[Chapter<'_>]) -> Markup {
    let rows = chapters.iter().map(|chapter| {
        let members = chapter.group.members.iter();
        let times = members.map(|member| (member.series(), headline::latencies(member.result)));
        let times = times.collect();
        Spread {
            name: chapter.heading.name,
            times,
        }
    });
    let mut members = chapters.iter().flat_map(|chapter| &chapter.group.members);
    let is_paced = members.any(|member| headline::has_responses(member.result));
    html! {
        (spread::draw(&rows.collect::<Vec<_>>()))
        @if is_paced {
            p.note {
                "Of runs at a given rate these are response times: from when an operation was due until \
                 it was done."
            }
        }
    }
}
