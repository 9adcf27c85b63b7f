//! Options of `duel`: those of `run`, and those of `compare` that say how it is judged.

use std::path::PathBuf;

use clap::Args;

use super::results::FormatArg;
use super::run::Run;
use crate::cli::help::{self, JUDGING, OUTPUT};
use crate::report::compare::Limits;

/// Options of `duel`.
#[derive(Debug, Args)]
#[command(after_long_help = help::DUEL_HELP, mut_arg("repeat", |arg| arg
    .help("How many runs each build makes; eight are the fewest that can show a change")
    .default_value("8")))]
#[command(mut_arg("workloads", |arg| arg.long_help(
    "Names from `gcstorm list workloads`, or .toml files\n\n\
     If none is named, all workloads that come with the program are run, which takes about 30 s for \
     each run of each build: eight minutes.")))]
#[command(mut_arg("out", |arg| {
    let help = "The directory for the results of both, in base/ and new/; default: reports/duel-<when>/";
    arg.help(help).long_help(format!("{help}\n\nIt must not hold results yet."))
}))]
#[command(mut_arg("json", |arg| {
    let help = "Also write the comparison to a file as JSON, or with `-` to standard output instead \
                of the table";
    arg.help(help).long_help(help)
}))]
pub(in crate::cli) struct Duel {
    /// The build to compare with: a program that was built of gcstorm
    #[arg(value_name = "BASE")]
    pub(in crate::cli) base: PathBuf,
    /// The build to judge
    #[arg(value_name = "NEW")]
    pub(in crate::cli) new: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) run: Box<Run>,
    /// How much worse metrics may get, as in `compare`
    #[arg(long, value_name = "LIMITS", help_heading = JUDGING, default_value = "5%",
          value_parser = Limits::parse)]
    pub(in crate::cli) max_regression: Limits,
    /// The format of the comparison
    #[arg(long, value_enum, help_heading = OUTPUT, default_value_t = FormatArg::Table,
          value_name = "FORMAT")]
    pub(in crate::cli) format: FormatArg,
}
