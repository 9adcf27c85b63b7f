//! Reads what is to be merged, on all processors: each file becomes what it holds, added up, before the
//! next is opened, so a journal takes as much memory as its sums.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::find::{Source, unreadable};
use crate::cli::stored;
use crate::cli::usage::Usage;
use crate::evidence::Room;
use crate::plan::Case;
use crate::report::merge::{Gathering, Merged, of_run};
use crate::soak::{self, Record};

/// What was in a file.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) merged: Merged,
    /// Its last line was not whole.
    pub(super) was_cut: bool,
}

/// Reads each of them, in order; of several that cannot be read, the first is named.
pub(super) fn all(sources: &[Source]) -> Result<Vec<Read>, Usage> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Result<Read, Usage>>>> =
        sources.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(sources.len()) {
            scope.spawn(|| {
                let mut room = Room::default();
                // Nothing is handed over by this number but itself; the results go through the locks.
                loop {
                    let at = next.fetch_add(1, Relaxed);
                    let Some(source) = sources.get(at) else { break };
                    let read = one(source, &mut room);
                    let slot = slots[at].lock();
                    *slot.unwrap_or_else(PoisonError::into_inner) = Some(read);
                }
            });
        }
    });
    let read = slots.into_iter().filter_map(|slot| {
        let slot = slot.into_inner();
        slot.unwrap_or_else(PoisonError::into_inner)
    });
    read.collect()
}

fn one(source: &Source, room: &mut Room) -> Result<Read, Usage> {
    match source {
        Source::Journal(path) => journal(path, room),
        Source::Merged(path) => merged(path, room),
        Source::Results(path) => results(path, room),
    }
}

fn journal(path: &Path, room: &mut Room) -> Result<Read, Usage> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let shown = if directory == Path::new("") {
        ".".to_owned()
    } else {
        directory.display().to_string()
    };
    let mut gathering = Gathering::default();
    let (mut wrong, mut lines) = (None, 2_usize);
    let contents = soak::read(path, |record: Record| {
        lines += 1;
        if wrong.is_some() {
            return;
        }
        let kept = |round: u64| case(&directory.join(format!("failure-{round}/failure.case")));
        let added = gathering.add(record, &shown, kept, room);
        wrong = added.err().map(|what| (lines, what));
    });
    let contents = contents.map_err(|error| {
        let usage = Usage::new(format!("failed to read a journal: {error}"));
        usage.hint("a journal is only read by the version of the program that knows its form")
    })?;
    if let Some((line, what)) = wrong {
        let shown = path.display();
        return Err(Usage::new(format!(
            "failed to read a journal: {shown}:{line}: {what}"
        )));
    }
    let merged = gathering.finish(&contents.header);
    Ok(Read {
        merged: merged.map_err(|what| unreadable(path, &what))?,
        was_cut: contents.was_cut,
    })
}

fn merged(path: &Path, room: &mut Room) -> Result<Read, Usage> {
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let merged = Merged::read(&text, room).map_err(|(line, what)| {
        let shown = path.display();
        let place = line.map_or_else(|| shown.to_string(), |line| format!("{shown}:{line}"));
        Usage::new(format!("{place}: this is no sum that can be read: {what}"))
            .hint("name a merged.json that `merge` of this version wrote")
    })?;
    let was_cut = false;
    Ok(Read { merged, was_cut })
}

fn results(path: &Path, room: &mut Room) -> Result<Read, Usage> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let results = stored::parse(path)?;
    // Beside several there is no telling whose case it is.
    let case = match results.as_slice() {
        [_] => case(&directory.join("failure.case")).map_err(|what| Usage::new(&what))?,
        _ => None,
    };
    let mut merged = Merged::default();
    let from = path.display().to_string();
    for result in &results {
        let one = of_run(result, &from, case.clone(), room);
        merged = merged.join(one.map_err(|what| unreadable(path, &what))?);
    }
    let was_cut = false;
    Ok(Read { merged, was_cut })
}

/// The case that is kept there, and how many turns it has if it is no recipe; `None` if there is none.
fn case(path: &Path) -> Result<Option<(String, Option<u64>)>, String> {
    let shown = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("failed to read {shown}: {error}")),
    };
    let case = Case::parse(&shown, &text).map_err(|wrong| {
        format!(
            "{shown}:{}: this is no case: {}",
            wrong.line(),
            wrong.message()
        )
    })?;
    let turns = (!case.is_recipe()).then_some(case.turns.len() as u64);
    Ok(Some((text, turns)))
}
