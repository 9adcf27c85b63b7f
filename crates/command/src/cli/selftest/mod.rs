//! `selftest`: plants every known fault and shows which check catches it.
//!
//! Each trial is a process of its own, since a fault may crash or hang it. `fuzz::matrix` decides
//! what is tried and judges the trials; this module makes them.

mod attempt;
mod trial;

pub(super) use attempt::attempt;

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{IsolateArg, Selftest};
use super::events::{self, Event, ProgressArg};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::laboratory;
use super::store;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{agenda, interrupt, provenance};
use crate::check;
use crate::clock::Clock;
use crate::fuzz::catalogue::{self, Planted, Show};
use crate::fuzz::matrix::{Depth, Row, RowStanding, Schedule, rows};
use crate::heap::{Caps, Fault};
use crate::report::Detail;
use crate::report::matrix::{self, Matrix};
use crate::run::{Entry, Registry};
use crate::workload::Workload;
use trial::Bench;

/// The interpreter that is tried if no heap is named.
const PYTHON: &str = "python";

/// Tries every fault, and shows which checks caught it.
pub(super) fn selftest(
    registry: &Registry,
    program: &str,
    args: &Selftest,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = interrupt::flag()?;
    let faults = faults(args)?;
    let heaps = heaps(registry, args, terminal)?;
    let can_have = |one: &Planted| heaps.iter().any(|(_, had)| had.contains(&one.fault));
    let plantable: Vec<Planted> = faults.iter().copied().filter(can_have).collect();
    let rows = rows(&faults, &heaps, |heap, show| can_run(registry, heap, show));
    if rows.is_empty() {
        return Err(Usage::new("nothing to try").hint(
            "`list faults` shows which heaps can have which fault, and what shows it; the run that does may \
             need what a heap cannot do",
        ));
    }
    let without = args.without_check.as_deref();
    if let Some(name) = without {
        let known = check::ALL.iter().map(|check| check.name);
        if !known.clone().any(|check| check == name) {
            return Err(Usage::unknown("check", name, known));
        }
    }
    let json = JsonTarget::of(args.json.as_deref())?;
    let directory = store::prepare_directory(args.out.as_deref(), "selftest-")?;
    let bench = Bench::new(args.time_limit, &interrupted, directory.join("lost"));
    let depth = depth(args, &rows);
    let clock = Clock::get();
    let start = clock.now();
    let schedule = try_all(
        &bench,
        Schedule::new(rows, depth, without),
        args.jobs(),
        terminal,
    );
    let elapsed = clock.since(start);
    let tool = provenance::tool(program);
    let reproduce = |row: &Row<'_>, lane, seed| trial::line(program, row, lane, seed);
    let matrix = Matrix {
        elapsed_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
        interrupted: interrupted.load(Relaxed),
        without_check: args.without_check.clone(),
        ..Matrix::new(&schedule, &plantable, tool, reproduce)
    };
    let mut exit = conclude(&matrix, &directory, json, terminal);
    match bench.kept() {
        Ok(None) => {}
        Ok(Some(kept)) => {
            let kept = kept.display();
            terminal.remark(&format!("trials whose process was lost: {kept}"));
        }
        Err(error) => {
            terminal.error(&format!(
                "failed to keep a trial whose process was lost: {error}"
            ));
            exit = exit.and(Exit::Usage);
        }
    }
    Ok(exit)
}

/// The faults that were asked for.
fn faults(args: &Selftest) -> Result<Vec<Planted>, Usage> {
    let known = || catalogue::ALL.iter().map(|planted| planted.fault.name());
    for name in &args.faults {
        if !known().any(|fault| fault == name) {
            let usage = Usage::unknown("fault", name, known());
            return Err(usage.hint("`gcstorm list faults` shows them"));
        }
    }
    let is_asked = |planted: &&Planted| {
        let name = planted.fault.name();
        args.faults.is_empty() || args.faults.iter().any(|asked| asked == name)
    };
    Ok(catalogue::ALL.iter().filter(is_asked).copied().collect())
}

/// The heaps that were asked for, each with the faults that can be planted in it.
fn heaps<'r>(
    registry: &'r Registry,
    args: &Selftest,
    terminal: &mut Terminal,
) -> Result<Vec<(&'r str, Vec<Fault>)>, Usage> {
    let mut asked: Vec<&Entry> = Vec::new();
    for named in &args.heaps {
        for heap in agenda::named_heaps(registry, named)? {
            if !asked.iter().any(|other| other.name == heap.name) {
                asked.push(heap);
            }
        }
    }
    if args.heaps.is_empty() {
        // A heap in which nothing can be planted may be broken by itself.
        asked.extend(
            registry
                .entries()
                .iter()
                .filter(|entry| entry.is_plantable()),
        );
        // An interpreter that has none of the faults is not even asked what it is.
        let is_named = |fault: Fault| args.faults.iter().any(|name| name == fault.name());
        let is_wanted = |entry: &&Entry| args.faults.is_empty() || entry.faults().any(is_named);
        let python = registry.get(PYTHON).filter(is_wanted);
        match python.map(Entry::opens) {
            Some(Ok(_)) => asked.extend(python),
            Some(Err(why)) => terminal.warning(&format!("{PYTHON} is not tried: {why}")),
            None => {}
        }
    }
    laboratory::learn_caps(asked.iter().copied(), IsolateArg::Yes)?;
    Ok(asked
        .into_iter()
        .map(|entry| (entry.name.as_str(), entry.faults().collect()))
        .collect())
}

/// Whether a heap can do all that the run needs which shows a fault.
fn can_run(registry: &Registry, heap: &str, show: &Show) -> bool {
    let text = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    let set: Vec<_> = show.parameters.iter().map(text).collect();
    let workload = Workload::named(show.workload).ok();
    let plan = workload.and_then(|workload| workload.plan(&set, 1).ok());
    let caps = registry.get(heap).map(Entry::caps);
    plan.zip(caps)
        // A heap that could not be asked is tried, which shows why.
        .is_some_and(|(plan, caps)| {
            caps == Caps::NONE || plan.needs().missing_from(&caps).is_empty()
        })
}

/// How many seeds are tried. If only some faults or heaps are tried, sound heaps get no more trials
/// than faults do.
fn depth(args: &Selftest, rows: &[Row<'_>]) -> Depth {
    let mut depth = if args.quick {
        Depth::QUICK
    } else {
        Depth::FULL
    };
    if let Some(seeds) = args.seeds {
        depth.seeds = seeds;
        depth.every = depth.every.min(seeds);
        depth.long = depth.long.min(seeds);
    }
    depth.from = args.seed;
    if !args.faults.is_empty() || !args.heaps.is_empty() {
        let sound = rows.iter().filter(|row| row.fault.is_none()).count() as u64;
        depth.sound = depth.sound.min(sound * depth.seeds);
    }
    depth
}

/// Makes all trials, `jobs` at a time.
fn try_all<'a>(
    bench: &Bench,
    schedule: Schedule<'a>,
    jobs: usize,
    terminal: &Terminal,
) -> Schedule<'a> {
    let bar = bar(terminal.detail_of_bars());
    let progress = terminal.progress();
    let schedule = Mutex::new(schedule);
    let lock = || schedule.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while !bench.is_interrupted() {
            let next = {
                let mut schedule = lock();
                let trial = schedule.next_trial();
                trial.map(|trial| (trial, schedule.rows()[trial.row]))
            };
            let Some((trial, row)) = next else {
                return;
            };
            let Some(tried) = bench.try_out(&row, trial) else {
                return;
            };
            let mut schedule = lock();
            schedule.report(tried);
            let (done, total) = schedule.progress();
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(format!("{} in {}", row.name(), row.heap));
            if progress == ProgressArg::Json {
                events::emit(&Event::SelftestProgress {
                    done,
                    trials: total,
                    fault: row.name(),
                    heap: row.heap,
                });
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            // If the system has no more threads, fewer trials are made at a time.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    bar.finish_and_clear();
    schedule
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

fn bar(detail: Detail) -> ProgressBar {
    let target = if detail == Detail::Verdict {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30.cyan/dim} {pos} of {len} trials: {msg}")
    {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// Writes the files, prints the table, and returns the exit code.
fn conclude(
    matrix: &Matrix,
    directory: &Path,
    json: JsonTarget<'_>,
    terminal: &mut Terminal,
) -> Exit {
    let mut exit = match (matrix.count(RowStanding::Failed), matrix.interrupted) {
        (0, false) => Exit::Held,
        (0, true) => Exit::Interrupted,
        (_, _) => Exit::Violated,
    };
    let bytes = store::json(matrix);
    let files = [
        ("selftest.md", matrix::markdown(matrix).into_bytes()),
        ("selftest.html", matrix::html(matrix).into_bytes()),
    ];
    let written = bytes.and_then(|bytes| {
        store::write_whole(&directory.join("selftest.json"), &bytes)?;
        for (name, page) in &files {
            store::write_whole(&directory.join(name), page)?;
        }
        json.write_with(terminal, |out| out.write_all(&bytes))
    });
    if let Err(error) = written {
        let shown = directory.display();
        terminal.error(&format!("failed to write the matrix to {shown}: {error}"));
        exit = exit.and(Exit::Usage);
    }
    let page = matrix::matrix_table(matrix, terminal.look());
    json.show(&page, terminal);
    terminal.remark(&format!("matrix: {}", directory.display()));
    exit
}
