//! The heaps that can be named on the command line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::evidence::{Broke, Evidence, Trace};
use crate::heap::{Caps, Fault, Flaw, Heap, HeapConfig, Ordeal, Pauses};
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
    flawed: Option<Flawed>,
}

/// The heap that faults can be planted in: another type, so that the sound one need not ask.
struct Flawed {
    flaws: &'static [Flaw],
    open: Box<FlawedOpener>,
    step: Box<FlawedStepper>,
    #[cfg(shuttle)]
    explore: Box<FlawedExplorer>,
}

/// Opens a heap for this plan, and those like it.
type Opener = dyn Fn(&Plan, &Options) -> Result<Box<dyn Opened>, Fault> + Send + Sync;

type FlawedOpener = dyn Fn(Ordeal, &Plan, &Options) -> Result<Box<dyn Opened>, Fault> + Send + Sync;

/// Steps through a case on a fresh heap; the flaw is one of the harness's own view.
type Stepper = dyn Fn(&Case, Option<Flaw>) -> Result<Trace, Fault> + Send + Sync;

type FlawedStepper = dyn Fn(Ordeal, &Case) -> Result<Trace, Fault> + Send + Sync;

/// Races a case under the model checker.
#[cfg(shuttle)]
type Explorer =
    dyn Fn(&Case, Option<Flaw>, Exploration<'_>, Judge) -> Result<Explored, Fault> + Send + Sync;

#[cfg(shuttle)]
type FlawedExplorer =
    dyn Fn(Ordeal, &Case, Exploration<'_>, Judge) -> Result<Explored, Fault> + Send + Sync;

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
    ) -> Result<Evidence, Fault> {
        Ok(self.open(plan, options)?.run(plan, options, observer))
    }

    /// Opens a heap of this kind with the fault that the options plant, for this plan and any other with
    /// as many shared roots and objects. What is drawn for delays comes from this plan's seed.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or cannot have that fault.
    pub fn open(&self, plan: &Plan, options: &Options) -> Result<Box<dyn Opened>, Fault> {
        let ordeal = options.ordeal(plan.seed);
        match (ordeal, &self.flawed) {
            (None, _) => (self.open)(plan, options),
            (Some(ordeal), Some(flawed)) if options.fault.is_none_or(|it| self.can_have(it)) => {
                (flawed.open)(ordeal, plan, options)
            }
            (Some(_), _) => Err(cannot_be_planted()),
        }
    }

    /// Steps through a case on a fresh heap of this kind, with this fault. The only error is a heap that
    /// cannot be opened, or cannot have that fault.
    pub fn step(&self, case: &Case, fault: Option<Flaw>) -> Result<Trace, Fault> {
        match (fault, &self.flawed) {
            (None, _) => (self.step)(case, None),
            (Some(flaw), _) if Flaw::OF_HARNESS.contains(&flaw) => (self.step)(case, Some(flaw)),
            (Some(flaw), Some(flawed)) if self.can_have(flaw) => {
                (flawed.step)(Ordeal::of(flaw), case)
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
        fault: Option<Flaw>,
        how: Exploration<'_>,
        judge: Judge,
    ) -> Result<Explored, Fault> {
        match (fault, &self.flawed) {
            (None, _) => (self.explore)(case, None, how, judge),
            (Some(flaw), _) if Flaw::OF_HARNESS.contains(&flaw) => {
                (self.explore)(case, Some(flaw), how, judge)
            }
            (Some(flaw), Some(flawed)) if self.can_have(flaw) => {
                (flawed.explore)(Ordeal::of(flaw), case, how, judge)
            }
            (Some(_), _) => Err(cannot_be_planted()),
        }
    }

    /// Whether this fault can be planted in it, or in how the harness sees it.
    pub fn can_have(&self, flaw: Flaw) -> bool {
        self.flaws().any(|own| own == flaw)
    }

    /// Whether delays and refused allocations can be planted in it.
    pub fn is_plantable(&self) -> bool {
        self.flawed.is_some()
    }

    /// The faults that can be planted in it, and those in how the harness sees any heap.
    pub fn flaws(&self) -> impl Iterator<Item = Flaw> + use<> {
        let own = self.flawed.as_ref().map_or(&[][..], |flawed| flawed.flaws);
        own.iter().chain(Flaw::OF_HARNESS).copied()
    }
}

fn cannot_be_planted() -> Fault {
    Fault::Other {
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
        F: Fn(&HeapConfig) -> Result<H, Fault> + Send + Sync + 'static,
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
        let step = move |case: &Case, flaw: Option<Flaw>| {
            let to_step = Arc::clone(&to_step);
            stepped(move |config| to_step(config), case, flaw)
        };
        self.entries.push(Entry {
            name: name.to_owned(),
            about: about.to_owned(),
            caps,
            is_default: false,
            open: Box::new(to_run),
            step: Box::new(step),
            #[cfg(shuttle)]
            explore: Box::new(move |case, flaw, how, judge| {
                let open = Arc::clone(&to_explore);
                controlled::explore(move |config| open(config), case, flaw, how, judge)
            }),
            flawed: None,
        });
        self
    }

    /// Says which faults can be planted in the heap added last. `open` opens one that is put through
    /// an [`Ordeal`]: one of these faults, delays, a refused allocation.
    #[must_use]
    pub fn plantable<H, F>(mut self, flaws: &'static [Flaw], open: F) -> Self
    where
        H: Heap + 'static,
        F: Fn(&HeapConfig, Ordeal) -> Result<H, Fault> + Send + Sync + 'static,
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
            last.flawed = Some(Flawed {
                flaws,
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
fn caps_of<H: Heap>(open: &Arc<impl Fn(&HeapConfig) -> Result<H, Fault>>) -> Caps {
    // A heap that cannot even be opened for a handful of objects can do nothing; it says why
    // when somebody runs it.
    open(&HeapConfig::with_capacity(64)).map_or(Caps::NONE, |heap| heap.caps())
}

#[cfg(shuttle)]
fn caps_of<H: Heap>(
    open: &Arc<impl Fn(&HeapConfig) -> Result<H, Fault> + Send + Sync + 'static>,
) -> Caps {
    let open = Arc::clone(open);
    controlled::caps_of(move |config| open(config))
}

/// One case on one fresh heap, step by step.
#[cfg(not(shuttle))]
fn stepped<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Fault>,
    case: &Case,
    flaw: Option<Flaw>,
) -> Result<Trace, Fault> {
    step_on(open, case, flaw)
}

#[cfg(shuttle)]
fn stepped<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Fault> + Send + Sync + 'static,
    case: &Case,
    flaw: Option<Flaw>,
) -> Result<Trace, Fault> {
    let case = case.clone();
    controlled::alone(move || step_on(&open, &case, flaw))
}

/// One case on one fresh heap. One that panics while it is opened has broken as any other that does.
fn step_on<H: Heap>(
    open: impl Fn(&HeapConfig) -> Result<H, Fault>,
    case: &Case,
    flaw: Option<Flaw>,
) -> Result<Trace, Fault> {
    let opened = catch_unwind(AssertUnwindSafe(|| open(&config_for(case))));
    match opened {
        Ok(heap) => Ok(step_through(heap?, case, flaw)),
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
    open: impl Fn(&HeapConfig) -> Result<H, Fault>,
    plan: &Plan,
    options: &Options,
) -> Result<Box<dyn Opened>, Fault> {
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
