//! One trial of `selftest`, in a process of its own: a run that reports only what the checks saw.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cli::agenda::{Item, RunAgenda};
use crate::cli::args::Run;
use crate::cli::exit::Exit;
use crate::cli::progress::Watch;
use crate::cli::usage::Usage;
use crate::cli::{child::inside, threads};
use crate::fuzz::Sighting;
use crate::report::Detail;
use crate::run::Registry;
use crate::soak::{Made, Told};

/// Makes the one run that `args` ask for, and reports what the checks saw.
pub(in crate::cli) fn attempt(registry: &Registry, args: &Run) -> Result<Exit, Usage> {
    let (interrupted, _) = inside::asked()?;
    inside::telling_why(|| tried(registry, args, &interrupted))
}

fn tried(registry: &Registry, args: &Run, interrupted: &Arc<AtomicBool>) -> Result<Exit, Usage> {
    let agenda = RunAgenda::draw_up(registry, args, interrupted)?;
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
    let result = serde_json::to_string(&sighting)
        .map_err(|error| Usage::new(format!("failed to write a sighting: {error}")))?;
    inside::tell(&Told::Made(Box::new(Made {
        result,
        picture: None,
    })));
    Ok(Exit::Held)
}
