//! The command line: the only place that prints or exits.
//!
//! Everything is validated before anything runs: the workloads are read, planned for every heap that
//! was named, and the place for the results is tried. Then the runs follow one another, each written
//! and shown as soon as it is done. Data goes to standard output, progress and messages to standard
//! error. A reader of standard output that goes away is nobody's error.
//!
//! A program of your own that adds a heap is [`main`] with a [`Registry`] of your own.

mod agenda;
mod agreement;
mod args;
mod check;
mod compare;
mod control;
mod exit;
mod faults;
mod fuzz;
mod hush;
mod interrupt;
mod isolate;
mod json_target;
mod list;
mod manual;
mod merge;
mod patience;
mod perform;
mod progress;
mod provenance;
mod publish;
mod recipe;
mod replay;
mod report;
mod reproduce;
mod selftest;
mod soak;
mod store;
mod stored;
mod terminal;
mod usage;
mod values;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::run::Registry;
use args::{Cli, Command};
use exit::Exit;
use terminal::Terminal;
use usage::Usage;

/// The whole program, with these heaps and the process's arguments.
pub fn main(registry: Registry) -> ExitCode {
    main_from(&registry, std::env::args_os()).into()
}

fn main_from(registry: &Registry, arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = program_name(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and the version are answers, too; where they cannot be shown nobody looks.
            let _ = answer.print();
            return if answer.use_stderr() {
                Exit::Usage
            } else {
                Exit::Held
            };
        }
    };
    let mut terminal = Terminal::new(&cli);
    let done = match cli.command {
        Command::Run(run) => control::needs_threads("run")
            .and_then(|()| perform::run(registry, &program, &run, &mut terminal)),
        Command::Soak(args) => control::needs_threads("soak")
            .and_then(|()| soak::soak(registry, &program, &args, &mut terminal)),
        Command::Stint(run) => soak::stint(registry, &program, run, &mut terminal),
        Command::Fuzz(args) => fuzz::fuzz(registry, &program, &args, &mut terminal),
        Command::Replay(args) => replay::replay(registry, &program, &args, &mut terminal),
        Command::Selftest(args) => control::needs_threads("selftest")
            .and_then(|()| selftest::selftest(registry, &program, &args, &mut terminal)),
        Command::Report(args) => report::report(&args, &mut terminal),
        Command::Attempt(run) => selftest::attempt(registry, &run, &mut terminal),
        Command::List { what } => {
            list::list(registry, what, &mut terminal);
            Ok(Exit::Held)
        }
        Command::Check { workloads } => Ok(check::check(&workloads, &mut terminal)),
        Command::Compare(args) => compare::compare(&args, &mut terminal),
        Command::Merge(args) => merge::merge(&program, &args, &mut terminal),
        Command::Completions { shell } => {
            manual::completions(shell, &program, &mut terminal);
            Ok(Exit::Held)
        }
        Command::Man => {
            manual::page(&mut terminal);
            Ok(Exit::Held)
        }
    };
    let exit = done.unwrap_or_else(|usage: Usage| {
        terminal.message(usage.text());
        Exit::Usage
    });
    exit.and(terminal.close())
}

/// How the program was called, for lines that others are to paste.
fn program_name(arguments: &[OsString]) -> String {
    let stem = arguments
        .first()
        .and_then(|path| Path::new(path).file_stem());
    stem.map_or_else(
        || "gcstorm".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}
