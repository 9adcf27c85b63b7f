//! The process that makes the rounds of a stint, from inside: one heap, and a run for each line on
//! standard input.
//!
//! What a round came to goes to standard output as a line ([`Told`]); only of one that failed everything is
//! written, where `--out` says. When standard input is closed the soak is no more, and the process ends at
//! once, whatever it is at.

use std::io::{BufRead as _, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};

use crate::cli::agenda::{Item, RunAgenda};
use crate::cli::args::Run;
use crate::cli::exit::Exit;
use crate::cli::progress::Watch;
use crate::cli::store::Store;
use crate::cli::task::RunTask;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::{interrupt, provenance, publish, reproduce};
use crate::evidence::Survey;
use crate::memory;
use crate::report::{self, Collected, Detail};
use crate::result::{Outcome, RunResult};
use crate::run::{Observer, Opened, Progress, Registry};
use crate::soak::{Beat, Came, Found, Over, Told};

/// How far beats lie apart at least, in milliseconds.
const BEAT_MS: u64 = 200;

/// Makes the runs that `args` ask for, all on one heap, one for each line on standard input.
pub(in crate::cli) fn stint(
    registry: &Registry,
    program: &str,
    mut args: Box<Run>,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    memory::start();
    let interrupted = interrupt::deaf()?;
    let wanted = listen()?;
    let first = args.seed.unwrap_or(0);
    // One at a time: a stint may have thousands, and nobody needs all of their plans at once.
    let rounds = std::mem::replace(&mut args.repeat, 1);
    let mut heap: Option<Box<dyn Opened>> = None;
    for round_number in 0..rounds {
        args.seed = Some(first.wrapping_add(round_number));
        let agenda = RunAgenda::draw_up(registry, &args, &interrupted)?;
        let [Item::Run(task)] = agenda.items.as_slice() else {
            return Err(Usage::new(
                "a stint is of one workload that the heap can do",
            ));
        };
        if wanted.recv().is_err() {
            break;
        }
        let opened = match heap.take() {
            Some(opened) => opened,
            None => (task.heap.open(&task.plan, &task.options))
                .map_err(|fault| Usage::new(format!("failed to open the heap: {fault}")))?,
        };
        let mut over = round(program, &args, task, &*opened, terminal);
        // What goes wrong when a heap is closed goes wrong in its last round.
        heap = (round_number + 1 < rounds).then_some(opened);
        if heap.is_some() {
            over.found.allocated_after = memory::in_use();
        }
        tell(&Told::Over(Box::new(over)));
    }
    Ok(Exit::Held)
}

/// One round, of which nothing is left in memory.
fn round(
    program: &str,
    args: &Run,
    task: &RunTask<'_>,
    heap: &dyn Opened,
    terminal: &mut Terminal,
) -> Over {
    let pulse = Pulse {
        watch: Watch::new(task, Detail::Verdict),
        last_ms: AtomicU64::new(0),
    };
    let evidence = heap.run(&task.plan, &task.options, &pulse);
    let reproduce = reproduce::line(program, task);
    let tool = provenance::tool(program);
    let result = RunResult::new(&task.plan, evidence, tool, reproduce);
    let came = Came::Judged {
        outcome: result.verdict,
    };
    if matches!(result.verdict, Outcome::Held | Outcome::Vacuous) {
        let found = Found::of(&result, None);
        return Over { came, found };
    }
    let case = report::failure(
        &task.plan,
        &task.options,
        &result,
        reproduce::again(program, task),
    );
    let turns = case.as_ref().filter(|case| !case.is_recipe());
    let found = Found::of(&result, turns.map(|case| case.turns.len() as u64));
    let kept = Store::prepare(args.out.as_deref(), 1).map_err(|usage| usage.text().to_owned());
    let kept = kept.and_then(|mut store| {
        let kept = store.keep(&result, case.as_ref());
        let directory = store.directory().to_owned();
        let collected = Collected {
            results: vec![result],
            ..Collected::default()
        };
        let drawn = kept.and_then(|_| publish::all(&directory, &collected));
        drawn.map_err(|error| error.to_string())
    });
    if let Err(why) = kept {
        terminal.error(&format!("failed to keep what the round left: {why}"));
    }
    Over { came, found }
}

/// Wakes up whoever waits for the next line on standard input; ends the process when there is none.
fn listen() -> Result<Receiver<()>, Usage> {
    let (want, wanted) = channel();
    let listening = std::thread::Builder::new().spawn(move || {
        let mut line = String::new();
        let mut input = std::io::stdin().lock();
        while matches!(input.read_line(&mut line), Ok(1..)) {
            line.clear();
            if want.send(()).is_err() {
                return;
            }
        }
        #[expect(clippy::exit, reason = "nobody is left to hand a result to")]
        std::process::exit(i32::from(Exit::Interrupted.code()))
    });
    listening
        .map(|_| wanted)
        .map_err(|error| Usage::new(format!("failed to listen for what to do: {error}")))
}

/// Says how far a round is.
struct Pulse<'a> {
    watch: Watch<'a>,
    /// When it said so last; only the monitor of the run asks.
    last_ms: AtomicU64,
}

impl Observer for Pulse<'_> {
    fn progress(&self, progress: Progress) {
        let elapsed_ms = u64::try_from(progress.elapsed.as_millis()).unwrap_or(u64::MAX);
        if elapsed_ms < self.last_ms.load(Relaxed) + BEAT_MS {
            return;
        }
        self.last_ms.store(elapsed_ms, Relaxed);
        tell(&Told::Beat(Beat {
            elapsed_ms,
            ops: progress.ops,
            live: progress.live,
            unreclaimed: progress.unreclaimed,
            rss_bytes: progress.rss_bytes,
        }));
    }

    fn surveyed(&self, survey: &Survey) -> ControlFlow<()> {
        self.watch.surveyed(survey)
    }
}

fn tell(told: &Told) {
    let Ok(line) = told.line() else { return };
    let mut out = std::io::stdout().lock();
    // If nobody listens the process is about to end anyway.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
