//! What is to be run: every workload on every heap that was asked for, planned and validated before
//! the first run starts.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::args::{IsolateArg, Run};
use super::faults;
use super::isolate;
use super::laboratory;
use super::missing;
use super::reproduce;
use super::task::{RunTask, Series};
use super::threads;
use super::usage::Usage;
use super::values::{self, NO_FAULT};
use crate::diagnostic::text;
use crate::heap::{Caps, Fault};
use crate::plan::{Asker, Case, Pace, Plan, Requirement};
use crate::report::skips;
use crate::run::{Budget, Callbacks, Entry, Options, Registry, Verify, is_path};
use crate::workload::{self, LoadError, Workload};

/// How long a named workload runs by default.
const DURATION: Duration = Duration::from_secs(5);
/// How long all workloads together run by default if none is named.
const SUITE_DURATION: Duration = Duration::from_secs(30);

/// The maximum number of repetitions: all of them are planned before the first run, and all results
/// are kept in memory for the report.
const REPEAT_MAX: u64 = 10_000;

/// The name that stands for all heaps of a registry.
pub(super) const ALL_HEAPS: &str = "all";

/// What is to be run, in order.
#[derive(Debug)]
pub(super) struct RunAgenda<'r> {
    pub(super) items: Vec<Item<'r>>,
    /// The case that is run instead of workloads.
    pub(super) case: Option<Case>,
}

/// One workload on one heap.
#[derive(Debug)]
pub(super) enum Item<'r> {
    Run(Box<RunTask<'r>>),
    /// The heap cannot run the workload, for this reason.
    Skip {
        workload: String,
        heap: String,
        why: String,
    },
}

/// A workload or a case, and its plan, or why it cannot be run.
struct Planned {
    name: String,
    asked_as: Vec<OsString>,
    text: Option<Arc<str>>,
    plan: Result<Arc<Plan>, String>,
}

impl Planned {
    /// The run of it on a heap, if the heap can run it.
    fn on<'r>(&self, heap: &'r Entry, task: impl FnOnce(Arc<Plan>) -> RunTask<'r>) -> Item<'r> {
        match self.plan.clone().and_then(|plan| fits(plan, heap)) {
            Ok(plan) => Item::Run(Box::new(task(plan))),
            Err(why) => Item::Skip {
                workload: self.name.clone(),
                heap: heap.name.clone(),
                why,
            },
        }
    }
}

impl<'r> RunAgenda<'r> {
    /// Plans everything that `args` ask for. `interrupt` ends the runs when it is set.
    pub(super) fn draw_up(
        registry: &'r Registry,
        args: &Run,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Self, Usage> {
        let (case, text) = match &args.case {
            Some(path) => {
                let (case, text) = read(path, args)?;
                (Some(case), Some(text))
            }
            None => (None, None),
        };
        let kept_fault = case.as_ref().and_then(|case| case.fault);
        let heaps = heaps_asked_for(registry, args, case.as_ref())?;
        let fault = fault(registry, &heaps, args, kept_fault)?;
        faults::refuse_unplantable(&heaps, args)?;
        refuse_whole(&heaps, args)?;
        let overrides = overrides(&args.define, args.threads)?;
        let known = workload::counter_names();
        for require in &args.require {
            if !known.contains(&require.counter.as_str()) {
                return Err(Usage::unknown("counter", &require.counter, known));
            }
        }
        let own_seed = case.as_ref().map(|case| case.seed);
        let seed = args.seed.or(own_seed).unwrap_or_else(fresh_seed);
        let mut planned = match args.case.as_ref().zip(case.as_ref()) {
            Some((path, case)) => vec![planned(path, case, text)],
            None => repeated(registry, args, &overrides, seed)?,
        };
        refuse_hold_ups(&mut planned, args)?;
        let mut agenda = Self {
            items: Vec::new(),
            case,
        };
        for planned in &planned {
            agenda.items.extend(heaps.iter().map(|&heap| {
                planned.on(heap, |plan| RunTask {
                    heap,
                    options: Options {
                        fault,
                        patience: match args.isolate {
                            IsolateArg::Yes => Some(isolate::limit(fault, args.time_limit)),
                            IsolateArg::No => None,
                        },
                        ..options(args, interrupt, &plan)
                    },
                    plan: required(paced(plan, args.rate), args),
                    series: args.same_heap.then_some(Series {
                        first_seed: seed,
                        runs: args.repeat,
                    }),
                    asked_as: planned.asked_as.clone(),
                    text: planned.text.clone(),
                    overrides_as: overrides_as(args),
                    rate: args.rate,
                    time_limit: args.time_limit,
                    required: args.require.clone(),
                    fault_is_waived: kept_fault.is_some() && fault.is_none(),
                })
            }));
        }
        agenda.share_time(args);
        agenda.require_interleaving();
        agenda.refuse_nothing()
    }

    /// The runs that can start.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &RunTask<'r>> {
        self.items.iter().filter_map(|item| match item {
            Item::Run(task) => Some(&**task),
            Item::Skip { .. } => None,
        })
    }

    /// If no workload is named, all runs together take a fixed time.
    fn share_time(&mut self, args: &Run) {
        let given = &args.budget;
        let is_given = given.duration.is_some() || given.rounds.is_some() || given.ops.is_some();
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

    /// In a run that lasts a while, mutators must get in between each other. In one of a given
    /// number of operations it is luck: one mutator may be done before another wakes up.
    fn require_interleaving(&mut self) {
        for item in &mut self.items {
            if let Item::Run(task) = item
                && matches!(task.options.budget, Budget::Duration(_))
            {
                Arc::make_mut(&mut task.plan).require_interleaving();
            }
        }
    }

    fn refuse_nothing(self) -> Result<Self, Usage> {
        if self.tasks().next().is_some() {
            return Ok(self);
        }
        let usage = Usage::new("nothing to run");
        Err(self.skipped().iter().fold(usage, Usage::hint))
    }

    /// What is skipped and why, a line for each reason.
    pub(super) fn skipped(&self) -> Vec<String> {
        skips(self.items.iter().filter_map(|item| match item {
            Item::Skip {
                workload,
                heap,
                why,
            } => Some([workload, heap, why].map(String::as_str)),
            Item::Run(_) => None,
        }))
    }
}

/// The heaps to run on. A profile names some for whatever names none itself, as a case does.
fn heaps_asked_for<'r>(
    registry: &'r Registry,
    args: &Run,
    case: Option<&Case>,
) -> Result<Vec<&'r Entry>, Usage> {
    let own = case.and_then(|case| case.heap.as_ref());
    let named = match own {
        Some(_) if args.are_heaps_of_profile => &[],
        _ => &args.heaps[..],
    };
    heaps_for_case(registry, named, own, args.isolate)
}

/// The heaps that are named, or else the one that the case names. It is that one of which the case says
/// something, so no other takes its place: not even if it is not there.
pub(super) fn heaps_for_case<'r>(
    registry: &'r Registry,
    named: &[String],
    own: Option<&String>,
    isolate: IsolateArg,
) -> Result<Vec<&'r Entry>, Usage> {
    match own {
        Some(own) if named.is_empty() => heaps(registry, std::slice::from_ref(own), isolate)
            .map_err(|why| why.hint("the case names this heap; `--heap NAME` takes another")),
        _ => heaps(registry, named, isolate),
    }
}

/// The fault to plant: the one that is named, or else that of the case.
fn fault(
    registry: &Registry,
    heaps: &[&Entry],
    args: &Run,
    of_case: Option<Fault>,
) -> Result<Option<Fault>, Usage> {
    let name = match (args.fault.as_deref(), of_case) {
        (Some(NO_FAULT), _) => None,
        (None, kept) => kept.map(Fault::name),
        (named, _) => named,
    };
    name.map(|name| faults::planted(registry, heaps, name))
        .transpose()
}

/// The heaps of these names; if none is named, the default heaps. What they can do is known, and was
/// asked where `isolate` says.
pub(super) fn heaps<'r>(
    registry: &'r Registry,
    names: &[String],
    isolate: IsolateArg,
) -> Result<Vec<&'r Entry>, Usage> {
    // A heap that is asked for its abilities may start a thread of its own, and panic if it cannot.
    threads::refuse_too_many(1)?;
    let mut chosen: Vec<&Entry> = Vec::new();
    for asked in names {
        for entry in named_heaps(registry, asked)? {
            if !chosen.iter().any(|heap| heap.name == entry.name) {
                chosen.push(entry);
            }
        }
    }
    if names.is_empty() {
        chosen.extend(registry.entries().iter().filter(|entry| entry.is_default));
    }
    if chosen.is_empty() {
        return Err(Usage::new("no heap is named, and there is no default heap")
            .hint("name one with --heap; `list heaps` shows them"));
    }
    laboratory::learn_caps(chosen.iter().copied(), isolate)?;
    Ok(chosen)
}

/// The heaps that one value of `--heap` names: one, several with commas between them, or all. The
/// name of a library may have a comma in it.
pub(super) fn named_heaps<'r>(
    registry: &'r Registry,
    asked: &str,
) -> Result<Vec<&'r Entry>, Usage> {
    if asked == ALL_HEAPS {
        return Ok(registry.entries().iter().collect());
    }
    if let Some(entry) = registry.get(asked) {
        return Ok(vec![entry]);
    }
    let names: Vec<&str> = asked.split(',').map(str::trim).collect();
    let entry = |name: &&str| match registry.get(name) {
        Some(entry) => Ok(entry),
        None if name.is_empty() => Err(Usage::new(format!("a heap has no name in {asked:?}"))
            .hint("names stand between commas, as in --heap gil,lock-free")),
        None if is_path(name) => Err(no_library(name)),
        None if Path::new(name).is_file() => Err(Usage::new(format!("unknown heap `{name}`"))
            .hint(format!("a shared library is named with a slash: ./{name}"))),
        None if workload::embedded().iter().any(|one| one.name == *name) => {
            Err(Usage::new(format!("unknown heap `{name}`")).hint(format!(
                "that is a workload: it stands alone, as in `run {name} --heap gil`"
            )))
        }
        None if name.starts_with("python") => {
            let usage = Usage::new(format!("unknown heap `{name}`"));
            let rest = name.trim_start_matches("python:");
            let rest = if rest.is_empty() { "3.13" } else { rest };
            Err(usage.hint(format!("an interpreter is named like this: python:{rest}")))
        }
        None => {
            let known = registry.entries().iter().map(|entry| entry.name.as_str());
            let usage = Usage::unknown("heap", name, known.chain([ALL_HEAPS, "python"]));
            Err(usage.hint(
                "so are interpreters (`python:3.13`, `python:/usr/bin/python3`) and shared libraries by \
                 their path (`./libmine.so`)",
            ))
        }
    };
    names.iter().map(entry).collect()
}

/// Refuses what needs a heap to which operations can be given one by one, if one of these runs whole
/// workloads by itself.
pub(super) fn needs_operations(heaps: &[&Entry], what: &str) -> Result<(), Usage> {
    match heaps.iter().find(|heap| heap.runs_whole()) {
        None => Ok(()),
        Some(heap) => Err(Usage::new(format!("{what} cannot be used with {}", heap.name)).hint(
            "an interpreter runs whole workloads by itself, and takes no operations one by one: use \
             `run`, `soak` or `selftest`, or another heap",
        )),
    }
}

fn refuse_whole(heaps: &[&Entry], args: &Run) -> Result<(), Usage> {
    match (&args.case, args.same_heap) {
        (Some(_), _) => needs_operations(heaps, "--case"),
        (None, true) => needs_operations(heaps, "--same-heap"),
        (None, false) => Ok(()),
    }
}

/// Why a name with a slash is not that of a heap.
pub(super) fn no_library(name: &str) -> Usage {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    let why = match Path::new(name) {
        _ if name.contains(odd) => {
            "cases, in which it would stand, have no room for a blank or `#` in a heap's name"
        }
        path if path.is_dir() => "it is a directory",
        path if path.exists() => "it is no regular file",
        _ => "there is no such file",
    };
    Usage::new(format!("{name:?} cannot be a heap: {why}")).hint(
        "a heap with a slash in its name is a shared library with the C interface; `gcstorm header` \
         prints that, and `cc -shared -fPIC -o libmine.so mine.c` makes one",
    )
}

/// The parameters set on the command line, `--threads` among them.
pub(super) fn overrides(
    define: &[(String, String)],
    threads: Option<u64>,
) -> Result<Vec<(String, String)>, Usage> {
    let mut overrides = define.to_vec();
    if let Some(threads) = threads {
        if overrides.iter().any(|(key, _)| key == "threads") {
            return Err(Usage::new("the number of threads is given twice")
                .hint("--threads N is short for -D threads=N"));
        }
        overrides.push(("threads".to_owned(), threads.to_string()));
    }
    Ok(overrides)
}

/// The same as they were typed.
fn overrides_as(args: &Run) -> Vec<OsString> {
    let define = args.define.iter();
    let define = define.flat_map(|(key, value)| ["-D".to_owned(), format!("{key}={value}")]);
    let threads = args.threads.into_iter();
    let threads = threads.flat_map(|threads| ["--threads".to_owned(), threads.to_string()]);
    define.chain(threads).map(OsString::from).collect()
}

/// The plan of a workload with these overrides. What is wrong with the number of threads is told of
/// `--threads` if that was typed.
pub(super) fn plan(
    workload: &Workload,
    overrides: &[(String, String)],
    threads: Option<u64>,
    seed: u64,
) -> Result<Plan, Usage> {
    let plan = workload.plan(overrides, seed);
    plan.map_err(|wrong| match threads {
        Some(_) => wrong.typed_as("-D threads=", "--threads ").into(),
        None => wrong.into(),
    })
}

/// A case that cannot be read, and those that are beside it.
pub(super) fn unreadable_case(path: &Path, error: &std::io::Error) -> Usage {
    let usage = Usage::new(format!("failed to read {}: {error}", path.display()));
    usage.hint_if_any(missing::hint(path, None, |path| {
        missing::is_called(path, "case")
    }))
}

/// The case in this file, with its own seed unless another is given, and its text.
fn read(path: &Path, args: &Run) -> Result<(Case, Arc<str>), Usage> {
    let name = path.to_string_lossy();
    let text = match &args.text {
        Some(text) => Arc::clone(text),
        None => text::read(path)
            .map_err(|error| unreadable_case(path, &error))?
            .into(),
    };
    let mut case = Case::parse(&name, &text)?;
    if case.is_recipe() {
        let usage = Usage::new(format!(
            "{name} is a recipe: there are no turns in it to run"
        ));
        return Err(usage.hint(format!(
            "it has the command that failed: {}",
            reproduce::quoted(&case.again)
        )));
    }
    case.seed = args.seed.unwrap_or(case.seed);
    Ok((case, text))
}

fn planned(path: &Path, case: &Case, text: Option<Arc<str>>) -> Planned {
    let name = path.to_string_lossy().into_owned();
    Planned {
        name,
        asked_as: vec!["--case".into(), path.into()],
        text,
        plan: Ok(Arc::new(case.plan())),
    }
}

/// A workload that is to be run.
struct Asked {
    /// The name by which it was asked for.
    name: String,
    workload: Workload,
    /// Its text, if it is in a file.
    text: Option<Arc<str>>,
    /// Why it is skipped, if it is.
    skipped: Option<String>,
}

impl Asked {
    fn planned(
        &self,
        args: &Run,
        overrides: &[(String, String)],
        seed: u64,
    ) -> Result<Planned, Usage> {
        Ok(Planned {
            name: self.name.clone(),
            asked_as: vec![self.name.clone().into()],
            text: self.text.clone(),
            plan: match &self.skipped {
                Some(why) => Err(why.clone()),
                None => Ok(Arc::new(plan(
                    &self.workload,
                    overrides,
                    args.threads,
                    seed,
                )?)),
            },
        })
    }
}

/// All workloads once, then all of them again with the next seed, and so on: if the machine becomes
/// slower meanwhile, it does so for all of them. Each is read once.
fn repeated(
    registry: &Registry,
    args: &Run,
    overrides: &[(String, String)],
    seed: u64,
) -> Result<Vec<Planned>, Usage> {
    if args.repeat > REPEAT_MAX {
        return Err(Usage::new(format!("--repeat is at most {REPEAT_MAX}"))
            .hint("`soak` goes on for longer, and keeps only the results that matter"));
    }
    let asked = if args.workloads.is_empty() {
        suite(overrides)?
    } else {
        named(registry, args, overrides)?
    };
    let seeds = (0..args.repeat).map(|time| seed.wrapping_add(time));
    seeds
        .flat_map(|seed| {
            asked
                .iter()
                .map(move |asked| asked.planned(args, overrides, seed))
        })
        .collect()
}

/// The workloads that were named; each must have every parameter that was set.
fn named(
    registry: &Registry,
    args: &Run,
    overrides: &[(String, String)],
) -> Result<Vec<Asked>, Usage> {
    let mut all: Vec<Asked> = Vec::new();
    for name in &args.workloads {
        if all.iter().any(|earlier| earlier.name == *name) {
            continue;
        }
        let workload = match &args.text {
            Some(text) => {
                Workload::parse(name, text).map_err(|first| Usage::of_workload(&first))?
            }
            None => Workload::named(name)
                .map_err(|error| not_a_workload(registry, name, error, args))?,
        };
        let has = |key: &str| workload.parameter(key).is_some();
        if overrides.iter().any(|(key, _)| key == "threads") && !has("threads") {
            let typed = args.threads.map_or("-D threads", |_| "--threads");
            let usage = Usage::new(format!("workload `{name}` has no parameter `threads`"));
            let hint = format!("its number of threads is fixed; run it without {typed}");
            return Err(usage.hint(hint));
        }
        let is_embedded = workload::embedded().iter().any(|one| one.name == name);
        all.push(Asked {
            name: name.clone(),
            text: (!is_embedded).then(|| workload.text().into()),
            workload,
            skipped: None,
        });
    }
    Ok(all)
}

/// Why there is no such workload. What was meant for an option may have been taken for one.
fn not_a_workload(registry: &Registry, name: &str, error: LoadError, args: &Run) -> Usage {
    if args.delays.is_some() && values::points(name).is_ok() {
        return Usage::new(format!(
            "`{name}` names points of `--delays`, and no workload"
        ))
        .hint(format!("write them behind `=`, as in --delays={name}"));
    }
    let file = format!("{name}.toml");
    let hint = match error {
        LoadError::Unknown { .. } if Path::new(&file).is_file() => format!("there is a {file}"),
        LoadError::Unknown { .. } if registry.entries().iter().any(|heap| heap.name == name) => {
            format!("that is a heap: name it with --heap {name}")
        }
        _ => return error.into(),
    };
    Usage::new(format!("unknown workload `{name}`")).hint(hint)
}

/// Every workload that comes with the program; those without a parameter that was set are skipped.
fn suite(overrides: &[(String, String)]) -> Result<Vec<Asked>, Usage> {
    let mut all = Vec::new();
    for embedded in workload::embedded() {
        let workload = Workload::named(embedded.name)?;
        let lacking = overrides
            .iter()
            .find(|(key, _)| workload.parameter(key).is_none());
        all.push(Asked {
            name: embedded.name.to_owned(),
            skipped: lacking.map(|(key, _)| format!("no parameter `{key}`")),
            workload,
            text: None,
        });
    }
    Ok(all)
}

/// The plan, if the heap supports every operation in it.
fn fits(plan: Arc<Plan>, heap: &Entry) -> Result<Arc<Plan>, String> {
    // A heap that could not be opened reports no abilities; running it shows why.
    if heap.caps() == Caps::NONE {
        return Ok(plan);
    }
    let missing = plan.needs().missing_from(&heap.caps());
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

/// Refuses options by which the harness itself would delay threads that have a rate. Without names,
/// all workloads that come with the program are meant; of those, the ones with a rate are skipped.
fn refuse_hold_ups(planned: &mut [Planned], args: &Run) -> Result<(), Usage> {
    let other = match (args.verify, args.history) {
        (Verify::Every(_), _) => "--verify every=N",
        (Verify::End, Some(_)) => "--history",
        (Verify::End, None) => return Ok(()),
    };
    let why = format!(
        "{other} makes threads wait for each other, and operations that are due meanwhile would be late"
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
        planned.plan = Err(format!("there is a rate, and {why}"));
    }
    Ok(())
}

/// Adds to the plan what the command line requires of the run. `--fail-alloc` requires that an
/// allocation was refused: a heap that ignores its ordeal, or a run that makes fewer objects,
/// proves nothing.
fn required(mut plan: Arc<Plan>, args: &Run) -> Arc<Plan> {
    let refusal = args.fail_alloc.map(|_| Requirement {
        counter: "refused".to_owned(),
        at_least: 1,
        asked_by: Asker::Command,
    });
    let required: Vec<_> = args.require.iter().cloned().chain(refusal).collect();
    if !required.is_empty() {
        Arc::make_mut(&mut plan).require.extend(required);
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
        gc_callbacks: match args.gc_callbacks {
            true => Callbacks::Used,
            false => Callbacks::Unused,
        },
        interrupt: Arc::clone(interrupt),
        ..Options::default()
    }
}

/// A fresh seed. It has 32 bits, since people will read it to each other; the standard library's
/// hasher is keyed with randomness of the system.
pub(super) fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}
