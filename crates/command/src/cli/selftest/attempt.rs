//! One trial of `selftest`, in a process of its own: a run that prints only what the checks saw.

use crate::cli::agenda::{Item, RunAgenda};
use crate::cli::args::Run;
use crate::cli::exit::Exit;
use crate::cli::progress::Watch;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::{child::inside, store, threads};
use crate::fuzz::Sighting;
use crate::report::Detail;
use crate::run::Registry;
use crate::soak::Told;

/// Makes the one run that `args` ask for, and prints what the checks saw as JSON.
pub(in crate::cli) fn attempt(
    registry: &Registry,
    args: &Run,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = inside::interrupted()?;
    let agenda = RunAgenda::draw_up(registry, args, &interrupted)?;
    let [Item::Run(task)] = agenda.items.as_slice() else {
        return Err(Usage::new("a trial is one workload on one heap"));
    };
    threads::refuse_too_many(task.threads())?;
    let watch = Watch::new(task, Detail::Verdict).telling();
    let evidence = task
        .heap
        .run(&task.plan, &task.options, &watch)
        .map_err(|fault| Usage::new(format!("failed to open the heap: {fault}")))?;
    inside::tell(&Told::Ran);
    let sighting = Sighting::of(&task.plan, &evidence);
    let text = store::json(&sighting)
        .map_err(|error| Usage::new(format!("failed to write a sighting: {error}")))?;
    terminal.data(&String::from_utf8_lossy(&text));
    Ok(Exit::Held)
}
