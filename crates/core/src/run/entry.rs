//! One heap that can be named: how it is opened, what it can do, and how it is run.

use std::sync::{Arc, OnceLock};

use crate::evidence::{Broke, Ended, Evidence, Trace};
use crate::heap::{Caps, Defect, Fault, HeapConfig, Ordeal, Pauses, Stats};
use crate::plan::{Case, Plan};

use super::any::{AnyHeap, Open, guarded};
#[cfg(shuttle)]
use super::controlled::{self, Exploration, Explored, Judge};
use super::steps::step_through_any;
use super::storm::run_any;
use super::{Observer, Options, config_for};

/// How many objects a heap has room for that is only asked what it can do.
const ASKED_CAPACITY: u32 = 64;

/// One heap that can be named.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// Whether commands use it when no heap is named.
    pub is_default: bool,
    /// Whether it comes with the program.
    pub is_built_in: bool,
    /// Whether it is broken on purpose, so that a run that holds has only been too short.
    pub is_broken: bool,
    caps: OnceLock<Caps>,
    way: Way,
    pub(super) planted: Option<Plantable>,
}

/// How plans are run on the heap.
pub(super) enum Way {
    /// Operation by operation, through the contract.
    Opened(Arc<Open>),
    /// By itself, in a process of its own.
    Whole(Arc<dyn Whole>),
}

/// A heap that runs whole plans by itself.
pub(super) trait Whole: Send + Sync {
    /// What it can do; an error if it is not there.
    fn opens(&self) -> Result<Caps, Defect>;

    /// What it counts, as of a run in which nothing happened.
    fn figures(&self) -> Stats;

    /// The faults that can be planted in it.
    fn faults(&self) -> &'static [Fault];

    /// The text that it is given to run, which is kept beside the result.
    fn program(&self, plan: &Plan, options: &Options) -> Result<String, Defect>;

    /// Runs a plan. `name` is what the user calls the heap.
    fn run(
        &self,
        name: &str,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Evidence, Defect>;
}

/// How the heap is opened with faults planted in it. That is another type, so that the sound heap
/// has no checks for faults.
pub(super) struct Plantable {
    pub(super) faults: &'static [Fault],
    pub(super) open: Arc<OpenPlanted>,
}

/// Opens a heap with an ordeal.
pub(super) type OpenPlanted =
    dyn Fn(&HeapConfig, Ordeal) -> Result<Box<dyn AnyHeap>, Defect> + Send + Sync;

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish()
    }
}

impl Entry {
    pub(super) fn new(name: &str, about: &str, way: Way) -> Self {
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            caps: OnceLock::new(),
            is_default: false,
            is_built_in: false,
            is_broken: false,
            way,
            planted: None,
        }
    }

    /// Whether it runs whole plans by itself: it can be given no operation, and so no case.
    pub fn runs_whole(&self) -> bool {
        matches!(self.way, Way::Whole(_))
    }

    /// The text that a heap is given to run which runs whole plans by itself.
    pub fn program(&self, plan: &Plan, options: &Options) -> Option<String> {
        match &self.way {
            Way::Opened(_) => None,
            Way::Whole(heap) => heap.program(plan, options).ok(),
        }
    }

    /// How it is opened.
    fn opening(&self) -> Result<&Arc<Open>, Defect> {
        match &self.way {
            Way::Opened(open) => Ok(open),
            Way::Whole(_) => Err(Defect::Other {
                message: "it runs whole workloads by itself, and no cases".to_owned(),
            }),
        }
    }

    /// What the heap can do. At the first call, a small heap of this kind is opened and asked. A
    /// heap that cannot be opened, or panics, counts as able to do nothing; running it shows the
    /// reason.
    pub fn caps(&self) -> Caps {
        *self.caps.get_or_init(|| self.ask_caps())
    }

    /// Takes this for what the heap can do, from now on: another process has asked it.
    pub fn caps_are(&self, caps: Caps) {
        // It has been asked here before, or told, and then the first answer counts.
        let _ = self.caps.set(caps);
    }

    #[cfg(not(shuttle))]
    fn ask_caps(&self) -> Caps {
        self.opens().unwrap_or(Caps::NONE)
    }

    /// Opens a small heap of this kind, and asks what it can do.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or panics.
    #[cfg(not(shuttle))]
    pub fn opens(&self) -> Result<Caps, Defect> {
        let open = match &self.way {
            Way::Opened(open) => open,
            Way::Whole(heap) => return heap.opens(),
        };
        let ask = || open(&HeapConfig::with_capacity(ASKED_CAPACITY)).map(|heap| heap.caps());
        guarded("caps", ask).unwrap_or_else(|panicked| {
            Err(Defect::Panicked {
                message: panicked.to_string(),
            })
        })
    }

    /// As without the model checker, under which a heap that cannot be opened can do nothing.
    #[cfg(shuttle)]
    pub fn opens(&self) -> Result<Caps, Defect> {
        Ok(self.caps())
    }

    #[cfg(shuttle)]
    fn ask_caps(&self) -> Caps {
        match &self.way {
            Way::Opened(open) => controlled::caps_of(open),
            Way::Whole(heap) => heap.opens().unwrap_or(Caps::NONE),
        }
    }

    /// Opens a small heap of this kind, and asks what it counts: what it has no figure for is `None`.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or panics.
    pub fn figures(&self) -> Result<Stats, Defect> {
        match &self.way {
            Way::Opened(open) => figures(open),
            Way::Whole(heap) => Ok(heap.figures()),
        }
    }

    /// Runs a plan on a fresh heap of this kind, with the fault that the options plant. A heap that
    /// panics while it is opened has crashed, and the evidence says so.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened, or cannot have that fault.
    pub fn run(
        &self,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Evidence, Defect> {
        if let Way::Whole(heap) = &self.way {
            return heap.run(&self.name, plan, options, observer);
        }
        match self.open(plan, options) {
            Ok(opened) => Ok(opened.run_last(plan, options, observer)),
            Err(Defect::Panicked { message }) => {
                let fault = options.fault.map(|fault| fault.name().to_owned());
                let mutator = "the setup".to_owned();
                let ended = Ended::Panicked { mutator, message };
                Ok(Evidence::of_lost(&self.name, self.caps(), fault, ended))
            }
            Err(defect) => Err(defect),
        }
    }

    /// Opens a heap of this kind with the fault that the options plant, for this plan and any other
    /// with as many shared roots and objects. Delays are drawn from this plan's seed.
    ///
    /// # Errors
    ///
    /// It cannot be opened, panics, or cannot have that fault.
    pub fn open(&self, plan: &Plan, options: &Options) -> Result<Box<dyn Opened>, Defect> {
        let open = match &self.way {
            Way::Opened(open) => open,
            Way::Whole(heap) => {
                heap.opens()?;
                return Ok(Box::new(OpenWhole {
                    name: self.name.clone(),
                    heap: Arc::clone(heap),
                }));
            }
        };
        let pauses = Arc::new(Pauses::default());
        let config = HeapConfig {
            globals: plan.globals,
            switch_interval: options.switch_interval,
            pauses: Arc::clone(&pauses),
            ..HeapConfig::with_capacity(plan.live_limit)
        };
        let heap = match (options.ordeal(plan.seed), &self.planted) {
            (None, _) => opened(|| open(&config))?,
            (Some(ordeal), Some(planted))
                if options.fault.is_none_or(|fault| self.can_have(fault)) =>
            {
                opened(|| (planted.open)(&config, ordeal))?
            }
            (Some(_), _) => return Err(cannot_be_planted()),
        };
        Ok(Box::new(OpenHeap {
            name: self.name.clone(),
            heap,
            pauses,
        }))
    }

    /// Steps through a case on a fresh heap of this kind, with this fault.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened, or cannot have that fault.
    pub fn step(&self, case: &Case, fault: Option<Fault>) -> Result<Trace, Defect> {
        let (open, fault) = self.opener(fault)?;
        stepped(open, case, fault)
    }

    /// Races a case under the model checker, on fresh heaps of this kind with this fault, until the
    /// judge objects to a race.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened, or cannot have that fault, or the kept schedule cannot be read.
    #[cfg(shuttle)]
    pub fn explore(
        &self,
        case: &Case,
        fault: Option<Fault>,
        how: Exploration<'_>,
        judge: Judge,
    ) -> Result<Explored, Defect> {
        let (open, fault) = self.opener(fault)?;
        controlled::explore(open, case, fault, how, judge)
    }

    /// How a heap with this fault is opened, and the fault if it is one of the harness's own view.
    fn opener(&self, fault: Option<Fault>) -> Result<(Arc<Open>, Option<Fault>), Defect> {
        let sound = Arc::clone(self.opening()?);
        match (fault, &self.planted) {
            (None, _) => Ok((sound, None)),
            (Some(fault), _) if Fault::OF_HARNESS.contains(&fault) => Ok((sound, Some(fault))),
            (Some(fault), Some(planted)) if self.can_have(fault) => {
                let open = Arc::clone(&planted.open);
                Ok((
                    Arc::new(move |config| open(config, Ordeal::of(fault))),
                    None,
                ))
            }
            (Some(_), _) => Err(cannot_be_planted()),
        }
    }

    /// Whether this fault can be planted in it, or in how the harness sees it.
    pub fn can_have(&self, fault: Fault) -> bool {
        self.faults().any(|own| own == fault)
    }

    /// Whether delays and refused allocations can be planted in it.
    pub fn is_plantable(&self) -> bool {
        self.planted.is_some()
    }

    /// The faults that can be planted in it, and those in how the harness sees any heap.
    pub fn faults(&self) -> impl Iterator<Item = Fault> + use<> {
        let of_harness = match &self.way {
            Way::Opened(_) => Fault::OF_HARNESS,
            // It looks at itself.
            Way::Whole(_) => &[],
        };
        let own = match &self.way {
            Way::Opened(_) => self.planted.as_ref().map_or(&[][..], |it| it.faults),
            Way::Whole(heap) => heap.faults(),
        };
        own.iter().chain(of_harness).copied()
    }
}

/// Opens a heap, which may panic.
fn opened(
    open: impl FnOnce() -> Result<Box<dyn AnyHeap>, Defect>,
) -> Result<Box<dyn AnyHeap>, Defect> {
    guarded("open", open).unwrap_or_else(|panicked| {
        Err(Defect::Panicked {
            message: panicked.to_string(),
        })
    })
}

fn cannot_be_planted() -> Defect {
    Defect::Other {
        message: "this cannot be planted in it".to_owned(),
    }
}

#[cfg(not(shuttle))]
fn figures(open: &Arc<Open>) -> Result<Stats, Defect> {
    figures_of(&**open)
}

#[cfg(shuttle)]
fn figures(open: &Arc<Open>) -> Result<Stats, Defect> {
    let open = Arc::clone(open);
    controlled::alone(move || figures_of(&*open))
}

fn figures_of(open: &Open) -> Result<Stats, Defect> {
    let heap = opened(|| open(&HeapConfig::with_capacity(ASKED_CAPACITY)))?;
    guarded("stats", || heap.stats()).map_err(|panicked| Defect::Panicked {
        message: panicked.to_string(),
    })
}

/// Steps through a case on a fresh heap.
#[cfg(not(shuttle))]
fn stepped(open: Arc<Open>, case: &Case, fault: Option<Fault>) -> Result<Trace, Defect> {
    step_on(&*open, case, fault)
}

#[cfg(shuttle)]
fn stepped(open: Arc<Open>, case: &Case, fault: Option<Fault>) -> Result<Trace, Defect> {
    let case = case.clone();
    controlled::alone(move || step_on(&*open, &case, fault))
}

/// Steps through a case on a fresh heap. A heap that panics while it is opened counts as broken,
/// like one that panics later.
fn step_on(open: &Open, case: &Case, fault: Option<Fault>) -> Result<Trace, Defect> {
    match guarded("open", || open(&config_for(case))) {
        Ok(heap) => Ok(step_through_any(heap?, case, fault)),
        Err(panicked) => Ok(Trace {
            broke: Some(Broke::Panicked(panicked.to_string())),
            ..Trace::of(Caps::NONE)
        }),
    }
}

/// An open heap, for one run or for several in a row. Each run leaves it without objects.
pub trait Opened {
    /// Runs a plan on it. What earlier runs counted is not in the evidence; peaks are those since
    /// the heap was opened.
    fn run(&self, plan: &Plan, options: &Options, observer: &dyn Observer) -> Evidence;

    /// Makes the last run on it, and drops it. A panic while it is dropped is how the run ended.
    fn run_last(
        self: Box<Self>,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Evidence;
}

/// A heap, its name, and where it notes that it holds mutators up.
struct OpenHeap {
    name: String,
    heap: Box<dyn AnyHeap>,
    pauses: Arc<Pauses>,
}

impl Opened for OpenHeap {
    fn run(&self, plan: &Plan, options: &Options, observer: &dyn Observer) -> Evidence {
        self.pauses.begin();
        let (name, heap) = (&self.name, &*self.heap);
        run_any(name, heap, &self.pauses, plan, options, observer)
    }

    fn run_last(
        self: Box<Self>,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Evidence {
        let mut evidence = self.run(plan, options, observer);
        if let Err(panicked) = guarded("the drop of the heap", || drop(self))
            && evidence.ended == Ended::Done
        {
            evidence.ended = Ended::Panicked {
                mutator: "the teardown".to_owned(),
                message: panicked.to_string(),
            };
        }
        evidence
    }
}

/// A heap that runs whole plans by itself. Each run has a process of its own, so none of them leaves
/// anything to the next.
struct OpenWhole {
    name: String,
    heap: Arc<dyn Whole>,
}

impl Opened for OpenWhole {
    fn run(&self, plan: &Plan, options: &Options, observer: &dyn Observer) -> Evidence {
        let ran = self.heap.run(&self.name, plan, options, observer);
        ran.unwrap_or_else(|defect| {
            let fault = options.fault.map(|fault| fault.name().to_owned());
            let caps = self.heap.opens().unwrap_or(Caps::NONE);
            let how = defect.to_string();
            Evidence::of_lost(&self.name, caps, fault, Ended::Died { how })
        })
    }

    fn run_last(
        self: Box<Self>,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Evidence {
        self.run(plan, options, observer)
    }
}
