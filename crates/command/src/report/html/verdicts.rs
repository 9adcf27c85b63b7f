//! What was checked: of one workload each check on each heap, and of all workloads how often.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::contents::{Chapter, Heading};
use super::page::{prose, series, word};
use super::table::Table;
use crate::check::{self, Judgement, Verdict};
use crate::evidence::Crash;
use crate::report::{Member, crash, stacks};
use crate::result::figures::{self, NONE};

/// The names of all checks, in the order in which results have them.
fn names<'a>(members: impl Iterator<Item = &'a Member<'a>>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for check in members.flat_map(|member| &member.result.checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    names
}

fn of<'a>(member: &Member<'a>, name: &str) -> Option<&'a Judgement> {
    let mut checks = member.result.checks.iter();
    checks.find(|check| check.name == name)
}

/// Every check of every result of a group, and what it found if it did not hold; below that the
/// notes. It is folded if all that was examined was in order.
pub(super) fn draw(members: &[Member<'_>]) -> Markup {
    let names = names(members.iter());
    let mut table = Table::of_series("check", &series(members));
    table.class = Some("words");
    let mut skipped = BTreeMap::<&str, Vec<&str>>::new();
    for name in &names {
        if let Some(why) = skipped_by_all(members, name) {
            skipped.entry(why).or_default().push(name);
            continue;
        }
        let cells = members.iter().map(|member| {
            let check = of(member, name);
            check.map_or_else(|| html! { (NONE) }, judgement)
        });
        table.row(name, cells);
    }
    let checks = members.iter().flat_map(|member| &member.result.checks);
    let is_sound = |check: &Judgement| matches!(check.verdict, Verdict::Held | Verdict::Skipped);
    let is_sound = checks.clone().all(is_sound);
    html! {
        details open[!is_sound] {
            summary {
                (figures::several(names.len() as u64, "check", "checks"))
                @if members.len() == 1 { ": " (counts(checks)) } @else {
                    @let count = skipped.values().map(Vec::len).sum::<usize>();
                    @if count > 0 { ", " (count) " of them skipped" }
                    "; "
                    @if is_sound { "none found anything" } @else { "not all held" }
                    @for (label, count) in members.iter().filter_map(cut_short) {
                        "; " (count) " not judged on " (label) ", since " (check::CUT_SHORT)
                    }
                }
            }
            (table)
            @if !skipped.is_empty() {
                p.note {
                    "Skipped"
                    @for (number, (why, names)) in skipped.iter().enumerate() {
                        @if number > 0 { ";" } @else { ":" } " " (names.join(", ")) " (" (prose(why)) ")"
                    }
                    "."
                }
            }
        }
        @for member in members {
            @if let Some(stacks) = &member.result.evidence.stacks {
                details open {
                    summary { (member.label) ", stacks of its threads" }
                    pre { (stacks::brief(stacks)) }
                }
            }
            @if let Some(crash) = &member.result.evidence.crash { (stack(member.label.as_str(), crash)) }
            @for caveat in &member.result.caveats {
                p {
                    b { (member.label) ", note" @if !caveat.check.is_empty() { " on " (caveat.check) } }
                    ": " (prose(&caveat.text))
                }
            }
        }
    }
}

/// The member's name, and how many checks had nothing to judge since its run was cut short.
fn cut_short<'a>(member: &'a Member<'_>) -> Option<(&'a str, usize)> {
    let checks = member.result.checks.iter();
    let count = checks.filter(|check| check.is_cut_short()).count();
    (count > 0).then_some((member.label.as_str(), count))
}

/// How many of these checks came to what.
fn counts<'a>(checks: impl Iterator<Item = &'a Judgement> + Clone) -> String {
    let all = [
        Verdict::Violated,
        Verdict::Vacuous,
        Verdict::Held,
        Verdict::Skipped,
    ];
    let judged = checks.clone().filter(|check| !check.is_cut_short());
    let counts = all.into_iter().filter_map(|verdict| {
        let of_it = judged.clone().filter(|check| check.verdict == verdict);
        let count = of_it.count();
        (count > 0).then(|| format!("{count} {}", verdict.name()))
    });
    let not_judged = checks.filter(|check| check.is_cut_short()).count();
    let not_judged =
        (not_judged > 0).then(|| format!("{not_judged} not judged since {}", check::CUT_SHORT));
    counts.chain(not_judged).collect::<Vec<_>>().join(", ")
}

/// Where a heap crashed; folded behind its headline is all of the stack.
fn stack(label: &str, crash: &Crash) -> Markup {
    let (calls, left_out) = crash::calls(crash);
    html! {
        p { b { (label) ", crash" } ": " (prose(&crash::headline(crash))) }
        pre {
            @for (name, place) in calls { (name) "  " small { (place) } "\n" }
            @if left_out > 0 { small { "and " (left_out) " more" } }
        }
        @if let Some(note) = &crash.note { p.note { (prose(note)) } }
    }
}

/// Why a check was skipped, if it was on every heap and for one reason.
fn skipped_by_all<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    let whys = members.iter().map(|member| {
        let check = of(member, name).filter(|check| check.verdict == Verdict::Skipped)?;
        check.detail.as_deref()
    });
    let whys: Option<BTreeSet<&str>> = whys.collect();
    whys.filter(|whys| whys.len() == 1)?.pop_first()
}

fn judgement(check: &Judgement) -> Markup {
    html! {
        @if check.verdict == Verdict::Held {
            span.one { (word(check.verdict.name())) " " (figures::count(check.examined)) }
        } @else {
            (word(check.verdict.name())) " " (prose(check.detail.as_deref().unwrap_or_default()))
        }
    }
}

/// So many workloads are named where a check found something; the overview has them all.
const NAMED: usize = 3;

/// One check on one heap, over all workloads.
#[derive(Debug, Default)]
struct Tallied<'a> {
    held: u64,
    examined: u64,
    skipped: u64,
    /// Where it was violated or vacuous: the verdict, the workload, and its place on the page.
    amiss: Vec<(Verdict, &'a Heading<'a>)>,
}

/// Each check on each heap over all workloads; below that why some were skipped.
pub(super) fn over_all(chapters: &[Chapter<'_>], heaps: &[(usize, &str)]) -> Markup {
    let members = || chapters.iter().flat_map(|chapter| &chapter.group.members);
    let names = names(members());
    let mut tallied = BTreeMap::<(&str, String), Tallied<'_>>::new();
    let mut reasons = BTreeMap::<&str, BTreeMap<&str, BTreeSet<String>>>::new();
    for Chapter { heading, group } in chapters {
        for member in &group.members {
            for check in &member.result.checks {
                let subject = member.result.subject();
                let tally = tallied.entry((&check.name, subject.clone())).or_default();
                match check.verdict {
                    Verdict::Held => {
                        tally.held += 1;
                        tally.examined = tally.examined.saturating_add(check.examined);
                    }
                    Verdict::Skipped => {
                        tally.skipped += 1;
                        let why = check.detail.as_deref().unwrap_or("no reason given");
                        let of_check = reasons.entry(&check.name).or_default();
                        of_check.entry(why).or_default().insert(subject);
                    }
                    amiss => tally.amiss.push((amiss, heading)),
                }
            }
        }
    }
    let mut table = Table::with_marks("check", heaps);
    table.class = Some("words");
    for name in names {
        let cells = heaps.iter().map(|(_, heap)| {
            let tally = tallied.get(&(name, (*heap).to_owned()));
            tally.map_or_else(|| html! { (NONE) }, cell)
        });
        table.row(name, cells);
    }
    html! {
        p.note { "In how many runs each held, and how many things it examined there." }
        (table)
        @if !reasons.is_empty() {
            details {
                summary { "why checks were skipped" }
                dl {
                    @for (check, reasons) in &reasons {
                        dt { (check) }
                        dd {
                            @for (why, heaps) in reasons {
                                (prose(why)) " (" (heaps.iter().cloned().collect::<Vec<_>>().join(", ")) ")" br;
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(tally: &Tallied<'_>) -> Markup {
    let examined = match tally.examined {
        few @ ..1000 => figures::count(few),
        many => figures::short(many as f64),
    };
    let held = (tally.held > 0).then_some((tally.held, examined));
    html! {
        @for verdict in [Verdict::Violated, Verdict::Vacuous] {
            @let amiss = tally.amiss.iter().filter(|(own, _)| *own == verdict);
            @let count = amiss.clone().count();
            @if count > 0 {
                (word(verdict.name())) " " (count) ": "
                @for (number, (_, heading)) in amiss.take(NAMED).enumerate() {
                    @if number > 0 { ", " } (heading.link())
                }
                @if count > NAMED { " and " (count - NAMED) " more" }
                br;
            }
        }
        @if let Some((runs, examined)) = held {
            (word("held")) " " (runs) " " small { "· " (examined) }
        }
        @if tally.skipped > 0 {
            " " small { @if tally.held > 0 { "· " } "skipped " (tally.skipped) }
        }
    }
}
