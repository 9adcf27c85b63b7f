//! Options of the commands that read stored results: `report`, `compare` and `merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::exit;
use crate::report::compare::Limits;

/// Options of `report`.
#[derive(Debug, Args)]
#[command(after_help = exit::REPORT_HELP)]
pub(in crate::cli) struct ReportArgs {
    /// Files of results, or directories that hold some; several are shown side by side, each
    /// compared with the first of its workload that held. Or the directory of one soak
    #[arg(required = true, value_name = "RESULT")]
    pub(in crate::cli) results: Vec<PathBuf>,
    /// The format of the report; default: a table, or with --out report.md, junit.xml and
    /// report.html
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<Format>,
    /// Write into this directory instead of standard output
    #[arg(long, value_name = "DIR")]
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
#[command(after_help = exit::COMPARE_HELP)]
pub(in crate::cli) struct Compare {
    /// The results to compare with: a result.json, or a directory with several of them
    #[arg(value_name = "BASE")]
    pub(in crate::cli) base: PathBuf,
    /// The results to judge: a result.json, or a directory with several of them
    #[arg(value_name = "NEW")]
    pub(in crate::cli) new: PathBuf,
    /// How much worse metrics may get: one limit as in 5%, or one for each family as in
    /// throughput=5%,p99=10%,memory=off; the families are throughput, p50, p99, p99.9, pause,
    /// memory
    #[arg(long, value_name = "LIMITS", default_value = "5%", value_parser = Limits::parse)]
    pub(in crate::cli) max_regression: Limits,
    /// The format of the comparison
    #[arg(long, value_enum, default_value_t = FormatArg::Table, value_name = "FORMAT")]
    pub(in crate::cli) format: FormatArg,
    /// Also write the comparison to a file as JSON, or with `-` to standard output instead of the
    /// table
    #[arg(long, value_name = "FILE|-")]
    pub(in crate::cli) json: Option<PathBuf>,
}

/// Options of `merge`.
#[derive(Debug, Args)]
#[command(after_help = exit::MERGE_HELP)]
pub(in crate::cli) struct Merge {
    /// Directories or journals of soaks, results of `run`, earlier sums, or directories that hold
    /// any of these; the order does not matter, and a path that is given twice counts once
    #[arg(required = true, value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// The format of the sum
    #[arg(long, value_enum, default_value_t = FormatArg::Table, value_name = "FORMAT")]
    pub(in crate::cli) format: FormatArg,
    /// The directory for the sum, its page and the cases that failed; default: reports/merged-<when>/
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also write the sum to a file as JSON, or with `-` to standard output instead of the table
    #[arg(long, value_name = "FILE|-")]
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
