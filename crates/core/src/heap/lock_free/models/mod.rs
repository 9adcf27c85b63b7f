//! The heap under a controlled scheduler: small programs in many interleavings, and planted faults
//! that show that the checks can fail.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --lib models` explores each scenario with random schedules
//! and with PCT (Burckhardt et al., ASPLOS 2010), which find different faults. Shuttle's memory is
//! sequentially consistent. `crossbeam-epoch` runs within single steps, since its own atomics are
//! not instrumented; none of its calls block. The effects of weaker memory are left to [`memory`],
//! under loom.
//!
//! Neither kind of schedule finds faults that take several switches at the right places. For these
//! there are *scripts* ([`turns`]), which say which thread runs next, and try every length of the
//! turns that are cut short. [`shortcuts`] has programs that came out of an exhaustive search of
//! the protocol; [`meetings`] stops operations at each of their steps and runs the collector
//! meanwhile; [`late`] has helpers that come late to a pop; [`paced`] has the collector as its
//! thread runs it; [`recall`] has allocations that find no memory. In all of these no object is
//! private; [`private`] has those that are, and runs most of the others with them once more.
//!
//! The table shows what it took to find each [`Fault`](crate::heap::fault::Fault) in lists, counts
//! and the collection of cycles, with the seeds that are in use here. Random and PCT schedules are
//! counted over all of a fault's scenarios, and vary with any change to the heap.
//!
//! | fault | found by | in schedule |
//! | --- | --- | --- |
//! | `TrustHint` | PCT | 303 |
//! | `LookBelowFirst` | PCT | 1,598 |
//! | `FastOnAnyStamp` | random | 404 |
//! | `LocalStamps` | PCT | 62,712 |
//! | `NoHeadLoad` | PCT | 1,301 |
//! | `GetNotPassed` | PCT | 6,108 |
//! | `PlainSet` | PCT | 121 |
//! | `ClampedTruncate` | PCT | 1,388 |
//! | `CompareCounts` | PCT | 2,755 |
//! | `NoGrace` | script, two parts | 742 of 1,322 |
//! | `RereadSlots` | random | 801 |
//! | `SoleByCount` | script, two parts | 481 of 729 |
//! | `ClearOneByOne` | PCT | 158 |
//! | `MoveIntoItself` | random | 1,001 |
//! | `NoVerdict` | random | 28 |
//! | `ForgetSuspects` | random | 1 |
//! | `PopWithoutTouch` | script, one part | 33 of 61 |
//! | `CountWhileReading` | script, two parts | 1,090 of 3,617 |
//! | `TouchBeforeMove` | script, two parts | 556 of 1,825 |
//! | `AdmitDead` | script, two parts | 464 of 1,556 |
//! | `RangeThroughCell` | script, no part | 1 of 1 |
//! | `UncountedContainer` | script, one part | 4 of 30 |
//! | `StuckAsEmpty` | script, one part | 11 of 13 |
//! | `ClaimUncounted` | script, one part | 12 of 30 |
//! | `PagesAtOnce` | script, no part | 1 of 1 |
//! | `CursorUnchecked` | script, no part | 1 of 1 |
//! | `SuspectWithoutLooking` | random | 14 |
//! | `NewestFirst` | random | 1 |
//! | `ForgetBudget` | random | 1 |
//! | `ReuseAtOnce` | script, one part | 66 of 78 |
//! | `VerdictUnchecked` | random | 21,250 |
//! | `AnswerFirst` | random | 92 |
//! | `TakingUnseen` | random | 1 |
//! | `BirthsUnseen` | PCT | 103 |
//! | `QuietFirst` | PCT | 502 |
//! | `EscapeShallow` | PCT | 102 |
//! | `StoredUnescaped` | PCT | 110 |
//! | `BrandKept` | PCT | 315 |
//! | `BrandsUnswept` | random | 10 |
//! | `SecondLookByCount` | script, one part | 36 of 55 |
//! | `GarbageAtOnce` | script, one part | 5 of 22 |
//! | `LookFirst` | script, one part | 6 of 12 |
//! | `WinnerLeft` | script, two parts | 71 of 791 |
//!
//! Three rules are not shown to be necessary. A touch must come *after* the head moves: that
//! matters only if a reference is also moved into the very object that it names, since otherwise
//! the list's own register makes up for it; so the fault (`TouchBeforeMove`) does both. A decrement
//! comes under the pin of its operation, and a stamp is not reset when its cell is reused: the
//! proof needs both rules, but nothing is known to break without them, and they have no fault here.
//!
//! Models do not watch memory. But a page or branch that was freed stays as a wreck until the
//! execution is over, and whoever still uses it is found out (`list::node`); and a seal that a
//! fault would have freed is marked as freed (`list::pop`). Apart from that, the address sanitizer
//! watches the stress tests.
//!
//! `GCSTORM_SCHEDULES` says how many schedules of each kind a scenario gets (300 unless it is set;
//! 1,000 in `.ci/run`, 10,000 in `.ci/models`). A failing schedule is kept in `target/schedules`;
//! to run it again, set `GCSTORM_REPLAY` to the file and run the test that failed.

#[cfg(shuttle)]
mod cycles;
#[cfg(shuttle)]
mod finalized_programs;
#[cfg(shuttle)]
mod finalizers;
#[cfg(shuttle)]
mod late;
#[cfg(shuttle)]
mod linearizable;
#[cfg(shuttle)]
mod list;
#[cfg(shuttle)]
mod meetings;
#[cfg(loom)]
mod memory;
#[cfg(shuttle)]
mod paced;
#[cfg(shuttle)]
mod private;
#[cfg(shuttle)]
mod program;
#[cfg(shuttle)]
mod recall;
#[cfg(shuttle)]
mod release;
#[cfg(shuttle)]
mod replay;
#[cfg(shuttle)]
mod sane;
#[cfg(shuttle)]
mod scene;
#[cfg(shuttle)]
mod shortcuts;
#[cfg(shuttle)]
mod turns;
#[cfg(shuttle)]
mod uncounted;
#[cfg(shuttle)]
mod weak;

#[cfg(shuttle)]
pub(super) use wrecks::keep_wreck;

/// Keeps pages and branches that were freed until the execution is over: see `list::node`.
#[cfg(shuttle)]
mod wrecks {
    use std::any::Any;
    use std::cell::RefCell;

    thread_local! {
        // All threads of a model run on one.
        static WRECKS: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
    }

    /// Keeps what was freed.
    pub(in crate::heap::lock_free) fn keep_wreck(wreck: impl Any) {
        WRECKS.with_borrow_mut(|wrecks| wrecks.push(Box::new(wreck)));
    }

    /// Drops what an earlier execution left.
    pub(super) fn clear() {
        WRECKS.take();
    }
}

#[cfg(shuttle)]
mod explore {
    use std::any::Any;
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
    use shuttle::{Config, FailurePersistence, Runner};

    use super::turns::{Turn, Turns};
    use crate::heap::fault::{Fault, Faults};
    use crate::heap::lock_free::private::Birth;
    use crate::heap::lock_free::{LockFree, LockFreeMutator, open_born};
    use crate::heap::tag::OwnedSegment;
    use crate::heap::{Finalizer, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, Tag};

    thread_local! {
        // All threads of a model run on one.
        static BIRTH: Cell<Birth> = const { Cell::new(Birth::Shared) };
    }

    /// Explores heaps whose objects are private to their makers at first. Otherwise none are, so
    /// that the collector has something to do in programs that are small.
    pub(super) fn with_private(explore: impl FnOnce()) {
        BIRTH.set(Birth::Private);
        explore();
        BIRTH.set(Birth::Shared);
    }

    /// The heap, with a fault that is known at run time, or with none.
    pub(super) type Modelled = LockFree<Option<Fault>>;

    /// One of its mutators.
    pub(super) type Model<'h> = LockFreeMutator<'h, Option<Fault>>;

    /// Runs `work` on a thread of the model.
    pub(super) fn spawn<T: Send + 'static>(
        heap: &Arc<Modelled>,
        work: impl FnOnce(&Modelled) -> T + Send + 'static,
    ) -> shuttle::thread::JoinHandle<T> {
        let heap = Arc::clone(heap);
        shuttle::thread::spawn(move || work(&heap))
    }

    /// Schedules of each kind, unless the environment says otherwise.
    const SCHEDULES: usize = 300;
    /// A fault must show within this many schedules.
    const FAULT_SCHEDULES: usize = 400_000;
    /// How many times PCT changes a priority. The deepest fault known here has depth 3.
    const PCT_DEPTH: usize = 4;
    const SEED: u64 = 20_260_601;
    /// The objects that there is room for.
    pub(super) const CAPACITY: u32 = 24;

    pub(super) fn config(persistence: FailurePersistence) -> Config {
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

    /// Runs a schedule that was kept.
    pub(super) fn replay(file: &Path, scenario: impl Fn() + Send + Sync + 'static) {
        let scheduler = ReplayScheduler::new_from_file(file).expect("a schedule");
        run(scheduler, config(FailurePersistence::None), scenario);
    }

    /// Keeps failing schedules as files.
    fn keep() -> FailurePersistence {
        // Tests run in their own crate's directory.
        let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let directory = Path::new(workspace).join("target/schedules");
        std::fs::create_dir_all(&directory).expect("failed to make the schedules' directory");
        FailurePersistence::File(Some(directory))
    }

    /// Explores a scenario. It must hold in every schedule.
    pub(super) fn holds(scenario: impl Fn(Option<Fault>) + Copy + Send + Sync + 'static) {
        if let Ok(file) = std::env::var("GCSTORM_REPLAY") {
            return replay(file.as_ref(), move || scenario(None));
        }
        let schedules = std::env::var("GCSTORM_SCHEDULES").map_or(SCHEDULES, |text| {
            text.parse().expect("GCSTORM_SCHEDULES must be a number")
        });
        let random = RandomScheduler::new_from_seed(SEED, schedules);
        run(random, config(keep()), move || scenario(None));
        let pct = PctScheduler::new_from_seed(SEED, PCT_DEPTH, schedules);
        run(pct, config(keep()), move || scenario(None));
    }

    /// Explores scenarios with a fault; one of them must fail.
    pub(super) fn breaks(
        fault: Fault,
        scenarios: &[impl Fn(Option<Fault>) + Copy + Send + Sync + 'static],
    ) {
        // In rounds of a few schedules, so that a scenario that shows the fault soon is not delayed
        // by the others.
        let schedules = 100;
        let tried = Arc::new(AtomicUsize::new(0));
        for seed in (SEED..).take(FAULT_SCHEDULES / schedules / 2) {
            for (number, &scenario) in scenarios.iter().enumerate() {
                let attempt = |scheduler: Box<dyn Scheduler + Send>| {
                    let tried = Arc::clone(&tried);
                    let attempt = || {
                        run(scheduler, config(FailurePersistence::None), move || {
                            tried.fetch_add(1, Ordering::Relaxed);
                            scenario(Some(fault));
                        });
                    };
                    catch_unwind(AssertUnwindSafe(attempt)).err()
                };
                let random = RandomScheduler::new_from_seed(seed, schedules);
                let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, schedules);
                let failure = attempt(Box::new(random)).map(|said| ("random", said));
                let failure = failure.or_else(|| attempt(Box::new(pct)).map(|said| ("PCT", said)));
                if let Some((scheduler, said)) = failure {
                    let (tried, said) = (tried.load(Ordering::Relaxed), message(&*said));
                    println!("{fault:?}: {scheduler}, scenario {number}, schedule {tried}: {said}");
                    return;
                }
            }
        }
        panic!("{fault:?} was planted, and nothing failed");
    }

    /// Explores every schedule of a script, in all of which the scenario must hold.
    pub(super) fn holds_scripted(
        script: &'static [Turn],
        scenario: impl Fn(Option<Fault>) + Copy + Send + Sync + 'static,
    ) {
        let turns = Turns::new(script, Arc::default());
        let schedules = Runner::new(turns, config(keep())).run(move || scenario(None));
        println!("{script:?}: held in {schedules} schedules");
    }

    /// Explores the schedules of a script with a fault; one of them must fail, with a message that
    /// contains `symptom`.
    pub(super) fn breaks_scripted(
        fault: Fault,
        script: &'static [Turn],
        symptom: &str,
        scenario: impl Fn(Option<Fault>) + Copy + Send + Sync + 'static,
    ) {
        let schedules = Arc::new(AtomicUsize::new(0));
        let turns = Turns::new(script, Arc::clone(&schedules));
        let attempt = || {
            run(turns, config(FailurePersistence::None), move || {
                scenario(Some(fault))
            })
        };
        let failure = catch_unwind(AssertUnwindSafe(attempt)).expect_err("nothing failed");
        let schedules = schedules.load(Ordering::Relaxed);
        let said = message(&*failure);
        assert!(
            said.contains(symptom),
            "{fault:?} failed for another reason: {said}"
        );
        println!("{fault:?}: caught in schedule {schedules} of its script: {said}");
    }

    /// The message of a panic.
    pub(super) fn message(panic: &(dyn Any + Send)) -> String {
        let literal = panic.downcast_ref::<&str>().map(ToString::to_string);
        literal
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    }

    /// A small heap with a fault, or none.
    pub(super) fn open(fault: Option<Fault>) -> Arc<Modelled> {
        open_as(fault)
    }

    /// A small heap with faults of any kind.
    pub(super) fn open_as<F: Faults>(faults: F) -> Arc<LockFree<F>> {
        open_for(CAPACITY, faults)
    }

    /// A heap for so many objects.
    pub(super) fn open_for<F: Faults>(capacity: u32, faults: F) -> Arc<LockFree<F>> {
        super::wrecks::clear();
        let config = HeapConfig::with_capacity(capacity);
        Arc::new(open_born(&config, BIRTH.get(), faults))
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

        /// Fails unless everything that was born died once, and was finalized once if it had a
        /// finalizer.
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

    /// Empties the shared roots until finalizers put nothing there any more. Fails unless nothing
    /// is left then, and everything that was born has died.
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

    /// Settles the heap. Fails unless nothing is alive, broken, or left over then.
    pub(super) fn assert_empty(heap: &LockFree<impl Faults>) {
        heap.settle().expect("no fault");
        let census = heap.census(&mut |_| {}).expect("a census");
        let (living, spoiled) = (census.living, census.spoiled);
        assert_eq!((living, spoiled), (0, 0), "something is left, or spoiled");
        let left: u64 = census.leftovers.iter().map(|leftover| leftover.count).sum();
        assert_eq!(left, 0, "{:?}", census.leftovers);
    }
}
