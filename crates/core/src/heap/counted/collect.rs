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

/// How far ahead memory is fetched: some ten misses can be under way at a time.
const AHEAD: usize = 12;
/// More members than this, with as many objects beside them, do not fit a second-level cache.
const MANY: usize = 16_384;

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
        let mut condemned = self.try_members(members, examined, work);
        if condemned > 0
            && have_finalizers
            && self.finalize_condemned(members, work)
            && !self.has(Fault::ResurrectedFreedAnyway)
        {
            let again = self.on_trial(members).map(|(_, cell)| put_on_trial(cell));
            condemned = self.try_members(members, again.count(), work);
        }
        let freed = match condemned {
            0 => 0,
            _ => self.free_condemned(generation, work),
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

    /// Puts the living members of a generation and all younger ones on trial, and takes out the
    /// entries of the dead. Returns whether finalizers of members have yet to run.
    fn begin_trial(&self, generation: Generation) -> bool {
        let mut have_finalizers = false;
        self.generations.retain(generation, |object| {
            let member = is_member(object, &self.cells);
            if let Some(cell) = member {
                put_on_trial(cell);
                have_finalizers |= cell.is_unfinalized();
            }
            member.is_some()
        });
        have_finalizers
    }

    /// What faults do to those that survived.
    fn spoil_survivors(&self, generation: Generation) {
        if self.has(Fault::SurvivorsForgotten) && generation == Generation::Young {
            self.generations.forget_young();
        }
        if self.has(Fault::MarkLeftBehind) {
            let mut survivors = self.living(self.generations.members(generation));
            if let Some((_, survivor)) = survivors.next() {
                survivor.trial.set(1);
            }
        }
    }

    /// Acquits those of the `tried` members on trial that something else refers to; returns how
    /// many are left.
    fn try_members(&self, members: &[Word], tried: usize, work: &mut Work) -> usize {
        self.subtract_internal(members);
        self.subtract_external();
        self.acquit_reachable(members, tried, work)
    }

    fn subtract_internal(&self, members: &[Word]) {
        for (index, cell) in self.accused(members) {
            let mut last = 0;
            self.for_each_child(index, cell, |index, child| {
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

    /// Resets the trial of whatever has references left, and of all that it reaches. Returns how
    /// many of those `tried` are left.
    ///
    /// What has references left itself is found as a member, so that the search follows only
    /// references to what has none. It goes by breadth: what the first in the queue refers to was
    /// fetched meanwhile.
    fn acquit_reachable(&self, members: &[Word], tried: usize, work: &mut Work) -> usize {
        // Under a lock each member is acquitted once. Without one, another collection may put
        // members back on trial for ever, so this is also what bounds the search.
        let mut left = tried;
        for (index, cell) in self.accused(members) {
            if left == 0 {
                break;
            }
            if cell.trial.get() <= 1 {
                continue;
            }
            cell.trial.set(0);
            left -= 1;
            self.acquit_children(index, cell, &mut left, work);
            while let Some(index) = work.found.pop_front() {
                if let Some(&coming) = work.found.get(AHEAD) {
                    self.fetch_children(coming);
                }
                if let Some(cell) = self.cells.at(index) {
                    self.acquit_children(index, cell, &mut left, work);
                }
            }
        }
        left
    }

    #[inline]
    fn acquit_children(&self, index: u32, cell: &Cell, left: &mut usize, work: &mut Work) {
        self.for_each_child(index, cell, |index, child| {
            if child.trial.get() == 1 && *left > 0 {
                *left -= 1;
                child.trial.set(0);
                if !self.has(Fault::LivenessOneLevel) {
                    work.found.push_back(index);
                }
            }
        });
    }

    /// Frees every member that is still on trial; returns how many. Survivors that die of it leave
    /// their entries behind.
    fn free_condemned(&self, generation: Generation, work: &mut Work) -> u64 {
        let mut freed = 0;
        self.generations.retain(generation, |object| {
            let Some(cell) = is_member(object, &self.cells) else {
                return false;
            };
            if cell.trial.get() == 0 {
                return true;
            }
            self.free_one_condemned(object.index(), cell, work);
            freed += 1;
            self.has(Fault::ObjectKept) && is_member(object, &self.cells).is_some()
        });
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
        let outside = child.is_strong()
            && self.cells.at(child.index()).is_some_and(|cell| {
                cell.incarnation.get() == child.incarnation() && cell.trial.get() == 0
            });
        if outside {
            self.release(child, work);
            if self.has(Fault::ExternalChildReleasedTwice) {
                self.release(child, work);
            }
        }
    }

    /// The members on trial, by number, while nothing dies. If there are many, they and what they
    /// refer to hardly fit the caches, so that is fetched ahead.
    #[inline]
    fn accused<'a>(&'a self, members: &'a [Word]) -> impl Iterator<Item = (u32, &'a Cell)> {
        let coming = match members.len() > MANY {
            true => members.get(AHEAD..).unwrap_or_default(),
            false => &[],
        };
        let mut coming = coming.iter();
        members.iter().filter_map(move |entry| {
            if let Some(entry) = coming.next() {
                self.fetch_children(Ref::from_bits(entry.get()).index());
            }
            let index = Ref::from_bits(entry.get()).index();
            let cell = self.cells.at(index)?;
            (cell.trial.get() != 0).then_some((index, cell))
        })
    }

    #[inline]
    fn fetch_children(&self, index: u32) {
        if let Some(cell) = self.cells.at(index) {
            for slot in &cell.slots {
                self.cells.fetch(Ref::from_bits(slot.get()));
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
                let mut coming = run.get(AHEAD..).unwrap_or_default().iter();
                for word in run {
                    if let Some(word) = coming.next() {
                        self.cells.fetch(Ref::from_bits(word.get()));
                    }
                    visit(word);
                }
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
