//! `linearizable`: the operations on shared lists, counters, roots and fields are linearizable.
//!
//! A linearizable operation takes effect at one moment between its call and its return (Herlihy and
//! Wing, Linearizability, 1990). The check searches for a total order of the operations in a
//! history that respects these intervals, in which a sequential model of the object gives the same
//! answers, and which ends in the state that the survey found. No other check knows what a reader
//! was told in the middle of a run: the others compare sums, orders and lengths with what is found
//! at rest.
//!
//! *Object by object.* A history of several objects is linearizable if the history of each object
//! is (locality, in the same paper), so each object is judged alone.
//!
//! *Unique values.* Elements are named by their maker, so an answer identifies the one append that
//! it depends on. That leaves few orders to try. Where many are possible, the search (`search`)
//! remembers why a choice failed, and not which states it failed in: a hundred pairs of overlapping
//! appends that no read has observed yet are a hundred choices, not 2^100.
//!
//! *The contract.* A heap may carry out `del l[-n:]` as n pops, with operations of others in
//! between, and the operation is judged as n pops.
//!
//! *Limits.* The problem is NP-complete (Gibbons and Korach, Testing shared memories, 1997). A
//! search that needs too many steps is reported as undecided, which is never a violation.
//!
//! Only recorded operations are judged. With `--history`, the first operations of each mutator are
//! recorded, and some after each of a few pauses. Without it there are only samples of the shared
//! roots in which no object is stored twice; the run compares these by itself (`run/roots`), since
//! that rule needs no complete history. The survey at such a pause
//! says what lists and counters were before. What was in a place for a reference is not known after
//! a pause, so the first load may answer anything. The state at the end is judged only if every
//! operation up to it was recorded. Objects that are changed through registers other than their own
//! are left out, since their histories are incomplete.

mod counter;
mod explain;
mod list;
mod model;
mod place;
mod search;

pub use explain::Contradiction;

use super::{Check, Exhibit, Opinion, Verdict};
use crate::evidence::history::{
    Before, Element, Event, History, NEVER, PlaceHistory, Recorded, TimeUnit,
};
use crate::evidence::{Evidence, Moment, Survey};
use crate::heap::Shape;
use counter::Counter;
use list::List;
use model::Model;
use place::Held;
use search::{Found, Goal, Steps, search};

pub(super) const CHECK: Check = Check {
    name: "linearizable",
    about: "the operations on shared lists, counters, roots and fields are linearizable",
    judge,
};

/// How many steps a search may take. A step takes some 100 ns to 1 µs, and most histories take
/// about as many steps as they have operations.
pub const STEPS_MAX: u64 = 1_000_000;
/// How many operations of a contradiction are shown; with the lines around them, about a dozen
/// lines.
const SHOWN: usize = 9;

/// The verdict on one history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It is linearizable.
    Linearizable,
    /// It is not linearizable.
    Contradictory(Contradiction),
    /// [`STEPS_MAX`] steps were not enough to tell.
    Undecided,
}

/// Judges the history of a list that was empty at the start. `last` is what it held at the end, if
/// the history goes that far.
pub fn rule_list(events: &[Event], last: Option<&Vec<Option<Element>>>) -> Ruling {
    rule(&List::default(), events, last)
}

/// Judges the history of a counter that was 0 at the start. `last` is its value at the end, if the
/// history goes that far.
pub fn rule_counter(events: &[Event], last: Option<i64>) -> Ruling {
    rule(&Counter::default(), events, last.as_ref())
}

/// Judges the history of a place for one reference.
pub fn rule_place(before: Before, events: &[Event]) -> Ruling {
    rule(&Held::new(before), events, None)
}

fn rule<M: Model>(initial: &M, events: &[Event], last: Option<&M::Last>) -> Ruling {
    let goal = last.map_or(Goal::Any, Goal::Last);
    let mut steps = Steps(STEPS_MAX);
    match search(initial, events, goal, &mut steps) {
        Found::Order(_) => Ruling::Linearizable,
        Found::Undecided => Ruling::Undecided,
        Found::Nothing => Ruling::Contradictory(explain::explain(initial, events, last)),
    }
}

/// One stretch of the run in which everything was recorded.
#[derive(Debug, Clone, Copy)]
struct Stretch<'a> {
    objects: &'a [History],
    places: &'a [PlaceHistory],
    /// The survey before it; `None` at the beginning of the run, when everything was empty.
    before: Option<&'a Survey>,
    /// The survey at the end of the run, if the stretch goes that far.
    last: Option<&'a Survey>,
}

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    let Some(evidence) = exhibit.evidence else {
        return Opinion::skipped("a history is judged only once the run is over");
    };
    let mut opinion = judge_recorded(exhibit, evidence);
    let roots = &evidence.roots;
    if roots.judged > 0 {
        let is_skipped = matches!(&opinion.nothing, Some((Verdict::Skipped, _)));
        opinion.nothing = opinion.nothing.filter(|_| !is_skipped);
        opinion.examine(roots.judged);
        let texts = roots.first.iter().map(|history| {
            let mut lines = vec![format!(
                "{}: no order explains the answers, since no object is stored there twice",
                history.place
            )];
            lines.extend(told(
                exhibit,
                roots.unit,
                &history.events.iter().collect::<Vec<_>>(),
            ));
            lines.join("\n")
        });
        opinion.accuse(roots.wrong, texts);
    }
    opinion
}

/// Judges the histories that were asked for.
fn judge_recorded(exhibit: &Exhibit<'_>, evidence: &Evidence) -> Opinion {
    let Some(recorded) = &evidence.history else {
        return Opinion::skipped("no history was recorded; `--history` records one");
    };
    if let Some(why) = &recorded.broken {
        return Opinion::skipped(&format!("the history is incomplete: {why}"));
    }
    let own = |history: &&History| exhibit.is_tallied(history.object);
    let stretches = stretches(evidence, recorded);
    let is_empty = |stretch: &Stretch<'_>| {
        stretch.places.is_empty() && !stretch.objects.iter().any(|history| own(&history))
    };
    if stretches.iter().all(is_empty) {
        return Opinion::skipped(if recorded.objects.is_empty() {
            "nothing that threads share was read while the history was recorded"
        } else {
            "every list and counter is changed through other registers than its own"
        });
    }
    let mut opinion = Opinion::default();
    let mut add = |name: &str, events: &[Event], ruling: Ruling| {
        opinion.examine(events.len() as u64);
        match ruling {
            Ruling::Linearizable => {}
            Ruling::Contradictory(contradiction) => {
                opinion.blame(1, describe(exhibit, recorded, name, &contradiction));
            }
            Ruling::Undecided => {
                let why = format!("{name}: undecided after {STEPS_MAX} steps");
                opinion.nothing = Some((Verdict::Vacuous, why));
            }
        }
    };
    for stretch in stretches {
        for history in stretch.objects.iter().filter(own) {
            if let Some(ruling) = stretch.rule(history) {
                add(&history.name, &history.events, ruling);
            }
        }
        for history in stretch.places {
            let PlaceHistory {
                place,
                before,
                events,
            } = history;
            add(place, events, rule_place(*before, events));
        }
    }
    opinion
}

/// The beginning of the run, and the windows whose survey is there.
fn stretches<'a>(evidence: &'a Evidence, recorded: &'a Recorded) -> Vec<Stretch<'a>> {
    let end = evidence.last_survey(Moment::End);
    let end = end.filter(|survey| survey.incomplete.is_none());
    let last = |until: Option<u64>| end.filter(|_| until.is_none());
    let first = Stretch {
        objects: &recorded.objects,
        places: &recorded.places,
        before: None,
        last: last(recorded.until),
    };
    let later = recorded.later.iter().filter_map(|window| {
        let mut surveys = evidence.surveys.iter();
        let before = surveys.find(|survey| survey.opens == Some(window.number))?;
        Some(Stretch {
            objects: &window.objects,
            places: &window.places,
            before: Some(before),
            last: last(window.until),
        })
    });
    std::iter::once(first).chain(later).collect()
}

impl Stretch<'_> {
    /// `None` if it is not known what the object was before.
    fn rule(&self, history: &History) -> Option<Ruling> {
        let (object, events) = (history.object, &history.events);
        if history.shape == Shape::Counter {
            let value = |survey: &Survey| {
                let mut all = survey.counters.iter();
                all.find(|facts| facts.object == object)
                    .map(|facts| facts.value)
            };
            let initial = match self.before {
                None => Counter::default(),
                Some(before) => Counter(value(before)?),
            };
            return Some(rule(&initial, events, self.last.and_then(value).as_ref()));
        }
        let contents = |survey: &'_ Survey| {
            let mut all = survey.lists.iter();
            all.find(|facts| facts.object == object)
                .and_then(|facts| facts.contents.clone())
        };
        let initial = match self.before {
            None => List::default(),
            Some(before) => List(contents(before)?.into_iter().collect::<Option<_>>()?),
        };
        let last = self.last.and_then(contents);
        Some(rule(&initial, events, last.as_ref()))
    }
}

/// A contradiction as a few lines of text.
fn describe(
    exhibit: &Exhibit<'_>,
    recorded: &Recorded,
    name: &str,
    contradiction: &Contradiction,
) -> String {
    let Contradiction {
        before,
        events,
        earlier,
        with_last,
    } = contradiction;
    let mut lines = vec![format!(
        "{name}: no order of the operations explains the answers"
    )];
    if let Some(before) = before {
        lines.push(format!("after {earlier} operations, {before}"));
    }
    // No order explains the operation that returns last, so it is always shown.
    let first_shown = events.len().saturating_sub(SHOWN);
    let mut shown: Vec<&Event> = events[first_shown..].iter().collect();
    let culprit = events
        .iter()
        .filter(|event| event.end != NEVER)
        .max_by_key(|event| event.end);
    if let Some(culprit) = culprit.filter(|culprit| !shown.contains(culprit) && !with_last) {
        shown.insert(0, culprit);
    }
    if events.len() > shown.len() {
        let rest = events.len() - shown.len();
        lines.push(format!("then {rest} operations, and:"));
    }
    lines.extend(told(exhibit, recorded.unit, &shown));
    if *with_last {
        lines.push("and the state found at the end of the run".to_owned());
    }
    lines.join("\n")
}

/// These events, one a line.
fn told(exhibit: &Exhibit<'_>, unit: TimeUnit, shown: &[&Event]) -> Vec<String> {
    let origin = shown.iter().map(|event| event.start).min().unwrap_or(0);
    let unit = match unit {
        TimeUnit::Nanoseconds => " ns",
        TimeUnit::Stamps => "",
    };
    let line = |event: &&Event| {
        let plan = exhibit.plan.mutators.get(event.mutator as usize);
        let who = plan.map_or("?", |plan| &plan.name);
        let start = event.start.saturating_sub(origin);
        let end = match event.end {
            NEVER => "…".to_owned(),
            end => end.saturating_sub(origin).to_string(),
        };
        let Event { call, answer, .. } = event;
        format!("{start}–{end}{unit}: {who}: {call} = {answer}")
    };
    shown.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
