//! The command line: the only place that prints or exits.
//!
//! Everything is validated before anything runs: workloads are read and planned for every heap that
//! was named, and the directory for results is written to once. Then the runs follow one another;
//! each is written and shown as soon as it is done. Data goes to standard output, progress and
//! messages go to standard error. It is not an error if the reader of standard output goes away.
//!
//! Files stand in layers, and a file imports only from layers below its own:
//!
//! 1. `command_line`: all commands and their options. Only code that takes a whole command line
//!    apart is above it ([`main`], `recipe`, `replay`, `manual`, `tour`, `duel`, `slips`, and
//!    `profile`, which completes it).
//! 2. The commands: `run` is in `perform`, the others are in files and directories of their names.
//! 3. What commands have in common: `agenda` says what is to be run, `task` is one run of it,
//!    `store` and `publish` write results, `isolate` makes runs in child processes and `here` in
//!    this one, `laboratory` tries cases in child processes and `attempt` and `again` in this one,
//!    `reproduce` writes command lines, `invocation` their beginning, and `next_step` those for a
//!    debugger.
//! 4. `args`, the options; `values`, the values of options; `help`, what is said of them; `events`,
//!    `exit`, `terminal`, `usage`.
//!
//! A program of your own that adds a heap calls [`main`] with a [`Registry`] of its own.

mod again;
mod agenda;
mod agreement;
mod args;
mod attempt;
mod check;
mod child;
mod command_line;
mod compare;
mod control;
mod duel;
mod earlier;
mod events;
mod exit;
mod faults;
mod fuzz;
mod help;
mod here;
mod hush;
mod init;
mod interrupt;
mod invocation;
mod isolate;
mod json_target;
mod laboratory;
mod list;
mod manual;
mod merge;
mod missing;
mod near;
mod next_step;
mod perform;
mod profile;
mod progress;
mod provenance;
mod publish;
mod recipe;
mod replay;
mod report;
mod reproduce;
mod selftest;
mod slips;
mod soak;
mod store;
mod stored;
mod task;
mod terminal;
mod threads;
mod tour;
mod tries;
mod typed;
mod usage;
mod values;
mod welcome;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::report::Detail;
use crate::run::Registry;
use anstream::ColorChoice;
use command_line::Command;
use events::{Event, ProgressArg};
use exit::Exit;
use profile::{Completed, InUse, Refusal};
use terminal::Terminal;
use usage::Usage;

/// Runs the whole program with these heaps and the arguments of the process.
pub fn main(registry: Registry) -> ExitCode {
    main_from(&registry, std::env::args_os()).into()
}

fn main_from(registry: &Registry, arguments: impl IntoIterator<Item = OsString>) -> Exit {
    interrupt::outlive_full_files();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = program_name(&arguments);
    if arguments.len() <= 1 {
        // Nothing was asked for: a script that forgot what to run should notice.
        Terminal::new(ColorChoice::Auto, Detail::Page, ProgressArg::Auto)
            .message(&welcome::text(&program));
        return Exit::Usage;
    }
    let completed = match profile::complete(registry, &arguments) {
        Ok(completed) => completed,
        Err(Refusal::Typed(answer)) => return answered(&answer),
        Err(Refusal::Profile(usage)) => {
            Terminal::new(ColorChoice::Auto, Detail::Page, ProgressArg::Auto).message(usage.text());
            return Exit::Usage;
        }
    };
    let line = &completed.line;
    let mut terminal = Terminal::new(line.color(), line.detail(), line.progress);
    if let Some(profile) = &completed.profile {
        tell(profile, &mut terminal);
    }
    let done = obey(registry, &program, completed, &mut terminal);
    let exit = done.unwrap_or_else(|usage: Usage| {
        terminal.refuse(usage.text());
        Exit::Usage
    });
    let exit = exit.and(terminal.close());
    terminal.event(&Event::Ends { exit: exit.code() });
    exit
}

/// Does what the command line asks for.
fn obey(
    registry: &Registry,
    program: &str,
    completed: Completed,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let Completed {
        line,
        matches,
        profile,
    } = completed;
    let are_heaps_of_profile = profile.as_ref().is_some_and(InUse::names_heaps);
    let profile = profile.map(|profile| profile.name);
    match line.command {
        Command::Tour(args) => control::needs_threads("tour")
            .and_then(|()| tour::tour(registry, program, &args, terminal)),
        Command::Init(args) => init::init(program, &args, terminal),
        Command::Run(mut run) => control::needs_threads("run").and_then(|()| {
            run.profile = profile;
            run.are_heaps_of_profile = are_heaps_of_profile;
            perform::run(registry, program, &mut run, terminal)
        }),
        Command::Soak(mut args) => control::needs_threads("soak").and_then(|()| {
            args.profile = profile;
            soak::soak(registry, program, &args, terminal)
        }),
        Command::Stint(run) => soak::stint(registry, program, run, terminal),
        Command::Fuzz(mut args) => {
            args.profile = profile;
            fuzz::fuzz(registry, program, &args, terminal)
        }
        Command::Replay(args) => replay::replay(registry, program, &args, terminal),
        Command::Selftest(args) => control::needs_threads("selftest")
            .and_then(|()| selftest::selftest(registry, program, &args, terminal)),
        Command::Report(args) => report::report(program, &args, terminal),
        Command::Attempt(run) => selftest::attempt(registry, &run),
        Command::Cases { keep } => laboratory::serve(registry, keep),
        Command::List { what } => list::list(registry, what, terminal),
        Command::Check { workloads } => Ok(check::check(registry, &workloads, terminal)),
        Command::Compare(args) => compare::compare(&args, terminal),
        Command::Duel(mut args) => {
            args.run.are_heaps_of_profile = are_heaps_of_profile;
            let words = duel::words(&matches);
            duel::duel(program, &args, &words, terminal)
        }
        Command::Merge(args) => merge::merge(program, &args, terminal),
        Command::Completions { shell } => {
            manual::completions(registry, shell, program, terminal);
            Ok(Exit::Held)
        }
        Command::Man {
            of: None,
            out: Some(directory),
        } => manual::pages(&directory),
        Command::Man { of, .. } => manual::page(of.as_deref(), terminal),
        Command::Header => {
            terminal.data(crate::heap::foreign::HEADER);
            Ok(Exit::Held)
        }
    }
}

/// Tells which profile is in use, so that nobody has to wonder where an option came from.
fn tell(profile: &InUse, terminal: &mut Terminal) {
    let (which, adds) = profile.told(reproduce::quoted);
    match terminal.detail() {
        Detail::Everything => terminal.remark(&format!("{which}: {adds}")),
        Detail::Page | Detail::Verdict => terminal.remark(&which),
    }
}

/// Prints help or the version, which are data, or what is wrong with the command line.
fn answered(answer: &clap::Error) -> Exit {
    let mut terminal = Terminal::new(ColorChoice::Auto, Detail::Page, ProgressArg::Auto);
    let text = answer.render().ansi().to_string();
    if answer.use_stderr() {
        terminal.message(text.trim_end_matches('\n'));
        return Exit::Usage;
    }
    terminal.data(&text);
    terminal.close()
}

/// The name that the program was called by, for command lines that people paste.
fn program_name(arguments: &[OsString]) -> String {
    let stem = arguments
        .first()
        .and_then(|path| Path::new(path).file_stem());
    stem.map_or_else(
        || "gcstorm".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}
