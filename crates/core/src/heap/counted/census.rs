//! What the heap believes of itself, cell by cell, while nothing runs.
//!
//! A census is not a collection: it relies on nothing that the collector relies on. It walks the
//! cells one by one and compares them with the free list, the generations and the pages; whatever
//! does not agree is reported as a leftover.

use super::Counted;
use super::cell::{POISON, is_living};
use super::generations::is_member;
use crate::heap::{Belief, Census, Faults, Leftover, Shape, Tag};

/// What the census counted that must be nothing.
#[derive(Debug, Default)]
struct Findings {
    on_trial: u64,
    untracked: u64,
    tracked_twice: u64,
    lost_cells: u64,
    free_twice: u64,
    pages: u64,
}

impl<F: Faults> Counted<F> {
    /// Shows every living object, and counts what does not add up. `waiting` objects are known to
    /// wait on the caller's work list.
    pub(super) fn take_census(&self, waiting: u64, visit: &mut dyn FnMut(Belief)) -> Census {
        let mut census = Census::default();
        let mut findings = Findings::default();
        let free_times = self.free_times();
        let entry_times = self.entry_times();
        let (mut pages_held, mut small_held) = (0, 0);
        for (index, cell) in self.cells.used() {
            let place = index as usize;
            findings.on_trial += u64::from(self.trials.is_accused(index));
            findings.free_twice += u64::from(free_times[place] > 1);
            if !is_living(cell.incarnation.get()) {
                census.free_examined += 1;
                census.spoiled += u64::from(cell.slots.iter().any(|slot| slot.get() != POISON));
                findings.lost_cells += u64::from(free_times[place] == 0);
                continue;
            }
            census.living += 1;
            findings.free_twice += u64::from(free_times[place] == 1);
            findings.untracked += u64::from(cell.is_tracked() && entry_times[place] == 0);
            findings.tracked_twice += u64::from(entry_times[place] > 1);
            if cell.is(Shape::List) {
                pages_held += self.headers[place].pages_held();
                small_held += self.headers[place].small_held();
            }
            visit(Belief {
                id: Tag::id_of_bits(self.cells.tag(index)),
                count: u64::from(cell.count.get()),
            });
        }
        findings.pages = pages_held.abs_diff(self.pages.large.taken())
            + small_held.abs_diff(self.pages.small.taken());
        census.leftovers = findings.into_leftovers(waiting);
        census
    }

    /// How often each cell that was ever used is in the free list.
    fn free_times(&self) -> Vec<u8> {
        self.times(self.cells.free_list())
    }

    /// How often each cell that was ever used has an entry for its present object.
    fn entry_times(&self) -> Vec<u8> {
        self.times(
            self.generations
                .entries()
                .filter(|entry| is_member(*entry, &self.cells).is_some())
                .map(|entry| entry.index()),
        )
    }

    fn times(&self, indices: impl Iterator<Item = u32>) -> Vec<u8> {
        let mut times = vec![0_u8; self.cells.used().count() + 1];
        for index in indices {
            if let Some(times) = times.get_mut(index as usize) {
                *times = times.saturating_add(1);
            }
        }
        times
    }
}

impl Findings {
    fn into_leftovers(self, waiting: u64) -> Vec<Leftover> {
        [
            ("cells with a collection mark set", self.on_trial),
            ("objects waiting to be released", waiting),
            (
                "living tracked objects missing from every generation",
                self.untracked,
            ),
            (
                "objects with several entries in the generations",
                self.tracked_twice,
            ),
            ("free cells missing from the free list", self.lost_cells),
            (
                "free-list entries for a living cell, or one cell twice",
                self.free_twice,
            ),
            (
                "list pages that are neither held by a list nor free, or both",
                self.pages,
            ),
        ]
        .map(|(what, count)| Leftover {
            what: what.to_owned(),
            count,
        })
        .into()
    }
}
