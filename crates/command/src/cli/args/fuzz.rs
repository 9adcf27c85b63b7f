//! Options of `fuzz`, and of `replay`, which runs what `fuzz` kept.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::run::IsolateArg;
use crate::cli::help::{self, JUDGING, LONG, OUTPUT, STRESS, WHAT};
use crate::cli::values;
use crate::result::ProfileRef;

/// Options of `fuzz`.
#[derive(Debug, Args)]
#[command(after_long_help = help::FUZZ_HELP)]
pub(in crate::cli) struct Fuzz {
    /// The profile that completed the command line.
    #[arg(skip)]
    pub(in crate::cli) profile: Option<ProfileRef>,
    /// Heaps from `gcstorm list heaps`, as in gil,racy
    ///
    /// May be given several times; `all` names all that come with the program.
    #[arg(long = "heap", value_name = "NAME,...", help_heading = WHAT)]
    pub(in crate::cli) heaps: Vec<String>,
    /// The seed of all random choices; default: a fresh one
    ///
    /// It is printed.
    #[arg(long, value_name = "N", help_heading = WHAT,
          allow_hyphen_values = true, value_parser = values::seed)]
    pub(in crate::cli) seed: Option<u64>,
    /// How many operations a program has at most
    ///
    /// Over all of its mutators; a few programs are larger, by up to 16 times; default: 50, or 12
    /// under a model checker.
    #[arg(long, value_name = "N", help_heading = WHAT,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) ops: Option<u32>,
    /// How many mutators a program has at most; default: 3
    #[arg(long, value_name = "N", help_heading = WHAT,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(in crate::cli) mutators: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) budget: FuzzBudgetArgs,
    /// Stop after this many different failures [default: 1]
    ///
    /// On each heap.
    #[arg(long, value_name = "N", help_heading = LONG, default_value_t = 1,
          hide_default_value = true, value_parser = values::positive)]
    pub(in crate::cli) max_failures: u64,
    /// How long to go on shrinking one failure
    ///
    /// On top of --duration; default: twice --duration, but at most 60s.
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::duration)]
    pub(in crate::cli) shrink_budget: Option<Duration>,
    /// How long one program may take
    ///
    /// Then it counts as hung. Time in which the machine did not run it does not count.
    #[arg(long, value_name = "TIME", help_heading = LONG, default_value = "10s",
          value_parser = values::time_limit)]
    pub(in crate::cli) time_limit: Duration,
    /// How many programs to run at a time
    ///
    /// Default: the number of processors, or 1 with `free`.
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) jobs: Option<u64>,
    /// In which order the mutators take their turns
    #[arg(long, value_enum, help_heading = STRESS, default_value_t = ScheduleArg::Steps,
          value_name = "WHICH")]
    pub(in crate::cli) schedule: ScheduleArg,
    /// Plant a fault from `gcstorm list faults` in the heap
    ///
    /// To see that it is found.
    #[arg(long, value_name = "NAME", help_heading = STRESS)]
    pub(in crate::cli) fault: Option<String>,
    /// Whether programs are tried in processes of their own
    ///
    /// Many in each, so that a crash, a hang or exhausted memory is a failure like any other, which
    /// is shrunk and kept; default: `yes` for heaps that do not come with the program, and for
    /// faults that may end the process; `no` is for debuggers, and a crash or a hang ends the
    /// command.
    #[arg(long, value_enum, help_heading = JUDGING, value_name = "yes|no",
          hide_possible_values = true)]
    pub(in crate::cli) isolate: Option<IsolateArg>,
    /// The directory for cases that fail, and a page of what was found
    #[arg(long, value_name = "DIR", help_heading = OUTPUT, default_value = "reports/failures")]
    pub(in crate::cli) out: PathBuf,
    /// Also write what was found as JSON to a file, or to `-`
    ///
    /// `-` is standard output, instead of the text.
    #[arg(long, value_name = "FILE|-", help_heading = OUTPUT)]
    pub(in crate::cli) json: Option<PathBuf>,
    /// Also write what was found to a file as JUnit XML
    ///
    /// For tools that show test results.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(in crate::cli) junit: Option<PathBuf>,
}

/// When fuzzing ends on one heap, if nothing is found. At most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct FuzzBudgetArgs {
    /// How many programs to run on each heap
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) cases: Option<u64>,
    /// How long to run programs on each heap; default: 30s
    ///
    /// What failed by then is still shrunk, which may take --shrink-budget more.
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::duration)]
    pub(in crate::cli) duration: Option<Duration>,
}

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(after_long_help = help::REPLAY_HELP)]
pub(in crate::cli) struct Replay {
    /// A case that `fuzz`, `soak` or a failing run kept
    #[arg(value_name = "CASE", help_heading = WHAT)]
    pub(in crate::cli) case: PathBuf,
    /// Heaps instead of the one that the case names
    ///
    /// As in gil,racy; may be given several times; `all` names all that come with the program.
    #[arg(long = "heap", value_name = "NAME,...", help_heading = WHAT)]
    pub(in crate::cli) heaps: Vec<String>,
    /// How many times to try [default: 1000]
    ///
    /// Before the failure counts as not reproduced: runs on free threads, or schedules to explore if
    /// the case keeps none; a deterministic case is run once. Without this option, runs on free threads
    /// and the command of a recipe are repeated for some 30s at most.
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) times: Option<u64>,
    /// How long a run may take
    ///
    /// Then it counts as hung. Time in which the machine did not run it does not count; default: 10s, or what a recipe says.
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::duration)]
    pub(in crate::cli) time_limit: Option<Duration>,
    /// A schedule instead of the case's own
    #[arg(long, value_enum, help_heading = STRESS, value_name = "WHICH")]
    pub(in crate::cli) schedule: Option<ScheduleArg>,
    /// A fault instead of the case's own; `none` for no fault
    #[arg(long, value_name = "NAME", help_heading = STRESS)]
    pub(in crate::cli) fault: Option<String>,
    /// Whether the case is run in a process of its own
    ///
    /// So that a crash, a hang or exhausted memory is told like any other failure; default: `yes`
    /// for heaps that do not come with the program, for faults that may end the process, and for
    /// recipes; `no` is for debuggers.
    #[arg(long, value_enum, help_heading = JUDGING, value_name = "yes|no",
          hide_possible_values = true)]
    pub(in crate::cli) isolate: Option<IsolateArg>,
}

/// The order in which mutators take their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ScheduleArg {
    /// All on one thread, operation by operation; deterministic
    Steps,
    /// Each on a thread of its own, scheduled by the system
    Free,
    /// Under a model checker that schedules at random (only in builds with --cfg shuttle)
    Random,
    /// Under a model checker that schedules by priorities and changes them a few times (PCT; only
    /// in such builds)
    Pct,
    /// Under a model checker that tries all schedules, depth first (only in such builds)
    Dfs,
}
