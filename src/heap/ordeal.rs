//! What a heap is put through besides its program: a flaw, delays within operations, an allocation
//! that is refused.
//!
//! It is known at run time only, so a heap that goes through it is another type than the one that
//! ships and is measured (see [`flaw`](super::flaw)).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::flaw::{Flaw, Flaws, Point};

/// One in how many passes of a point is held up for a moment, and one in how many of those for long:
/// often enough that most windows of a short run are met, rarely enough that threads get on.
const HOLD_UP_EVERY: u64 = 32;
const LONG_EVERY: u64 = 8;
/// How often a thread that is held up for a moment spins: about a microsecond.
const SPINS: u32 = 100;

/// What one heap goes through. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ordeal {
    flaw: Option<Flaw>,
    delays: Option<Delays>,
    refusal: Option<Arc<Refusal>>,
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
    /// A flaw, and nothing else.
    pub fn of(flaw: Flaw) -> Self {
        Self {
            flaw: Some(flaw),
            ..Self::default()
        }
    }

    /// With this flaw, if any.
    #[must_use]
    pub fn with_flaw(mut self, flaw: Option<Flaw>) -> Self {
        self.flaw = flaw;
        self
    }

    /// With threads held up at these points, by what is drawn from this seed.
    #[must_use]
    pub fn with_delays(mut self, points: Points, seed: u64) -> Self {
        let stream = Arc::new(AtomicU64::new(seed));
        self.delays = Some(Delays { points, stream });
        self
    }

    /// With the allocation of this number refused, counted over all threads from 1 on.
    #[must_use]
    pub fn with_refusal(mut self, at: u64) -> Self {
        self.refusal = Some(Arc::new(Refusal {
            at,
            asked: AtomicU64::new(0),
        }));
        self
    }
}

impl Flaws for Ordeal {
    #[inline]
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn pass(&self, point: Point) {
        let Some(delays) = self.delays.as_ref().filter(|it| it.points.has(point)) else {
            return;
        };
        // Relaxed: a stream of numbers, of which each thread takes some. It orders nothing, which is
        // as it should be: a delay that synchronised would hide what it is to show.
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

    fn refuses(&self) -> bool {
        // Relaxed: a count, and no more.
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

    /// Goal: one allocation is refused, and it is the one that was named, whoever asks.
    #[test]
    fn one_allocation_is_refused() {
        let ordeal = Ordeal::default().with_refusal(3);
        let other = ordeal.clone();
        let asked = [&ordeal, &other, &ordeal, &other, &ordeal].map(Flaws::refuses);
        assert_eq!(asked, [false, false, true, false, false]);
        assert!(!Ordeal::default().refuses());
    }

    /// Goal: a set of points has those that it was made of, and no others.
    #[test]
    fn points_are_told_apart() {
        for point in Point::ALL {
            let alone = Points::from_iter([point]);
            assert!(Point::ALL.iter().all(|&p| alone.has(p) == (p == point)));
            assert!(Points::ALL.has(point));
        }
        assert_eq!(Points::from_iter(Point::ALL), Points::ALL);
    }

    /// Goal: a point that was not asked for is passed as if there were no delays: nothing is drawn.
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
