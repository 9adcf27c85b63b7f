//! A case: an explicit program, operation by operation, with the order in which they were done.
//!
//! Where a plan says what is to be drawn at random, a case lists what was drawn: every operation of
//! every mutator in one sequence of [`Turn`]s. On one thread that sequence is the schedule; on
//! threads of their own, each mutator does its part of it. So only the turns have to be shrunk, and
//! a failure that was shrunk is a few lines that people can read and compare.
//!
//! Where the turns of a failure are too many to be written, or are not all that it takes, a case is
//! a *recipe*: in place of turns it has the command that led to the failure.
//!
//! The [text form](self::text) is what is kept; it is versioned and stable.

mod again;
mod alias;
mod op;
mod parse;
#[cfg(test)]
mod tests;
pub mod text;
mod to_plan;

use crate::heap::{Fault, Global, Shape, Slot};

use super::Op;

/// The version of the text form.
pub const VERSION: u32 = 1;

/// The maximum number of mutators in a case.
pub const MUTATORS_MAX: u32 = 1024;
/// The longest name of a mutator or shared object, in bytes: twice what a workload may use, since a
/// number is added to the names of its mutators.
pub const NAME_MAX: usize = 128;
/// The maximum number of registers of a mutator, and roots of a case.
pub const REGISTERS_MAX: u32 = 65_536;
/// The maximum number of registers of all mutators together.
pub const ALL_REGISTERS_MAX: u32 = 1 << 20;
/// How many objects a [fitted](Case::fitted) case leaves room for beyond what its program can make,
/// since heaps hand out room by the page.
const SPARE: u32 = 1024;
/// The maximum number of objects that a case may have room for.
pub const CAPACITY_MAX: u32 = 1 << 28;

/// An explicit program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The heap it was found on.
    pub heap: Option<String>,
    /// The fault that was planted there.
    pub fault: Option<Fault>,
    /// The order in which its turns come.
    pub schedule: Schedule,
    /// The seed from which it was drawn.
    pub seed: u64,
    /// The check that it violates.
    pub check: Option<String>,
    /// The command that led to it, word by word and without the program's name; empty if there was
    /// none.
    pub again: Vec<String>,
    /// How many objects the heap must have room for.
    pub capacity: u32,
    /// How many shared roots there are.
    pub roots: u16,
    /// The objects that are there from the beginning; number i is published in `Global(i)`.
    pub shared: Vec<Shared>,
    /// The mutators, by number.
    pub mutators: Vec<CaseMutator>,
    /// What is done before all mutators start together.
    pub setup: Vec<Turn>,
    /// What is done after that.
    pub turns: Vec<Turn>,
}

/// The order in which the turns of a case come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// On one thread, in the order in which they are written.
    Steps,
    /// Each mutator's on a thread of its own, in whatever order happens.
    Free,
    /// Each mutator's on a thread that a model checker controls, down to single atomic accesses.
    Controlled {
        /// How the checker chooses.
        by: Control,
        /// The schedule that failed, as the checker writes it.
        kept: Option<String>,
    },
}

/// How a model checker chooses which thread runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// At random, at every step.
    Random,
    /// By priorities that change a few times: PCT.
    Pct,
    /// Depth-first: one schedule after the other, until all were tried.
    Dfs,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Random, Self::Pct, Self::Dfs];

    /// The name in cases and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Pct => "pct",
            Self::Dfs => "dfs",
        }
    }
}

impl Schedule {
    /// The name in cases and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Free => "free",
            Self::Controlled { by, .. } => by.name(),
        }
    }
}

/// An object that is there from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

/// One mutator of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseMutator {
    /// Its name; one word.
    pub name: String,
    /// How many registers it has.
    pub registers: u32,
    /// Registers that hold a shared object from the start, by the object's number.
    pub held: Vec<(Slot, usize)>,
}

/// One operation of one mutator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    /// The mutator's number.
    pub mutator: u32,
    /// What it does.
    pub op: Op,
}

impl Case {
    /// A case without turns, of mutators that are alike.
    pub fn of_mutators(mutators: u32, registers: u32, roots: u16, capacity: u32) -> Self {
        let mutators = (0..mutators).map(|number| CaseMutator {
            name: format!("m{number}"),
            registers,
            held: Vec::new(),
        });
        Self {
            heap: None,
            fault: None,
            schedule: Schedule::Steps,
            seed: 0,
            check: None,
            again: Vec::new(),
            capacity,
            roots,
            shared: Vec::new(),
            mutators: mutators.collect(),
            setup: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// All turns, those of the setup first.
    pub fn all_turns(&self) -> impl Iterator<Item = &Turn> {
        self.setup.iter().chain(&self.turns)
    }

    /// The program alone, without where it was found and what it violates.
    #[must_use]
    pub fn program(&self) -> Self {
        Self {
            heap: None,
            fault: None,
            schedule: Schedule::Steps,
            seed: 0,
            check: None,
            again: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether it is a recipe: a command to repeat, and no program.
    pub fn is_recipe(&self) -> bool {
        self.mutators.is_empty() && !self.again.is_empty()
    }

    /// This name, or a similar one that nothing else in the case has.
    pub fn free_name(&self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let shared = self.shared.iter().map(|shared| &shared.name);
        let taken: Vec<&String> = (self.mutators.iter().map(|mutator| &mutator.name))
            .chain(shared)
            .collect();
        while parse::begins_a_line(&name) || taken.contains(&&name) {
            name.push('_');
        }
        name
    }

    /// For how many objects and list elements all turns together may need room.
    pub fn room_needed(&self) -> u64 {
        let asks = |op: &Op| {
            matches!(
                op,
                Op::Alloc { .. } | Op::AllocFinalized { .. } | Op::Append { .. }
            )
        };
        let asking = self.all_turns().filter(|turn| asks(&turn.op)).count();
        (self.shared.len() + asking) as u64
    }

    /// The same case with no more room than it can fill, so that it runs in a heap that is not
    /// larger than it has to be.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let needed = u32::try_from(self.room_needed()).unwrap_or(u32::MAX);
        self.capacity = self.capacity.min(needed.saturating_add(SPARE));
        self
    }

    /// Where shared object number `object` is published.
    pub(crate) fn root_of(object: usize) -> Global {
        // There are fewer objects than roots, whose number is a u16.
        Global(u16::try_from(object).unwrap_or(u16::MAX))
    }
}
