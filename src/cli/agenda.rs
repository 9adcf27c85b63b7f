//! What is to be run: every workload on every heap that was asked for, planned and checked before
//! the first of them starts.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::args::{BudgetArgs, Run};
use super::faults;
use super::reproduce;
use super::usage::Usage;
use crate::heap::{Caps, Fault};
use crate::plan::{Case, Pace, Plan, Requirement};
use crate::result;
use crate::run::{Budget, Entry, Options, Registry, Verify};
use crate::workload::{self, Workload};

/// How long a named workload runs if nobody says.
const DURATION: Duration = Duration::from_secs(5);
/// How long all of them run together if none is named.
const SUITE_DURATION: Duration = Duration::from_secs(30);

/// What is to be run, in order.
#[derive(Debug)]
pub(super) struct Agenda<'r> {
    pub(super) items: Vec<Item<'r>>,
    /// What is run in place of workloads.
    pub(super) case: Option<Case>,
}

/// One workload on one heap.
#[derive(Debug)]
pub(super) enum Item<'r> {
    Run(Box<Task<'r>>),
    /// It cannot be run, for this reason.
    Skip {
        workload: String,
        heap: String,
        why: String,
    },
}

/// A run that can start.
#[derive(Debug)]
pub(super) struct Task<'r> {
    pub(super) heap: &'r Entry,
    pub(super) plan: Arc<Plan>,
    pub(super) options: Options,
    /// The seed of the first run on the same heap, if it goes on with one.
    pub(super) first_seed: Option<u64>,
    /// The words by which the workload or the case was named.
    pub(super) asked_as: Vec<String>,
    /// The parameters that were set.
    pub(super) overrides: Vec<(String, String)>,
    /// What the command line says of the rate.
    pub(super) rate: Option<Pace>,
    /// What the command line requires besides the workload.
    pub(super) required: Vec<Requirement>,
}

impl Task<'_> {
    /// The heap, and what is planted in it.
    pub(super) fn subject(&self) -> String {
        result::subject(&self.heap.name, self.options.fault.map(Fault::name))
    }
}

/// A workload or a case, and the plan of it.
struct Planned {
    name: String,
    asked_as: Vec<String>,
    plan: Result<Arc<Plan>, String>,
}

impl<'r> Agenda<'r> {
    /// Plans everything that `args` ask for. `interrupt` will end the runs.
    pub(super) fn draw_up(
        registry: &'r Registry,
        args: &Run,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Self, Usage> {
        let heaps = heaps(registry, &args.heaps)?;
        let fault = args.fault.as_deref();
        let fault = fault
            .map(|name| faults::planted(registry, &heaps, name))
            .transpose()?;
        faults::refuse_unplantable(&heaps, args)?;
        if args.same_heap {
            faults::refuse_processes(fault)?;
        }
        let overrides = overrides(args)?;
        for require in &args.require {
            let known = workload::COUNTERS;
            if !known.contains(&require.counter.as_str()) {
                return Err(Usage::unknown("counter", &require.counter, known));
            }
        }
        let seed = args.seed.unwrap_or_else(fresh_seed);
        let case = match &args.case {
            Some(path) => Some(read(path, args.seed)?),
            None => None,
        };
        let mut planned = match args.case.as_ref().zip(case.as_ref()) {
            Some((path, case)) => vec![planned(path, case)],
            None => repeated(args, &overrides, seed)?,
        };
        refuse_hold_ups(&mut planned, args)?;
        let mut agenda = Self {
            items: Vec::new(),
            case,
        };
        for Planned {
            name,
            asked_as,
            plan,
        } in &planned
        {
            for &heap in &heaps {
                let fit = plan.clone().and_then(|plan| fits(plan, heap));
                agenda.items.push(match fit {
                    Err(why) => Item::Skip {
                        workload: name.clone(),
                        heap: heap.name.clone(),
                        why,
                    },
                    Ok(plan) => Item::Run(Box::new(Task {
                        heap,
                        options: Options {
                            fault,
                            ..options(args, interrupt, &plan)
                        },
                        plan: required(paced(plan, args.rate), &args.require),
                        first_seed: args.same_heap.then_some(seed),
                        asked_as: asked_as.clone(),
                        overrides: overrides.clone(),
                        rate: args.rate,
                        required: args.require.clone(),
                    })),
                });
            }
        }
        agenda.share_time(args);
        agenda.refuse_nothing()
    }

    /// The runs that can start.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task<'r>> {
        self.items.iter().filter_map(|item| match item {
            Item::Run(task) => Some(&**task),
            Item::Skip { .. } => None,
        })
    }

    /// Where nothing is named, all runs together take a fixed time.
    fn share_time(&mut self, args: &Run) {
        let BudgetArgs {
            duration,
            rounds,
            ops,
        } = args.budget;
        let is_given = duration.is_some() || rounds.is_some() || ops.is_some();
        let runs = u32::try_from(self.tasks().count()).unwrap_or(u32::MAX);
        if is_given || args.case.is_some() || !args.workloads.is_empty() || runs == 0 {
            return;
        }
        // Whole hundredths of a second, since people will read and paste the figure.
        let share = SUITE_DURATION / runs;
        let share = Duration::from_millis(
            (share.as_secs() * 100 + u64::from(share.subsec_millis() / 10)).max(10) * 10,
        );
        for item in &mut self.items {
            if let Item::Run(task) = item {
                task.options.budget = Budget::Duration(share);
            }
        }
    }

    fn refuse_nothing(self) -> Result<Self, Usage> {
        if self.tasks().next().is_some() {
            return Ok(self);
        }
        let mut usage = Usage::new("nothing to run");
        for item in &self.items {
            if let Item::Skip {
                workload,
                heap,
                why,
            } = item
            {
                usage = usage.hint(format!("{workload} on {heap}: {why}"));
            }
        }
        Err(usage)
    }
}

/// The heaps of these names; if none is named, those by default.
pub(super) fn heaps<'r>(registry: &'r Registry, names: &[String]) -> Result<Vec<&'r Entry>, Usage> {
    let known = || registry.entries().iter().map(|entry| entry.name.as_str());
    let mut chosen: Vec<&Entry> = Vec::new();
    for name in names {
        let entry = registry
            .get(name)
            .ok_or_else(|| Usage::unknown("heap", name, known()))?;
        if !chosen.iter().any(|heap| heap.name == *name) {
            chosen.push(entry);
        }
    }
    if names.is_empty() {
        chosen.extend(registry.entries().iter().filter(|entry| entry.is_default));
    }
    if chosen.is_empty() {
        return Err(Usage::new("no heap is named, and none is there by default")
            .hint("name one with --heap; `list heaps` shows them"));
    }
    Ok(chosen)
}

/// The parameters set on the command line, `--threads` among them.
fn overrides(args: &Run) -> Result<Vec<(String, String)>, Usage> {
    let mut overrides = args.define.clone();
    if let Some(threads) = args.threads {
        if overrides.iter().any(|(key, _)| key == "threads") {
            return Err(Usage::new("the number of threads is given twice")
                .hint("--threads N is short for -D threads=N"));
        }
        overrides.push(("threads".to_owned(), threads.to_string()));
    }
    Ok(overrides)
}

/// The case in this file, with its own seed unless another is wanted.
fn read(path: &Path, seed: Option<u64>) -> Result<Case, Usage> {
    let name = path.to_string_lossy();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage::new(format!("failed to read {name}: {error}")))?;
    let mut case = Case::parse(&name, &text)?;
    if case.is_recipe() {
        let usage = Usage::new(format!(
            "{name} is a recipe: there are no turns in it to run"
        ));
        return Err(usage.hint(format!(
            "it says how to come to it: {}",
            reproduce::quoted(&case.again)
        )));
    }
    case.seed = seed.unwrap_or(case.seed);
    Ok(case)
}

fn planned(path: &Path, case: &Case) -> Planned {
    let name = path.to_string_lossy().into_owned();
    Planned {
        name: name.clone(),
        asked_as: vec!["--case".to_owned(), name],
        plan: Ok(Arc::new(case.plan())),
    }
}

/// The workloads as often as they are to be run, each time with another seed. All of them once and
/// then all of them again, so that a machine that becomes slower does so for all.
fn repeated(args: &Run, overrides: &[(String, String)], seed: u64) -> Result<Vec<Planned>, Usage> {
    let mut all = Vec::new();
    for time in 0..args.repeat {
        let seed = seed.wrapping_add(time);
        all.extend(if args.workloads.is_empty() {
            suite(overrides, seed)?
        } else {
            named(&args.workloads, overrides, seed)?
        });
    }
    Ok(all)
}

/// The workloads that were named; each must take every parameter that was set.
fn named(
    names: &[String],
    overrides: &[(String, String)],
    seed: u64,
) -> Result<Vec<Planned>, Usage> {
    let mut planned: Vec<Planned> = Vec::new();
    for name in names {
        if planned.iter().any(|earlier| earlier.name == *name) {
            continue;
        }
        let workload = Workload::named(name)?;
        let has = |key: &str| workload.parameter(key).is_some();
        if overrides.iter().any(|(key, _)| key == "threads") && !has("threads") {
            return Err(
                Usage::new(format!("workload `{name}` has no parameter `threads`"))
                    .hint("its number of threads is fixed; run it without --threads"),
            );
        }
        planned.push(Planned {
            name: name.clone(),
            asked_as: vec![name.clone()],
            plan: Ok(Arc::new(workload.plan(overrides, seed)?)),
        });
    }
    Ok(planned)
}

/// Every workload that comes with the program; those that lack a parameter are skipped.
fn suite(overrides: &[(String, String)], seed: u64) -> Result<Vec<Planned>, Usage> {
    let mut planned = Vec::new();
    for embedded in workload::embedded() {
        let workload = Workload::named(embedded.name)?;
        let lacking = overrides
            .iter()
            .find(|(key, _)| workload.parameter(key).is_none());
        let plan = match lacking {
            Some((key, _)) => Err(format!("it has no parameter `{key}`")),
            None => Ok(Arc::new(workload.plan(overrides, seed)?)),
        };
        planned.push(Planned {
            name: embedded.name.to_owned(),
            asked_as: vec![embedded.name.to_owned()],
            plan,
        });
    }
    Ok(planned)
}

/// The plan, if the heap can do all that is in it.
fn fits(plan: Arc<Plan>, heap: &Entry) -> Result<Arc<Plan>, String> {
    // A heap that could not be opened to be asked has no abilities; running it shows why.
    if heap.caps == Caps::NONE {
        return Ok(plan);
    }
    let missing = plan.needs().missing_from(&heap.caps);
    if missing.is_empty() {
        Ok(plan)
    } else {
        Err(format!("the heap has no {}", missing.join(", no ")))
    }
}

fn paced(mut plan: Arc<Plan>, rate: Option<Pace>) -> Arc<Plan> {
    if let Some(rate) = rate {
        Arc::make_mut(&mut plan).share_rate(rate);
    }
    plan
}

/// Refuses what would hold threads up that have a rate, on our account and not on the heap's. Of the
/// suite, which nobody chose one by one, what has a rate is skipped.
fn refuse_hold_ups(planned: &mut [Planned], args: &Run) -> Result<(), Usage> {
    let other = match (args.verify, args.history) {
        (Verify::Every(_), _) => "--verify every=N",
        (Verify::End, Some(_)) => "--history",
        (Verify::End, None) => return Ok(()),
    };
    let why = format!(
        "{other} makes threads wait for each other, and what is due meanwhile would be late"
    );
    if args.rate.is_some() {
        return Err(Usage::new(format!("--rate does not go with {other}")).hint(why));
    }
    for planned in planned {
        let is_paced = |plan: &Arc<Plan>| plan.mutators.iter().any(|m| m.pace.is_some());
        if !planned.plan.as_ref().is_ok_and(is_paced) {
            continue;
        }
        if !args.workloads.is_empty() {
            let name = &planned.name;
            let message = format!("the rate of workload `{name}` does not go with {other}");
            return Err(Usage::new(message).hint(why));
        }
        planned.plan = Err(format!("it has a rate, and {why}"));
    }
    Ok(())
}

fn required(mut plan: Arc<Plan>, required: &[Requirement]) -> Arc<Plan> {
    if !required.is_empty() {
        Arc::make_mut(&mut plan).require.extend_from_slice(required);
    }
    plan
}

fn options(args: &Run, interrupt: &Arc<AtomicBool>, plan: &Plan) -> Options {
    let given = &args.budget;
    let budget = None
        .or(given.duration.map(Budget::Duration))
        .or(given.rounds.map(Budget::Rounds))
        .or(given.ops.map(Budget::Ops));
    let mut foreground = plan.mutators.iter().filter(|mutator| !mutator.background);
    let by_itself = if foreground.all(|mutator| mutator.rounds.is_some()) {
        Budget::Workload
    } else {
        Budget::Duration(DURATION)
    };
    Options {
        budget: budget.unwrap_or(by_itself),
        verify: args.verify,
        timing: args.timing.into(),
        switch_interval: args.switch_interval,
        delays: args.delays,
        fail_alloc: args.fail_alloc,
        slow_collection: args.slow_collection,
        collect_every: args.collect_every,
        history: args.history,
        interrupt: Arc::clone(interrupt),
        ..Options::default()
    }
}

/// A seed nobody has chosen. Short, since people will read it out; the standard library's hasher is
/// keyed by the system's randomness.
pub(super) fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}
