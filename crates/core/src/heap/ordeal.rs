//! What a heap is put through besides its program: a planted fault, delays within operations, an
//! allocation that is refused, collections that take long.
//!
//! All of that is known at run time only, so a heap with an ordeal is of another type than the heap
//! that ships and is measured (see [`fault`](super::fault)).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::fault::{Fault, Faults, Point};
use crate::clock::Clock;

/// One in `HOLD_UP_EVERY` passes of a point is held up for a moment, and one in `LONG_EVERY` of
/// those for long: often enough that a short run meets most of its windows, rarely enough that
/// threads get on.
const HOLD_UP_EVERY: u64 = 32;
const LONG_EVERY: u64 = 8;
/// Slow collections begin at least this many times their own length apart, so that the program has
/// most of the time for itself, and a pause can be told from what comes after it.
const SLOW_COLLECTION_EVERY: u64 = 5;
/// How often a slow collection looks whether the run was interrupted: nobody notices such a delay.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a thread spins that is held up for a moment: for about a microsecond.
const SPINS: u32 = 100;

/// What one heap goes through. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ordeal {
    fault: Option<Fault>,
    delays: Option<Delays>,
    refusal: Option<Arc<Refusal>>,
    slow_collection: Option<Arc<SlowCollection>>,
}

/// Collections that now and then take longer than they need to.
#[derive(Debug)]
struct SlowCollection {
    span: Duration,
    /// When the next is due, in nanoseconds since the clock's origin.
    due_ns: AtomicU64,
    /// Set when the run is to end: no collection is slow any more.
    interrupt: Arc<AtomicBool>,
}

impl SlowCollection {
    /// Sleeps for the span, and looks often whether the run was interrupted: a span may be hours.
    fn sleep(&self) {
        let mut left = self.span;
        // Relaxed: a flag that is set once and orders nothing.
        while !left.is_zero() && !self.interrupt.load(Relaxed) {
            let part = left.min(LOOK_EVERY);
            std::thread::sleep(part);
            left -= part;
        }
    }
}

/// Where threads are held up, and the stream of numbers that says when.
#[derive(Debug, Clone)]
struct Delays {
    points: Points,
    stream: Arc<AtomicU64>,
}

/// Some of the places where threads can be held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points(u8);

impl Points {
    /// All of them.
    pub const ALL: Self = Self((1 << Point::ALL.len()) - 1);

    /// Whether this is one of them.
    #[inline]
    pub fn has(self, point: Point) -> bool {
        self.0 & (1 << point as u8) != 0
    }
}

impl FromIterator<Point> for Points {
    fn from_iter<I: IntoIterator<Item = Point>>(points: I) -> Self {
        let bits = points.into_iter().map(|point| 1 << point as u8);
        Self(bits.fold(0, |all, bit: u8| all | bit))
    }
}

#[derive(Debug)]
struct Refusal {
    at: u64,
    asked: AtomicU64,
}

impl Ordeal {
    /// A fault, and nothing else.
    pub fn of(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// With this fault, if any.
    #[must_use]
    pub fn with_fault(mut self, fault: Option<Fault>) -> Self {
        self.fault = fault;
        self
    }

    /// With threads held up at these points now and then, as drawn from this seed.
    #[must_use]
    pub fn with_delays(mut self, points: Points, seed: u64) -> Self {
        let stream = Arc::new(AtomicU64::new(seed));
        self.delays = Some(Delays { points, stream });
        self
    }

    /// With one allocation refused: the one of this number, counted over all threads from 1 on.
    #[must_use]
    pub fn with_refusal(mut self, at: u64) -> Self {
        self.refusal = Some(Arc::new(Refusal {
            at,
            asked: AtomicU64::new(0),
        }));
        self
    }

    /// With a collection held up for `span` now and then, in the middle of its work, until
    /// `interrupt` is set.
    #[must_use]
    pub fn with_slow_collection(mut self, span: Duration, interrupt: Arc<AtomicBool>) -> Self {
        self.slow_collection = Some(Arc::new(SlowCollection {
            span,
            due_ns: AtomicU64::new(0),
            interrupt,
        }));
        self
    }
}

impl Faults for Ordeal {
    #[inline]
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn pass(&self, point: Point) {
        let Some(delays) = self.delays.as_ref().filter(|it| it.points.has(point)) else {
            return;
        };
        // Relaxed: a stream of numbers, of which each thread takes some. It orders nothing, which
        // is as it should be: a delay that synchronised would hide what it is to show.
        let drawn = mixed(delays.stream.fetch_add(WEYL, Relaxed));
        if !drawn.is_multiple_of(HOLD_UP_EVERY) {
            return;
        }
        if (drawn / HOLD_UP_EVERY).is_multiple_of(LONG_EVERY) {
            std::thread::yield_now();
        }
        for _ in 0..SPINS {
            std::hint::spin_loop();
        }
    }

    fn collecting(&self) {
        let Some(slow) = &self.slow_collection else {
            return;
        };
        let clock = Clock::get();
        let now_ns = clock.nanos_since_origin(clock.now());
        let span_ns = u64::try_from(slow.span.as_nanos()).unwrap_or(u64::MAX);
        let due_ns = slow.due_ns.load(Relaxed);
        let next_ns = now_ns.saturating_add(span_ns.saturating_mul(SLOW_COLLECTION_EVERY));
        // Relaxed: of several collections at the same time, one is slow. It sleeps, as if it waited
        // for a page of memory; spinning would also take a processor away from others.
        if now_ns >= due_ns
            && (slow.due_ns)
                .compare_exchange(due_ns, next_ns, Relaxed, Relaxed)
                .is_ok()
        {
            slow.sleep();
        }
    }

    fn refuses(&self) -> bool {
        // Relaxed: it is only a count.
        let refusal = self.refusal.as_ref();
        refusal.is_some_and(|refusal| refusal.asked.fetch_add(1, Relaxed) + 1 == refusal.at)
    }
}

/// The step of a Weyl sequence, and its mixing to even bits: splitmix64 (Steele, Lea, Flood, *Fast
/// splittable pseudorandom number generators*, 2014).
const WEYL: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: exactly the allocation that was named is refused, whichever thread makes it.
    #[test]
    fn one_allocation_is_refused() {
        let ordeal = Ordeal::default().with_refusal(3);
        let other = ordeal.clone();
        let asked = [&ordeal, &other, &ordeal, &other, &ordeal].map(Faults::refuses);
        assert_eq!(asked, [false, false, true, false, false]);
        assert!(!Ordeal::default().refuses());
    }

    /// Goal: of two collections in a row, the first is slow and the second is not.
    #[test]
    fn one_collection_is_slow() {
        let span = Duration::from_millis(20);
        let ordeal = Ordeal::default().with_slow_collection(span, Arc::default());
        let clock = Clock::get();
        let start = clock.now();
        ordeal.collecting();
        let first = clock.now();
        ordeal.clone().collecting();
        assert!(clock.nanos(start, first) >= 20_000_000);
        let slow = ordeal.slow_collection.expect("it is there");
        assert!(slow.due_ns.load(Relaxed) >= clock.nanos_since_origin(start) + 100_000_000);
    }

    /// Goal: a collection that would be slow for a year is not if the run was interrupted.
    #[test]
    fn an_interrupt_ends_a_slow_collection() {
        let span = Duration::from_secs(366 * 86400);
        let interrupt = Arc::new(AtomicBool::new(true));
        let ordeal = Ordeal::default().with_slow_collection(span, interrupt);
        ordeal.collecting();
    }

    /// Goal: a set contains the points that it was made of, and no others.
    #[test]
    fn points_are_told_apart() {
        for point in Point::ALL {
            let alone = Points::from_iter([point]);
            assert!(Point::ALL.iter().all(|&p| alone.has(p) == (p == point)));
            assert!(Points::ALL.has(point));
        }
        assert_eq!(Points::from_iter(Point::ALL), Points::ALL);
    }

    /// Goal: at a point that was not asked for nothing is drawn, as if there were no delays.
    #[test]
    fn other_points_are_passed() {
        let ordeal = Ordeal::default().with_delays(Points::from_iter([Point::Dying]), 7);
        let drawn = || {
            let delays = ordeal.delays.as_ref().expect("there are some");
            delays.stream.load(Relaxed)
        };
        for point in Point::ALL {
            let before = drawn();
            ordeal.pass(point);
            assert_eq!(drawn() != before, point == Point::Dying, "{point:?}");
        }
    }

    /// Goal: delays come at about the rate that the constants promise.
    #[test]
    fn some_passes_are_held_up() {
        let held_up = (0..10_000_u64)
            .filter(|n| mixed(n.wrapping_mul(WEYL)).is_multiple_of(HOLD_UP_EVERY))
            .count();
        assert!((250..400).contains(&held_up), "{held_up}");
    }
}
