//! Options of `duel`: those of `run`, and those of `compare` that say how it is judged.

use std::path::PathBuf;

use clap::{Arg, Args};

use super::results::FormatArg;
use super::run::Run;
use crate::cli::help::{self, JUDGING, OUTPUT};
use crate::report::compare::Limits;

/// Options of `duel`.
#[derive(Debug, Args)]
#[command(after_long_help = help::DUEL_HELP, mut_arg("repeat", |arg| arg
    .help("How many runs each build makes [default: 8]")
    .long_help("How many runs each build makes; eight are the fewest that can show a change")
    .hide_default_value(true)
    .default_value("8")))]
#[command(mut_arg("workloads", |arg| arg.long_help(
    "Names from `gcstorm list workloads`, or .toml files\n\n\
     If none is named, all workloads that come with the program are run, which takes about 30 s for \
     each run of each build: eight minutes.")))]
#[command(mut_arg("out", |arg| arg
    .help("The directory for the results of both")
    .long_help("The directory for the results of both, in base/ and new/; default: reports/duel-<when>/\n\n\
      It must not hold results yet.")))]
#[command(mut_arg("json", |arg| arg
    .help("Also write the comparison as JSON to a file, or to `-`")
    .long_help("Also write the comparison as JSON to a file, or to standard output instead of the table")))]
#[command(mut_args(in_brief))]
pub(in crate::cli) struct Duel {
    /// The build to compare with
    ///
    /// A program that was built of gcstorm, or a shared library with the C interface, with or without a text
    /// behind it, as in ./old/libmine.so:TEXT.
    #[arg(value_name = "BASE")]
    pub(in crate::cli) base: PathBuf,
    /// The build to judge: a program or a library, as the other
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

/// Leaves out of the short help what is seldom asked of a comparison.
fn in_brief(option: Arg) -> Arg {
    let is_rare = matches!(
        option.get_id().as_str(),
        "case" | "rate" | "collect_every" | "delays" | "fault" | "verify" | "require" | "history"
    );
    match is_rare {
        true => option.hide_short_help(true),
        false => option,
    }
}
