//! Brands: the numbers that tell whose private object one is, and how they are used again.
//!
//! Every worker that comes takes one, and so does a worker each time that all that is private to it
//! escapes at once. A program that does much of that takes 2^25 within minutes. So the numbers are
//! given from one *half* of them after the other, and a half only if no object bears a brand of it:
//!
//! 1. *Nobody has one.* The word below counts the workers that do, by half. One that still has a
//!    brand of the other half takes a new one, about every thousandth safepoint.
//! 2. *None is left.* Then the collector takes those that are left off all objects ([`sweep`]).
//!    Nobody is born with one meanwhile, and whoever bears one is private to nobody, so all that it
//!    loses is a number that nobody compares it with.
//!
//! [`sweep`]: Core::sweep_brands
//!
//! A worker leaves its brand by a step that releases what it did to objects while it had it, and
//! the collector acquires that when it finds that nobody has one. Whoever takes a brand acquires
//! what the collector did. So whoever has a brand sees it on no object but its own.
//!
//! If a mutator comes to no safepoint while all others take 2^24 brands, there are none for the
//! moment. Then nothing new is private, which is always sound: all is as if there were no private
//! objects, and their cycles are the collector's. Each flush asks again.

use super::{Birth, NOBODY};
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell::{self, BRAND, BRANDS};
use crate::heap::lock_free::core::Core;
use crate::heap::lock_free::cycles::Cycles;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// How many brands a half has. The first of the lower half is not given: no brand at all looks so.
const HALF: u64 = BRANDS / 2;
/// The number that is given next, if it may be.
const NEXT: u64 = BRANDS - 1;
/// No object bears a brand of the half that is not given from.
const CLEAN: u64 = BRANDS;
/// Workers that have a brand of a half, by half: 16 bits each.
const USERS: [u32; 2] = [32, 48];
const USERS_MOST: u64 = (1 << 16) - 1;

/// Whose turn it is. See the module.
#[derive(Debug)]
pub(in crate::heap::lock_free) struct Brands {
    state: AtomicU64,
    birth: Birth,
}

impl Brands {
    pub(in crate::heap::lock_free) fn new(birth: Birth) -> Self {
        // The number below starts the half: to give it would say that the other is not clean.
        let state = AtomicU64::new(CLEAN | 2);
        Self { state, birth }
    }

    /// A brand that no other worker has, and no object bears, for one that the caller leaves; if
    /// there is none, or nobody is to have any, that of a worker without private objects.
    pub(super) fn exchange(&self, old: u64) -> u64 {
        // Relaxed: the exchange is what must see the latest.
        let mut seen = self.state.load(Relaxed);
        loop {
            let left = seen - user(old);
            let (next, brand) = match self.birth {
                Birth::Private => give(left),
                Birth::Shared => (left, NOBODY),
            };
            match self
                .state
                .compare_exchange_weak(seen, next, AcqRel, Relaxed)
            {
                Ok(_) => return brand,
                Err(now) => seen = now,
            }
        }
    }

    /// A worker with this brand goes.
    pub(in crate::heap::lock_free) fn leave(&self, brand: u64) {
        self.state.fetch_sub(user(brand), AcqRel);
    }

    /// Whether a worker with this brand should exchange it: others wait until nobody has one of its
    /// half, or it has none and there is one.
    pub(super) fn is_stale(&self, brand: u64) -> bool {
        // Relaxed: nothing but the exchange depends on it.
        let state = self.state.load(Relaxed);
        match brand {
            NOBODY => self.birth == Birth::Private && give(state).1 != NOBODY,
            _ => state & CLEAN == 0 && half(brand) != given_from(state),
        }
    }

    /// The half that is to be made clean, if nobody has a brand of it, and the other is half used
    /// up: then it is done as rarely as can be, and early enough.
    pub(in crate::heap::lock_free) fn due(&self) -> Option<usize> {
        // Acquire pairs with the exchange of the last worker that left a brand.
        let state = self.state.load(Acquire);
        let other = 1 - given_from(state);
        let is_late = is_start(state) || state & (HALF - 1) >= HALF / 2;
        let has_users = state >> USERS[other] & USERS_MOST > 0;
        (state & CLEAN == 0 && is_late && !has_users).then_some(other)
    }

    /// Goes on with this number, as if those before had been given.
    #[cfg(test)]
    pub(in crate::heap::lock_free) fn skip_to(&self, number: u64) {
        let state = self.state.load(Relaxed);
        self.state.store(state & !NEXT | number, Relaxed);
    }
}

/// Gives the next brand, if it may be given.
fn give(state: u64) -> (u64, u64) {
    let number = state & NEXT;
    let users = USERS[usize::from(number >= HALF)];
    let is_open = !is_start(state) || state & CLEAN != 0;
    if !is_open || state >> users & USERS_MOST == USERS_MOST {
        return (state, NOBODY);
    }
    let next = if number + 1 == BRANDS { 1 } else { number + 1 };
    // The half that was given from before is not clean.
    let clean = if is_start(state) { 0 } else { state & CLEAN };
    let state = state & !(NEXT | CLEAN) | clean | next;
    (state + (1 << users), cell::brand(number))
}

/// Whether the next brand is the first of its half.
fn is_start(state: u64) -> bool {
    matches!(state & NEXT, 1 | HALF)
}

/// The half from which the last brand was given.
fn given_from(state: u64) -> usize {
    let next = usize::from(state & NEXT >= HALF);
    if is_start(state) { 1 - next } else { next }
}

/// The half of a brand.
fn half(brand: u64) -> usize {
    usize::from(brand & BRAND >= cell::brand(HALF))
}

/// One worker with this brand.
fn user(brand: u64) -> u64 {
    match brand {
        NOBODY => 0,
        _ => 1 << USERS[half(brand)],
    }
}

impl<F: Faults> Core<F> {
    /// Makes the half clean that is to be given from next, if it is time: some 10 ms for a million
    /// cells. Who has the collector is alone in this.
    pub(in crate::heap::lock_free) fn sweep_brands(&self, _alone: &mut Cycles) {
        let Some(swept) = self.brands.due() else {
            return;
        };
        for index in self.slab.used().filter(|_| !self.has(Fault::BrandsUnswept)) {
            let meta = &self.slab.cell(index).meta;
            // Relaxed, both: see the module. An exchange, since others may mark the object.
            let mut seen = meta.load(Relaxed);
            while cell::is_branded(seen) && half(seen) == swept {
                match meta.compare_exchange_weak(seen, seen & !BRAND, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(now) => seen = now,
                }
            }
        }
        // Release pairs with the exchange of whoever takes a brand of this half.
        self.brands.state.fetch_or(CLEAN, AcqRel);
    }
}
