//! Trial deletion, as CPython does it: which objects are referred to only by each other?
//!
//! Take the counts of all objects in the generations that are collected, and subtract the
//! references that these objects hold to each other. What is left of a count comes from outside. An
//! object with anything left is alive, with all that it reaches; the rest is garbage.
//! (`deduce_unreachable` in `gcmodule.c`; the idea is Christopher's, *Reference count garbage
//! collection*, 1984.)
//!
//! What is left of the counts stands in a table of its own (`trials`), where it is 0 outside a
//! collection. Nothing has to be cleaned up afterwards: living objects are reset when they are found
//! (`acquit`), dead ones when they are freed (`sweep`).
//!
//! If dead objects have finalizers, these run first, and may put references to some of the dead
//! objects into shared roots. So the dead objects are tried once more, by the counts that they have
//! then.

use super::Counted;
use super::cell::{Cell, Ref};
use super::generations::{Generation, is_member};
use super::release::Work;
use super::trials::Link;
use super::word::Word;
use crate::heap::{Collection, Fault, Faults};

impl<F: Faults> Counted<F> {
    /// Collects the generation whose time has come.
    pub(super) fn collect_due(&self, work: &mut Work) -> Collection {
        let done = self.collect(self.generations.due_generation(&self.faults), work);
        self.examined.add(done.examined);
        done
    }

    /// Collects a generation and all younger ones.
    pub(super) fn collect(&self, generation: Generation, work: &mut Work) -> Collection {
        // Without a lock, somebody else may be collecting already.
        if self.collecting.get() != 0 || self.has(Fault::CollectorNeverRuns) {
            return Collection::default();
        }
        self.collecting.set(1);
        self.faults.collecting();
        let have_finalizers = self.begin_trial(generation);
        let members = self.generations.members(generation);
        let examined = members.len();
        let mut are_any = self.try_members(members, work);
        if are_any
            && have_finalizers
            && self.finalize_condemned(members, work)
            && !self.has(Fault::ResurrectedFreedAnyway)
        {
            self.try_again(members);
            are_any = self.try_members(members, work);
        }
        let freed = match are_any {
            true => self.free_condemned(generation, work),
            false => 0,
        };
        self.spoil_survivors(generation);
        self.generations.promote(generation);
        self.collections.add(1);
        if generation == Generation::Old {
            self.full_collections.add(1);
        }
        self.cycles_freed.add(freed);
        self.collecting.set(0);
        Collection {
            examined: examined as u64,
            freed,
        }
    }

    /// Puts the living members of a generation and all younger ones on trial, subtracts their
    /// references to each other, and takes out the entries of the dead. Returns whether finalizers
    /// of members have yet to run.
    fn begin_trial(&self, generation: Generation) -> bool {
        let members = self.generations.members(generation);
        for entry in members {
            self.trials.accuse(Ref::from_bits(entry.get()).index());
        }
        let far = |index| {
            self.trials.fetch(index);
            self.cells.fetch(index);
        };
        let members = self.in_turn(members, far, |index| self.fetch_children(index));
        let mut have_finalizers = false;
        self.generations.retain(generation, members, |object| {
            let member = is_member(object, &self.cells);
            if let Some(cell) = member {
                self.count(object.index(), cell);
                have_finalizers |= cell.is_unfinalized();
            } else {
                self.dismiss(object.index());
            }
            member.is_some()
        });
        have_finalizers
    }

    /// Puts those that are still on trial on trial once more, by the counts that they have now.
    fn try_again(&self, members: &[Word]) {
        for (object, _) in self.on_trial(members) {
            self.trials.accuse(object.index());
        }
        for (object, cell) in self.on_trial(members) {
            self.count(object.index(), cell);
        }
    }

    /// Counts the references to an object on trial, and subtracts those that it holds itself.
    #[inline(always)]
    fn count(&self, index: u32, cell: &Cell) {
        let mut link = Link::NOTHING;
        let mut last = 0;
        self.for_each_reference(index, cell, |child| {
            let child = child.index();
            if last == child && self.has(Fault::EdgesCountedOnce) {
                return;
            }
            last = child;
            if self.has(Fault::ReferencesSubtractedTwice) {
                self.trials.subtract(child);
            }
            if self.trials.subtract(child) {
                link = match self.has(Fault::SecondReferenceForgotten) {
                    true => link.or(child),
                    false => link.and(child),
                };
            }
        });
        self.trials.add(index, cell.count.get(), link);
    }

    /// Ends the trial of an object that died before it began, unless its cell has an entry for
    /// another.
    #[cold]
    fn dismiss(&self, index: u32) {
        if self.cells.at(index).is_some_and(|cell| !cell.is_tracked()) {
            self.trials.acquit(index);
        }
    }

    /// What faults do to those that survived.
    fn spoil_survivors(&self, generation: Generation) {
        if self.has(Fault::SurvivorsForgotten) && generation == Generation::Young {
            self.generations.forget_young();
        }
        if self.has(Fault::MarkLeftBehind) {
            let mut survivors = self.living(self.generations.members(generation));
            if let Some((survivor, _)) = survivors.next() {
                self.trials.leave_mark(survivor.index());
            }
        }
    }

    /// Acquits those of the members on trial that something else refers to; returns whether any are
    /// left.
    fn try_members(&self, members: &[Word], work: &mut Work) -> bool {
        self.subtract_external();
        self.acquit_reachable(members, work)
    }

    /// What a fault does: subtracts references that come from outside.
    fn subtract_external(&self) {
        if self.has(Fault::RootSkipped)
            && let Some(root) = self.globals.last()
            && let root = Ref::from_bits(root.get())
            && self.follow(root).is_some()
        {
            self.trials.subtract(root.index());
        }
        if self.has(Fault::YoungSubtractsOld) {
            let entries = self.generations.entries();
            for entry in entries.filter(|entry| !self.trials.is_accused(entry.index())) {
                if let Some(cell) = is_member(entry, &self.cells) {
                    self.for_each_reference(entry.index(), cell, |child| {
                        self.trials.subtract(child.index());
                    });
                }
            }
        }
    }

    /// The objects of entries, except for those that died meanwhile.
    #[inline]
    fn living<'a>(&'a self, members: &'a [Word]) -> impl Iterator<Item = (Ref, &'a Cell)> {
        members.iter().filter_map(|entry| {
            let object = Ref::from_bits(entry.get());
            is_member(object, &self.cells).map(|cell| (object, cell))
        })
    }

    /// The members that were not acquitted.
    #[inline]
    pub(super) fn on_trial<'a>(
        &'a self,
        members: &'a [Word],
    ) -> impl Iterator<Item = (Ref, &'a Cell)> {
        self.living(members)
            .filter(|(object, _)| self.trials.is_accused(object.index()))
    }
}
