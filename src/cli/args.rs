//! What can be written on the command line, as clap sees it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{exit, values};
use crate::heap::Points;
use crate::plan::{Pace, Requirement};
use crate::report::compare::Limits;
use crate::run::{CollectEvery, Timing, Verify};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "gcstorm",
    version = super::provenance::LONG_VERSION,
    about = "Stress-test garbage collectors that count references and collect cycles",
    after_help = exit::HELP,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    /// Whether to colour the output
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,
    /// Print verdicts only, and no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print parameters, threads, counters and surveys too
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run workloads on heaps and judge what happened
    Run(Box<Run>),
    /// Run workloads for hours, round after round with fresh seeds
    Soak(Box<super::soak::Soak>),
    /// Generate random programs, run them, and shrink and keep those that fail
    Fuzz(Box<Fuzz>),
    /// Run a kept case again, exactly
    Replay(Replay),
    /// Plant every known fault, and show which check catches it
    Selftest(Selftest),
    /// Judge and draw stored results again
    Report(ReportArgs),
    /// Judge two sets of results against each other: is the new one worse?
    Compare(Compare),
    /// Add up what many machines found: soaks, their shards, runs, and what was merged before
    Merge(Merge),
    /// One trial of `selftest`, which prints in short what it came to
    #[command(hide = true)]
    Attempt(Box<Run>),
    /// The rounds of a stint of `soak`, one for each line on standard input
    #[command(hide = true)]
    Stint(Box<Run>),
    /// List what can be named
    List {
        /// What to list
        #[arg(value_enum)]
        what: Listed,
    },
    /// Validate workload files
    Check {
        /// Names from `gcstorm list workloads`, or paths to .toml files
        #[arg(required = true, value_name = "WORKLOAD")]
        workloads: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// Which one
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Options of `run`.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub(super) struct Run {
    /// Names from `gcstorm list workloads`, or paths to .toml files; none: every workload that
    /// comes with the program, about 30 s in all
    #[arg(value_name = "WORKLOAD")]
    pub(super) workloads: Vec<String>,
    /// Run a case in place of workloads: each of its mutators does its turns on a thread of its own
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["workloads", "threads", "define", "duration", "rounds", "ops", "rate"])]
    pub(super) case: Option<PathBuf>,
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME")]
    pub(super) heaps: Vec<String>,
    /// Where all randomness comes from; drawn and printed if not given, and a case's own for a case
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Run everything N times, with this seed and those that follow; all of it once, then all of it again
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::positive,
          conflicts_with = "case")]
    pub(super) repeat: u64,
    /// Go on with one heap from run to run, which grows old, instead of a new one for each
    #[arg(long)]
    pub(super) same_heap: bool,
    /// Mutators in all; short for -D threads=N
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) threads: Option<u64>,
    #[command(flatten)]
    pub(super) budget: BudgetArgs,
    /// Start operations when they are due, so many a second, shared evenly between all threads; times
    /// since then are shown as response times. In place of the workload's own rates
    #[arg(long, value_name = "OPS[,constant|poisson|bursts]", value_parser = values::rate)]
    pub(super) rate: Option<Pace>,
    /// Set a parameter of the workload; may be given several times
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = values::assignment)]
    pub(super) define: Vec<(String, String)>,
    /// When to look at everything: at the end, or also whenever a thread has done N operations
    #[arg(long, value_name = "end|every=N", default_value = "end", value_parser = values::verify)]
    pub(super) verify: Verify,
    /// What the run must have done not to be vacuous; may be given several times
    #[arg(long, value_name = "COUNTER>=N", value_parser = values::requirement)]
    pub(super) require: Vec<Requirement>,
    /// Which operations to time
    #[arg(long, value_enum, default_value_t = TimingArg::Every, value_name = "WHICH")]
    pub(super) timing: TimingArg,
    /// How long a waiter leaves the holder of a global lock alone
    #[arg(long, value_name = "DURATION", default_value = "5ms", value_parser = values::duration)]
    pub(super) switch_interval: Duration,
    /// Make each thread collect after N operations of its own, or after N to M, drawn from the seed
    #[arg(long, value_name = "N[..M]", value_parser = values::collect_every)]
    pub(super) collect_every: Option<CollectEvery>,
    /// Hold threads up within the heap's operations, by what is drawn from the seed: wherever it can
    /// be done, or at some of the points read, change, changed, dying, verdict
    #[arg(long, value_name = "POINT,...", num_args = 0..=1, require_equals = true,
          default_missing_value = values::EVERYWHERE, value_parser = values::points)]
    pub(super) delays: Option<Points>,
    /// Refuse the allocation of this number, counted over all threads; the run goes on
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) fail_alloc: Option<u64>,
    /// Hold a collection up for so long now and then, to see that it shows, and as what
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(super) slow_collection: Option<Duration>,
    /// Write down what is asked of shared lists and counters and what they answer, so many operations
    /// of each thread (N alone: 1000), and judge whether it has an order
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000",
          value_parser = values::positive)]
    pub(super) history: Option<u64>,
    /// Plant a fault from `gcstorm list faults` in the heap, to see that it is caught
    #[arg(long, value_name = "NAME")]
    pub(super) fault: Option<String>,
    /// Where results go; default: reports/<when>/
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Also write all results to one file, or with `-` to standard output in place of the tables:
    /// an object for one run, an array for several
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
}

/// Options of `report`.
#[derive(Debug, Args)]
#[command(after_help = exit::REPORT_HELP)]
pub(super) struct ReportArgs {
    /// Files of results, or directories that hold some; several are put side by side, and the first of
    /// each workload is what the others are compared with
    #[arg(required = true, value_name = "RESULT")]
    pub(super) results: Vec<PathBuf>,
    /// How to draw them; default: a table, or with --out report.md, junit.xml and report.html
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// Write into this directory, and not to standard output
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// How results are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a terminal
    Table,
    /// For a CI job's summary
    Markdown,
    /// For what shows tests
    Junit,
    /// The results themselves
    Json,
    /// One page with pictures
    Html,
}

/// Options of `fuzz`.
#[derive(Debug, Args)]
#[command(after_help = exit::FUZZ_HELP)]
pub(super) struct Fuzz {
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME")]
    pub(super) heaps: Vec<String>,
    /// Where all randomness comes from; drawn and printed if not given
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    #[command(flatten)]
    pub(super) budget: FuzzBudgetArgs,
    /// In which order the mutators take their turns
    #[arg(long, value_enum, default_value_t = ScheduleArg::Steps, value_name = "WHICH")]
    pub(super) schedule: ScheduleArg,
    /// The most operations of a program; default: 50, under a model checker 12
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) ops: Option<u32>,
    /// The most mutators of a program; default: 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) mutators: Option<u32>,
    /// Plant a fault from `gcstorm list faults` in the heap, to see that it is found
    #[arg(long, value_name = "NAME")]
    pub(super) fault: Option<String>,
    /// How long a failure may be shrunk
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub(super) shrink_budget: Duration,
    /// After how many different failures on a heap to stop
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::positive)]
    pub(super) max_failures: u64,
    /// Threads that try programs; default: as many as there are processors, one with `free`
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) jobs: Option<u64>,
    /// How long one program may take before it counts as hung
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    pub(super) time_limit: Duration,
    /// Where failing cases are kept
    #[arg(long, value_name = "DIR", default_value = "reports/failures")]
    pub(super) out: PathBuf,
    /// Also write what was found as JSON to a file, or with `-` to standard output in place of the text
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
}

/// When a hunt on one heap ends, if nothing is found. At most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct FuzzBudgetArgs {
    /// How many programs are tried on each heap
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) cases: Option<u64>,
    /// How long programs are tried on each heap; default: 30s
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(super) duration: Option<Duration>,
}

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(after_help = exit::REPLAY_HELP)]
pub(super) struct Replay {
    /// A file that `fuzz` or a failing run kept
    #[arg(value_name = "CASE")]
    pub(super) case: PathBuf,
    /// A heap in place of the one that the case names; may be given several times
    #[arg(long = "heap", value_name = "NAME")]
    pub(super) heaps: Vec<String>,
    /// A schedule in place of the one that the case names
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(super) schedule: Option<ScheduleArg>,
    /// A fault in place of the one that the case names; `none` for none
    #[arg(long, value_name = "NAME")]
    pub(super) fault: Option<String>,
    /// How often a case that is not exact is run, or in how many schedules one is explored that has
    /// none kept, before it counts as not reproduced
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = values::positive)]
    pub(super) times: u64,
}

/// Options of `compare`.
#[derive(Debug, Args)]
#[command(after_help = exit::COMPARE_HELP)]
pub(super) struct Compare {
    /// A result.json, or a directory with several of them
    #[arg(value_name = "BASE")]
    pub(super) base: PathBuf,
    /// The same, of what may be worse
    #[arg(value_name = "NEW")]
    pub(super) new: PathBuf,
    /// How much worse metrics may get: 5%, or by family, as in throughput=5%,p99=10%,memory=off; the
    /// families are throughput, p50, p99, p99.9, pause, memory
    #[arg(long, value_name = "LIMITS", default_value = "5%", value_parser = Limits::parse)]
    pub(super) max_regression: Limits,
    /// As what to show it
    #[arg(long, value_enum, default_value_t = FormatArg::Table, value_name = "FORMAT")]
    pub(super) format: FormatArg,
    /// Also write the comparison as JSON to a file, or with `-` to standard output in place of the table
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
}

/// Options of `merge`.
#[derive(Debug, Args)]
#[command(after_help = exit::MERGE_HELP)]
pub(super) struct Merge {
    /// Soaks' directories or journals, results of `run`, what was merged before, or directories that hold
    /// any of these; in any order, and the same may be given again
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// As what to show it
    #[arg(long, value_enum, default_value_t = FormatArg::Table, value_name = "FORMAT")]
    pub(super) format: FormatArg,
    /// Where the sum and the cases of what failed go; default: reports/merged-<when>/
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Also write the sum as JSON to a file, or with `-` to standard output in place of the table
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
}

/// How a comparison or a sum is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// For a terminal
    Table,
    /// For a pull request or a job's summary
    Markdown,
}

/// The order in which mutators take their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScheduleArg {
    /// Operation by operation, all on one thread; exact
    Steps,
    /// Each on a thread of its own, as it happens
    Free,
    /// Under a model checker that chooses at random; in builds with --cfg shuttle
    Random,
    /// Under a model checker, by priorities that change a few times; likewise
    Pct,
    /// Under a model checker, one schedule after the other until all were tried; likewise
    Dfs,
}

/// Options of `selftest`.
#[derive(Debug, Args)]
#[command(after_help = exit::SELFTEST_HELP)]
pub(super) struct Selftest {
    /// Fewer seeds: within a minute on two processors, and a gate all the same
    #[arg(long)]
    pub(super) quick: bool,
    /// A fault from `gcstorm list faults`; may be given several times
    #[arg(long = "fault", value_name = "NAME")]
    pub(super) faults: Vec<String>,
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME")]
    pub(super) heaps: Vec<String>,
    /// Seeds for each fault; one that is usually caught is tried on 20 before it is found missing
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) seeds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Trials at a time; default: as many as there are processors
    #[arg(long, value_name = "N", value_parser = values::positive)]
    jobs: Option<u64>,
    /// How long a trial may run, or wait, before it counts as hung
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub(super) time_limit: Duration,
    /// Ignore what this check says, to see that it is missed
    #[arg(long, value_name = "CHECK")]
    pub(super) without_check: Option<String>,
    /// Where the matrix goes; default: reports/selftest-<when>/
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Also write the matrix as JSON to a file, or with `-` to standard output in place of the table
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
}

impl Selftest {
    /// Trials at a time.
    pub(super) fn jobs(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = self.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        asked.unwrap_or(processors).min(64)
    }
}

/// When a run ends. At most one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct BudgetArgs {
    /// How long each run lasts: 500ms, 30s, 8h; default: the workload's own rounds, or else 5s
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(super) duration: Option<Duration>,
    /// How many rounds each thread runs
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) rounds: Option<u64>,
    /// How many operations of their programs the threads run together; the table counts one that takes
    /// several (an append first allocates) as several
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(super) ops: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listed {
    Heaps,
    Workloads,
    Checks,
    Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TimingArg {
    /// All operations
    Every,
    /// One in 61
    Sampled,
    /// None
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
