//! One trial, in a process of its own: a run of which only the sighting is told.

use crate::cli::agenda::{Agenda, Item};
use crate::cli::args::Run;
use crate::cli::exit::Exit;
use crate::cli::progress::Watch;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::{interrupt, store};
use crate::fuzz::Sighting;
use crate::report::Detail;
use crate::run::Registry;

/// Runs the one thing that `args` ask for, and prints its sighting as JSON, whatever it is.
pub(in crate::cli) fn attempt(
    registry: &Registry,
    args: &Run,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let interrupted = interrupt::flag()?;
    let agenda = Agenda::draw_up(registry, args, &interrupted)?;
    let [Item::Run(task)] = agenda.items.as_slice() else {
        return Err(Usage::new("an attempt is one workload on one heap"));
    };
    let watch = Watch::new(task, Detail::Verdict);
    let evidence = task
        .heap
        .run(&task.plan, &task.options, &watch)
        .map_err(|fault| Usage::new(format!("failed to open the heap: {fault}")))?;
    let sighting = Sighting::of(&task.plan, &evidence);
    let text = store::json(&sighting)
        .map_err(|error| Usage::new(format!("failed to write a sighting: {error}")))?;
    terminal.data(&String::from_utf8_lossy(&text));
    Ok(Exit::Held)
}
