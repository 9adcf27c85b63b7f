//! The whole command line: the commands, and the options that all of them take.

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{Parser, Subcommand, ValueEnum};

use super::args::{Compare, Duel, Fuzz, Init, Merge, Replay, ReportArgs, Run, Selftest, Tour};
use super::soak::Soak;
use super::{exit, provenance};
use crate::report::Detail;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "gcstorm",
    version = provenance::LONG_VERSION,
    about = "Stress-test garbage collectors that count references and collect cycles",
    after_help = exit::HELP,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(super) struct CommandLine {
    /// Whether to colour the output
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    color: ColorWhen,
    /// Print verdicts only, without tables and progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also print parameters, threads, counters and surveys
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Take options from this profile of the nearest gcstorm.toml; default: `default`, if it has
    /// that; `none` for no profile
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl CommandLine {
    /// Whether the output is coloured.
    pub(super) fn color(&self) -> ColorChoice {
        match self.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::AlwaysAnsi,
            ColorWhen::Never => ColorChoice::Never,
        }
    }

    /// How much is printed.
    pub(super) fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Verdict,
            (false, false) => Detail::Page,
            (false, true) => Detail::Everything,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show in half a minute what this is: three heaps, a fault that is caught, a page
    Tour(Tour),
    /// Write a crate for a heap of your own
    Init(Init),
    /// Run workloads on heaps and judge what happened
    Run(Box<Run>),
    /// Run workloads for hours, round after round, each with a fresh seed
    Soak(Box<Soak>),
    /// Generate random programs and run them; shrink and keep those that fail
    Fuzz(Box<Fuzz>),
    /// Run a kept case again
    Replay(Replay),
    /// Plant every known fault, and show which check catches it
    Selftest(Selftest),
    /// Judge stored results again and draw reports of them
    Report(ReportArgs),
    /// Compare two sets of results: is the new one worse?
    Compare(Compare),
    /// Run two builds in turns, and compare them: is the new one worse?
    Duel(Duel),
    /// Add up what many machines found: soaks, shards of soaks, runs, and earlier sums
    Merge(Merge),
    /// One trial of `selftest`; reports to its parent what each check said
    #[command(hide = true)]
    Attempt(Box<Run>),
    /// The rounds of one stint of `soak`, one for each line on standard input
    #[command(hide = true)]
    Stint(Box<Run>),
    /// What other commands want done with cases on heaps that are not trusted
    #[command(hide = true)]
    Cases {
        /// Where each case is kept while it is tried
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// List the names that commands and workloads accept
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
    /// Print shell completions
    Completions {
        /// The shell to print them for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Print gcstorm.h, the C interface: a shared library that implements it is a heap
    Header,
}

/// When the output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// What `list` can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Listed {
    Heaps,
    Workloads,
    Checks,
    Faults,
    Profiles,
}
