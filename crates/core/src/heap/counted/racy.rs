//! The counted heap without its lock: broken on purpose, to be caught.
//!
//! Its mutators share one heap and are not synchronised. What they break is recognised where a
//! reference is followed, a count goes below zero, or a cell is handed out, and ends the run at the
//! next safepoint.
//!
//! A count is read and written back in two steps, and the operating system may take the processor
//! away between them. It rarely does: the gap is a nanosecond. On a single processor that is the
//! only way for threads to meet at all, so once in a while `racy` yields the processor right there.
//!
//! That alone would not be enough. If two threads yield to each other only in that gap, each writes
//! back what it had read itself, as if the other did not exist; each goes on with a count of its
//! own, and both are right. A count is lost if one thread yields in the gap and the other while it
//! holds a reference. So every second yield happens at the safepoint after the increment, where
//! `gil` changes hands as well. Nothing else differs from `gil`.

use std::cell::Cell as Local;
use std::ops::Deref;

use super::Counted;
use super::mutator::CAPS;
use super::registers::{CountedMutator, Tenancy};
use crate::heap::{Belief, Caps, Census, Defect, Faultless, Faults, Gauge, Heap, Seat, Stats};

/// One in this many increments yields the processor: often enough that a mutator does so some
/// thousand times a second; rarely enough that it costs a nanosecond an increment, and that a
/// mutator makes progress beside a program that keeps the processor for milliseconds. A prime
/// number, so that no loop of a program keeps step with it.
const OFFER_EVERY: u32 = 251;

/// Where the processor is yielded next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// In the gap of the increment whose turn it is.
    InGap,
    /// At the safepoint after the increment whose turn it is …
    AtRest,
    /// … which is the next one.
    Due,
}

/// One mutator's view of a heap without a lock.
#[derive(Debug)]
pub struct Unlocked<'h, F: Faults = Faultless> {
    counted: &'h Counted<F>,
    until_offer: Local<u32>,
    offer: Local<Offer>,
}

impl<'h, F: Faults> Unlocked<'h, F> {
    fn new(counted: &'h Counted<F>) -> Self {
        Self {
            counted,
            until_offer: Local::new(OFFER_EVERY),
            offer: Local::new(Offer::InGap),
        }
    }
}

impl<F: Faults> Deref for Unlocked<'_, F> {
    type Target = Counted<F>;

    fn deref(&self) -> &Counted<F> {
        self.counted
    }
}

impl<F: Faults> Tenancy for Unlocked<'_, F> {
    type Faults = F;

    #[inline]
    fn between(&self) {
        let left = self.until_offer.get() - 1;
        self.until_offer.set(left);
        if left > 0 {
            return;
        }
        self.until_offer.set(OFFER_EVERY);
        if self.offer.get() == Offer::InGap {
            self.offer.set(Offer::AtRest);
            std::thread::yield_now();
        } else {
            self.offer.set(Offer::Due);
        }
    }

    #[inline]
    fn at_rest(&self) {
        if self.offer.get() == Offer::Due {
            self.offer.set(Offer::InGap);
            std::thread::yield_now();
        }
    }
}

/// The heap called `racy`.
#[derive(Debug)]
pub struct Racy<F: Faults = Faultless> {
    counted: Counted<F>,
}

impl<F: Faults> Racy<F> {
    pub(super) fn new(counted: Counted<F>) -> Self {
        Self { counted }
    }

    /// A mutator without registers, for calls of the harness itself.
    fn visitor(&self) -> CountedMutator<Unlocked<'_, F>> {
        CountedMutator::new(Unlocked::new(&self.counted), 0)
    }
}

impl<F: Faults> Heap for Racy<F> {
    type Mutator<'h> = CountedMutator<Unlocked<'h, F>>;

    fn caps(&self) -> Caps {
        Caps {
            threads: true,
            ..CAPS
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        Ok(CountedMutator::new(
            Unlocked::new(&self.counted),
            seat.slots,
        ))
    }

    fn settle(&self) -> Result<(), Defect> {
        self.visitor().settle_counted();
        Ok(())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        Some(self.visitor().census_counted(visit))
    }

    fn stats(&self) -> Stats {
        self.counted.stats()
    }

    fn gauge(&self) -> Gauge {
        self.counted.gauge()
    }
}
