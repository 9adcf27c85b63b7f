//! Judges a case whose turns overlapped: some sequential order must explain what it did.
//!
//! If one turn returned before another was called, it must come first in the order. Nothing is
//! wrong if the [model](super) can do all turns in such an order with the answers that were given,
//! and ends in the state in which the heap ended. The search is Wing and Gong's (Testing and
//! Verifying Concurrent Objects, JPDC 1993) over the whole heap: lists, counters, nodes and roots.
//! The order in which turns returned is tried first and nearly always works.
//!
//! Operations that are not atomic are split into atomic pieces: `del l[-n:]` pops one by one, and a
//! truncation to a length first reads the length. No order is searched for in two cases, in which
//! steps happen at a time that is not known: if a finalizer may publish its object, and if a
//! mutator that rejoins takes several shared objects. What must hold in every outcome is judged in
//! any case.

use std::collections::BTreeMap;

use super::state::Model;
use super::{Finding, Wrong, broke, end};
use crate::evidence::{Answer, Contents, Name, Picture, Race, Seen, Settled, TraceStep};
use crate::heap::{Caps, Finalizer};
use crate::plan::{Case, Op, Turn};

/// How many turns are tried, over all orders, before the search gives up and reports nothing: if
/// all turns overlap, there are far too many orders to try.
const TRIED_MAX: u32 = 20_000;

/// The first thing that a heap did wrong under one schedule, if any.
pub fn judge_race(case: &Case, race: &Race) -> Option<Finding> {
    seen(race)
        .or_else(|| broke(&race.trace))
        .or_else(|| kept(race).err().map(Wrong::at_the_end))
        .or_else(|| order(case, race))
        .map(|finding| finding.with_makers(case))
}

/// Judges what registers led to after each turn.
fn seen(race: &Race) -> Option<Finding> {
    let spans = race.spans.iter().zip(&race.trace.steps);
    spans.into_iter().find_map(|(span, step)| {
        let wrong = match step.seen {
            Seen::Stale => Wrong::new("dangling", "a register leads to a freed cell"),
            Seen::Stranger => Wrong::new(
                "dangling",
                "a register leads to an object that was never made here",
            ),
            Seen::Object(name) if span.is_dead => {
                let text = format!("a register leads to {name}, which has died");
                Wrong::new("premature", text)
            }
            Seen::Object(_) | Seen::Empty | Seen::Unseen => return None,
        };
        Some(wrong.at(span.turn as usize + 1))
    })
}

/// What must hold at the end, whatever the order was.
fn kept(race: &Race) -> Result<(), Wrong> {
    if let Some(settled) = &race.trace.settled {
        end::sound(settled)?;
        counted(settled, race.trace.caps)?;
        if race.trace.caps.certifies_death {
            let reached = |name: &&Name| !settled.picture.objects.contains_key(name);
            if let Some(name) = race.living.iter().find(reached) {
                let text = format!("{name} is unreachable, and kept");
                return Err(Wrong::new("completeness", text));
            }
        }
    }
    if let Some(emptied) = &race.trace.emptied {
        end::emptied(emptied, &race.trace, |_| false)?;
    }
    race.trace.settled.as_ref().map_or(Ok(()), end::listed)
}

/// Each stored count must be the number of references that were found; in a heap that may keep
/// garbage, no less, since what is garbage is not looked for.
fn counted(settled: &Settled, caps: Caps) -> Result<(), Wrong> {
    let found = references(&settled.picture);
    let wrong = settled.counts.iter().find_map(|(name, count)| {
        let found = found.get(name).copied().unwrap_or(0);
        let is_wrong = found > *count || caps.certifies_death && found < *count;
        is_wrong.then(|| format!("{name} has count {count}; references to it: {found}"))
    });
    wrong.map_or(Ok(()), |text| Err(Wrong::new("refcounts", text)))
}

/// How many references lead to each object.
fn references(picture: &Picture) -> BTreeMap<Name, u64> {
    let mut found = BTreeMap::new();
    let places = picture.places.iter().map(|(_, name)| *name);
    let held = picture
        .objects
        .values()
        .flat_map(|contents| match contents {
            Contents::Node(fields) => fields.as_slice(),
            Contents::List(elements) => elements.as_slice(),
            Contents::Leaf | Contents::Counter(_) => &[],
        });
    for name in places.chain(held.copied().flatten()) {
        *found.entry(name).or_default() += 1;
    }
    found
}

/// An atomic piece of a turn.
#[derive(Debug, Clone, Copy)]
struct Piece {
    turn: Turn,
    /// What it answered.
    step: TraceStep,
    /// The turn's number from 1.
    number: usize,
    called: u64,
    returned: u64,
}

fn order(case: &Case, race: &Race) -> Option<Finding> {
    let rises = |turn: &Turn| {
        let Op::AllocFinalized { finalizer, .. } = turn.op else {
            return false;
        };
        matches!(finalizer, Finalizer::Resurrect(_))
    };
    // A mutator that rejoins takes its shared objects one after another, not at one moment.
    let comes_back =
        |turn: &Turn| turn.op == Op::Rejoin && case.mutators[turn.mutator as usize].held.len() > 1;
    if case.all_turns().any(|turn| rises(turn) || comes_back(turn)) {
        return None;
    }
    let mut search = OrderSearch {
        race,
        lanes: lanes(case, race),
        tried: 0,
        wrong: None,
    };
    let at = vec![0; search.lanes.len()];
    match search.extend(&Model::new(case, race.trace.caps), &at) {
        true => None,
        false => search.wrong,
    }
}

/// The pieces of each mutator's turns, in program order.
fn lanes(case: &Case, race: &Race) -> Vec<Vec<Piece>> {
    let turns: Vec<&Turn> = case.all_turns().collect();
    let mut lanes = vec![Vec::new(); case.mutators.len()];
    for (span, step) in race.spans.iter().zip(&race.trace.steps) {
        let turn = *turns[span.turn as usize];
        let lane: &mut Vec<Piece> = &mut lanes[turn.mutator as usize];
        let mut piece = |op: Op, step: TraceStep| {
            lane.push(Piece {
                turn: Turn { op, ..turn },
                step,
                number: span.turn as usize + 1,
                called: span.called,
                returned: span.returned,
            });
        };
        let nothing = TraceStep {
            answer: Answer::Nothing,
            seen: Seen::Unseen,
        };
        // Each turn appends at most one element, so no list is longer than this.
        let most = turns.len() as u64;
        match (turn.op, step.answer) {
            (Op::TruncateBack { list, count }, _) => {
                for _ in 0..count.min(most) {
                    piece(Op::TruncateBack { list, count: 1 }, nothing);
                }
            }
            (Op::TruncateFrontTo { list, leave }, Answer::Length(len)) => {
                piece(
                    Op::Len {
                        list,
                        note_above: u64::MAX,
                    },
                    *step,
                );
                let count = len.saturating_sub(leave);
                piece(Op::TruncateFront { list, count }, nothing);
            }
            (Op::TruncateBackTo { list, leave }, Answer::Length(len)) => {
                piece(
                    Op::Len {
                        list,
                        note_above: u64::MAX,
                    },
                    *step,
                );
                for _ in 0..len.saturating_sub(leave).min(most) {
                    piece(Op::TruncateBack { list, count: 1 }, nothing);
                }
            }
            (op, _) => piece(op, *step),
        }
    }
    lanes
}

/// The search for a sequential order.
struct OrderSearch<'r> {
    race: &'r Race,
    lanes: Vec<Vec<Piece>>,
    tried: u32,
    /// Why the first order that was tried failed; it is reported if all fail.
    wrong: Option<Finding>,
}

impl OrderSearch<'_> {
    /// Whether the remaining pieces can be done in some order from this state.
    fn extend(&mut self, model: &Model<'_>, at: &[usize]) -> bool {
        let next = |lane: usize| self.lanes[lane].get(at[lane]).copied();
        let mut open: Vec<(usize, Piece)> = (0..at.len())
            .filter_map(|lane| Some((lane, next(lane)?)))
            .collect();
        let Some(first_return) = open.iter().map(|(_, piece)| piece.returned).min() else {
            let mut model = model.clone();
            let end = model.follow(&self.race.trace.events);
            let end = end.and_then(|()| model.end(&self.race.trace));
            return self.accept(end.map_err(Wrong::at_the_end));
        };
        // A piece that was called after another had returned must come after it.
        open.retain(|(_, piece)| piece.called < first_return || piece.returned == first_return);
        open.sort_unstable_by_key(|(_, piece)| piece.returned);
        open.into_iter().any(|(lane, piece)| {
            self.tried += 1;
            if self.tried > TRIED_MAX {
                return true;
            }
            let mut model = model.clone();
            let done = model.step(&piece.turn, &piece.step);
            if !self.accept(done.map_err(|wrong| wrong.at(piece.number))) {
                return false;
            }
            let mut at = at.to_vec();
            at[lane] += 1;
            self.extend(&model, &at)
        })
    }

    fn accept(&mut self, done: Result<(), Finding>) -> bool {
        match done {
            Ok(()) => true,
            Err(finding) => {
                self.wrong.get_or_insert(finding);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Span;
    use crate::run::Registry;

    /// Goal: a truncation may remove more elements than there are turns after the setup.
    #[test]
    fn the_setup_may_fill_a_list() {
        let append = "a alloc r1 leaf\na append r0 r1\n".repeat(3);
        let text = format!(
            "gcstorm-case 1\nschedule pct\nseed 1\ncapacity 9\nroots 1\nshared l list\n\
             mutator a registers 2 holds r0=l\n\n{append}start\na truncate-back r0 3\n"
        );
        let case = Case::parse("filled", &text).expect("it is in order");
        let registry = Registry::builtin();
        let heap = registry.get("gil").expect("it is there");
        let trace = heap.step(&case, None).expect("it opens");
        let spans = (0..).zip(&trace.steps).map(|(turn, _)| Span {
            turn,
            called: u64::from(turn) * 2,
            returned: u64::from(turn) * 2 + 1,
            is_dead: false,
        });
        let settled = trace.settled.as_ref().expect("it came to the end");
        let race = Race {
            spans: spans.collect(),
            living: settled.picture.objects.keys().copied().collect(),
            trace,
        };
        assert_eq!(judge_race(&case, &race), None);
    }
}
