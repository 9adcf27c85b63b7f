//! Replays a recipe: repeats the command in it until it fails.
//!
//! The command sets everything about its run, so other options are refused. Results are not kept;
//! to have them, run the command itself.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::Parser as _;

use super::agenda::{ALL_HEAPS, Item, RunAgenda};
use super::args::{IsolateArg, Replay, Run};
use super::child::Printed;
use super::command_line::{Command, CommandLine};
use super::exit::Exit;
use super::isolate::{NotMade, Processes};
use super::progress;
use super::task::RunTask;
use super::terminal::Terminal;
use super::tries::{Tries, runs};
use super::usage::Usage;
use super::{interrupt, threads};
use crate::check::{self, Verdict};
use crate::clock::Clock;
use crate::fuzz::{CRASHED, Finding, HUNG};
use crate::plan::Case;
use crate::report::{self, Detail};
use crate::result::{Outcome, RunResult};
use crate::run::{Registry, Unobserved, is_path};

/// The outcome of a replay.
pub(super) struct Replayed {
    /// The heap, and the fault that was planted in it.
    pub(super) subject: String,
    pub(super) finding: Option<Finding>,
    /// In which run it failed, or in how many it did not.
    pub(super) how: String,
    pub(super) is_interrupted: bool,
}

/// Repeats the command of the recipe until it fails, at most as often as `args` allow.
pub(super) fn replay(
    registry: &Registry,
    program: &str,
    args: &Replay,
    case: &Case,
    terminal: &mut Terminal,
) -> Result<Replayed, Usage> {
    if !args.heaps.is_empty() || args.fault.is_some() || args.schedule.is_some() {
        return Err(Usage::new("a recipe sets its own heap, fault and schedule")
            .hint("change the command after `again` in the file"));
    }
    if args.isolate == Some(IsolateArg::No) {
        return Err(Usage::new("a recipe is run in a process of its own")
            .hint("run the command after `again` in the file, with `--isolate no`"));
    }
    let shown = args.case.display();
    let unfit = || {
        Usage::new(format!("the command in {shown} is not one run"))
            .hint("it names one workload and one heap, and does not repeat them")
    };
    let words = std::iter::once(program).chain(case.again.iter().map(String::as_str));
    let line = CommandLine::try_parse_from(words)
        .map_err(|error| Usage::new(format!("the command in {shown} cannot be run: {error}")))?;
    let Command::Run(run) = line.command else {
        return Err(unfit());
    };
    // This is checked before anything is planned, since a file can ask for more runs than memory
    // can hold.
    if !is_one(&run) {
        return Err(unfit());
    }
    let interrupted = interrupt::flag()?;
    let agenda = RunAgenda::draw_up(registry, &run, &interrupted)?;
    let [Item::Run(task)] = agenda.items.as_slice() else {
        return Err(unfit());
    };
    threads::refuse_too_many(task.threads())?;
    let limit = args.time_limit.or(run.time_limit);
    let mut processes = Processes::new(program, limit, Printed::Dropped);
    repeat(&mut processes, task, args, &interrupted, terminal)
}

/// Makes the runs, and shows how many were made.
fn repeat(
    processes: &mut Processes,
    task: &RunTask<'_>,
    args: &Replay,
    interrupted: &AtomicBool,
    terminal: &mut Terminal,
) -> Result<Replayed, Usage> {
    let tries = Tries::of(args.times);
    terminal.remark(&tries.announced());
    let mut done = Replayed {
        subject: task.subject(),
        finding: None,
        how: String::new(),
        is_interrupted: false,
    };
    let began = Clock::get().now();
    let mut crash = None;
    let bar = progress::counting("run", tries.times, terminal.detail_of_bars());
    for time in 1..=tries.times {
        done.finding = match processes.run(task, &Unobserved) {
            Ok(made) => {
                crash = made.result.evidence.crash.clone();
                finding(&made.result)
            }
            Err(NotMade {
                why,
                exit: Exit::Crashed,
            }) => Some(crashed(why)),
            Err(NotMade { why, .. }) => {
                let shown = args.case.display();
                let text = format!("failed to run the command in {shown}: {why}");
                return Err(Usage::new(text));
            }
        };
        bar.inc(1);
        done.how = match done.finding {
            Some(_) => format!("in run {time}"),
            None => format!("in {}", runs(time)),
        };
        done.is_interrupted = interrupted.load(Relaxed);
        if done.finding.is_some() || done.is_interrupted {
            break;
        }
        if let Some(why) = tries.stopped(began, time) {
            bar.finish_and_clear();
            terminal.remark(&why);
            break;
        }
    }
    bar.finish_and_clear();
    if let Some(crash) = &crash
        && terminal.detail() != Detail::Verdict
    {
        terminal.data(&report::crash::lines(crash, terminal.look().width));
    }
    Ok(done)
}

/// Whether these options ask for a single run, as far as can be told without planning it.
fn is_one(run: &Run) -> bool {
    let named = run.workloads.len() + usize::from(run.case.is_some());
    // A comma may also be in the name of a library.
    let is_one_heap = |name: &String| name != ALL_HEAPS && (is_path(name) || !name.contains(','));
    named == 1 && run.heaps.len() <= 1 && run.heaps.iter().all(is_one_heap) && run.repeat == 1
}

/// What is wrong with a run: its first violated check, or how it ended.
fn finding(result: &RunResult) -> Option<Finding> {
    let mut checks = result.checks.iter();
    if let Some(violated) = checks.find(|check| check.verdict == Verdict::Violated) {
        let check = check::ALL.iter().find(|check| check.name == violated.name);
        return Some(Finding {
            check: check.map_or(CRASHED, |check| check.name),
            turn: None,
            text: violated.detail.clone().unwrap_or_default(),
        });
    }
    match result.verdict {
        Outcome::Held | Outcome::Vacuous | Outcome::Interrupted => None,
        Outcome::Violated | Outcome::Crashed | Outcome::Hung => {
            let told = result.caveats.iter().map(|caveat| caveat.text.as_str());
            let check = match result.verdict {
                Outcome::Hung => HUNG,
                _ => CRASHED,
            };
            Some(Finding {
                check,
                ..crashed(told.collect::<Vec<_>>().join("; "))
            })
        }
    }
}

fn crashed(text: String) -> Finding {
    Finding {
        check: CRASHED,
        turn: None,
        text,
    }
}
