//! Shared words that are only loaded and stored, never read and modified in one operation.
//!
//! On today's machines a relaxed load or store is a plain one. So under a lock these words cost
//! what ordinary fields cost. Without a lock, two threads that add one at the same time lose an
//! addition, as in an interpreter whose lock was taken away: the behaviour is defined, and wrong.

#![expect(unsafe_code, reason = "the words are marked as valid when zeroed")]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::heap::slab::Zeroed;

/// 64 bits. Every access is relaxed and pairs with nothing: order comes from the lock, if any.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(super) struct Word(AtomicU64);

/// 32 bits; see [`Word`].
#[derive(Debug, Default)]
#[repr(transparent)]
pub(super) struct Half(AtomicU32);

// SAFETY: an atomic integer is valid as zero and needs no drop.
unsafe impl Zeroed for Word {}
// SAFETY: an atomic integer is valid as zero and needs no drop.
unsafe impl Zeroed for Half {}

impl Word {
    pub(super) const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    #[inline]
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// A load, an addition, and a store: not one operation.
    #[inline]
    pub(super) fn add(&self, by: u64) {
        self.set(self.get().wrapping_add(by));
    }
}

impl Half {
    pub(super) const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    #[inline]
    pub(super) fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    #[inline]
    pub(super) fn set(&self, value: u32) {
        self.0.store(value, Relaxed);
    }

    /// A load, an addition, and a store: not one operation.
    #[inline]
    pub(super) fn add(&self, by: u32) {
        self.set(self.get().wrapping_add(by));
    }

    /// As [`add`](Self::add), stopping at 0.
    #[inline]
    pub(super) fn take(&self, by: u32) {
        self.set(self.get().saturating_sub(by));
    }
}
