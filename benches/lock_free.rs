//! What the operations of the `lock-free` heap cost, alone and in a fight.
//!
//! Targets, in nanoseconds on the machine that runs the checks (a read-modify-write costs 10 there):
//! allocate + append 12 alone and 30 while another thread calls `len`, its `len` 10; `del l[:n]` 5
//! an object, freed included; get + release 20; a two-object cycle made, dropped and collected 150
//! in all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gcstorm::clock::Clock;
use gcstorm::heap::lock_free::{self, LockFreeMutator};
use gcstorm::heap::tag::OwnedSegment;
use gcstorm::heap::{Field, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

const LIST: Slot = Slot(0);
const VAL: Slot = Slot(1);
/// Elements in the list at most; then half of them go.
const LIMIT: u64 = 100_000;

/// Makes tags as a run does, recycling segments whose objects are all dead.
struct Tags {
    segments: Vec<OwnedSegment>,
    at: usize,
}

impl Tags {
    fn new() -> Self {
        Self {
            segments: Vec::new(),
            at: 0,
        }
    }

    #[inline]
    fn next(&mut self, shape: Shape) -> Tag {
        if let Some(segment) = self.segments.get_mut(self.at)
            && let Some(tag) = segment.birth(shape)
        {
            return tag;
        }
        self.renew(shape)
    }

    #[cold]
    fn renew(&mut self, shape: Shape) -> Tag {
        let spent = |segment: &mut OwnedSegment| segment.recycle(0, 0).is_some();
        self.at = self.segments.iter_mut().position(spent).unwrap_or_else(|| {
            let fresh = OwnedSegment::take(0, 0).expect("segments are left");
            self.segments.push(fresh);
            self.segments.len() - 1
        });
        let segment = &mut self.segments[self.at];
        segment.birth(shape).expect("an empty segment has room")
    }
}

fn seat(number: u32) -> Seat {
    Seat { number, slots: 8 }
}

fn make(m: &mut LockFreeMutator<'_>, tags: &mut Tags, dst: Slot, shape: Shape) {
    m.alloc(dst, shape, tags.next(shape)).expect("room");
}

/// Allocates and appends, and truncates at the limit; times what `timed` says.
fn appends(m: &mut LockFreeMutator<'_>, tags: &mut Tags, times: u64, what: Timed) -> Duration {
    let clock = Clock::get();
    let mut total = Duration::ZERO;
    let mut left = times;
    while left > 0 {
        let now = left.min(LIMIT / 2);
        let start = clock.now();
        for _ in 0..now {
            make(m, tags, VAL, Shape::Leaf);
            m.append(LIST, VAL);
        }
        let filled = clock.now();
        m.truncate_front(LIST, now);
        while m.heap_unreclaimed() > 0 {
            m.safepoint().expect("a sound heap");
        }
        total += match what {
            Timed::Append => Duration::from_nanos(clock.nanos(start, filled)),
            Timed::Truncate => clock.since(filled),
        };
        left -= now;
    }
    total
}

#[derive(Clone, Copy)]
enum Timed {
    Append,
    Truncate,
}
