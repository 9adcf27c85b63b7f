//! The heap under a controlled scheduler: small programs, many interleavings, and proof that the
//! checks can fail.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --lib models` explores each scenario with random schedules
//! and with PCT (Burckhardt et al., ASPLOS 2010), which find different faults. Shuttle's memory is
//! sequentially consistent; `crossbeam-epoch` runs inside a step, for its own atomics are not
//! instrumented, and nothing in it blocks. What weaker memory could do is left to [`memory`], under
//! loom.
//!
//! Some steps of the collector's protocol are not shown to be necessary here. Without the rule that
//! edges are counted only after all words were read, no schedule in a hundred thousand failed.
//! Without the touch of a popped element, or with the touch of a truncated list before its head
//! moves, none failed in the programs tried, which were fewer. An exhaustive search of the protocol
//! finds all three; each takes six switches of context at the right places. Members with count 0,
//! a decrement after the pin and a stamp that is reset on reuse were not tried; a job that walks the
//! list's cell and a container held by an uncounted pointer cannot be written with this interface.
//!
//! `GCSTORM_SCHEDULES` says how many schedules of each kind a scenario gets (300 unless told; CI
//! tells 10,000 and more). A failing schedule is kept in `target/schedules`; to run it again, set
//! `GCSTORM_REPLAY` to the file and run the test that failed.

#[cfg(shuttle)]
mod cycles;
#[cfg(shuttle)]
mod finalized_programs;
#[cfg(shuttle)]
mod finalizers;
#[cfg(shuttle)]
mod linearizable;
#[cfg(shuttle)]
mod list;
#[cfg(loom)]
mod memory;
#[cfg(shuttle)]
mod release;
#[cfg(shuttle)]
mod weak;

#[cfg(shuttle)]
mod explore {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::PathBuf;
    use std::sync::Arc;

    use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
    use shuttle::{Config, FailurePersistence, Runner};

    use crate::heap::flaw::Flaw;
    use crate::heap::lock_free::{LockFree, open_with};
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{Finalizer, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

    /// The heap, with a flaw that is known at run time, or with none.
    pub(super) type Modelled = LockFree<Option<Flaw>>;

    /// Schedules of each kind, unless the environment says otherwise.
    const SCHEDULES: usize = 300;
    /// Schedules that a flaw may take to show.
    const FLAW_SCHEDULES: usize = 100_000;
    /// Changes of priority that PCT makes: the depth of the deepest fault known here is 3.
    const PCT_DEPTH: usize = 4;
    const SEED: u64 = 20_260_601;

    fn config(persistence: FailurePersistence) -> Config {
        let mut config = Config::new();
        config.failure_persistence = persistence;
        config.silence_warnings = true;
        config.stack_size = 0x2_0000;
        config
    }

    fn run(
        scheduler: impl Scheduler + 'static,
        config: Config,
        scenario: impl Fn() + Send + Sync + 'static,
    ) {
        Runner::new(scheduler, config).run(scenario);
    }

    /// Explores a scenario, which must hold in every schedule.
    pub(super) fn holds(scenario: impl Fn(Option<Flaw>) + Copy + Send + Sync + 'static) {
        if let Ok(file) = std::env::var("GCSTORM_REPLAY") {
            return shuttle::replay_from_file(move || scenario(None), file);
        }
        let schedules = std::env::var("GCSTORM_SCHEDULES")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(SCHEDULES);
        let directory = PathBuf::from("target/schedules");
        std::fs::create_dir_all(&directory).expect("failed to make the schedules' directory");
        let keep = || config(FailurePersistence::File(Some(directory.clone())));
        let random = RandomScheduler::new_from_seed(SEED, schedules);
        run(random, keep(), move || scenario(None));
        let pct = PctScheduler::new_from_seed(SEED, PCT_DEPTH, schedules);
        run(pct, keep(), move || scenario(None));
    }

    /// Explores scenarios with a flaw; one of them must fail.
    pub(super) fn breaks(
        flaw: Flaw,
        scenarios: &[impl Fn(Option<Flaw>) + Copy + Send + Sync + 'static],
    ) {
        // In rounds of a few, so that the scenario that shows it does not wait for the others.
        let round = 200;
        for seed in 0..(FLAW_SCHEDULES / round) as u64 {
            for &scenario in scenarios {
                let attempt = || {
                    let random = RandomScheduler::new_from_seed(SEED + seed, round / 2);
                    run(random, config(FailurePersistence::None), move || {
                        scenario(Some(flaw))
                    });
                    let pct = PctScheduler::new_from_seed(SEED + seed, PCT_DEPTH, round / 2);
                    run(pct, config(FailurePersistence::None), move || {
                        scenario(Some(flaw))
                    });
                };
                if catch_unwind(AssertUnwindSafe(attempt)).is_err() {
                    return;
                }
            }
        }
        panic!("{flaw:?} was planted, and nothing failed");
    }

    /// A small heap with a flaw, or none.
    pub(super) fn open(flaw: Option<Flaw>) -> Arc<Modelled> {
        Arc::new(open_with(&HeapConfig::with_capacity(24), flaw))
    }

    pub(super) fn seat(number: u32) -> Seat {
        Seat { number, slots: 8 }
    }

    /// Makes tags and counts deaths.
    pub(super) struct Births(OwnedSegment);

    impl Births {
        pub(super) fn new() -> Self {
            Self(OwnedSegment::take(0, 0).expect("segments are left"))
        }

        pub(super) fn tag(&mut self, shape: Shape) -> Tag {
            self.0.birth(shape).expect("models are small")
        }

        pub(super) fn make(&mut self, mutator: &mut impl Mutator, dst: Slot, shape: Shape) {
            mutator
                .alloc(dst, shape, self.tag(shape))
                .expect("models are small");
        }

        pub(super) fn make_finalized(
            &mut self,
            mutator: &mut impl Mutator,
            dst: Slot,
            shape: Shape,
            finalizer: Finalizer,
        ) {
            let tag = self
                .0
                .birth_with_finalizer(shape)
                .expect("models are small");
            mutator
                .alloc_with_finalizer(dst, shape, tag, finalizer)
                .expect("models are small");
        }

        /// Everything that was born died once, and was finalized once if it was to be.
        pub(super) fn assert_dead(&self) {
            let segment = self.0.segment();
            let notes = segment.take_notes();
            assert_eq!(notes.double_deaths.count, 0, "something died twice");
            let (stray, missed) = (notes.stray_finalizations, notes.unfinalized_deaths);
            assert_eq!(stray.count, 0, "something was finalized twice");
            assert_eq!(missed.count, 0, "something died without its finalizer");
            assert_eq!(segment.born(), segment.dead(), "something did not die");
        }
    }

    /// Empties the shared roots until finalizers put nothing there any more. Then nothing is left,
    /// and everything that was born has died.
    pub(super) fn assert_emptied(heap: &Modelled, births: &[Births]) {
        loop {
            heap.settle().expect("no fault");
            let mut m = heap.attach(seat(0)).expect("a seat");
            let mut is_found = false;
            for global in (0..4).map(Global) {
                is_found |= m.fetch(Slot(0), global);
                // The last register is never filled.
                m.publish(global, Slot(7));
            }
            if !is_found {
                break;
            }
        }
        assert_empty(heap);
        births.iter().for_each(Births::assert_dead);
    }

    /// Settles the heap; nothing is alive, broken, or left over.
    pub(super) fn assert_empty(heap: &Modelled) {
        heap.settle().expect("no fault");
        let census = heap.census(&mut |_| {}).expect("a census");
        assert_eq!((census.living, census.spoiled), (0, 0));
        let left: u64 = census.leftovers.iter().map(|leftover| leftover.count).sum();
        assert_eq!(left, 0, "{:?}", census.leftovers);
    }
}
