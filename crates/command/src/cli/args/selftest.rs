//! Options of `selftest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::help::{self, JUDGING, LONG, OUTPUT, WHAT};
use crate::cli::values;

/// Options of `selftest`.
#[derive(Debug, Args)]
#[command(after_long_help = help::SELFTEST_HELP)]
pub(in crate::cli) struct Selftest {
    /// Faults from `gcstorm list faults`; default: all
    ///
    /// May be given several times.
    #[arg(long = "fault", value_name = "NAME", help_heading = WHAT)]
    pub(in crate::cli) faults: Vec<String>,
    /// Heaps from `gcstorm list heaps`; default: all
    ///
    /// As in gil,racy; may be given several times.
    #[arg(long = "heap", value_name = "NAME,...", help_heading = WHAT)]
    pub(in crate::cli) heaps: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "N", help_heading = WHAT, default_value_t = 1,
          allow_hyphen_values = true, value_parser = values::seed)]
    pub(in crate::cli) seed: u64,
    /// Try fewer seeds, which takes a minute on two processors
    ///
    /// It still fails if a fault is missed.
    #[arg(long, help_heading = LONG)]
    pub(in crate::cli) quick: bool,
    /// How many seeds to try for each fault
    ///
    /// A fault that is usually caught counts as missed only after 20.
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    pub(in crate::cli) seeds: Option<u64>,
    /// How many trials to run at a time
    ///
    /// Default: the number of processors.
    #[arg(long, value_name = "N", help_heading = LONG, value_parser = values::positive)]
    jobs: Option<u64>,
    /// How long a trial may make no progress [default: 30s]
    ///
    /// Then it counts as hung; time in which the machine did not run it does not count.
    #[arg(long, value_name = "TIME", help_heading = LONG, default_value = "30s",
          hide_default_value = true, value_parser = values::time_limit)]
    pub(in crate::cli) time_limit: Duration,
    /// Ignore this check, to see that its faults are then missed
    #[arg(long, value_name = "CHECK", help_heading = JUDGING)]
    pub(in crate::cli) without_check: Option<String>,
    /// The directory; default: reports/selftest-<when>/
    ///
    /// It will hold the matrix of faults and checks.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write the matrix as JSON to a file, or to `-`
    ///
    /// `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE|-", help_heading = OUTPUT)]
    pub(in crate::cli) json: Option<PathBuf>,
}

impl Selftest {
    /// How many trials run at a time.
    pub(in crate::cli) fn jobs(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = self.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        asked.unwrap_or(processors).min(64)
    }
}
