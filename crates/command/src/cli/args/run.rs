//! Options of `run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::help::{self, JUDGING, LONG, OUTPUT, STRESS, WHAT};
use crate::cli::values;
use crate::heap::Points;
use crate::plan::{Pace, Requirement};
use crate::result::ProfileRef;
use crate::run::{CollectEvery, Timing, Verify};

/// Options of `run`.
#[derive(Debug, Args)]
#[command(after_long_help = help::RUN_HELP)]
pub(in crate::cli) struct Run {
    /// Names from `gcstorm list workloads`, or .toml files
    ///
    /// If none is named, all workloads that come with the program are run, which takes about 30 s.
    #[arg(value_name = "WORKLOAD", help_heading = WHAT, display_order = 0)]
    pub(in crate::cli) workloads: Vec<String>,
    /// A case instead of workloads
    ///
    /// Each of its mutators takes its turns on a thread of its own, on the heap that the case names.
    #[arg(long, value_name = "FILE", help_heading = WHAT, display_order = 1,
          conflicts_with_all = ["workloads", "threads", "define", "duration", "rounds", "ops", "rate"])]
    pub(in crate::cli) case: Option<PathBuf>,
    /// The text of the file that is named above, in a process whose parent has read it.
    #[arg(skip)]
    pub(in crate::cli) text: Option<Arc<str>>,
    /// The profile that completed the command line.
    #[arg(skip)]
    pub(in crate::cli) profile: Option<ProfileRef>,
    /// Whether the heaps were named by that, and not on the command line itself.
    #[arg(skip)]
    pub(in crate::cli) are_heaps_of_profile: bool,
    /// Heaps from `gcstorm list heaps`, as in gil,racy
    ///
    /// May be given several times; `all` names all that come with the program. A name with a slash
    /// in it is a shared library with the C interface; python, python:3.12, python:3.13t and
    /// python:/usr/bin/python3 are interpreters.
    #[arg(long = "heap", value_name = "NAME,...", help_heading = WHAT)]
    pub(in crate::cli) heaps: Vec<String>,
    /// The seed of all random choices
    ///
    /// Default: the case's own, otherwise a fresh one, which is printed.
    #[arg(long, value_name = "N", help_heading = WHAT,
          allow_hyphen_values = true, value_parser = values::seed)]
    pub(in crate::cli) seed: Option<u64>,
    /// The number of mutators; short for -D threads=N
    #[arg(long, value_name = "N", help_heading = WHAT, value_parser = values::positive)]
    pub(in crate::cli) threads: Option<u64>,
    /// Set a parameter; may be given several times
    #[arg(short = 'D', value_name = "KEY=VALUE", help_heading = WHAT,
          value_parser = values::assignment)]
    pub(in crate::cli) define: Vec<(String, String)>,
    /// Use one heap for all runs of a workload, so that it ages
    ///
    /// Otherwise each run has a new heap.
    #[arg(long, help_heading = WHAT, hide_short_help = true)]
    pub(in crate::cli) same_heap: bool,
    #[command(flatten)]
    pub(in crate::cli) budget: BudgetArgs,
    /// Run everything N times, with one seed after another
    #[arg(long, value_name = "N", help_heading = LONG, default_value_t = 1,
          hide_default_value = true, value_parser = values::positive, conflicts_with = "case")]
    pub(in crate::cli) repeat: u64,
    /// How long a run may make no progress
    ///
    /// Then it counts as hung. Time in which the machine did not run it does not count; at least 1s; default: 60s, or 10s
    /// with a fault that may hang the process.
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::time_limit)]
    pub(in crate::cli) time_limit: Option<Duration>,
    /// Open loop: start OPS operations a second
    ///
    /// Operations start on a schedule, OPS a second over all threads, whether or not earlier ones
    /// are done, and response times are reported since an operation was due (no coordinated
    /// omission); replaces the rates of the workload. HOW is `constant`, `poisson` or `bursts`.
    #[arg(long, value_name = "OPS[,HOW]", help_heading = STRESS, value_parser = values::rate)]
    pub(in crate::cli) rate: Option<Pace>,
    /// Collect after every N operations of a thread
    ///
    /// Each thread collects after every N of its operations, or after N to M, drawn from the seed.
    #[arg(long, value_name = "N[..M]", help_heading = STRESS,
          value_parser = values::collect_every)]
    pub(in crate::cli) collect_every: Option<CollectEvery>,
    /// Delay threads inside heap operations
    ///
    /// At random moments drawn from the seed: at every point where the heap allows it, or only at
    /// some of read, change, changed, dying, verdict, as in --delays=read,dying.
    #[arg(long, value_name = "POINT,...", num_args = 0..=1, require_equals = true,
          default_missing_value = values::EVERYWHERE, value_parser = values::points,
          help_heading = STRESS)]
    pub(in crate::cli) delays: Option<Points>,
    /// Refuse the Nth allocation of all threads
    ///
    /// The run goes on. It is vacuous if it makes fewer than N.
    #[arg(long, value_name = "N", help_heading = STRESS, hide_short_help = true,
          value_parser = values::positive)]
    pub(in crate::cli) fail_alloc: Option<u64>,
    /// Plant a fault from `gcstorm list faults`
    ///
    /// To see that it is caught; default: the case's own, if it names one; `none` for no fault.
    #[arg(long, value_name = "NAME", help_heading = STRESS)]
    pub(in crate::cli) fault: Option<String>,
    /// Make a collection last this much longer now and then
    ///
    /// To see that pauses are measured and attributed to it.
    #[arg(long, value_name = "TIME", help_heading = STRESS, hide_short_help = true,
          value_parser = values::duration)]
    pub(in crate::cli) slow_collection: Option<Duration>,
    /// How long a thread waits for a global lock
    ///
    /// Then it asks the holder to release it. An interpreter is told so as well.
    #[arg(long, value_name = "TIME", help_heading = STRESS, hide_short_help = true,
          default_value = "5ms", value_parser = values::switch_interval)]
    pub(in crate::cli) switch_interval: Duration,
    /// When to survey the whole heap [default: end]
    ///
    /// All threads are stopped for it: at the end only, or also after every N operations of each
    /// thread.
    #[arg(long, value_name = "end|every=N", help_heading = JUDGING, default_value = "end",
          hide_default_value = true, value_parser = values::verify)]
    pub(in crate::cli) verify: Verify,
    /// What a counter must reach, as in 'append>=100'
    ///
    /// A run in which it does not is vacuous; `gcstorm list counters` names them. May be given several
    /// times.
    #[arg(long, value_name = "COUNTER", help_heading = JUDGING,
          value_parser = values::requirement)]
    pub(in crate::cli) require: Vec<Requirement>,
    /// Check that N operations a thread are linearizable
    ///
    /// The first N operations of each thread on shared lists, counters, roots and fields are
    /// recorded (default: 1000), and N/4 in each of a few windows later in the run.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000",
          help_heading = JUDGING, value_parser = values::history)]
    pub(in crate::cli) history: Option<u64>,
    /// Which operations to time
    #[arg(long, value_enum, help_heading = JUDGING, default_value_t = TimingArg::Every,
          hide_short_help = true, value_name = "WHICH")]
    pub(in crate::cli) timing: TimingArg,
    /// Measure the collections of an interpreter
    ///
    /// With gc.callbacks, which make it collect at other times. Heaps other than `python` ignore this.
    #[arg(long, help_heading = JUDGING, hide_short_help = true)]
    pub(in crate::cli) gc_callbacks: bool,
    /// Whether each heap runs in a process of its own
    ///
    /// So that a crash, a hang or exhausted memory is a result like any other; `no` is for debuggers
    /// and profilers, and has no time limit: a run that hangs goes on until a second signal ends
    /// the command.
    #[arg(long, value_enum, help_heading = JUDGING, hide_short_help = true,
          default_value_t = IsolateArg::Yes, value_name = "yes|no")]
    pub(in crate::cli) isolate: IsolateArg,
    /// The directory for results; default: reports/<when>/
    ///
    /// It must not hold results yet.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write all results as JSON to one file, or to `-`
    ///
    /// An object for one run, an array for several. `-` is standard output; the tables then go to
    /// standard error.
    #[arg(long, value_name = "FILE|-", help_heading = OUTPUT)]
    pub(in crate::cli) json: Option<PathBuf>,
}

/// When a run ends. At most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct BudgetArgs {
    /// How long each run lasts, as in 500ms or 1h30m
    ///
    /// Default: the workload's own number of rounds, or 5s if it has none.
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::duration)]
    pub(in crate::cli) duration: Option<Duration>,
    /// How many rounds each thread runs
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) rounds: Option<u64>,
    /// How many operations the threads run together
    ///
    /// Those in the background are not counted, and run until the others are done.
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) ops: Option<u64>,
}

/// Whether runs have processes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum IsolateArg {
    /// One process for each heap
    Yes,
    /// All runs are in the process of the command
    No,
}

/// Which operations are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TimingArg {
    /// All operations
    Every,
    /// One operation in 61
    Sampled,
    /// No operations; time for which the process was stopped then goes unnoticed
    Off,
}

impl From<TimingArg> for Timing {
    fn from(timing: TimingArg) -> Self {
        match timing {
            TimingArg::Every => Self::Every,
            TimingArg::Sampled => Self::Sampled,
            TimingArg::Off => Self::Off,
        }
    }
}
