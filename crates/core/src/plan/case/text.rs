//! The text form of a case.
//!
//! ```text
//! gcstorm-case 1
//! # anything after a # is for people
//! heap lock-free
//! fault pop-keeps-reference
//! schedule steps
//! seed 7
//! check completeness
//! capacity 64
//! roots 2
//! shared l list
//! mutator writer registers 3 holds r0=l
//! mutator reader registers 2
//!
//! writer alloc r1 leaf
//! writer append r0 r1
//! start
//! reader fetch r0 g0
//! writer pop r1 r0
//! ```
//!
//! The header describes what the program runs on. Each line after it is one operation of one
//! mutator; with `schedule steps`, the order of the lines is the order in which they are done.
//! `heap`, `fault`, `check` and `start` may be left out; what stands before `start` is done before
//! all mutators start together. Registers are `r0`, `r1`, …; shared roots `g0`, `g1`, …, and the
//! first of them hold the shared objects. `schedule` is `steps`, `free`, `random`, `pct` or `dfs`;
//! after the last three, the schedule that failed may follow as the model checker writes it.
//!
//! `again`, which may be left out as well, is the command that led to the case, without the
//! program's name: `again run shared-list --heap racy --seed 7 --duration 1s`. A word that contains
//! blanks or `#`, or is empty, is written as a JSON string with these characters escaped: `\u0020`
//! and `\u0023`.
//!
//! # Recipes
//!
//! Not every failure can be written as turns: there may be millions of them, a mutator may have
//! been lost with its count of them, and other things that were done to a run (delays, forced
//! collections, a refused allocation, surveys at pauses) are not turns. Then the case ends with
//! `again`:
//!
//! ```text
//! gcstorm-case 1
//! heap racy
//! schedule free
//! seed 7
//! check dangling
//! again run shared-list --heap racy --seed 7 --duration 1s
//! ```
//!
//! To replay a recipe is to run its command again ([`Case::is_recipe`]). Where there are turns,
//! these are replayed, and `again` only says where they come from.
//!
//! The form is stable: a line that is read means the same in every later version, and a text of a
//! version that is not known is refused.

use std::fmt::{self, Display, Formatter};

use super::again::AsWord;
use super::op::InWords;
use super::{Case, Schedule, Turn, VERSION};

impl Display for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "gcstorm-case {VERSION}")?;
        if let Some(heap) = &self.heap {
            writeln!(f, "heap {heap}")?;
        }
        if let Some(fault) = self.fault {
            writeln!(f, "fault {fault}")?;
        }
        write!(f, "schedule {}", self.schedule.name())?;
        if let Schedule::Controlled {
            kept: Some(kept), ..
        } = &self.schedule
        {
            write!(f, " {kept}")?;
        }
        writeln!(f, "\nseed {}", self.seed)?;
        if let Some(check) = &self.check {
            writeln!(f, "check {check}")?;
        }
        if !self.again.is_empty() {
            f.write_str("again")?;
            (self.again.iter()).try_for_each(|word| write!(f, " {}", AsWord(word)))?;
            writeln!(f)?;
        }
        if self.is_recipe() {
            return Ok(());
        }
        writeln!(f, "capacity {}\nroots {}", self.capacity, self.roots)?;
        for shared in &self.shared {
            writeln!(f, "shared {} {}", shared.name, shared.shape.name())?;
        }
        for mutator in &self.mutators {
            write!(
                f,
                "mutator {} registers {}",
                mutator.name, mutator.registers
            )?;
            if !mutator.held.is_empty() {
                f.write_str(" holds")?;
            }
            for (slot, object) in &mutator.held {
                write!(f, " r{}={}", slot.0, self.shared[*object].name)?;
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        for turn in &self.setup {
            self.line(turn, f)?;
        }
        if !self.setup.is_empty() {
            writeln!(f, "start")?;
        }
        self.turns.iter().try_for_each(|turn| self.line(turn, f))
    }
}

impl Case {
    fn line(&self, turn: &Turn, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &self.mutators[turn.mutator as usize].name;
        writeln!(f, "{name} {}", InWords(turn.op))
    }

    /// One turn as it is written on a line.
    pub fn line_of(&self, turn: &Turn) -> String {
        let name = &self.mutators[turn.mutator as usize].name;
        format!("{name} {}", InWords(turn.op))
    }
}
