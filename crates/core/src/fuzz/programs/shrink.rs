//! Shrinks a failing case.
//!
//! A [`CaseTree`] holds the smallest case that is known to fail, and proposes smaller ones, one at
//! a time. It goes through these steps, and starts over as long as a round of them made progress:
//!
//! 1. Leave out a run of consecutive turns: half of all turns first, single turns last (delta
//!    debugging: Zeller and Hildebrandt, TSE 2002). The remaining turns may then do something else,
//!    but any sequence of turns is a program.
//! 2. Let one mutator do the turns of another.
//! 3. Make one turn simpler.
//! 4. Move the turns between two switches forward, right after the previous turns of the same
//!    mutator, so that the schedule has fewer switches.
//! 5. Leave out two single turns at once, if the case has few turns.
//! 6. Leave out a turn of the setup, or a shared object.
//! 7. [Tidy up](super::tidy): remove registers, roots and room that no turn uses.

use proptest::strategy::ValueTree;

use super::tidy;
use crate::heap::{Finalizer, Shape};
use crate::plan::{Case, Op, Turn};

/// Pairs are tried only if a case has at most this many turns; 60 turns have 1,770 pairs.
const PAIRS_MAX: usize = 60;

/// A case that can be shrunk.
#[derive(Debug, Clone)]
pub struct CaseTree {
    /// The smallest case that is known to fail; at first, the root of the tree.
    best: Case,
    proposed: Case,
    /// Whether it is unknown yet if `proposed` fails.
    is_open: bool,
    place: Proposal,
    /// Whether this round has made the case smaller.
    is_better: bool,
}

/// What is proposed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proposal {
    /// Without the `size` turns from `at` on.
    Cut { at: usize, size: usize },
    /// With mutator `gone`'s turns done by `heir`.
    Merge { gone: u32, heir: u32 },
    /// With turn `at` simpler, in one of several ways: an index into [`simpler`].
    Simplify { at: usize, way: usize },
    /// With the run of turns that begins at `at` moved right after the previous turn of its
    /// mutator.
    Advance { at: usize },
    /// Without turns `first` and `second`.
    Pair { first: usize, second: usize },
    /// Without turn `at` of the setup.
    Setup { at: usize },
    /// Without this shared object.
    Unshare { object: usize },
    /// Tidied up.
    Tidy,
    /// There is nothing left to propose.
    Done,
}

impl CaseTree {
    /// A tree whose root is this case.
    pub fn new(case: Case) -> Self {
        let size = case.turns.len().div_ceil(2).max(1);
        Self {
            proposed: case.clone(),
            best: case,
            is_open: false,
            place: Proposal::Cut { at: 0, size },
            is_better: false,
        }
    }

    /// The smallest case that is known to fail.
    pub fn best(&self) -> &Case {
        &self.best
    }

    /// Proposes another case; false if there is none left.
    fn propose(&mut self) -> bool {
        while self.place != Proposal::Done {
            if let Some(case) = self.at_place()
                && case != self.best
            {
                self.proposed = case;
                self.is_open = true;
                return true;
            }
            self.next(Reply::Worse);
        }
        self.proposed = self.best.clone();
        false
    }

    fn at_place(&self) -> Option<Case> {
        // Copying a long case is slow, and most places have nothing to propose.
        if !self.is_worth_a_copy() {
            return None;
        }
        let mut case = self.best.clone();
        let turns = &mut case.turns;
        match self.place {
            Proposal::Cut { at, size } => {
                let end = (at + size).min(turns.len());
                turns.drain(at..end);
            }
            Proposal::Merge { gone, heir } => tidy::merge(&mut case, gone, heir)?,
            Proposal::Simplify { at, way } => turns[at].op = *simpler(turns[at].op).get(way)?,
            Proposal::Advance { at } => {
                let is_its = |turn: &Turn| turn.mutator == self.best.turns[at].mutator;
                let to = 1 + turns[..at].iter().rposition(is_its)?;
                let run = turns[at..].iter().take_while(|turn| is_its(turn)).count();
                // Each such move removes a switch, so this ends.
                turns[to..at + run].rotate_right(if to < at { run } else { 0 });
            }
            Proposal::Pair { first, second } => {
                turns.remove(second);
                turns.remove(first);
            }
            Proposal::Setup { at } => drop(case.setup.remove(at)),
            Proposal::Unshare { object } => tidy::unshare(&mut case, object)?,
            Proposal::Tidy => case = tidy::tidied(&case),
            Proposal::Done => return None,
        }
        Some(case)
    }

    fn is_worth_a_copy(&self) -> bool {
        let turns = &self.best.turns;
        match self.place {
            Proposal::Simplify { at, way } => way < simpler(turns[at].op).len(),
            Proposal::Advance { at } => {
                let is_its = |turn: &Turn| turn.mutator == turns[at].mutator;
                !is_its(&turns[at - 1]) && turns[..at].iter().any(is_its)
            }
            Proposal::Setup { at } => at < self.best.setup.len(),
            Proposal::Unshare { object } => object < self.best.shared.len(),
            _ => true,
        }
    }

    /// Moves on to the next proposal.
    fn next(&mut self, outcome: Reply) {
        let len = self.best.turns.len();
        let mutators = u32::try_from(self.best.mutators.len()).unwrap_or(u32::MAX);
        self.place = match (self.place, outcome) {
            (Proposal::Cut { at, size }, Reply::Better) => cut(at, size, len),
            (Proposal::Cut { at, size }, Reply::Worse) => cut(at + size, size, len),
            (Proposal::Merge { gone, heir }, _) => merge(gone, heir + 1, mutators, len),
            (Proposal::Simplify { at, way }, Reply::Worse)
                if way + 1 < simpler(self.best.turns[at].op).len() =>
            {
                Proposal::Simplify { at, way: way + 1 }
            }
            (Proposal::Simplify { at, way: _ }, Reply::Better) => Proposal::Simplify { at, way: 0 },
            (Proposal::Simplify { at, .. }, Reply::Worse) if at + 1 < len => {
                Proposal::Simplify { at: at + 1, way: 0 }
            }
            (Proposal::Simplify { .. }, Reply::Worse) => advance(1, len),
            (Proposal::Advance { at }, _) => advance(at + 1, len),
            (Proposal::Pair { first, second }, Reply::Worse) => pair(first, second + 1, len),
            (Proposal::Pair { first, .. }, Reply::Better) => pair(first, first + 1, len),
            (Proposal::Setup { at }, Reply::Worse) if at < self.best.setup.len() => {
                Proposal::Setup { at: at + 1 }
            }
            (Proposal::Setup { at }, Reply::Better) => Proposal::Setup { at },
            (Proposal::Setup { .. }, Reply::Worse) => Proposal::Unshare { object: 0 },
            (Proposal::Unshare { object }, Reply::Worse) if object < self.best.shared.len() => {
                Proposal::Unshare { object: object + 1 }
            }
            (Proposal::Unshare { object }, Reply::Better) => Proposal::Unshare { object },
            (Proposal::Unshare { .. }, Reply::Worse) => Proposal::Tidy,
            (Proposal::Tidy, _) if self.is_better => {
                self.is_better = false;
                cut(0, len.div_ceil(2).max(1), len)
            }
            (Proposal::Tidy | Proposal::Done, _) => Proposal::Done,
        };
    }
}

/// Whether a proposed case fails as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// It fails, so it is the new best.
    Better,
    /// It does not fail.
    Worse,
}

fn cut(at: usize, size: usize, len: usize) -> Proposal {
    match (at < len, size) {
        (true, _) => Proposal::Cut { at, size },
        (false, 2..) if len > 0 => Proposal::Cut {
            at: 0,
            size: size / 2,
        },
        (false, _) => merge(1, 0, u32::MAX, len),
    }
}

fn merge(gone: u32, heir: u32, mutators: u32, len: usize) -> Proposal {
    match (gone < mutators, heir < gone) {
        (true, true) => Proposal::Merge { gone, heir },
        (true, false) if gone + 1 < mutators => Proposal::Merge {
            gone: gone + 1,
            heir: 0,
        },
        _ if len > 0 => Proposal::Simplify { at: 0, way: 0 },
        _ => Proposal::Setup { at: 0 },
    }
}

fn advance(at: usize, len: usize) -> Proposal {
    if at < len {
        Proposal::Advance { at }
    } else {
        pair(0, 1, len)
    }
}

fn pair(first: usize, second: usize, len: usize) -> Proposal {
    match (len <= PAIRS_MAX, second < len) {
        (true, true) => Proposal::Pair { first, second },
        (true, false) if first + 2 < len => Proposal::Pair {
            first: first + 1,
            second: first + 2,
        },
        _ => Proposal::Setup { at: 0 },
    }
}

/// Simpler operations to try in place of this one, the most promising first.
fn simpler(op: Op) -> Vec<Op> {
    const SMALL: [u32; 2] = [0, 1];
    match op {
        Op::Alloc { dst, shape } if shape != Shape::Leaf => vec![Op::Alloc {
            dst,
            shape: Shape::Leaf,
        }],
        Op::AllocFinalized {
            dst,
            shape,
            finalizer,
        } => {
            let mut ops = vec![Op::Alloc { dst, shape }];
            if finalizer != Finalizer::Witness {
                ops.push(Op::AllocFinalized {
                    dst,
                    shape,
                    finalizer: Finalizer::Witness,
                });
            }
            ops
        }
        Op::Get { dst, list, index } => {
            let less = SMALL.into_iter().filter(|less| *less < index);
            less.map(|index| Op::Get { dst, list, index }).collect()
        }
        Op::Set { list, index, val } => {
            let less = SMALL.into_iter().filter(|less| *less < index);
            less.map(|index| Op::Set { list, index, val }).collect()
        }
        Op::TruncateFront { list, count: 2.. } => vec![Op::TruncateFront { list, count: 1 }],
        Op::TruncateBack { list, count: 2.. } => vec![Op::TruncateBack { list, count: 1 }],
        Op::TruncateFrontTo { list, leave } if leave > 0 => {
            vec![Op::TruncateFrontTo { list, leave: 0 }]
        }
        Op::TruncateBackTo { list, leave } if leave > 0 => {
            vec![Op::TruncateBackTo { list, leave: 0 }]
        }
        Op::Add { counter, by } if by != 1 => vec![Op::Add { counter, by: 1 }],
        Op::WriteBack { counter, add } if add != 1 => vec![Op::WriteBack { counter, add: 1 }],
        _ => Vec::new(),
    }
}

impl ValueTree for CaseTree {
    type Value = Case;

    fn current(&self) -> Case {
        self.proposed.clone()
    }

    fn simplify(&mut self) -> bool {
        if std::mem::take(&mut self.is_open) {
            self.best = self.proposed.clone();
            // Tidying up makes no other proposal possible, so it is no reason for another round.
            self.is_better |= self.place != Proposal::Tidy;
            self.next(Reply::Better);
        }
        self.propose()
    }

    fn complicate(&mut self) -> bool {
        if !std::mem::take(&mut self.is_open) {
            return false;
        }
        self.next(Reply::Worse);
        self.propose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::programs;
    use crate::plan::OpKind;

    /// Shrinks a case for which `fails` is true; returns the result and how many proposals it took.
    fn shrunk(case: Case, fails: impl Fn(&Case) -> bool) -> (Case, usize) {
        let mut tree = CaseTree::new(case);
        let (mut left, mut proposals) = (tree.current(), 0);
        let mut goes_on = tree.simplify();
        while goes_on {
            proposals += 1;
            assert!(proposals < 100_000, "it does not end");
            let case = tree.current();
            goes_on = if fails(&case) {
                left = case;
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        assert_eq!(&left, tree.best());
        assert_eq!(left, tree.current());
        (left, proposals)
    }

    fn kinds(case: &Case) -> Vec<OpKind> {
        case.turns.iter().map(|turn| turn.op.kind()).collect()
    }

    /// Goal: a long case shrinks to exactly the turns that the failure needs, in order.
    #[test]
    fn what_is_needed_is_left() {
        let wanted = [OpKind::Append, OpKind::Collect, OpKind::Append];
        let fails = |case: &Case| {
            let kinds = kinds(case);
            let mut kinds = kinds.iter();
            wanted.iter().all(|wanted| kinds.any(|kind| kind == wanted))
        };
        let mut tried = 0;
        for seed in 0..2000 {
            let case = programs().with_ops(200).draw(seed);
            if !fails(&case) {
                continue;
            }
            tried += 1;
            let (left, _) = shrunk(case, fails);
            assert_eq!(kinds(&left), wanted);
            assert_eq!(left.mutators.len(), 1, "{left}");
            assert!(left.mutators[0].registers <= 4, "{left}");
        }
        assert!(tried > 100, "{tried}");
    }

    /// Goal: two turns that can only be left out together are left out together.
    #[test]
    fn pairs_go_together() {
        let fails = |case: &Case| {
            let kinds = kinds(case);
            let count = |kind| kinds.iter().filter(|it| **it == kind).count();
            count(OpKind::Alloc) > 0 && count(OpKind::Append) == count(OpKind::Clear)
        };
        for seed in 0..2000 {
            let case = programs().with_ops(30).draw(seed);
            if fails(&case) {
                let (left, _) = shrunk(case, fails);
                assert_eq!(kinds(&left), [OpKind::Alloc], "{left}");
            }
        }
    }

    /// Goal: the schedule shrinks as well: if switches do not matter, only the necessary one is
    /// left.
    #[test]
    fn switches_are_taken_out() {
        // Both mutators must stay, with two turns each.
        let fails = |case: &Case| {
            let turns = |mutator| {
                case.turns
                    .iter()
                    .filter(|turn| turn.mutator == mutator)
                    .count()
            };
            case.mutators.len() >= 2 && turns(0) >= 2 && turns(1) >= 2
        };
        for seed in 0..200 {
            let case = programs().draw(seed);
            if fails(&case) {
                let (left, _) = shrunk(case, fails);
                let order: Vec<u32> = left.turns.iter().map(|turn| turn.mutator).collect();
                assert!(order == [0, 0, 1, 1] || order == [1, 1, 0, 0], "{left}");
            }
        }
    }

    /// Goal: if every case fails, nothing is left of it, after few proposals.
    #[test]
    fn nothing_is_left_of_nothing() {
        for programs in [programs(), programs().that_meet()] {
            let (left, proposals) = shrunk(programs.draw(3), |_| true);
            assert_eq!(left.all_turns().count() + left.shared.len(), 0, "{left}");
            assert!(proposals < 30, "{proposals}");
        }
    }

    /// Goal: the setup and the shared objects shrink to what the failure needs, too.
    #[test]
    fn setups_shrink() {
        let appends = |case: &Case| {
            let is_append = |turn: &&Turn| turn.op.kind() == OpKind::Append;
            case.setup.iter().filter(is_append).count()
        };
        let mut tried = 0;
        for seed in 0..200 {
            let case = programs().that_meet().draw(seed);
            if appends(&case) == 0 {
                continue;
            }
            tried += 1;
            let fails = |case: &Case| appends(case) > 0 && !case.shared.is_empty();
            let (left, _) = shrunk(case, fails);
            assert_eq!((left.setup.len(), left.shared.len()), (1, 1), "{left}");
            assert!(left.turns.is_empty(), "{left}");
        }
        assert!(tried > 50, "{tried}");
    }
}
