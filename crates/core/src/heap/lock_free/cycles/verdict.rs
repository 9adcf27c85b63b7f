//! Steps 4 and 5 of a round: one grace period, and then a second look at every suspect's word.
//!
//! A weak reference is not counted, so it can be upgraded at any time. An upgrade before the second
//! look shows as a changed word. After the second look all suspects must die, or none. So those
//! that are the target of weak references are first *condemned*, one by one. Then a single exchange
//! of the heap's [`Verdict`](crate::heap::lock_free::weak::Verdict) decides for all of them: the
//! collector sets it to DEAD, or an upgrade that meets the mark sets it to RESCUED, whichever is
//! first.
//!
//! A condemned suspect that is reached from one whose word has changed is pardoned *before* the
//! verdict, which may then be death for the others. So an upgrade that saw the mark and finds the
//! verdict DEAD looks at the word again: if it has changed, the verdict was not about its target.
//! (The verdict of a later round cannot be meant: that would have waited for the upgrade's pin to
//! end.)

use std::sync::Arc;

use super::Cycles;
use super::graph::{Fate, Graph, Member};
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::pace::{self, PATIENCE};
use crate::heap::lock_free::word::{self, CONDEMNED};
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

impl Cycles {
    /// Waits until every present pin has ended; false if some mutator keeps its pin for too long.
    /// The bound is one of attempts. They take half a second on a machine that is not overloaded; a
    /// stamp wraps around after 2^32 changes, for which mutators need ten seconds at the least.
    pub(super) fn wait_grace(&mut self, worker: &mut Worker<'_, impl Faults>) -> bool {
        if worker.core.has(Fault::NoGrace) {
            return true;
        }
        self.grace += 1;
        let ticket = self.grace;
        let shared = Arc::clone(&worker.core.shared);
        // SeqCst pairs with the load below: whoever loads this ticket comes after the grace period.
        worker.defer(0, move || {
            shared.grace.fetch_max(ticket, SeqCst);
        });
        for patience in 0..PATIENCE {
            worker.unpinned(|| pace::wait(patience));
            worker.advance();
            if worker.core.shared.grace.load(SeqCst) >= ticket {
                // Relaxed: this is a statistic.
                worker.core.shared.epochs.fetch_add(1, Relaxed);
                return true;
            }
        }
        false
    }
}

impl Graph {
    /// Step 5: a suspect whose word has changed is live, and so is everything that it reaches along
    /// the *recorded* edges. (Its slots may have lost an edge since.) The others are garbage,
    /// unless somebody upgrades a weak reference to one of them before the verdict.
    pub(super) fn validate(&mut self, core: &Core<impl Faults>) {
        core.pass(Point::Verdict);
        if self.has_weak {
            core.verdict.open();
        }
        if core.has(Fault::RereadSlots) {
            self.recount(core);
        }
        let mut changed = Vec::new();
        for (number, member) in (0..).zip(&mut self.members) {
            if member.fate != Fate::Suspect {
                continue;
            }
            member.fate = Fate::Garbage;
            // It is needed when the member is freed, and its maker wrote it last.
            core.slab.fetch_tag(member.reference.index());
            if !is_unchanged(core, member) {
                member.fate = Fate::Rescued;
                changed.push(number);
            }
        }
        self.spread(changed, Fate::Garbage, Fate::Rescued);
        self.pardon(core, Fate::Rescued);
        if self.has_weak && !core.has(Fault::NoVerdict) && !core.verdict.is_death() {
            self.rescue();
            self.pardon(core, Fate::Rescued);
        }
    }

    /// None of what would be garbage is.
    fn rescue(&mut self) {
        for member in &mut self.members {
            if member.fate == Fate::Garbage {
                member.fate = Fate::Rescued;
            }
        }
    }

    /// Takes the mark off all members that are still condemned by a round that ended in a panic.
    pub(super) fn acquit(&self, core: &Core<impl Faults>) {
        for member in &self.members {
            let word = &core.slab.cell(member.reference.index()).word;
            if member.word & CONDEMNED != 0 && word.load(SeqCst) & CONDEMNED != 0 {
                word::pardon(word);
            }
        }
    }

    /// Takes the mark off all condemned members of this fate, which do not die.
    pub(super) fn pardon(&mut self, core: &Core<impl Faults>, fate: Fate) {
        if !self.has_weak {
            return;
        }
        for member in &mut self.members {
            if member.fate == fate && member.word & CONDEMNED != 0 {
                word::pardon(&core.slab.cell(member.reference.index()).word);
                member.word &= !CONDEMNED;
            }
        }
    }
}

/// Whether the member's word is the recorded one. If the member is the target of weak references,
/// it is condemned in the same atomic step: an upgrade before this has changed the word, and one
/// after this finds the mark.
fn is_unchanged(core: &Core<impl Faults>, member: &mut Member) -> bool {
    let word = &core.slab.cell(member.reference.index()).word;
    // A load is enough: whoever may have changed the word did so under a pin that was there at t0,
    // and the grace period came after the end of that pin. See "Why only garbage is freed".
    if !member.is_weak() {
        let now = word.load(SeqCst);
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
