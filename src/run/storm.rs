//! The whole of one run: shared objects, threads, the deadline, and what is left at the end.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::{self, Clock, Stamp};
use crate::evidence::ledger::Producer;
use crate::evidence::{Ended, Evidence, Latency, Moment, Sample, Slow, Survey, Timeline};
use crate::heap::{Defect, Global, Heap, Mutator, ObjectId, Pauses, Seat, Slot, Stats};
use crate::plan::{Needs, OpKind, Plan};

use super::gap::Deeds;
use super::paced::Paced;
use super::record;
use super::rendezvous::Rendezvous;
use super::seat::{self, Outcome};
use super::slow::SlowOps;
use super::stopwatch::{Every, Off, Sampled};
use super::survey::Surveyor;
use super::writers::Writers;
use super::{Budget, Observer, Options, Progress, Timing, held_up, hiccups, host};

/// How often the monitor looks: often enough for a progress bar and a peak of memory.
const LOOK_EVERY: Duration = Duration::from_nanos(LOOK_EVERY_NS);
const LOOK_EVERY_NS: u64 = 50_000_000;
/// How many surveys made at pauses are kept whole. All of the others were found to be in order by
/// whoever observed the run, or it would have ended there.
const SURVEYS_KEPT: usize = 32;

/// What the threads of one run share.
pub(super) struct Stage<'r, H> {
    pub(super) heap: &'r H,
    /// What it had counted before.
    stats_before: Stats,
    /// Where the heap notes that it holds mutators up.
    pub(super) pauses: &'r Pauses,
    pub(super) plan: &'r Plan,
    pub(super) needs: Needs,
    pub(super) options: &'r Options,
    pub(super) observer: &'r dyn Observer,
    pub(super) rendezvous: Rendezvous,
    /// The shared objects, by number.
    pub(super) objects: Vec<ObjectId>,
    /// The common start.
    pub(super) started: OnceLock<Stamp>,
    pub(super) surveyor: Mutex<Option<Surveyor<'r>>>,
    pub(super) setup: Mutex<Producer>,
    /// Those that write down what they do.
    pub(super) writers: Writers,
    surveys: Mutex<Vec<Survey>>,
    surveys_made: AtomicU64,
    /// What each mutator has done so far.
    pub(super) deeds: Vec<CachePadded<Deeds>>,
    /// The slowest operation of each mutator since the monitor looked last, in nanoseconds; 0 if none
    /// took long. Relaxed: late by a batch, as the counts are.
    pub(super) slowest: Vec<CachePadded<AtomicU64>>,
    /// Everyone stops at the next batch. Relaxed throughout: a late sight costs one batch.
    stop: AtomicBool,
    /// Threads that are not in the background and not done.
    foreground: AtomicUsize,
    ended: Mutex<Option<Ended>>,
    /// An allocation is still to be refused on purpose.
    pub(super) refusal: Arc<AtomicBool>,
    /// Threads that have not returned.
    running: Mutex<usize>,
    returned: Condvar,
}

/// What the monitor saw.
#[derive(Debug, Default)]
struct Watched {
    /// The peak of resident memory, in bytes.
    rss_bytes_peak: u64,
    timeline: Timeline,
    hiccups: Option<Latency>,
}

/// Runs a plan on a heap, in which nothing is alive. `pauses` is what the heap was opened with.
pub fn run<H: Heap>(
    name: &str,
    heap: &H,
    pauses: &Pauses,
    plan: &Plan,
    options: &Options,
    observer: &dyn Observer,
) -> Evidence {
    let mutators = plan.mutators.len();
    let stats_before = heap.stats();
    let mut setup = Producer::new(u32::try_from(mutators).unwrap_or(u32::MAX));
    let shared = catch_unwind(AssertUnwindSafe(|| share_objects(heap, plan, &mut setup)));
    let shared = shared.unwrap_or_else(|panic| {
        Err(Ended::Panicked {
            mutator: "the setup".to_owned(),
            message: panic_message(&*panic),
        })
    });
    let stage = Stage {
        heap,
        stats_before,
        pauses,
        plan,
        needs: plan.needs(),
        options,
        observer,
        rendezvous: Rendezvous::new(mutators),
        objects: shared.as_ref().map_or_else(|_| Vec::new(), Clone::clone),
        started: OnceLock::new(),
        surveyor: Mutex::new(None),
        setup: Mutex::new(setup),
        writers: Writers::new(record::involved(plan)),
        surveys: Mutex::new(Vec::new()),
        surveys_made: AtomicU64::new(0),
        deeds: (0..mutators).map(|_| CachePadded::default()).collect(),
        slowest: (0..mutators)
            .map(|_| CachePadded::new(AtomicU64::new(0)))
            .collect(),
        stop: AtomicBool::new(false),
        foreground: AtomicUsize::new(plan.mutators.iter().filter(|m| !m.background).count()),
        ended: Mutex::new(None),
        refusal: Arc::new(AtomicBool::new(options.fail_alloc.is_some())),
        running: Mutex::new(mutators),
        returned: Condvar::new(),
    };
    let (outcomes, watched) = match shared {
        Ok(_) => stage.perform(),
        Err(ended) => {
            stage.end(ended);
            (Vec::new(), Watched::default())
        }
    };
    stage.evidence(name, outcomes, watched)
}

/// Makes the shared objects and publishes them.
fn share_objects<H: Heap>(
    heap: &H,
    plan: &Plan,
    producer: &mut Producer,
) -> Result<Vec<ObjectId>, Ended> {
    let setup = || "the setup".to_owned();
    let number = u32::try_from(plan.mutators.len()).unwrap_or(u32::MAX);
    let mut mutator = heap
        .attach(Seat { number, slots: 1 })
        .map_err(|defect| Ended::Defect {
            mutator: setup(),
            defect,
        })?;
    plan.objects
        .iter()
        .map(|object| {
            let tag = producer
                .birth(object.shape)
                .map_err(|_| Ended::OutOfMemory { mutator: setup() })?;
            let id = tag.id();
            mutator
                .alloc(Slot(0), object.shape, tag)
                .map_err(|_| Ended::OutOfMemory { mutator: setup() })?;
            mutator.publish(object.global, Slot(0));
            Ok(id)
        })
        .collect()
}

impl<'r, H: Heap> Stage<'r, H> {
    /// Starts every mutator on a thread of its own, and watches until all have returned.
    ///
    /// # Panics
    ///
    /// If the system has no thread to give; but not before those that it gave have returned, which
    /// would otherwise wait for the missing one for ever.
    fn perform(&self) -> (Vec<Outcome>, Watched) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.plan.mutators.len())
                .map(|number| {
                    std::thread::Builder::new()
                        .name(self.plan.mutators[number].name.clone())
                        .spawn_scoped(scope, move || self.thread(number))
                        .inspect_err(|_| {
                            self.stop();
                            self.depart(number);
                        })
                })
                .collect();
            let is_over = Arc::new(AtomicBool::new(self.options.timing == Timing::Off));
            let probe = self.probe(scope, Arc::clone(&is_over));
            let mut watched = self.watch();
            // Relaxed: no more than the order to stop.
            is_over.store(true, Relaxed);
            watched.hiccups = probe.and_then(|probe| probe.join().ok());
            let outcomes = threads
                .into_iter()
                .map(|thread| thread.expect("the system has a thread to give"))
                .filter_map(|thread| thread.join().ok().flatten());
            (outcomes.collect(), watched)
        })
    }

    /// Starts the thread that looks what the machine takes from everybody, if anything is timed. A
    /// system that has no thread left for it is not looked at.
    fn probe<'s>(
        &'s self,
        scope: &'s std::thread::Scope<'s, '_>,
        is_over: Arc<AtomicBool>,
    ) -> Option<std::thread::ScopedJoinHandle<'s, Latency>> {
        if self.options.timing == Timing::Off {
            return None;
        }
        let is_on = || self.started.get().is_some() && !self.stopping(true);
        let probe = move || hiccups::probe(is_on, || is_over.load(Relaxed));
        let builder = std::thread::Builder::new().name("gcstorm-hiccups".to_owned());
        builder.spawn_scoped(scope, probe).ok()
    }

    /// A thread's whole life. A panic under it is the heap's: data, not ours to pass on.
    fn thread(&self, number: usize) -> Option<Outcome> {
        let is_paced = self.plan.mutators[number].pace.is_some();
        let outcome = catch_unwind(AssertUnwindSafe(|| match self.options.timing {
            _ if is_paced => seat::sit::<H, Paced>(self, number),
            Timing::Every => seat::sit::<H, Every>(self, number),
            Timing::Sampled => seat::sit::<H, Sampled>(self, number),
            Timing::Off => seat::sit::<H, Off>(self, number),
        }));
        let outcome = outcome.unwrap_or_else(|panic| {
            let mutator = self.plan.mutators[number].name.clone();
            self.end(Ended::Panicked {
                mutator,
                message: panic_message(&*panic),
            });
            None
        });
        if !self.plan.mutators[number].background && outcome.is_none() {
            self.foreground_done();
        }
        self.depart(number);
        outcome
    }

    /// Nobody is to wait for this mutator any more.
    fn depart(&self, number: usize) {
        self.rendezvous.leave(number);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.returned.notify_all();
    }

    /// Waits for the end, or brings it about, and keeps what there is to see meanwhile.
    fn watch(&self) -> Watched {
        let clock = Clock::get();
        let mut watched = Watched {
            timeline: Timeline::new(LOOK_EVERY_NS),
            ..Watched::default()
        };
        let mut is_over = false;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running > 0 {
            let elapsed = self
                .started
                .get()
                .map_or(Duration::ZERO, |&start| clock.since(start));
            let mut patience = LOOK_EVERY;
            if let Budget::Duration(budget) = self.options.budget {
                if elapsed >= budget {
                    self.stop();
                }
                patience =
                    patience.min(budget.saturating_sub(elapsed).max(Duration::from_millis(1)));
            }
            if self.options.interrupt.load(Relaxed) {
                self.end(Ended::Interrupted);
            }
            let waited = self.returned.wait_timeout(running, patience);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
            let rss_bytes = host::rss_bytes();
            watched.rss_bytes_peak = watched.rss_bytes_peak.max(rss_bytes);
            if let Some(&start) = self.started.get()
                && !is_over
            {
                is_over = self.stopping(true);
                let sample = self.sample(clock.nanos(start, clock.now()), rss_bytes);
                watched.timeline.push(sample);
            }
            let gauge = self.heap.gauge();
            self.observer.progress(Progress {
                elapsed,
                ops: self.ops(),
                surveys: self.surveys_made.load(Relaxed),
                live: gauge.live,
                unreclaimed: gauge.unreclaimed,
                rss_bytes,
            });
        }
        watched
    }

    /// Operations of all mutators so far.
    fn ops(&self) -> u64 {
        let ops = self.deeds.iter().map(|deeds| deeds.ops.load(Relaxed));
        ops.sum()
    }

    /// What there is to see of the run now.
    fn sample(&self, at_ns: u64, rss_bytes: u64) -> Sample {
        let gauge = self.heap.gauge();
        let slowest = self.slowest.iter().map(|slowest| slowest.swap(0, Relaxed));
        Sample {
            at_ns,
            ops: self.ops(),
            live: gauge.live,
            unreclaimed: gauge.unreclaimed,
            rss_bytes,
            collections: gauge
                .collections
                .saturating_sub(self.stats_before.collections),
            slowest_ns: slowest.max().unwrap_or(0),
        }
    }

    fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// Whether a mutator should stop. Those in the background also stop once the others are done.
    pub(super) fn stopping(&self, background: bool) -> bool {
        self.stop.load(Relaxed) || (background && self.foreground.load(Relaxed) == 0)
    }

    /// One mutator that is not in the background has nothing left to do.
    pub(super) fn foreground_done(&self) {
        self.foreground.fetch_sub(1, Relaxed);
    }

    /// Ends the run for a reason; the first one is kept.
    pub(super) fn end(&self, reason: Ended) {
        self.ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(reason);
        self.stop();
    }

    /// Keeps a survey, and asks whether to go on.
    pub(super) fn keep(&self, survey: Survey) {
        self.surveys_made.fetch_add(1, Relaxed);
        if self.observer.surveyed(&survey).is_break() && survey.moment == Moment::Pause {
            self.end(Ended::Violated);
        }
        let mut surveys = self.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        if surveys.len() >= SURVEYS_KEPT {
            surveys.remove(0);
        }
        surveys.push(survey);
    }

    /// The survey after all mutators have gone, with nothing reachable.
    fn teardown(&self, producers: &mut [&mut Producer], whole: bool) {
        let mut surveyor = Surveyor::new(
            self.plan,
            Moment::Teardown,
            &self.objects,
            self.options.fault,
        );
        if !whole {
            surveyor.give_up("a mutator was lost, and its births with it");
        }
        match catch_unwind(AssertUnwindSafe(|| self.let_go(producers))) {
            Ok(Ok(())) => {}
            Ok(Err(defect)) => surveyor.settle_failed(defect.to_string()),
            Err(panic) => surveyor.settle_failed(panic_message(&*panic)),
        }
        for (number, producer) in (0..).zip(producers) {
            surveyor.count_births(number, producer);
        }
        surveyor.count_ops(self.ops());
        let survey = catch_unwind(AssertUnwindSafe(|| surveyor.conclude(self.heap)));
        match survey {
            Ok(survey) => self.keep(survey),
            Err(panic) => self.end(Ended::Panicked {
                mutator: "the teardown".to_owned(),
                message: panic_message(&*panic),
            }),
        }
    }

    /// Settles the heap until nothing is reachable. Finalizers may have published objects since
    /// the mutators emptied the shared roots, and may do so again, but each of them only once.
    fn let_go(&self, producers: &mut [&mut Producer]) -> Result<(), Defect> {
        self.heap.settle()?;
        if !self.needs.finalizers {
            return Ok(());
        }
        let mut finalized = || -> u64 { producers.iter_mut().map(|p| p.notes().finalized).sum() };
        loop {
            let before = finalized();
            self.empty_roots()?;
            self.heap.settle()?;
            if finalized() == before {
                return Ok(());
            }
        }
    }

    fn empty_roots(&self) -> Result<(), Defect> {
        let number = u32::try_from(self.plan.mutators.len()).unwrap_or(u32::MAX);
        let mut mutator = self.heap.attach(Seat { number, slots: 1 })?;
        for global in 0..self.plan.globals {
            mutator.publish(Global(global), Slot(0));
        }
        Ok(())
    }

    /// When the mutators started together, in milliseconds since 1970; 0 if they never did.
    fn started_unix_ms(&self) -> u64 {
        self.started.get().map_or(0, |&started| {
            let since = Clock::get().since(started).as_millis();
            clock::unix_millis().saturating_sub(u64::try_from(since).unwrap_or(u64::MAX))
        })
    }

    fn evidence(self, name: &str, mut outcomes: Vec<Outcome>, watched: Watched) -> Evidence {
        {
            let mut setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
            let whole = outcomes.len() == self.plan.mutators.len();
            let mut producers: Vec<&mut Producer> = outcomes
                .iter_mut()
                .map(|outcome| &mut outcome.producer)
                .collect();
            producers.push(&mut setup);
            self.teardown(&mut producers, whole);
        }
        let service = sums(outcomes.iter_mut().map(|o| &mut o.latencies));
        let response = sums(outcomes.iter_mut().map(|o| &mut o.responses));
        let started = self.started.get().copied();
        let started = started.unwrap_or_else(|| Clock::get().now());
        let kept = self.pauses.kept();
        let stats = self.heap.stats().since(&self.stats_before);
        let slow = slow(&mut outcomes, started);
        let history = self.options.history.map(|limit| {
            let recorders = outcomes
                .iter()
                .filter_map(|outcome| outcome.recorder.as_ref());
            record::gather(self.plan, limit, recorders)
        });
        let lock = |ended: Mutex<Option<Ended>>| {
            ended.into_inner().unwrap_or_else(PoisonError::into_inner)
        };
        let mut evidence = Evidence {
            heap: name.to_owned(),
            fault: self.options.fault.map(|fault| fault.name().to_owned()),
            caps: self.heap.caps(),
            started_unix_ms: self.started_unix_ms(),
            elapsed_ns: outcomes
                .iter()
                .map(|o| o.evidence.elapsed_ns)
                .max()
                .unwrap_or(0),
            ended: lock(self.ended).unwrap_or(Ended::Done),
            mutators: outcomes
                .into_iter()
                .map(|outcome| outcome.evidence)
                .collect(),
            surveys: self
                .surveys
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            surveys_made: self.surveys_made.into_inner(),
            history,
            service,
            response,
            pauses: held_up::by_cause(self.pauses),
            timeline: watched.timeline,
            stalls: held_up::stalls(&kept, started),
            slow,
            // Who switches a lock has one.
            mmu: held_up::utilization(&kept, started, stats.switches.is_some()),
            stats,
            hiccups: watched.hiccups,
            reclaim_lag: held_up::reclaim_lag(self.pauses),
            clock: Clock::get().facts().clone(),
            rss_bytes_peak: watched.rss_bytes_peak,
        };
        if evidence.rate().is_some_and(|rate| rate.saturated) {
            evidence.response.clear();
        }
        evidence
    }
}

/// What all mutators recorded, by operation.
fn sums<'o>(
    recorded: impl Iterator<Item = &'o mut Vec<(OpKind, Latency)>>,
) -> BTreeMap<String, Latency> {
    let mut sums = BTreeMap::<String, Latency>::new();
    for (kind, latency) in recorded.flat_map(std::mem::take) {
        let sum = sums.entry(kind.name().to_owned()).or_default();
        sum.add(&latency);
    }
    sums
}

/// The slow operations of all mutators.
fn slow(outcomes: &mut [Outcome], started: Stamp) -> Slow {
    let slow = outcomes
        .iter_mut()
        .filter_map(|outcome| outcome.slow.take());
    SlowOps::sum(&slow.collect::<Vec<_>>(), started)
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
