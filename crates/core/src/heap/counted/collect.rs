//! Trial deletion, as CPython does it: which objects are referred to only by each other?
//!
//! Take the counts of all objects in the generations that are collected, and subtract the
//! references that these objects hold to each other. What is left of a count comes from outside. An
//! object with anything left is alive, with all that it reaches; the rest is garbage.
//! (`deduce_unreachable` in `gcmodule.c`; the idea is Christopher's, *Reference count garbage
//! collection*, 1984.)
//!
//! A cell's scratch word `trial` is 0 outside a collection, and for objects that are known to be
//! alive. For an object that is on trial, it is what is left of its count, plus 1. So nothing has
//! to be cleaned up afterwards: living objects are reset when they are found, dead ones when they
//! are freed.
//!
//! If dead objects have finalizers, these run first, and may put references to some of the dead
//! objects into shared roots. So the dead objects are tried once more, by the counts that they have
//! then.
//!
//! Dead objects are freed directly: of their references only those to other objects are released
//! one by one. The lock keeps the mutators still meanwhile.

use super::Counted;
use super::cell::{Cell, Ref};
use super::generations::{Generation, is_member};
use super::release::Work;
use super::word::Word;
use crate::heap::{Collection, Fault, Faults, Shape, Tag};

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
        let members = self.generations.members(generation, &self.cells);
        for (_, cell) in self.living(members) {
            put_on_trial(cell);
        }
        self.try_members(members, work);
        if self.finalize_condemned(members, work) && !self.has(Fault::ResurrectedFreedAnyway) {
            for (_, cell) in self.on_trial(members) {
                put_on_trial(cell);
            }
            self.try_members(members, work);
        }
        let done = Collection {
            examined: members.len() as u64,
            freed: self.free_condemned(members, work),
        };
        self.spoil_survivors(generation, members);
        self.generations.promote(generation, &self.cells);
        self.collections.add(1);
        if generation == Generation::Old {
            self.full_collections.add(1);
        }
        self.cycles_freed.add(done.freed);
        self.collecting.set(0);
        done
    }

    /// What faults do to those that survived.
    fn spoil_survivors(&self, generation: Generation, members: &[Word]) {
        if self.has(Fault::SurvivorsForgotten) && generation == Generation::Young {
            self.generations.forget_young();
        }
        if self.has(Fault::MarkLeftBehind)
            && let Some((_, survivor)) = self.living(members).next()
        {
            survivor.trial.set(1);
        }
    }

    /// Acquits those on trial that something else refers to.
    fn try_members(&self, members: &[Word], work: &mut Work) {
        self.subtract_internal(members);
        self.subtract_external();
        self.acquit_reachable(members, work);
    }

    fn subtract_internal(&self, members: &[Word]) {
        for (object, cell) in self.on_trial(members) {
            let mut last = 0;
            self.for_each_child(object.index(), cell, |index, child| {
                if last == index && self.has(Fault::EdgesCountedOnce) {
                    return;
                }
                last = index;
                subtract_one(child);
            });
        }
    }

    /// What a fault does: subtracts references that come from outside.
    fn subtract_external(&self) {
        if self.has(Fault::RootSkipped)
            && let Some(root) = self.globals.last()
            && let Some(cell) = self.follow(Ref::from_bits(root.get()))
        {
            subtract_one(cell);
        }
        if self.has(Fault::YoungSubtractsOld) {
            let entries = self.generations.entries();
            for entry in entries.filter(|entry| is_member(*entry, &self.cells).is_some()) {
                if let Some(cell) = self.follow(entry).filter(|cell| cell.trial.get() == 0) {
                    self.for_each_child(entry.index(), cell, |_, child| subtract_one(child));
                }
            }
        }
    }

    /// Resets the trial of whatever has references left, and of all that it reaches.
    fn acquit_reachable(&self, members: &[Word], work: &mut Work) {
        // Under a lock each member is found once. Without one, another collection may put members
        // back on trial for ever.
        let mut bound = members.len();
        for (object, cell) in self.living(members) {
            if cell.trial.get() <= 1 {
                continue;
            }
            cell.trial.set(0);
            work.found.push(object.index());
            while let Some(index) = work.found.pop() {
                let Some(cell) = self.cells.at(index) else {
                    continue;
                };
                self.for_each_child(index, cell, |index, child| {
                    if child.trial.get() != 0 && bound > 0 {
                        bound -= 1;
                        child.trial.set(0);
                        if !self.has(Fault::LivenessOneLevel) {
                            work.found.push(index);
                        }
                    }
                });
            }
        }
    }

    /// Frees every member that is still on trial; returns how many.
    fn free_condemned(&self, members: &[Word], work: &mut Work) -> u64 {
        let mut freed = 0;
        for (object, cell) in self.on_trial(members) {
            self.free_one_condemned(object.index(), cell, work);
            freed += 1;
        }
        freed
    }

    fn free_one_condemned(&self, index: u32, cell: &Cell, work: &mut Work) {
        if cell.is(Shape::List) {
            if let Some(header) = self.headers.at(index) {
                let header = header.take();
                while header.len(&self.pages) > 0 {
                    let shed = header.shed_front(&self.pages, u64::MAX);
                    if shed.words.is_empty() {
                        break;
                    }
                    for word in shed.words {
                        self.let_go_outside(Ref::from_bits(word.get()), work);
                    }
                    header.prune(&self.pages, &shed);
                }
            }
        } else {
            for slot in &cell.slots {
                self.let_go_outside(Ref::from_bits(slot.get()), work);
            }
        }
        cell.trial.set(0);
        if self.has(Fault::FreedTwice) {
            drop(Tag::from_bits(self.cells.tag(index)));
        }
        self.free(index, cell);
        if self.has(Fault::CellLost) {
            self.cells.lose_one();
        }
    }

    /// Releases a reference that a condemned object held, unless it led to another condemned
    /// object: that was freed before, or is on trial and will be.
    fn let_go_outside(&self, child: Ref, work: &mut Work) {
        let outside = self.cells.at(child.index()).is_some_and(|cell| {
            cell.incarnation.get() == child.incarnation() && cell.trial.get() == 0
        });
        if outside {
            self.release(child, work);
            if self.has(Fault::ExternalChildReleasedTwice) {
                self.release(child, work);
            }
        }
    }

    /// The objects of entries, except for those that died since the entries were squeezed.
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
            .filter(|(_, cell)| cell.trial.get() != 0)
    }

    /// Calls `visit` with every object that this one refers to, as often as it does.
    #[inline]
    pub(super) fn for_each_child(
        &self,
        index: u32,
        cell: &Cell,
        mut visit: impl FnMut(u32, &Cell),
    ) {
        let mut visit = |word: &Word| {
            let child = Ref::from_bits(word.get());
            if let Some(cell) = self.follow(child) {
                visit(child.index(), cell);
            }
        };
        if cell.is(Shape::Node) {
            cell.slots.iter().for_each(visit);
        } else if cell.is(Shape::List)
            && let Some(header) = self.headers.at(index)
        {
            let len = header.len(&self.pages);
            let mut at = 0;
            while at < len {
                let run = header.run(&self.pages, at);
                if run.is_empty() {
                    break;
                }
                at += run.len() as u64;
                run.iter().for_each(&mut visit);
            }
        }
    }
}

fn subtract_one(cell: &Cell) {
    let trial = cell.trial.get();
    if trial > 1 {
        cell.trial.set(trial - 1);
    }
}

fn put_on_trial(cell: &Cell) {
    cell.trial.set(cell.count.get().saturating_add(1));
}
