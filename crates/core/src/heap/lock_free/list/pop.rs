//! `pop`: seal, claim, decide, empty, reopen.
//!
//! 1. The slot above the last element is *sealed*, which stops appends there.
//! 2. The last element is *claimed*: its slot holds a record in its place. Several helpers may do
//!    this, one after another, if the element changes meanwhile (a `set`).
//! 3. The first claim to become the seal's *winner* decides: the pop takes effect there. A claim
//!    that came too late is turned back into its element.
//! 4. The claimed slot is emptied and the sealed one reopened, each with a fresh stamp.
//!
//! The record of the first claim that the popping mutator itself makes lies in the seal, so that a
//! pop that meets nobody allocates once. It needs no count: it is in a slot only before its mutator
//! gives up the seal, since that mutator alone puts it there, once, and has it out again before.
//!
//! The winner is needed because a helper that simply exchanged the element for nothing could meet
//! the same element again, after the pop and an append, and pop twice.
//!
//! A helper may come late: it met the seal while the pop was under way, but acts after the pop is
//! over, and even after a truncation passed the slot below. Then it finds a winner, or it claims an
//! element that was appended since and gives it back. A helper's claim counts its seal, because such
//! a late claim may be met by yet another helper, whose pin began too late to keep the seal.
//! (`models::late` has both.)

#![expect(
    unsafe_code,
    reason = "records are shared by raw pointer under an epoch pin"
)]

use std::ptr;
use std::sync::Arc;

use super::Visit;
use super::slot::{self, Content};
use super::tail::Purpose;
use crate::heap::fault::{Fault, Faults, Point};
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::word;
use crate::sync::atomic::AtomicPtr;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A pop under way. Aligned for the bits that tell a slot's contents apart.
#[derive(Debug)]
#[repr(align(16))]
pub(in crate::heap::lock_free) struct Seal {
    /// Where the seal lies: the tail. The element lies one below.
    position: u64,
    /// The stamps with which the two slots become empty.
    stamp: u64,
    stamp_below: u64,
    winner: AtomicPtr<Claim>,
    /// For the popping mutator's first attempt: the element that it saw before it sealed.
    own: Option<Claim>,
    /// Set where the faults `ClaimUncounted` and `WinnerLeft` would free the seal, though claims may
    /// still lead to it. An atomic of the standard library, so that the model explores no more
    /// steps for it.
    #[cfg(all(test, shuttle))]
    is_freed: std::sync::atomic::AtomicBool,
}

/// An element that a pop may take.
#[derive(Debug)]
#[repr(align(16))]
pub(in crate::heap::lock_free) struct Claim {
    /// Counted, unless the claim lies in the seal.
    seal: *const Seal,
    element: Ref,
}

// SAFETY: what a claim leads to, its seal, consists of integers and atomics, besides a claim.
unsafe impl Send for Claim {}
// SAFETY: as above; nothing in a claim changes.
unsafe impl Sync for Claim {}

impl Seal {
    fn new(position: u64, stamps: [u64; 2], element: Option<Ref>) -> *const Self {
        let mut seal = Arc::new(Self {
            position,
            stamp: stamps[0],
            stamp_below: stamps[1],
            winner: AtomicPtr::new(ptr::null_mut()),
            own: element.map(|element| Claim {
                seal: ptr::null(),
                element,
            }),
            #[cfg(all(test, shuttle))]
            is_freed: false.into(),
        });
        let address = Arc::as_ptr(&seal);
        if let Some(own) = Arc::get_mut(&mut seal).and_then(|seal| seal.own.as_mut()) {
            own.seal = address;
        }
        Arc::into_raw(seal)
    }

    fn owns(&self, claim: *const Claim) -> bool {
        self.own.as_ref().is_some_and(|own| ptr::eq(own, claim))
    }
}

impl<F: Faults> Visit<'_, '_, F> {
    /// Takes the last element, and its counted reference, out of the list.
    pub(in crate::heap::lock_free) fn pop(mut self) -> Option<Ref> {
        loop {
            let tail = self.tail(Purpose::Observe);
            if !self.is_head_still(tail.head) {
                continue;
            }
            if tail.len() == 0 {
                return None;
            }
            let stamps = if self.worker.core.has(Fault::LocalStamps) {
                [slot::stamp_of(tail.seen) + 1, 0]
            } else {
                [self.worker.stamp(), self.worker.stamp()]
            };
            let below = tail.position - 1;
            let element = match slot::content(self.read(below)) {
                Content::Value(element) => Some(element),
                _ => None,
            };
            self.worker.core.pass(Point::Change);
            let seal = Seal::new(tail.position, stamps, element);
            if self.fill(tail.position, tail.seen, slot::seal(seal)) {
                self.worker.core.pass(Point::Changed);
                self.claim_first(seal, below);
                self.finish_seal(seal);
                self.cursor.tail = below;
                self.remember();
                return Some(self.take_winner(seal));
            }
            // SAFETY: nobody else saw the seal; this is its only count.
            drop(unsafe { Arc::from_raw(seal) });
            self.worker.tally.contended += 1;
        }
    }

    /// What this mutator's own pop took, which is finished.
    fn take_winner(&mut self, seal: *const Seal) -> Ref {
        // SAFETY: the seal's first count is given back below, after this pin at the earliest.
        let shared = unsafe { &*seal };
        let winner = shared.winner.load(SeqCst);
        // SAFETY: only the pop that sealed frees the winner, below.
        let element = unsafe { &*winner }.element;
        let is_own = shared.owns(winner);
        #[cfg(all(test, shuttle))]
        let [is_freed, is_left] =
            [Fault::ClaimUncounted, Fault::WinnerLeft].map(|fault| self.worker.core.has(fault));
        self.worker.defer(0, move || {
            // SAFETY: the count that `pop` made is given back below.
            #[cfg(all(test, shuttle))]
            unsafe { &(*seal).is_freed }.store(is_freed || is_left, Relaxed);
            #[cfg(all(test, shuttle))]
            if is_left {
                return;
            }
            if !is_own {
                // SAFETY: a helper made it; it is in no slot any more, and no pin is left that could
                // have met it there or in its seal.
                unsafe { free_claim(winner) };
            }
            // SAFETY: the count that `pop` made; the seal is in no slot any more.
            drop(unsafe { Arc::from_raw(seal) });
        });
        // Rule R1: the reference moved out of the list into a register, and the count did not
        // change; the stamp must.
        if !self.worker.core.has(Fault::PopWithoutTouch) {
            word::touch(&self.worker.core.slab.cell(element.index()).word);
        }
        element
    }

    /// Brings a pop to its end.
    pub(super) fn finish_seal(&mut self, record: *const Seal) {
        // SAFETY: the seal lay in a slot under this pin, and its count there goes only after it.
        let seal = unsafe { &*record };
        let below = seal.position - 1;
        loop {
            let winner = seal.winner.load(SeqCst);
            if !winner.is_null() {
                // Mostly it is gone, and a look costs less than an exchange that fails.
                let is_left = self.worker.core.has(Fault::WinnerLeft);
                if !is_left && self.read(below) == slot::claim(winner) {
                    self.exchange(below, slot::claim(winner), slot::empty(seal.stamp_below));
                }
                self.exchange(seal.position, slot::seal(record), slot::empty(seal.stamp));
                // Relaxed: a hint. It only falls here, or a late helper could raise it far too high.
                let hint = &self.storage.hint;
                let seen = hint.load(Relaxed);
                if seen > below {
                    let _ = hint.compare_exchange(seen, below, Relaxed, Relaxed);
                }
                return;
            }
            let seen = self.read(below);
            match slot::content(seen) {
                Content::Value(element) => self.claim(record, below, seen, element),
                Content::Claim(claim) => self.finish_claim(claim),
                Content::Change(change) => self.finish_change(change),
                // Somebody took the element: there is a winner now.
                Content::Empty | Content::Clear | Content::Seal(_) => {}
            }
        }
    }

    /// The popping mutator's first attempt, with the element that it saw before it sealed.
    fn claim_first(&mut self, seal: *const Seal, below: u64) {
        // SAFETY: this mutator's own pop, which gives the seal's count back when it is over.
        let Some(own) = (unsafe { &(*seal).own }) else {
            return;
        };
        self.worker.core.pass(Point::Change);
        if self.exchange(below, own.element.bits(), slot::claim(own)) {
            self.worker.core.pass(Point::Changed);
            self.finish_claim(own);
        }
    }

    /// Claims an element for a pop, and settles the claim.
    fn claim(&mut self, seal: *const Seal, below: u64, seen: u64, element: Ref) {
        // SAFETY: the count that the slot (or the deferred job after it) has of the seal lasts to
        // the end of this pin.
        unsafe { Arc::increment_strong_count(seal) };
        let claim = Box::into_raw(Box::new(Claim { seal, element }));
        self.worker.core.pass(Point::Change);
        if !self.exchange(below, seen, slot::claim(claim)) {
            // SAFETY: nobody else saw the claim, which has the count that was added above.
            unsafe { free_claim(claim) };
            return;
        }
        self.worker.core.pass(Point::Changed);
        self.finish_claim(claim);
        // SAFETY: as above; the winner is only compared.
        if unsafe { &(*seal).winner }.load(SeqCst) != claim {
            self.worker.defer(0, move || {
                // SAFETY: the claim, made above, left its slot, lost, and no pin is left that could
                // have met it.
                unsafe { free_claim(claim) };
            });
        }
    }

    /// Lets a claim win, if none did; then puts what follows from it into its slot.
    pub(super) fn finish_claim(&mut self, record: *const Claim) {
        // SAFETY: the claim lay in a slot under this pin, and is freed only after it.
        let claim = unsafe { &*record };
        // SAFETY: the claim counts its seal, or lies in it.
        let seal = unsafe { &*claim.seal };
        // Here the pop takes effect.
        let _ = seal
            .winner
            .compare_exchange(ptr::null_mut(), record.cast_mut(), SeqCst, SeqCst);
        #[cfg(all(test, shuttle))]
        assert!(
            !seal.is_freed.load(Relaxed),
            "a seal is used that was freed"
        );
        let outcome = if ptr::eq(seal.winner.load(SeqCst), record) {
            slot::empty(seal.stamp_below)
        } else {
            claim.element.bits()
        };
        self.exchange(seal.position - 1, slot::claim(record), outcome);
    }
}

/// Frees a claim that lies in no seal, and gives back its count of the seal.
///
/// # Safety
///
/// It must come from [`Visit::claim`], and nobody may use it any more.
unsafe fn free_claim(claim: *mut Claim) {
    // SAFETY: the caller's part; `claim` made it from a `Box`.
    let claim = unsafe { Box::from_raw(claim) };
    // SAFETY: the count that `claim` added.
    drop(unsafe { Arc::from_raw(claim.seal) });
}
