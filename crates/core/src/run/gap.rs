//! What the other mutators do while one does nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::host;
use super::interleavings::Interleavings;
use crate::clock::{Clock, Stamp};

/// The time between two looks at the clocks, or a batch if that is longer: a look costs some
/// microseconds, and what it shows the others is late by no more than that.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What a mutator has done so far, for others to read. Only the mutator itself writes it. Relaxed,
/// and late by a batch or a look: what matters is the share of a whole run.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    /// Operations, after each batch.
    pub(super) ops: AtomicU64,
    /// How many of them were its setup. It is written once at most, before the mutator comes to the
    /// common start, and read by others after it: the lock of the rendezvous orders the two.
    pub(super) set_up_ops: AtomicU64,
    /// Other signs of progress. See [`Deeds::get_on`].
    steps: AtomicU64,
    /// For how long its thread has been on a processor, in nanoseconds, at its last look. The time
    /// of the whole process would be wrong where several runs share one, as in tests.
    ran_ns: AtomicU64,
}

impl Deeds {
    /// Records progress of the mutator that is not an operation.
    pub(super) fn get_on(&self) {
        self.steps.fetch_add(1, Relaxed);
    }

    /// A number that changes whenever the mutator makes progress.
    pub(super) fn steps(&self) -> u64 {
        let ops = self.ops.load(Relaxed);
        ops.wrapping_add(self.steps.load(Relaxed))
    }
}

/// How one mutator observes what the others do.
#[derive(Debug)]
pub(super) struct Gap<'s> {
    deeds: &'s [CachePadded<Deeds>],
    number: usize,
    first: u64,
    seen: u64,
    max: Largest,
    interleavings: Interleavings,
    /// The last look at the clocks.
    look: Look,
}

/// The largest gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Largest {
    /// What the others did in it.
    pub(super) ops: u64,
    /// Its beginning, or the last look before it, and its end; `None` if there was none.
    pub(super) lasted: Option<(Stamp, Stamp)>,
    /// For how much of that the thread was ready to run and did not.
    pub(super) starved_ns: u64,
    /// How long the others ran in that time, all together.
    pub(super) ran_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    at: Stamp,
    starved_ns: u64,
    ran_ns: u64,
}

impl<'s> Gap<'s> {
    /// Starts the first gap of the mutator with this number.
    pub(super) fn new(deeds: &'s [CachePadded<Deeds>], number: usize) -> Self {
        let seen = others(deeds, number, |deeds| &deeds.ops);
        Self {
            deeds,
            number,
            first: seen,
            seen,
            max: Largest::default(),
            interleavings: Interleavings::default(),
            look: Look::now(deeds, number),
        }
    }

    /// The common start is over, and with it the setups of all mutators: what the others did in
    /// them is part of no gap. What they have done since is, as a mutator may wait for its turn
    /// from the common start on.
    pub(super) fn start(&mut self) {
        self.first = others(self.deeds, self.number, |deeds| &deeds.set_up_ops);
        self.seen = self.first;
        let own = &self.deeds[self.number].set_up_ops;
        self.interleavings = Interleavings::start(own.load(Relaxed));
    }

    /// Ends a gap: the mutator has done something.
    pub(super) fn close(&mut self) {
        let others = self.others();
        let ops = others.saturating_sub(self.seen);
        if ops > self.max.ops || self.is_due() {
            self.look(ops);
        }
        self.see(others);
    }

    /// The others have done so many operations by now.
    fn see(&mut self, others: u64) {
        let own = self.deeds[self.number].ops.load(Relaxed);
        self.interleavings.look(own, others);
        self.seen = others;
    }

    #[cold]
    fn look(&mut self, ops: u64) {
        let (before, now) = (self.look, Look::now(self.deeds, self.number));
        if ops > self.max.ops {
            self.max = Largest {
                ops,
                lasted: Some((before.at, now.at)),
                starved_ns: now.starved_ns.saturating_sub(before.starved_ns),
                ran_ns: now.ran_ns.saturating_sub(before.ran_ns),
            };
        }
        self.look = now;
    }

    /// Whether it is time for a look.
    pub(super) fn is_due(&self) -> bool {
        Clock::get().since(self.look.at) >= LOOK_EVERY
    }

    /// Ends a gap that does not count, because the mutator was meant to do nothing.
    pub(super) fn forgive(&mut self) {
        self.seen = self.others();
        self.look = Look::now(self.deeds, self.number);
    }

    /// Ends a gap that does not count, because the mutator had nothing to do. Unlike
    /// [`forgive`](Self::forgive), this looks at the clocks only when a look is due.
    pub(super) fn pass(&mut self) {
        self.see(self.others());
        if self.is_due() {
            self.look = Look::now(self.deeds, self.number);
        }
    }

    /// Shows the others all that the mutator has done; it does nothing more.
    pub(super) fn end(&mut self) {
        self.look = Look::now(self.deeds, self.number);
    }

    /// How many operations the others did in all, and the largest gap.
    pub(super) fn sums(&self) -> (u64, Largest) {
        (self.seen.saturating_sub(self.first), self.max)
    }

    /// How often the others did something between two batches of the mutator.
    pub(super) fn interleavings(&self) -> u64 {
        self.interleavings.seen()
    }

    fn others(&self) -> u64 {
        others(self.deeds, self.number, |deeds| &deeds.ops)
    }
}

impl Look {
    /// Reads the clocks, and shows the others this mutator's time.
    fn now(deeds: &[CachePadded<Deeds>], number: usize) -> Self {
        deeds[number].ran_ns.store(host::ran_ns(), Relaxed);
        Self {
            at: Clock::get().now(),
            starved_ns: host::starved_ns(),
            ran_ns: others(deeds, number, |deeds| &deeds.ran_ns),
        }
    }
}

/// The sum of what all but the mutator of this number have done.
fn others(deeds: &[CachePadded<Deeds>], number: usize, what: impl Fn(&Deeds) -> &AtomicU64) -> u64 {
    let others = deeds
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != number);
    others.map(|(_, deeds)| what(deeds).load(Relaxed)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the largest gap is found, forgiven gaps do not count, and neither do the mutator's own
    /// operations.
    #[test]
    fn gaps_are_found() {
        let deeds: [CachePadded<Deeds>; 3] = Default::default();
        deeds[0].ops.store(5, Relaxed);
        let mut gap = Gap::new(&deeds, 1);
        for (other, more, forgiven) in [
            (0, 10, false),
            (2, 30, false),
            (1, 500, false),
            (0, 900, true),
        ] {
            deeds[other].ops.fetch_add(more, Relaxed);
            if forgiven {
                gap.forgive();
            } else {
                gap.close();
            }
        }
        let (others, largest) = gap.sums();
        assert_eq!((others, largest.ops), (940, 30));
    }

    /// Goal: a mutator that gets its first turn when the others are done was kept out by what they
    /// did, and not by their setups.
    #[test]
    fn gaps_begin_at_the_common_start() {
        let deeds: [CachePadded<Deeds>; 2] = Default::default();
        let mut gap = Gap::new(&deeds, 1);
        deeds[0].set_up_ops.store(1000, Relaxed);
        deeds[0].ops.store(1000 + 70, Relaxed);
        gap.start();
        gap.close();
        let (others, largest) = gap.sums();
        assert_eq!((others, largest.ops), (70, 70));
        assert!(largest.lasted.is_some());
    }

    /// Goal: the others see how long a mutator has run, whether it has a rate or not, and all of it
    /// once it has ended.
    #[test]
    fn time_is_shown() {
        let shown_after = |time: Duration, step: &dyn Fn(&mut Gap<'_>)| {
            let deeds: [CachePadded<Deeds>; 2] = Default::default();
            let mut gap = Gap::new(&deeds, 0);
            let before = deeds[0].ran_ns.load(Relaxed);
            spin(time);
            step(&mut gap);
            deeds[0].ran_ns.load(Relaxed) > before
        };
        assert!(shown_after(LOOK_EVERY, &|gap| gap.close()));
        assert!(shown_after(LOOK_EVERY, &|gap| gap.pass()));
        assert!(!shown_after(LOOK_EVERY, &|_| ()));
        assert!(shown_after(LOOK_EVERY / 20, &|gap| gap.end()));
    }

    fn spin(time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("short");
        let start = host::ran_ns();
        while host::ran_ns() - start < nanos {}
    }

    /// Goal: the time of a gap counts how long the other mutators ran, and neither this mutator's
    /// own time nor that of threads outside the run.
    #[test]
    fn the_others_time_is_told_from_the_process_s() {
        let deeds: [CachePadded<Deeds>; 2] = Default::default();
        let mut gap = Gap::new(&deeds, 0);
        let busy = || spin(LOOK_EVERY);
        std::thread::scope(|scope| scope.spawn(busy).join().expect("it ends"));
        busy();
        deeds[1].ops.store(10, Relaxed);
        deeds[1].ran_ns.store(700, Relaxed);
        gap.close();
        assert_eq!((gap.sums().1.ops, gap.sums().1.ran_ns), (10, 700));
    }
}
