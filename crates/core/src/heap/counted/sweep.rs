//! Frees what the collector found dead. The dead refer to each other mostly, so they are freed
//! directly, and of their references only those to other objects are released one by one. The lock
//! keeps the mutators still meanwhile.

use super::Counted;
use super::cell::{Cell, Ref};
use super::generations::{Generation, is_member};
use super::release::Work;
use crate::heap::{Fault, Faults, Shape, Tag};

impl<F: Faults> Counted<F> {
    /// Frees every member that is still on trial; returns how many. Survivors that die of it leave
    /// their entries behind.
    pub(super) fn free_condemned(&self, generation: Generation, work: &mut Work) -> u64 {
        let mut freed = 0;
        let members = self.generations.members(generation);
        let fetch = |index| {
            self.trials.fetch(index);
            self.cells.fetch(index);
            self.cells.fetch_tag(index);
        };
        let members = self.in_turn(members, fetch, |_| ());
        self.generations.retain(generation, members, |object| {
            if !self.trials.is_accused(object.index()) {
                return true;
            }
            let Some(cell) = is_member(object, &self.cells) else {
                self.trials.acquit(object.index());
                return false;
            };
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
        self.trials.acquit(index);
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
            && !self.trials.is_accused(child.index())
            && self
                .cells
                .at(child.index())
                .is_some_and(|cell| cell.incarnation.get() == child.incarnation());
        if outside {
            self.release(child, work);
            if self.has(Fault::ExternalChildReleasedTwice) {
                self.release(child, work);
            }
        }
    }
}
