//! Options of the commands that read stored results: `report`, `compare` and `merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::help::{self, JUDGING, OUTPUT, WHAT};
use crate::report::compare::Limits;

/// Options of `report`.
#[derive(Debug, Args)]
#[command(after_long_help = help::REPORT_HELP)]
pub(in crate::cli) struct ReportArgs {
    /// Files of results, or directories that hold some
    ///
    /// Several are shown side by side, each compared with the first of its workload that held. Or
    /// the directory of one soak.
    #[arg(required = true, value_name = "RESULT", help_heading = WHAT)]
    pub(in crate::cli) results: Vec<PathBuf>,
    /// The format of the report; default: a table
    ///
    /// With --out: report.md, junit.xml and report.html.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = OUTPUT)]
    pub(in crate::cli) format: Option<Format>,
    /// Write into this directory instead of standard output
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Tables for a terminal
    Table,
    /// Markdown, for the job summary of a CI system
    Markdown,
    /// JUnit XML, for tools that show test results
    Junit,
    /// The results themselves as JSON
    Json,
    /// One HTML page with charts
    Html,
}

/// Options of `compare`.
#[derive(Debug, Args)]
#[command(after_long_help = help::COMPARE_HELP)]
pub(in crate::cli) struct Compare {
    /// What to compare with: a result.json, or a directory with several of them
    #[arg(value_name = "BASE", help_heading = WHAT)]
    pub(in crate::cli) base: PathBuf,
    /// What to judge: a result.json, or a directory with several of them
    #[arg(value_name = "NEW", help_heading = WHAT)]
    pub(in crate::cli) new: PathBuf,
    /// How much worse metrics may get
    ///
    /// One limit as in 5%, or one for each family as in throughput=5%,p99=10%,memory=off; the
    /// families are throughput, p50, p99, p99.9, pause, memory.
    #[arg(long, value_name = "LIMITS", help_heading = JUDGING, default_value = "5%",
          value_parser = Limits::parse)]
    pub(in crate::cli) max_regression: Limits,
    /// The format of the comparison
    #[arg(long, value_enum, help_heading = OUTPUT, default_value_t = FormatArg::Table,
          value_name = "FORMAT")]
    pub(in crate::cli) format: FormatArg,
    /// Also write the comparison as JSON to a file, or to `-`
    ///
    /// `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE|-", help_heading = OUTPUT)]
    pub(in crate::cli) json: Option<PathBuf>,
}

/// Options of `merge`.
#[derive(Debug, Args)]
#[command(after_long_help = help::MERGE_HELP)]
pub(in crate::cli) struct Merge {
    /// Soaks, results of `run`, earlier sums
    ///
    /// Directories or journals of soaks, results of `run`, earlier sums, or directories that hold
    /// any of these; the order does not matter, and a path that is given twice counts once.
    #[arg(required = true, value_name = "PATH", help_heading = WHAT)]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// The format of the sum
    #[arg(long, value_enum, help_heading = OUTPUT, default_value_t = FormatArg::Table,
          value_name = "FORMAT")]
    pub(in crate::cli) format: FormatArg,
    /// The directory; default: reports/merged-<when>/
    ///
    /// It will hold the sum, its page and the cases that failed.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write the sum as JSON to a file, or to `-`
    ///
    /// `-` is standard output, instead of the table.
    #[arg(long, value_name = "FILE|-", help_heading = OUTPUT)]
    pub(in crate::cli) json: Option<PathBuf>,
}

/// The formats of a comparison or a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FormatArg {
    /// Tables for a terminal
    Table,
    /// Markdown, for a pull request or a job summary
    Markdown,
}
