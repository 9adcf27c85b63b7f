//! Times for histories: an operation took effect between a time taken before it and a time taken
//! after it.
//!
//! A time that is off by a few instructions could blame a sound heap, so these times are not read
//! like those of latencies. On x86-64 with an invariant time-stamp counter, which runs alike on all
//! processors (the kernel sees to that, or the clock is not called `tsc`):
//!
//! * *before*: the counter is read, and `lfence` keeps every later instruction from beginning until
//!   it has been. No load of the operation is earlier than its start.
//! * *after*: `mfence` waits until the operation's stores have left the store buffer, where other
//!   processors do not see them yet; `lfence` keeps the counter from being read before that. So
//!   everybody sees what the operation did by its end. The pair is what Intel's manual gives for
//!   this (Software Developer's Manual, volume 2B, RDTSC).
//!
//! So if one operation ends before another one starts, the second sees all of the first. A fence
//! before the start is not needed: stores that are still in the processor's store buffer then do
//! not belong to a recorded operation, since each of those ends with a fence.
//!
//! A start may be any earlier time: then the operation is only said to overlap with more than it
//! did, which accuses nobody. So a counter that was read for another reason need not be read again,
//! if what was done since took no time to speak of: the end of a thread's own operation before, or
//! the reading with which the stopwatch ends its time. It only needs the `lfence`
//! ([`from`](Stamps::from)), which is a quarter of the cost of a start. An end cannot be shared in
//! that way, since a later one would hide what an earlier one shows, and an earlier one accuses.
//! Nor can it do without one of its fences: without `mfence` a store may be seen later than the
//! end, and `mfence` does not keep back the reading of the counter. `rdtscp` in place of `lfence`
//! and `rdtsc`, or a locked instruction in place of `mfence`, would do as well, but costs as much.
//!
//! Elsewhere the times are numbers from a counter that all threads share. Each is drawn by a
//! sequentially consistent read-modify-write, so a later number happens after an earlier one on
//! every machine; but the threads wait for each other at the counter, which hides some races. Both
//! ways act as fences, so they may hide the bug of a heap that lacks one.

#![expect(unsafe_code, reason = "the standard library has no such fence")]

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::clock::{Clock, Stamp, counter};
use crate::evidence::history::TimeUnit;

/// The shared counter, for machines whose clock does not order events. It pairs with itself.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Where times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamps {
    /// The processor's counter.
    Clock,
    /// The shared counter, [`NEXT`].
    Counter,
}

impl Stamps {
    /// The best source that is sound on this machine.
    pub(super) fn sound() -> Self {
        if cfg!(target_arch = "x86_64") && Clock::get().facts().source == "tsc" {
            Self::Clock
        } else {
            Self::Counter
        }
    }

    /// A time before everything that follows.
    #[inline]
    pub(super) fn before(self) -> u64 {
        match self {
            Self::Clock => Self::from(counter()),
            Self::Counter => NEXT.fetch_add(1, SeqCst),
        }
    }

    /// A time that was read before, as a time before everything that follows.
    #[inline]
    pub(super) fn from(time: u64) -> u64 {
        wait_for_loads();
        time
    }

    /// What the clock showed, as one of these times, if it is one.
    #[inline]
    pub(super) fn of_clock(self, stamp: Stamp) -> Option<u64> {
        (self == Self::Clock).then(|| stamp.counts())
    }

    /// A time after everything before it, as all others see it.
    #[inline]
    pub(super) fn after(self) -> u64 {
        match self {
            Self::Clock => {
                std::sync::atomic::fence(SeqCst);
                wait_for_loads();
                counter()
            }
            Self::Counter => NEXT.fetch_add(1, SeqCst),
        }
    }

    /// What [`scaled`](Self::scaled) times count.
    pub(super) fn unit(self) -> TimeUnit {
        match self {
            Self::Clock => TimeUnit::Nanoseconds,
            Self::Counter => TimeUnit::Stamps,
        }
    }

    /// The time since `first`, in that unit. It is rounded down, so what was in order stays in
    /// order or becomes the same.
    pub(super) fn scaled(self, first: u64, time: u64) -> u64 {
        match self {
            Self::Clock => Clock::get().nanos(Stamp::of_counts(first), Stamp::of_counts(time)),
            Self::Counter => time.saturating_sub(first),
        }
    }
}

/// No later instruction begins before all earlier ones are done, except stores.
#[inline]
fn wait_for_loads() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this architecture has the instruction, which touches no memory.
    unsafe {
        std::arch::x86_64::_mm_lfence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the times of operations that follow each other are in order, by either source and on
    /// any thread.
    #[test]
    fn what_comes_later_has_later_times() {
        for stamps in [Stamps::sound(), Stamps::Counter] {
            let mut last = 0;
            for _ in 0..100 {
                let (start, end) = std::thread::scope(|scope| {
                    let thread = scope.spawn(|| (stamps.before(), stamps.after()));
                    thread.join().expect("it returns")
                });
                assert!(last <= start && start <= end, "{last} {start} {end}");
                last = end;
            }
        }
    }
}
