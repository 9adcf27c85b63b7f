//! Options of `selftest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::{exit, values};

/// Options of `selftest`.
#[derive(Debug, Args)]
#[command(after_help = exit::SELFTEST_HELP)]
pub(in crate::cli) struct Selftest {
    /// Try fewer seeds, which takes a minute on two processors; it still fails if a fault is missed
    #[arg(long)]
    pub(in crate::cli) quick: bool,
    /// A fault from `gcstorm list faults`; may be given several times; default: all
    #[arg(long = "fault", value_name = "NAME")]
    pub(in crate::cli) faults: Vec<String>,
    /// A heap from `gcstorm list heaps`; may be given several times; default: all
    #[arg(long = "heap", value_name = "NAME")]
    pub(in crate::cli) heaps: Vec<String>,
    /// How many seeds to try for each fault; a fault that is usually caught counts as missed only
    /// after 20
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub(in crate::cli) seeds: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) seed: u64,
    /// How many trials to run at a time; default: the number of processors
    #[arg(long, value_name = "N", value_parser = values::positive)]
    jobs: Option<u64>,
    /// How long a trial may make no progress before it counts as hung; time in which the machine
    /// did not run it does not count
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::time_limit)]
    pub(in crate::cli) time_limit: Duration,
    /// Ignore the verdicts of this check, to see that its faults are then missed
    #[arg(long, value_name = "CHECK")]
    pub(in crate::cli) without_check: Option<String>,
    /// The directory for the matrix of faults and checks; default: reports/selftest-<when>/
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write the matrix to a file as JSON, or with `-` to standard output instead of the table
    #[arg(long, value_name = "FILE|-")]
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
