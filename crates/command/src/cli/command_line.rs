//! The whole command line: the commands, and the options that all of them take.

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::args::{Compare, Duel, Fuzz, Init, Merge, Replay, ReportArgs, Run, Selftest, Tour};
use super::events::ProgressArg;
use super::help::{self, OUTPUT, WHAT};
use super::provenance;
use super::soak::Soak;
use crate::report::Detail;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "gcstorm",
    version = provenance::LONG_VERSION,
    about = "Stress-test garbage collectors that count references and collect cycles",
    after_long_help = help::HELP,
    max_term_width = 100,
    disable_help_flag = true
)]
pub(super) struct CommandLine {
    /// How progress is told, as in `--progress json`
    ///
    /// As JSON it is one object a line on standard error, as are messages; reports/README.md describes
    /// them. What heaps print is then left out.
    #[arg(long, global = true, value_enum, default_value_t = ProgressArg::Auto, value_name = "HOW",
          help_heading = OUTPUT, display_order = help::PROGRESS_PLACE, hide_short_help = true)]
    pub(super) progress: ProgressArg,
    /// Whether to colour the output
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN",
          help_heading = OUTPUT, display_order = help::COLOR_PLACE, hide_short_help = true)]
    color: ColorWhen,
    /// Print verdicts only, without tables and progress
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = OUTPUT,
          display_order = help::QUIET_PLACE)]
    quiet: bool,
    /// Print all that is known, also of runs that held
    ///
    /// Also parameters, threads, counters and surveys.
    #[arg(short, long, global = true, help_heading = OUTPUT, display_order = help::VERBOSE_PLACE)]
    verbose: bool,
    /// Take options from this profile of the nearest gcstorm.toml
    ///
    /// Default: `default`, if it has that; `none` for no profile.
    #[arg(long, global = true, value_name = "NAME", help_heading = OUTPUT,
          display_order = help::PROFILE_PLACE)]
    pub(super) profile: Option<String>,
    /// Print help; --help has details, examples, exit codes
    #[arg(short, long, global = true, action = ArgAction::Help, help_heading = OUTPUT,
          display_order = help::HELP_PLACE)]
    help: Option<bool>,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of the whole that mean nothing to some commands: they are understood there, since scripts
/// may put them everywhere, or refused with a reason, and left out of the help.
const UNUSED: [(&str, &[&str]); 11] = [
    ("tour", &["profile", "verbose"]),
    ("init", &["profile", "quiet", "verbose"]),
    ("replay", &["profile"]),
    ("report", &["profile"]),
    ("compare", &["profile", "verbose"]),
    ("merge", &["profile", "verbose"]),
    ("list", &["profile", "quiet"]),
    ("check", &["profile", "quiet", "verbose"]),
    ("completions", &["profile", "quiet", "verbose"]),
    ("man", &["profile", "quiet", "verbose"]),
    ("header", &["profile", "quiet", "verbose"]),
];

/// What values are called that are numbers.
const NUMBERS: [&str; 3] = ["N", "N[..M]", "OPS[,HOW]"];

/// All commands and their options.
pub(super) fn all() -> clap::Command {
    let whole = CommandLine::command();
    // So that `-5s` and `-1` come to the readers of times and numbers, which say what is wrong there.
    let whole = whole.mut_subcommands(|command| {
        command.mut_args(|arg| match arg.get_value_names() {
            Some([name]) if *name == "TIME" => arg.allow_hyphen_values(true),
            Some([name]) if NUMBERS.contains(&name.as_str()) => arg.allow_negative_numbers(true),
            _ => arg,
        })
    });
    let options: Vec<clap::Arg> = whole.get_arguments().cloned().collect();
    UNUSED.into_iter().fold(whole, |whole, (name, unused)| {
        let unused = options
            .iter()
            .filter(|arg| unused.contains(&arg.get_id().as_str()));
        let unused: Vec<clap::Arg> = unused.map(|arg| arg.clone().hide(true)).collect();
        whole.mut_subcommand(name, |command| command.args(unused))
    })
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
    #[command(after_long_help = help::LIST_HELP)]
    List {
        /// What to list
        #[arg(value_enum, help_heading = WHAT, value_name = "WHAT")]
        what: Listed,
    },
    /// Validate workload files, and profiles in a gcstorm.toml
    #[command(after_long_help = help::CHECK_HELP)]
    Check {
        /// Names from `gcstorm list workloads`, .toml files, or a gcstorm.toml
        #[arg(required = true, value_name = "WORKLOAD", help_heading = WHAT)]
        workloads: Vec<String>,
    },
    /// Print shell completions
    #[command(after_long_help = help::COMPLETIONS_HELP)]
    Completions {
        /// The shell to print them for
        #[arg(help_heading = WHAT)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command
    #[command(after_long_help = help::MAN_HELP)]
    Man {
        /// A command, as in `gcstorm man run`
        #[arg(value_name = "COMMAND", help_heading = WHAT, conflicts_with = "out")]
        of: Option<String>,
        /// Write the pages of the program and of all commands here
        #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
        out: Option<PathBuf>,
    },
    /// Print gcstorm.h, the C interface: a shared library that implements it is a heap
    #[command(after_long_help = help::HEADER_HELP)]
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
    /// What can be run on
    Heaps,
    /// What can be run
    Workloads,
    /// What the steps of a workload may name
    #[value(alias = "operations")]
    Ops,
    /// What `--require`, and the `[require]` of a workload, may name
    Counters,
    /// What is judged
    Checks,
    /// What can be planted
    Faults,
    /// What a gcstorm.toml sets
    Profiles,
}
