//! The heaps that can be named on the command line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::evidence::{Broke, Evidence, Trace};
use crate::heap::{Caps, Defect, Fault, Heap, HeapConfig, Ordeal, Pauses};
use crate::plan::{Case, Plan};

#[cfg(shuttle)]
use super::controlled::{self, Exploration, Explored, Judge};
use super::storm::panic_message;
use super::{Observer, Options, config_for, step_through};

/// Heaps by name. Yours joins the built-in ones with [`with`](Self::with).
pub struct Registry {
    entries: Vec<Entry>,
}

/// Letters, digits, and what joins them.
fn is_word(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+:@".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}

/// One heap that can be named.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// What it can do.
    pub caps: Caps,
    /// Whether commands use it when no heap is named.
    pub is_default: bool,
    open: Box<Opener>,
    step: Box<Stepper>,
    #[cfg(shuttle)]
    explore: Box<Explorer>,
    faulty: Option<Faulty>,
}

/// The heap that faults can be planted in: another type, so that the sound one need not ask.
struct Faulty {
    faults: &'static [Fault],
    open: Box<FaultyOpener>,
    step: Box<FaultyStepper>,
    #[cfg(shuttle)]
    explore: Box<FaultyExplorer>,
}

/// Opens a heap for this plan, and those like it.
type Opener = dyn Fn(&Plan, &Options) -> Result<Box<dyn Opened>, Defect> + Send + Sync;

type FaultyOpener =
    dyn Fn(Ordeal, &Plan, &Options) -> Result<Box<dyn Opened>, Defect> + Send + Sync;

/// Steps through a case on a fresh heap; the fault is one of the harness's own view.
type Stepper = dyn Fn(&Case, Option<Fault>) -> Result<Trace, Defect> + Send + Sync;

type FaultyStepper = dyn Fn(Ordeal, &Case) -> Result<Trace, Defect> + Send + Sync;

/// Races a case under the model checker.
#[cfg(shuttle)]
type Explorer =
    dyn Fn(&Case, Option<Fault>, Exploration<'_>, Judge) -> Result<Explored, Defect> + Send + Sync;

#[cfg(shuttle)]
type FaultyExplorer =
    dyn Fn(Ordeal, &Case, Exploration<'_>, Judge) -> Result<Explored, Defect> + Send + Sync;

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("caps", &self.caps)
            .finish()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl Entry {
    /// Runs a plan on a fresh heap of this kind, with the fault that the options plant. The only
    /// error is a heap that cannot be opened, or cannot have that fault.
    pub fn run(
        &self,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Evidence, Defect> {
        Ok(self.open(plan, options)?.run(plan, options, observer))
    }

    /// Opens a heap of this kind with the fault that the options plant, for this plan and any other with
    /// as many shared roots and objects. What is drawn for delays comes from this plan's seed.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or cannot have that fault.
    pub fn open(&self, plan: &Plan, options: &Options) -> Result<Box<dyn Opened>, Defect> {
        let ordeal = options.ordeal(plan.seed);
        match (ordeal, &self.faulty) {
            (None, _) => (self.open)(plan, options),
            (Some(ordeal), Some(faulty)) if options.fault.is_none_or(|it| self.can_have(it)) => {
                (faulty.open)(ordeal, plan, options)
            }
            (Some(_), _) => Err(cannot_be_planted()),
        }
    }

    /// Steps through a case on a fresh heap of this kind, with this fault. The only error is a heap that
    /// cannot be opened, or cannot have that fault.
    pub fn step(&self, case: &Case, fault: Option<Fault>) -> Result<Trace, Defect> {
        match (fault, &self.faulty) {
            (None, _) => (self.step)(case, None),
            (Some(fault), _) if Fault::OF_HARNESS.contains(&fault) => {
                (self.step)(case, Some(fault))
            }
            (Some(fault), Some(faulty)) if self.can_have(fault) => {
                (faulty.step)(Ordeal::of(fault), case)
            }
            (Some(_), _) => Err(cannot_be_planted()),
        }
    }

    /// Races a case under the model checker, on fresh heaps of this kind with this fault, until the
    /// judge has found something.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened, or cannot have that fault; what was kept is no schedule.
    #[cfg(shuttle)]
    pub fn explore(
        &self,
        case: &Case,
        fault: Option<Fault>,
        how: Exploration<'_>,
        judge: Judge,
    ) -> Result<Explored, Defect> {
        match (fault, &self.faulty) {
            (None, _) => (self.explore)(case, None, how, judge),
            (Some(fault), _) if Fault::OF_HARNESS.contains(&fault) => {
                (self.explore)(case, Some(fault), how, judge)
            }
            (Some(fault), Some(faulty)) if self.can_have(fault) => {
                (faulty.explore)(Ordeal::of(fault), case, how, judge)
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
        self.faulty.is_some()
    }

    /// The faults that can be planted in it, and those in how the harness sees any heap.
    pub fn faults(&self) -> impl Iterator<Item = Fault> + use<> {
        let own = self.faulty.as_ref().map_or(&[][..], |faulty| faulty.faults);
        own.iter().chain(Fault::OF_HARNESS).copied()
    }
}

fn cannot_be_planted() -> Defect {
    Defect::Other {
        message: "what was asked for cannot be planted in it".to_owned(),
    }
}

impl Registry {
    /// No heap at all.
    pub fn empty() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds a heap. `open` is called once for each run.
    ///
    /// # Panics
    ///
    /// If the name is not one word, or another heap has it: it must do on a command line, in a case
    /// (where `#` begins a comment) and as part of a file's name.
    #[must_use]
    pub fn with<H, F>(mut self, name: &str, about: &str, open: F) -> Self
    where
        H: Heap + 'static,
        F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
    {
        assert!(is_word(name), "a heap's name is one word, not {name:?}");
        assert!(self.get(name).is_none(), "two heaps have the name {name:?}");
        let heap_name = name.to_owned();
        let open = Arc::new(open);
        let caps = caps_of(&open);
        let to_step = Arc::clone(&open);
        #[cfg(shuttle)]
        let to_explore = Arc::clone(&open);
        let to_run =
            move |plan: &Plan, options: &Options| opened(&heap_name, &*open, plan, options);
        let step = move |case: &Case, fault: Option<Fault>| {
            let to_step = Arc::clone(&to_step);
            stepped(move |config| to_step(config), case, fault)
        };
        self.entries.push(Entry {
            name: name.to_owned(),
            about: about.to_owned(),
            caps,
            is_default: false,
            open: Box::new(to_run),
            step: Box::new(step),
            #[cfg(shuttle)]
            explore: Box::new(move |case, fault, how, judge| {
                let open = Arc::clone(&to_explore);
                controlled::explore(move |config| open(config), case, fault, how, judge)
            }),
            faulty: None,
        });
        self
    }

    /// Says which faults can be planted in the heap added last. `open` opens one that is put through
    /// an [`Ordeal`]: one of these faults, delays, a refused allocation.
    #[must_use]
    pub fn plantable<H, F>(mut self, faults: &'static [Fault], open: F) -> Self
    where
        H: Heap + 'static,
        F: Fn(&HeapConfig, Ordeal) -> Result<H, Defect> + Send + Sync + 'static,
    {
        if let Some(last) = self.entries.last_mut() {
            let heap_name = last.name.clone();
            let open = Arc::new(open);
            let to_step = Arc::clone(&open);
            #[cfg(shuttle)]
            let to_explore = Arc::clone(&open);
            let to_run = move |ordeal: Ordeal, plan: &Plan, options: &Options| {
                let open = |config: &HeapConfig| open(config, ordeal.clone());
                opened(&heap_name, open, plan, options)
            };
            last.faulty = Some(Faulty {
                faults,
                open: Box::new(to_run),
                step: Box::new(move |ordeal: Ordeal, case: &Case| {
                    let to_step = Arc::clone(&to_step);
                    stepped(move |config| to_step(config, ordeal.clone()), case, None)
                }),
                #[cfg(shuttle)]
                explore: Box::new(move |ordeal: Ordeal, case, how, judge| {
                    let open = Arc::clone(&to_explore);
                    let open = move |config: &HeapConfig| open(config, ordeal.clone());
                    controlled::explore(open, case, None, how, judge)
                }),
            });
        }
        self
    }

    /// Makes the heap added last one that commands use when none is named.
    #[must_use]
    pub fn by_default(mut self) -> Self {
        if let Some(last) = self.entries.last_mut() {
            last.is_default = true;
        }
        self
    }

    /// All heaps, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The heap of this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

/// What a heap that is opened this way can do.
#[cfg(not(shuttle))]
fn caps_of<H: Heap>(open: &Arc<impl Fn(&HeapConfig) -> Result<H, Defect>>) -> Caps {
    // A heap that cannot even be opened for a handful of objects can do nothing; it says why
    // when somebody runs it.
    open(&HeapConfig::with_capacity(64)).map_or(Caps::NONE, |heap| heap.caps())
}

#[cfg(shuttle)]
fn caps_of<H: Heap>(
    open: &Arc<impl Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static>,
) -> Caps {
    let open = Arc::clone(open);
    controlled::caps_of(move |config| open(config))
}

/// One case on one fresh heap, step by step.
#[cfg(not(shuttle))]
fn stepped<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Defect>,
    case: &Case,
    fault: Option<Fault>,
) -> Result<Trace, Defect> {
    step_on(open, case, fault)
}

#[cfg(shuttle)]
fn stepped<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
    case: &Case,
    fault: Option<Fault>,
) -> Result<Trace, Defect> {
    let case = case.clone();
    controlled::alone(move || step_on(&open, &case, fault))
}

/// One case on one fresh heap. One that panics while it is opened has broken as any other that does.
fn step_on<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Defect>,
    case: &Case,
    fault: Option<Fault>,
) -> Result<Trace, Defect> {
    let opened = catch_unwind(AssertUnwindSafe(|| open(&config_for(case))));
    match opened {
        Ok(heap) => Ok(step_through(heap?, case, fault)),
        Err(panic) => Ok(Trace {
            broke: Some(Broke::Panicked(panic_message(&*panic))),
            ..Trace::of(Caps::NONE)
        }),
    }
}

/// A heap that is open, for one run or for several after each other: each leaves it empty, and older.
pub trait Opened {
    /// Runs a plan on it. What earlier runs counted is not in the evidence; peaks are those since the heap
    /// was opened.
    fn run(&self, plan: &Plan, options: &Options, observer: &dyn Observer) -> Evidence;
}

/// A heap, its name, and where it notes that it holds mutators up.
struct OpenHeap<H> {
    name: String,
    heap: H,
    pauses: Arc<Pauses>,
}

impl<H: Heap> Opened for OpenHeap<H> {
    fn run(&self, plan: &Plan, options: &Options, observer: &dyn Observer) -> Evidence {
        self.pauses.begin();
        super::run(
            &self.name,
            &self.heap,
            &self.pauses,
            plan,
            options,
            observer,
        )
    }
}

/// Opens a heap for a plan.
fn opened<H: Heap + 'static>(
    name: &str,
    open: impl Fn(&HeapConfig) -> Result<H, Defect>,
    plan: &Plan,
    options: &Options,
) -> Result<Box<dyn Opened>, Defect> {
    let pauses = Arc::new(Pauses::default());
    let config = HeapConfig {
        globals: plan.globals,
        switch_interval: options.switch_interval,
        pauses: Arc::clone(&pauses),
        ..HeapConfig::with_capacity(plan.live_limit)
    };
    Ok(Box::new(OpenHeap {
        name: name.to_owned(),
        heap: open(&config)?,
        pauses,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::counted::open_gil;

    fn with(name: &str) -> Registry {
        Registry::empty().with(name, "a heap", |config| Ok(open_gil(config)))
    }

    /// Goal: a name is one that can be given on a command line and read back from a case.
    #[test]
    fn names_are_words() {
        for name in ["mine", "rust-gc@0.5", "gc_arena+x", "Größe"] {
            assert!(with(name).get(name).is_some());
        }
        for name in ["", "my heap", "a#b", "-q", "a/b", "a\tb"] {
            assert!(catch_unwind(|| with(name)).is_err(), "{name:?}");
        }
    }
}
