//! The child process that makes the rounds of a stint, seen from inside: one heap, and a run on it
//! for each request on standard input.
//!
//! The outcome of a round is reported to the parent in a line ([`Told`]). If it failed, its result
//! and its case are written to the directory that `--out` names.

use crate::cli::agenda::{Item, RunAgenda};
use crate::cli::args::Run;
use crate::cli::child::inside;
use crate::cli::exit::Exit;
use crate::cli::progress::Watch;
use crate::cli::store::{Beside, Store};
use crate::cli::task::RunTask;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::{provenance, publish, reproduce};
use crate::evidence::Evidence;
use crate::memory;
use crate::report::{self, Collected, Detail};
use crate::result::{Outcome, RunResult};
use crate::run::{Opened, Registry};
use crate::soak::{Came, Found, Over, Told};

/// Makes the runs that `args` ask for, all on one heap, one for each request on standard input.
pub(in crate::cli) fn stint(
    registry: &Registry,
    program: &str,
    mut args: Box<Run>,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    memory::start();
    let (interrupted, wanted) = inside::asked()?;
    let first = args.seed.unwrap_or(0);
    // Rounds are planned one at a time: a stint may have thousands of them, and their plans take
    // memory.
    let rounds = std::mem::replace(&mut args.repeat, 1);
    let mut heap: Option<Box<dyn Opened>> = None;
    for round_number in 0..rounds {
        args.seed = Some(first.wrapping_add(round_number));
        let agenda = RunAgenda::draw_up(registry, &args, &interrupted)?;
        let [Item::Run(task)] = agenda.items.as_slice() else {
            return Err(Usage::new(
                "a stint runs one workload that the heap supports",
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
        let watch = Watch::new(task, Detail::Verdict).telling();
        // The last round includes closing the heap, so a crash there is that round's.
        let evidence = if round_number + 1 < rounds {
            let evidence = opened.run(&task.plan, &task.options, &watch);
            heap = Some(opened);
            evidence
        } else {
            opened.run_last(&task.plan, &task.options, &watch)
        };
        let mut over = judged(program, &args, task, evidence, terminal);
        if heap.is_some() {
            over.found.allocated_after = memory::in_use();
        }
        inside::tell(&Told::Over(Box::new(over)));
    }
    Ok(Exit::Held)
}

/// Judges a round, and keeps nothing of it in memory.
fn judged(
    program: &str,
    args: &Run,
    task: &RunTask<'_>,
    evidence: Evidence,
    terminal: &mut Terminal,
) -> Over {
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
    let case = report::failure(&task.plan, &task.options, &result, reproduce::again(task));
    let turns = case.as_ref().filter(|case| !case.is_recipe());
    let found = Found::of(&result, turns.map(|case| case.turns.len() as u64));
    let kept = Store::prepare(args.out.as_deref(), 1).map_err(|usage| usage.text().to_owned());
    let kept = kept.and_then(|mut store| {
        let kept = store.keep(
            &result,
            Beside {
                case: case.as_ref(),
                stacks: result.evidence.stacks.as_deref(),
                program: task.heap.program(&task.plan, &task.options),
            },
        );
        let directory = store.directory().to_owned();
        let collected = Collected {
            results: vec![result],
            ..Collected::default()
        };
        let drawn = kept.and_then(|_| publish::all(&directory, &collected));
        drawn.map_err(|error| error.to_string())
    });
    if let Err(why) = kept {
        terminal.error(&format!("failed to keep the files of the round: {why}"));
    }
    Over { came, found }
}
