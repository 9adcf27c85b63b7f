//! A merge as one HTML page that needs nothing else.

use maud::{Markup, Render as _, html};

use super::page::{described, row};
use super::{Merged, Total, Totals};
use crate::evidence::Latency;
use crate::report::html::contents::Book;
use crate::report::html::page::{Activity, SCRIPT, STYLE, document, missing};
use crate::report::html::percentiles::percentiles;
use crate::report::html::spread::{self, Spread};
use crate::report::html::table::Table;
use crate::report::lane_row;
use crate::result::{figures, subject};

/// So many pictures are at hand at once; more are folded, since the section before has them in short.
const CURVES_MAX: usize = 6;

/// Draws the page.
pub fn html(merged: &Merged, totals: &Totals) -> String {
    let verdict = totals.verdict().name();
    let banner = html! {
        header class={ "banner " (verdict) } {
            h1 { "gcstorm merge: " (verdict) }
            p { (totals.conclusion()) "." }
            (lane_row::idle(&totals.idle(), totals.lanes.len()))
            @if !totals.notes.is_empty() {
                ul.lead { @for note in &totals.notes { li { (note) } } }
            }
        }
    };
    let heaps = heaps(totals);
    let series: Vec<(usize, &str)> = (0..).zip(heaps.iter().map(String::as_str)).collect();
    let (spread, curves) = latency(totals, &series);
    let mut sections = [
        ("Lanes", lane_row::drawn(totals.lanes.iter().map(row))),
        ("Failures", failures(merged, totals)),
        ("Latency", spread),
        ("Percentiles", curves),
        ("Parts", parts(merged)),
    ];
    if merged.failures().next().is_some() {
        sections.swap(0, 1);
    }
    let book = Book {
        banner,
        sections: &sections,
        chapters: &[],
        series: &series,
        footer: html! { "Percentiles are those of all operations of all parts together." },
    };
    let title = format!("{verdict} – gcstorm merge");
    document(&title, STYLE, Activity::Script(SCRIPT), &book.render())
}

/// The heaps of all lanes, with their faults, each once.
fn heaps(totals: &Totals) -> Vec<String> {
    let mut heaps: Vec<String> = totals.lanes.iter().map(heap).collect();
    heaps.sort();
    heaps.dedup();
    heaps
}

fn heap(total: &Total) -> String {
    subject(&total.lane.heap, total.lane.fault.as_deref())
}

fn failures(merged: &Merged, totals: &Totals) -> Markup {
    let kinds: Vec<_> = merged.failures().collect();
    if kinds.is_empty() {
        return missing("None.");
    }
    html! {
        @for (kind, extremes) in kinds {
            h3 { (kind.how.lost.name()) " " (kind) ", " (figures::several(totals.times(kind), "time", "times")) }
            ul.lead {
                @for (which, occurrence) in extremes.each() {
                    li { (which) ": " (described(occurrence)) br; code { (occurrence.reproduce) } }
                }
            }
        }
    }
}

/// All operations of each lane: how far their times spread, and their percentiles by workload.
fn latency(totals: &Totals, series: &[(usize, &str)]) -> (Markup, Markup) {
    let mut spreads: Vec<Spread<'_>> = Vec::new();
    for total in &totals.lanes {
        let own = heap(total);
        let Some(series) = series.iter().find(|(_, name)| *name == own) else {
            continue;
        };
        let mut times = Latency::default();
        total
            .service
            .values()
            .for_each(|of_kind| times.add(of_kind));
        let name = total.lane.workload.as_str();
        match spreads.last_mut().filter(|spread| spread.name == name) {
            Some(spread) => spread.times.push((*series, times)),
            None => spreads.push(Spread {
                name,
                times: vec![(*series, times)],
            }),
        }
    }
    let curves = spreads.iter().filter_map(|spread| {
        let (series, times): (Vec<_>, Vec<_>) = spread
            .times
            .iter()
            .map(|(series, times)| (*series, Some(times)))
            .unzip();
        percentiles((spread.name, ""), &series, &times)
    });
    let curves: Vec<Markup> = curves.collect();
    let drawn = match curves.is_empty() {
        true => missing("No operation was timed."),
        false => {
            let many = (curves.len() > CURVES_MAX).then_some(curves.len());
            let figures = html! { div.figures { @for curve in curves { (curve) } } };
            match many {
                None => figures,
                Some(many) => html! {
                    details { summary { "a picture for each of " (many) " workloads" } (figures) }
                },
            }
        }
    };
    (spread::draw(&spreads), drawn)
}

fn parts(merged: &Merged) -> Markup {
    let mut table = Table::new(["part", "rounds", "program", "options"]);
    for part in merged.parts() {
        let program = format!("{} ({})", part.version, part.commit);
        let cells = [
            figures::count(part.rounds()),
            program,
            part.options.join(" "),
        ];
        table.row(&part.key.to_string(), cells);
    }
    let count = merged.parts().count() as u64;
    html! {
        details { summary { (figures::several(count, "part", "parts")) } (table) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::page::tests::{EVIL, assert_tame};
    use crate::report::merge::Occurrence;
    use crate::report::merge::samples::{journal, kind, merged, occurrence};
    use crate::sample;

    /// Goal: lanes, failures with their lines, latencies and parts are there, and whatever a journal
    /// calls something stays text.
    #[test]
    fn is_whole_and_tame() {
        let mut part = journal(1, 0);
        let lane = &mut part.lanes[0];
        lane.failed.push((kind().how, 3));
        EVIL.clone_into(&mut lane.lane.workload);
        let mut kind = kind();
        EVIL.clone_into(&mut kind.workload);
        let mut merged = merged(part);
        merged.add_occurrence(
            kind,
            Occurrence {
                note: EVIL.to_owned(),
                reproduce: EVIL.to_owned(),
                ..occurrence(1)
            },
        );
        let mut totals = merged.totals().expect("it adds up");
        let times = sample::result("gil").evidence.service;
        totals.lanes[1].service = times;
        let page = html(&merged, &totals);
        assert_tame(&page, 1);
        for words in [
            "<header class=\"banner violated\">",
            "href=\"#failures\"",
            "smallest and fastest: ",
            "<h4>graph</h4>",
            "shard 0/8 of seed 1",
        ] {
            assert!(page.contains(words), "no {words} in:\n{page}");
        }
    }
}
