//! Options of `run`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::{exit, values};
use crate::heap::Points;
use crate::plan::{Pace, Requirement};
use crate::result::ProfileRef;
use crate::run::{CollectEvery, Timing, Verify};

/// Options of `run`.
#[derive(Debug, Args)]
#[command(after_help = exit::RUN_HELP)]
pub(in crate::cli) struct Run {
    /// Names from `gcstorm list workloads`, or paths to .toml files; default: all workloads that
    /// come with the program, which takes about 30 s
    #[arg(value_name = "WORKLOAD")]
    pub(in crate::cli) workloads: Vec<String>,
    /// Run a case instead of workloads: each of its mutators takes its turns on a thread of its own
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["workloads", "threads", "define", "duration", "rounds", "ops", "rate"])]
    pub(in crate::cli) case: Option<PathBuf>,
    /// The text of the file that is named above, in a process whose parent has read it.
    #[arg(skip)]
    pub(in crate::cli) text: Option<Arc<str>>,
    /// The profile that completed the command line.
    #[arg(skip)]
    pub(in crate::cli) profile: Option<ProfileRef>,
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME")]
    pub(in crate::cli) heaps: Vec<String>,
    /// The seed of all random choices; default: the case's own, otherwise a fresh one, which is
    /// printed
    #[arg(long, value_name = "N")]
    pub(in crate::cli) seed: Option<u64>,
    /// Run everything N times: all of it with this seed, then all of it with the next seed, and so
    /// on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::positive,
          conflicts_with = "case")]
    pub(in crate::cli) repeat: u64,
    /// Use one heap for all runs of a workload, so that it ages, instead of a new heap for each run
    #[arg(long)]
    pub(in crate::cli) same_heap: bool,
    /// The number of mutators; short for -D threads=N
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(in crate::cli) threads: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) budget: BudgetArgs,
    /// Open loop: start operations on a schedule, OPS a second over all threads, whether or not
    /// earlier ones are done, and report response times since an operation was due (no coordinated
    /// omission); replaces the rates of the workload
    #[arg(long, value_name = "OPS[,constant|poisson|bursts]", value_parser = values::rate)]
    pub(in crate::cli) rate: Option<Pace>,
    /// Set a parameter of the workload; may be given several times
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = values::assignment)]
    pub(in crate::cli) define: Vec<(String, String)>,
    /// When to stop all threads and survey the whole heap: at the end only, or also after every N
    /// operations of each thread
    #[arg(long, value_name = "end|every=N", default_value = "end", value_parser = values::verify)]
    pub(in crate::cli) verify: Verify,
    /// The minimum that a counter must reach; a run in which it does not is vacuous; may be given
    /// several times
    #[arg(long, value_name = "COUNTER>=N", value_parser = values::requirement)]
    pub(in crate::cli) require: Vec<Requirement>,
    /// Which operations to time
    #[arg(long, value_enum, default_value_t = TimingArg::Every, value_name = "WHICH")]
    pub(in crate::cli) timing: TimingArg,
    /// How long a thread waits for a global lock before it asks the holder to release it
    #[arg(long, value_name = "DURATION", default_value = "5ms", value_parser = values::duration)]
    pub(in crate::cli) switch_interval: Duration,
    /// Make each thread collect after every N of its operations, or after N to M, drawn from the
    /// seed
    #[arg(long, value_name = "N[..M]", value_parser = values::collect_every)]
    pub(in crate::cli) collect_every: Option<CollectEvery>,
    /// Delay threads inside heap operations, at random moments drawn from the seed: at every point
    /// where the heap allows it, or only at some of read, change, changed, dying, verdict
    #[arg(long, value_name = "POINT,...", num_args = 0..=1, require_equals = true,
          default_missing_value = values::EVERYWHERE, value_parser = values::points)]
    pub(in crate::cli) delays: Option<Points>,
    /// Refuse the Nth allocation, counted over all threads; the run goes on. It is vacuous if it
    /// makes fewer than N
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(in crate::cli) fail_alloc: Option<u64>,
    /// Make a collection last this much longer now and then, to see that pauses are measured and
    /// attributed to it
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(in crate::cli) slow_collection: Option<Duration>,
    /// Record the first N operations of each thread on shared lists, counters, roots and fields
    /// (default: 1000), and N/4 in each of a few windows later in the run; check that they are
    /// linearizable
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000",
          value_parser = values::positive)]
    pub(in crate::cli) history: Option<u64>,
    /// Plant a fault from `gcstorm list faults` in the heap, to see that it is caught; default: the
    /// case's own, if it names one; `none` for no fault
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) fault: Option<String>,
    /// How long a run may make no progress before it counts as hung; time in which the machine did
    /// not run it does not count; at least 1s; default: 60s, or 10s with a fault that may hang the
    /// process
    #[arg(long, value_name = "DURATION", value_parser = values::time_limit)]
    pub(in crate::cli) time_limit: Option<Duration>,
    /// Whether each heap runs in a process of its own, so that a crash, a hang or exhausted memory
    /// is a result like any other; `no` is for debuggers and profilers, and has no time limit: a
    /// run that hangs goes on until a second signal ends the command
    #[arg(long, value_enum, default_value_t = IsolateArg::Yes, value_name = "yes|no")]
    pub(in crate::cli) isolate: IsolateArg,
    /// The directory for results, which must not hold results yet; default: reports/<when>/
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write all results to one file as JSON, or with `-` to standard output instead of the
    /// tables: an object for one run, an array for several
    #[arg(long, value_name = "FILE|-")]
    pub(in crate::cli) json: Option<PathBuf>,
}

/// When a run ends. At most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct BudgetArgs {
    /// How long each run lasts, as in 500ms, 30s or 1h30m; default: the workload's own number of
    /// rounds, or 5s if it has none
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(in crate::cli) duration: Option<Duration>,
    /// How many rounds each thread runs
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(in crate::cli) rounds: Option<u64>,
    /// How many operations the threads run together; those in the background are not counted, and
    /// run until the others are done
    #[arg(long, value_name = "N", value_parser = values::positive)]
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
