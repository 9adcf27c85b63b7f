//! Steps 4 and 5 of a round: one grace period, and then a second look at every suspect's word.
//!
//! A weak reference is no count, so an upgrade may come at any time. One that comes before the
//! second look shows as a changed word. After it, all suspects must die or none, so those that weak
//! references lead to are first *condemned*, one by one, and then one exchange of the heap's
//! [`Verdict`](crate::heap::lock_free::weak::Verdict) decides for all of them: the collector's, to
//! DEAD, or that of an upgrade that met the mark, to RESCUED.

use std::sync::Arc;

use super::Cycles;
use super::graph::{Fate, Graph, Member};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::pace::{self, PATIENCE};
use crate::heap::lock_free::word::{self, CONDEMNED, WEAK};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

impl Cycles {
    /// Waits until every pin of now has ended; false if some mutator keeps one for too long. (The
    /// wait is bounded also so that no stamp can come full circle meanwhile.)
    pub(super) fn wait_grace(&mut self, worker: &mut Worker<'_, impl Faults>) -> bool {
        if worker.core.has(Fault::NoGrace) {
            return true;
        }
        self.grace += 1;
        let ticket = self.grace;
        let shared = Arc::clone(&worker.core.shared);
        // SeqCst pairs with the load below: the grace period lies between the two.
        worker.defer(0, move || {
            shared.grace.fetch_max(ticket, SeqCst);
        });
        for patience in 0..PATIENCE {
            worker.unpinned(|| pace::wait(patience));
            worker.advance();
            if worker.core.shared.grace.load(SeqCst) >= ticket {
                // Relaxed: it is only counted.
                worker.core.shared.epochs.fetch_add(1, Relaxed);
                return true;
            }
        }
        false
    }
}

impl Graph {
    /// Step 5: a suspect whose word changed is live, with all that it reaches along the *recorded*
    /// edges (its slots may have lost an edge since). The others are garbage, unless somebody
    /// upgrades a weak reference to one of them before the verdict.
    pub(super) fn validate(&mut self, core: &Core<impl Faults>) {
        core.pass(Point::Verdict);
        let is_weak = |member: &Member| member.fate == Fate::Suspect && member.word & WEAK != 0;
        let has_weak = self.members.iter().any(is_weak);
        if has_weak {
            core.verdict.open();
        }
        if core.has(Fault::RereadSlots) {
            self.recount(core);
        }
        let mut changed = Vec::new();
        for (number, member) in (0..).zip(&mut self.members) {
            if member.fate == Fate::Suspect && !is_unchanged(core, member) {
                member.fate = Fate::Rescued;
                changed.push(number);
            }
        }
        self.spread(changed, Fate::Suspect, Fate::Rescued);
        self.pardon(core, Fate::Rescued);
        if has_weak && !core.has(Fault::NoVerdict) && !core.verdict.is_death() {
            self.settle(Fate::Rescued);
            self.pardon(core, Fate::Rescued);
        } else {
            self.settle(Fate::Garbage);
        }
    }

    /// Gives all suspects one fate.
    fn settle(&mut self, fate: Fate) {
        for member in &mut self.members {
            if member.fate == Fate::Suspect {
                member.fate = fate;
            }
        }
    }

    /// Takes the mark off condemned members that are not to die.
    pub(super) fn pardon(&mut self, core: &Core<impl Faults>, fate: Fate) {
        for member in &mut self.members {
            if member.fate == fate && member.word & CONDEMNED != 0 {
                word::pardon(&core.slab.cell(member.reference.index()).word);
                member.word &= !CONDEMNED;
            }
        }
    }
}

/// Whether the member's word is what was recorded. If there are weak references to it, it is
/// condemned in the same step: an upgrade after this finds the mark, one before this changed the
/// word.
fn is_unchanged(core: &Core<impl Faults>, member: &mut Member) -> bool {
    let word = &core.slab.cell(member.reference.index()).word;
    // A read-modify-write sees the latest value, whatever the processor.
    if member.word & WEAK == 0 {
        let now = word.fetch_or(0, SeqCst);
        if core.has(Fault::CompareCounts) {
            return word::count(now) == word::count(member.word);
        }
        return now == member.word;
    }
    if core.has(Fault::NoVerdict) {
        return word.fetch_or(0, SeqCst) == member.word;
    }
    let condemned = member.word | CONDEMNED;
    let is_unchanged = word
        .compare_exchange(member.word, condemned, SeqCst, SeqCst)
        .is_ok();
    if is_unchanged {
        member.word = condemned;
    }
    is_unchanged
}
