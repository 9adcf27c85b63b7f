//! The times of one mutator's operations, by kind, counted in little memory.
//!
//! Distinct times are those of [`Latency`], which the counts become when the run is over, so nothing
//! is lost here. A [`Latency`] has its place in memory for each distinct time up to an hour, a quarter
//! of a megabyte for a kind of operation. Here are 16 bits a place, and places are there from the first
//! time on that needs them: for short times all at once, for others in blocks of a cache line. What 16
//! bits cannot hold is carried over, once in 65,536 operations.
//!
//! Nothing is ever copied or sorted. That would take a mutator some dozens of microseconds, in which
//! it may hold the lock that others wait for.

use std::collections::BTreeMap;

use crate::evidence::latency::LATENCY_NS_MAX;
use crate::evidence::{Latency, index_of, time_of};
use crate::plan::OpKind;

/// Times below this many nanoseconds are each counted by themselves, in a plain array: to record one
/// costs an addition.
const SHORT: u32 = 2048;
/// How many distinct times there are within one power of two.
const PLACES: u32 = 1024;
/// How many distinct times there are up to the longest power of two.
const LENGTH: u32 = 33 * PLACES;
const KINDS: usize = OpKind::ALL.len();
/// What 16 bits cannot hold.
const CARRY: u64 = 1 << 16;
/// The places of a block, and so 64 bytes.
const BLOCK: usize = 32;
/// Blocks that are allocated at once: a page, which takes about a microsecond.
const CHUNK: usize = 64;

/// Counts, or the numbers of other blocks.
type Block = [u16; BLOCK];

/// How often each time was met.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By kind; empty before the first.
    short: [Box<[u16]>; KINDS],
    /// Those of longer times, as a tree: by kind, power of two, and the next five bits of the time
    /// lead to counts by the last five. Number 0 is the root, and stands for none elsewhere.
    blocks: Vec<Box<[Block; CHUNK]>>,
    /// How many blocks are in use.
    used: u16,
    /// By kind and index: what was carried over.
    carried: BTreeMap<(usize, u32), u64>,
}

// There are enough places in the root, and below it.
const _: () = assert!(KINDS <= BLOCK && PLACES as usize == BLOCK * BLOCK && LENGTH / PLACES == 33);

/// How a time was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// As a short one.
    Short,
    /// As a long one.
    Long,
    /// Memory was allocated for it, or a count was carried over: that took longer than most operations.
    Slowly,
}

impl Times {
    /// Counts one.
    #[inline]
    pub(super) fn record(&mut self, kind: OpKind, nanos: u64) -> Placed {
        let counts = &mut self.short[kind as usize];
        let count = usize::try_from(nanos)
            .ok()
            .and_then(|at| counts.get_mut(at));
        if let Some(count) = count
            && let Some(more) = count.checked_add(1)
        {
            *count = more;
            return Placed::Short;
        }
        self.record_elsewhere(kind as usize, nanos)
    }

    /// Not inlined, so that the inlined part stays short.
    #[cold]
    fn record_elsewhere(&mut self, kind: usize, nanos: u64) -> Placed {
        let index = index_of(nanos.min(LATENCY_NS_MAX));
        let blocks = self.blocks.len();
        let count = self.count_at(kind, index);
        let more = count.checked_add(1);
        *count = more.unwrap_or(0);
        if more.is_none() {
            *self.carried.entry((kind, index)).or_default() += CARRY;
        }
        // A short time comes here only if it is the first, or to be carried over.
        if index < SHORT || more.is_none() || self.blocks.len() > blocks {
            Placed::Slowly
        } else {
            Placed::Long
        }
    }

    /// The count of the times with this index.
    fn count_at(&mut self, kind: usize, index: u32) -> &mut u16 {
        if let Some(at) = short(index) {
            let counts = &mut self.short[kind];
            if counts.is_empty() {
                *counts = vec![0; SHORT as usize].into_boxed_slice();
            }
            return &mut counts[at];
        }
        if self.used == 0 {
            self.fresh();
        }
        let mut number = 0;
        let [above @ .., last] = path(kind, index);
        for place in above {
            number = match *self.at(number, place) {
                0 => {
                    let fresh = self.fresh();
                    *self.at(number, place) = fresh;
                    fresh
                }
                next => next,
            };
        }
        self.at(number, last)
    }

    fn at(&mut self, number: u16, place: usize) -> &mut u16 {
        let number = usize::from(number);
        &mut self.blocks[number / CHUNK][number % CHUNK][place]
    }

    /// The number of a block that is not in use yet. There are enough numbers: with all blocks of all
    /// kinds in use there are 25,626.
    fn fresh(&mut self) -> u16 {
        if usize::from(self.used) == self.blocks.len() * CHUNK {
            self.blocks.push(Box::new([[0; BLOCK]; CHUNK]));
        }
        self.used += 1;
        self.used - 1
    }

    /// How much memory they take, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let short: usize = self.short.iter().map(|counts| size_of_val(&**counts)).sum();
        let carried = self.carried.len() * size_of::<((usize, u32), u64)>();
        (short + self.blocks.len() * size_of::<[Block; CHUNK]>() + carried) as u64
    }

    /// Adds them to distributions, by the names of the kinds.
    pub(super) fn add_to(&self, sums: &mut BTreeMap<String, Latency>) {
        for kind in OpKind::ALL {
            let counts = self.counts(kind as usize);
            if !counts.is_empty() {
                let sum = sums.entry(kind.name().to_owned()).or_default();
                let counts = counts.into_iter();
                counts.for_each(|(index, count)| sum.record_many(time_of(index), count));
            }
        }
    }

    /// The counts of a kind that are not zero, by index; some are there in two parts.
    fn counts(&self, kind: usize) -> Vec<(u32, u64)> {
        let mut counts = Vec::new();
        let mut add = |first: u32, all: &[u16]| {
            let all = (first..).zip(all.iter().map(|&count| u64::from(count)));
            counts.extend(all.filter(|(_, count)| *count > 0));
        };
        add(0, &self.short[kind]);
        for first in (SHORT..LENGTH).step_by(BLOCK) {
            if let Some(block) = self.find(path(kind, first)) {
                add(first, block);
            }
        }
        let carried = self.carried.range((kind, 0)..(kind + 1, 0));
        counts.extend(carried.map(|(&(_, index), &count)| (index, count)));
        counts
    }

    /// The block of counts to which these places lead.
    fn find(&self, [above @ .., _]: [usize; 4]) -> Option<&Block> {
        let block = |number: usize| &self.blocks[number / CHUNK][number % CHUNK];
        let mut number = (self.used > 0).then_some(0)?;
        for place in above {
            number = usize::from(block(number)[place]);
            if number == 0 {
                return None;
            }
        }
        Some(block(number))
    }
}

/// The place of a short time.
fn short(index: u32) -> Option<usize> {
    (index < SHORT).then_some(index as usize)
}

/// The places in four blocks that lead to the count of a time that is not short.
fn path(kind: usize, index: u32) -> [usize; 4] {
    let (power, place) = ((index - SHORT) / PLACES, (index % PLACES) as usize);
    [kind, power as usize, place / BLOCK, place % BLOCK]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(times: &Times) -> BTreeMap<String, Latency> {
        let mut sums = BTreeMap::new();
        times.add_to(&mut sums);
        sums
    }

    proptest! {
        /// Goal: what was recorded is there afterwards, to the last count, and nothing else is: as if
        /// each kind had been recorded in a distribution.
        #[test]
        fn loses_nothing(all in prop::collection::vec(
            (0..4_usize, prop_oneof![0..5000_u64, 0..LATENCY_NS_MAX + 1000, Just(u64::MAX)]),
            0..300,
        )) {
            let (mut times, mut expected) = (Times::default(), BTreeMap::<_, Latency>::new());
            for (kind, nanos) in all {
                times.record(OpKind::ALL[kind], nanos);
                let of_kind = expected.entry(OpKind::ALL[kind].name().to_owned()).or_default();
                of_kind.record(nanos.min(LATENCY_NS_MAX));
            }
            let written = |sums: BTreeMap<String, Latency>| -> BTreeMap<_, _> {
                let each = sums.into_iter().map(|(kind, sum)| (kind, sum.encode()));
                each.collect()
            };
            prop_assert_eq!(written(sums(&times)), written(expected));
        }
    }

    /// Goal: kinds that are not used take no memory, and the caller learns when memory was needed.
    #[test]
    fn memory_is_taken_when_it_is_needed() {
        let mut times = Times::default();
        assert_eq!(times.bytes(), 0);
        for (nanos, placed) in [
            (7, Placed::Slowly),
            (8, Placed::Short),
            (SHORT.into(), Placed::Slowly),
            (1_000_000, Placed::Long),
            (0, Placed::Short),
        ] {
            assert_eq!(times.record(OpKind::Len, nanos), placed, "{nanos}");
        }
        assert!(times.bytes() < 10_000, "{}", times.bytes());
        let latency = &sums(&times)["len"];
        assert_eq!((latency.count(), latency.max() / 1000), (5, 1000));
    }

    /// Goal: more operations than a count can hold are all there, of short times and of long ones.
    #[test]
    fn counts_are_carried_over() {
        const MANY: u64 = 3 * CARRY + 5;
        let mut times = Times::default();
        for nanos in [9, 5_000_000] {
            let placed = (0..MANY).map(|_| times.record(OpKind::Len, nanos));
            let slowly = placed.filter(|placed| *placed == Placed::Slowly).count();
            assert_eq!(slowly, 4, "{nanos}");
        }
        let latency = &sums(&times)["len"];
        assert_eq!(
            (latency.count(), latency.quantile(0.4)),
            (2 * MANY, Some(9))
        );
    }

    /// Goal: six kinds of operations whose times fill all places from 1 ns to 20 ms take less than
    /// 200 KB.
    #[test]
    fn six_kinds_take_little() {
        let mut times = Times::default();
        for kind in &OpKind::ALL[..6] {
            for nanos in (0..index_of(20_000_000)).map(time_of) {
                times.record(*kind, nanos);
            }
        }
        assert!(times.bytes() < 200_000, "{}", times.bytes());
    }
}
