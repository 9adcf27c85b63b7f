//! Whether runs of one case ended in the same state, in those cases in which they must.
//!
//! # On one thread
//!
//! A case fixes what every operation does and in which order. The only thing that each heap chooses
//! is *when* garbage dies. A program can observe that choice in three ways:
//!
//! * an `upgrade` of a weak reference to garbage may succeed on one heap and fail on another;
//! * a finalizer that publishes its object runs whenever the collector finds the object;
//! * an allocation may fail because garbage that is not reclaimed yet takes up room.
//!
//! So two traces of one case must end in the same state if no finalizer publishes anything, and if
//! all upgrades and allocations were answered alike. The proof is by induction over the turns: each
//! operation reads the same state, gives the same answer, and leaves the same state.
//!
//! # On several threads
//!
//! Here the order of the operations is not fixed either, and the answers are not known. A state can
//! be compared with that of the run on one thread only if it is the same for every order and every
//! choice of the heap. So the case must have no `upgrade`, no finalizer that publishes, and room
//! for all that it may allocate. That is enough if only one mutator acts. If several act, it is
//! enough if, besides,
//!
//! 1. no mutator publishes anything, so the shared roots keep their initial contents;
//! 2. every shared object that two of the mutators can access (one that they hold from the start,
//!    or fetch) is a leaf or a counter, so it holds no references;
//! 3. no mutator writes a counter back.
//!
//! *Proof.* Say that a mutator *owns* the objects that it made, and the shared nodes and lists that
//! it alone can access. Claim: at any time, a mutator can reach only objects that it owns, leaves,
//! and counters. The claim holds at the beginning, by (2). Every operation preserves it, since a
//! reference gets into a register in one of three ways:
//!
//! * from a register of the same mutator;
//! * from a shared root, which by (1) holds a shared object, which by (2) is accessible to no other
//!   mutator or holds no references;
//! * out of a node or list that the mutator reaches and therefore owns.
//!
//! A reference gets into a node or list only from a register of a mutator that reaches the node or
//! list, which is its owner. So the claim always holds.
//!
//! It follows that two operations of different mutators work on the same object only if that object
//! is a shared leaf, which has no contents, or a shared counter, which they only add to or read.
//! Additions wrap, so they commute, and they return nothing. The value that a read returns is used
//! only by a write-back, and by (3) there is none. So neighbouring operations of different mutators
//! can be swapped without changing the final state, and such swaps turn any order into any other.
//! Objects are named by their maker and a number of its own, which no swap changes. ∎
//!
//! If any of these conditions fails, two correct states may differ, and the comparison only says
//! so.

use std::collections::BTreeSet;

use crate::evidence::{Answer, Broke, Picture, Trace};
use crate::heap::{Finalizer, Shape};
use crate::plan::{Case, Op};

/// The maximum number of differences that are listed.
const TOLD_MAX: usize = 8;

/// What comparing two states came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateComparison {
    /// The states are the same.
    Same {
        /// How many objects are reachable from registers and shared roots.
        objects: usize,
    },
    /// The states differ though they must not; the differences in words.
    Differ(Vec<String>),
    /// Why the states were not compared: correct ones may differ, or one is missing.
    NotCompared(String),
}

/// The end of a case on one thread, on the heap of this name.
#[derive(Debug, Clone, Copy)]
pub struct Stepped<'a> {
    /// The heap.
    pub name: &'a str,
    /// What it did.
    pub trace: &'a Trace,
}

/// The end of a case with a thread for each mutator, on the heap of this name.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    /// The heap.
    pub name: &'a str,
    /// The state at the end.
    pub picture: &'a Picture,
}

/// Compares a case on one thread on two heaps.
pub fn of_steps(case: &Case, one: Stepped<'_>, other: Stepped<'_>) -> StateComparison {
    let (mine, theirs) = match (state(one), state(other)) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        (Err(why), _) | (_, Err(why)) => return StateComparison::NotCompared(why),
    };
    match resurrects(case).or_else(|| choice(case, one, other)) {
        Some(why) => StateComparison::NotCompared(why),
        None => compare(mine, theirs, one.name, other.name),
    }
}

/// Compares a case with a thread for each mutator with the same case on one thread.
pub fn of_threads(case: &Case, ran: Ran<'_>, stepped: Stepped<'_>) -> StateComparison {
    let state = match (depends(case), state(stepped)) {
        (Some(why), _) | (None, Err(why)) => return StateComparison::NotCompared(why),
        (None, Ok(state)) => state,
    };
    let (one, other) = (
        format!("{} on threads", ran.name),
        format!("{} in steps", stepped.name),
    );
    compare(ran.picture, state, &one, &other)
}

fn compare(mine: &Picture, theirs: &Picture, one: &str, other: &str) -> StateComparison {
    let differences = mine.differences(theirs, one, other, TOLD_MAX);
    if differences.is_empty() {
        let objects = mine.objects.len();
        StateComparison::Same { objects }
    } else {
        StateComparison::Differ(differences)
    }
}

/// The state at the end, or why there is none.
fn state(stepped: Stepped<'_>) -> Result<&Picture, String> {
    let Stepped { name, trace } = stepped;
    let ended = |why: &dyn std::fmt::Display| Err(format!("{name} did not finish the case: {why}"));
    match (&trace.broke, &trace.settled) {
        (Some(Broke::Defect(defect) | Broke::Unseated(defect)), _) => ended(defect),
        (Some(Broke::Panicked(message)), _) => ended(message),
        (None, None) => ended(&"it left no final state"),
        (None, Some(settled)) => match &settled.incomplete {
            Some(why) => Err(format!("the walk of {name} is incomplete: {why}")),
            None => Ok(&settled.picture),
        },
    }
}

fn resurrects(case: &Case) -> Option<String> {
    let resurrecting = |op: &Op| {
        matches!(
            op,
            Op::AllocFinalized {
                finalizer: Finalizer::Resurrect(_),
                ..
            }
        )
    };
    let mut turns = case.all_turns();
    let turn = turns.find(|turn| resurrecting(&turn.op))?;
    Some(format!(
        "`{}`: each heap chooses when a finalizer runs and publishes its object",
        case.line_of(turn)
    ))
}

/// Describes the first turn whose answer is the heap's choice and differs between the two.
fn choice(case: &Case, one: Stepped<'_>, other: Stepped<'_>) -> Option<String> {
    let answers = one.trace.steps.iter().zip(&other.trace.steps);
    let (turn, (mine, theirs)) = case
        .all_turns()
        .zip(answers)
        .find(|(turn, (mine, theirs))| {
            let is_choice = matches!(
                turn.op,
                Op::Upgrade { .. } | Op::Alloc { .. } | Op::AllocFinalized { .. }
            );
            is_choice && mine.answer != theirs.answer
        })?;
    let told = |answer: Answer| match answer {
        Answer::NoRoom => "found no room",
        Answer::Found(false) => "failed",
        _ => "succeeded",
    };
    Some(format!(
        "`{}` {} on {} and {} on {}: each heap chooses when garbage dies",
        case.line_of(turn),
        told(mine.answer),
        one.name,
        told(theirs.answer),
        other.name
    ))
}

/// Why a case with a thread for each mutator may end in more than one state, if it may.
fn depends(case: &Case) -> Option<String> {
    let upgrade = case
        .all_turns()
        .find(|turn| matches!(turn.op, Op::Upgrade { .. }));
    let upgrade = upgrade.map(|turn| {
        let line = case.line_of(turn);
        format!("`{line}`: each heap chooses when garbage dies, so this may succeed or fail")
    });
    upgrade
        .or_else(|| resurrects(case))
        .or_else(|| may_lack_room(case))
        .or_else(|| depends_on_order(case))
}

fn may_lack_room(case: &Case) -> Option<String> {
    let (needed, capacity) = (case.room_needed(), case.capacity);
    (needed > u64::from(capacity)).then(|| {
        format!(
            "the case may need room for {needed} objects and elements, and has room for {capacity}"
        )
    })
}

/// Which of the three conditions fails, so that the order of the mutators' turns may matter.
fn depends_on_order(case: &Case) -> Option<String> {
    let acting: BTreeSet<u32> = case.all_turns().map(|turn| turn.mutator).collect();
    if acting.len() < 2 {
        return None;
    }
    let orders = |op: &Op| matches!(op, Op::Publish { .. } | Op::WriteBack { .. });
    if let Some(turn) = case.all_turns().find(|turn| orders(&turn.op)) {
        let line = case.line_of(turn);
        return Some(format!(
            "`{line}`: its effect depends on what other mutators did before"
        ));
    }
    for (number, shared) in case.shared.iter().enumerate() {
        if matches!(shared.shape, Shape::Leaf | Shape::Counter) {
            continue;
        }
        let mut users = acting
            .iter()
            .filter(|&&mutator| can_get_at(case, mutator, number));
        if let (Some(&one), Some(&other)) = (users.next(), users.next()) {
            let name = |mutator: u32| &case.mutators[mutator as usize].name;
            return Some(format!(
                "{} and {} both work on `{}`, in no fixed order",
                name(one),
                name(other),
                shared.name
            ));
        }
    }
    None
}

/// Whether a mutator holds a shared object from the start, or ever fetches it.
fn can_get_at(case: &Case, mutator: u32, object: usize) -> bool {
    let held = &case.mutators[mutator as usize].held;
    let fetched =
        |op: &Op| matches!(op, Op::Fetch { global, .. } if *global == Case::root_of(object));
    held.iter().any(|(_, held)| *held == object)
        || case
            .all_turns()
            .any(|turn| turn.mutator == mutator && fetched(&turn.op))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Registry;

    const HEADER: &str = "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 40\nroots 4\n\
        shared l list\nshared c counter\nshared f leaf\nmutator a registers 4 holds r0=l r1=c\n\
        mutator b registers 4 holds r1=c r2=f\n\n";

    fn case(turns: &str) -> Case {
        Case::parse("case", &format!("{HEADER}{turns}")).expect("it is in order")
    }

    fn trace(case: &Case, heap: &str) -> Trace {
        let registry = Registry::builtin();
        let heap = registry.get(heap).expect("it is there");
        heap.step(case, None).expect("it opens")
    }

    fn stepped<'a>(name: &'a str, trace: &'a Trace) -> Stepped<'a> {
        Stepped { name, trace }
    }

    fn ran(picture: &Picture) -> Ran<'_> {
        let name = "gil";
        Ran { name, picture }
    }

    /// Goal: the order is said to matter only where it may, and for the right reason.
    #[test]
    fn the_order_matters_where_it_does() {
        let alone = "a alloc r2 leaf\na append r0 r2\na publish g3 r2\na write-back r1 2\n";
        let sound = "a alloc r2 node\na append r0 r2\na add r1 4\nb add r1 -9\nb read r1\n\
                     b fetch r3 g1\nb copy r0 r2\nb alloc r3 list\nb append r3 r0\n";
        assert_eq!((depends(&case(alone)), depends(&case(sound))), (None, None));
        for (turns, why) in [
            ("b alloc r0 leaf\nb publish g3 r0\n", "`b publish g3 r0`"),
            ("b read r1\nb write-back r1 1\n", "`b write-back r1 1`"),
            ("b fetch r0 g0\n", "a and b both work on `l`"),
            ("b downgrade r0 r2\nb upgrade r3 r0\n", "`b upgrade r3 r0`"),
            ("b alloc-finalized r0 leaf g3\n", "when a finalizer runs"),
            (&"b alloc r0 leaf\n".repeat(40), "room for"),
        ] {
            let said = depends(&case(&format!("{sound}{turns}"))).unwrap_or_default();
            assert!(said.contains(why), "{turns}: {said:?}");
        }
    }

    /// Goal: two heaps agree on one thread; states that differ are described object by object; and
    /// nothing is compared if the heaps made different choices, or if one did not finish.
    #[test]
    fn states_are_compared_where_they_must_agree() {
        let case_of = |turns| {
            let case = case(turns);
            let (gil, lock_free) = (trace(&case, "gil"), trace(&case, "lock-free"));
            (case, gil, lock_free)
        };
        let (case, gil, lock_free) =
            case_of("a alloc r2 node\na copy r3 r2\na append r0 r2\nb add r1 5\n");
        let (one, other) = (stepped("gil", &gil), stepped("lock-free", &lock_free));
        assert_eq!(
            of_steps(&case, one, other),
            StateComparison::Same { objects: 4 }
        );
        let settled = lock_free.settled.clone().expect("it came to the end");
        let mut picture = settled.picture;
        assert_eq!(
            of_threads(&case, ran(&picture), one),
            StateComparison::Same { objects: 4 }
        );
        for contents in picture.objects.values_mut() {
            if let crate::evidence::Contents::Counter(value) = contents {
                *value += 1;
            }
        }
        let StateComparison::Differ(told) = of_threads(&case, ran(&picture), one) else {
            panic!("a counter differs");
        };
        let said = "object 1 of mutator 2 holds the value 6 (gil on threads) and the value 5 (gil in steps)";
        assert_eq!(told, [said]);

        let (case, gil, mut lost) = case_of("b downgrade r0 r2\nb upgrade r3 r0\n");
        lost.steps[1].answer = Answer::Found(false);
        let (one, other) = (stepped("gil", &gil), stepped("lock-free", &lost));
        let chosen = of_steps(&case, one, other);
        let StateComparison::NotCompared(why) = chosen else {
            panic!("the heaps chose differently");
        };
        assert!(
            why.contains("succeeded on gil and failed on lock-free"),
            "{why}"
        );
        let (roomy, _, mut full) = case_of("b alloc r0 leaf\n");
        let gil_roomy = trace(&roomy, "gil");
        full.steps[0].answer = Answer::NoRoom;
        let chosen = of_steps(
            &roomy,
            stepped("gil", &gil_roomy),
            stepped("lock-free", &full),
        );
        let StateComparison::NotCompared(why) = chosen else {
            panic!("one of the heaps was full");
        };
        assert!(
            why.contains("succeeded on gil and found no room on lock-free"),
            "{why}"
        );
        lost.broke = Some(Broke::Panicked("ouch".to_owned()));
        let broken = of_steps(&case, stepped("gil", &gil), stepped("lock-free", &lost));
        let why = "lock-free did not finish the case: ouch".to_owned();
        assert_eq!(broken, StateComparison::NotCompared(why));
    }
}
