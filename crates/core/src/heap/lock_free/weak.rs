//! Weak references: a reference that is not counted, and that can tell whether its object lives.
//!
//! A weak reference is a cell's number and an incarnation, in a register; its target has a flag.
//! Weak references stay in registers: a store, an append or a publication of one does nothing.
//!
//! An *upgrade* loads the word, checks the incarnation, and then increments by an exchange of the
//! very word that it loaded. Stamps are never reset, so the exchange succeeds only if the cell was
//! not even touched in between. It takes effect at that exchange, or, when it fails, where it saw
//! the count at 0, another incarnation, FINALIZED if the reference was made before that, or a
//! verdict of death on a word that is still the same.
//!
//! FINALIZED is in the word, so finalizers and upgrades exclude each other by the same exchange:
//! see `finalize`. While the finalizers of a garbage cycle run, the verdict on all of it stands,
//! and an upgrade is lost, even if the target has no finalizer and is then resurrected with the
//! others: it is garbage then, and nobody holds it. Afterwards such a weak reference is good again.

use super::cell::{Ref, Weak};
use super::core::Core;
use super::word::{self, CONDEMNED, FINALIZED};
use crate::heap::fault::{Fault, Faults, Point};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

const UNDECIDED: u64 = 0;
const DEAD: u64 = 1;
const RESCUED: u64 = 2;
const OUTCOME: u64 = 3;
const ROUND: u64 = 4;

/// What becomes of all condemned objects: the number of the collector's round, and its outcome. A
/// heap has one verdict, because there is one collector at a time.
#[derive(Debug, Default)]
pub(super) struct Verdict(AtomicU64);

impl Verdict {
    /// Begins the next round, undecided. Called before anything is condemned.
    pub(super) fn open(&self) {
        let last = self.0.load(Relaxed);
        self.0
            .store((last & !OUTCOME).wrapping_add(ROUND) | UNDECIDED, SeqCst);
    }

    /// The collector's attempt to decide; returns whether the condemned are dead.
    pub(super) fn is_death(&self) -> bool {
        let open = self.0.load(Relaxed) & !OUTCOME;
        self.0
            .compare_exchange(open | UNDECIDED, open | DEAD, SeqCst, SeqCst)
            .is_ok()
    }

    /// An upgrade's attempt to rescue the condemned; returns whether they are dead nevertheless.
    fn is_final(&self) -> bool {
        let seen = self.0.load(SeqCst);
        if seen & OUTCOME == UNDECIDED {
            let rescued = seen | RESCUED;
            return match self.0.compare_exchange(seen, rescued, SeqCst, SeqCst) {
                Ok(_) => false,
                Err(now) => now & OUTCOME == DEAD,
            };
        }
        seen & OUTCOME == DEAD
    }
}

impl<F: Faults> Core<F> {
    /// A weak reference to an object, of which the caller holds a counted one.
    pub(super) fn downgrade(&self, target: Ref) -> Weak {
        let is_late = word::weaken(&self.slab.cell(target.index()).word);
        Weak { target, is_late }
    }

    /// Adds a counted reference to the target of a weak one; false if the target died, or was
    /// finalized since the weak reference was made. Called under a pin.
    pub(super) fn upgrade(&self, weak: Weak) -> bool {
        let Weak { target, is_late } = weak;
        let cell = self.slab.cell(target.index());
        loop {
            // Acquire pairs with the Release in `allocate`: the incarnation below is that of this
            // word's object, or of a later one.
            let seen = cell.word.load(Acquire);
            if word::count(seen) == 0 || !target.fits(cell.meta.load(Acquire)) {
                return false;
            }
            if seen & FINALIZED != 0 && !is_late {
                return false;
            }
            self.pass(Point::Read);
            if self.has(Fault::UpgradeWithoutIncrement) {
                return true;
            }
            if seen & CONDEMNED != 0 && self.verdict.is_final() {
                // The target may have been pardoned before the verdict, which is then about the
                // others of the round; but then its word has changed.
                if cell.word.load(SeqCst) == seen || self.has(Fault::VerdictUnchecked) {
                    return false;
                }
                continue;
            }
            let more = word::incremented(seen);
            if cell
                .word
                .compare_exchange_weak(seen, more, SeqCst, Relaxed)
                .is_ok()
            {
                if word::is_immortal(more) && !word::is_immortal(seen) {
                    self.note_saturated(target);
                }
                return true;
            }
        }
    }
}
