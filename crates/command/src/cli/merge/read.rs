//! Reads what is to be merged, on all processors. Each thread adds up one file before it opens the
//! next, so a journal takes no more memory than its sums.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::find::{Source, unreadable};
use crate::cli::stored;
use crate::cli::usage::Usage;
use crate::diagnostic::text;
use crate::evidence::Room;
use crate::plan::Case;
use crate::report::merge::{Gathering, Merged, of_run};
use crate::soak::{self, Record};

/// The contents of a file, added up.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) merged: Merged,
    /// Its last line is incomplete.
    pub(super) was_cut: bool,
}

/// Reads all of them, in order. If several cannot be read, the error is about the first.
pub(super) fn all(sources: &[Source]) -> Result<Vec<Contents>, Usage> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Result<Contents, Usage>>>> =
        sources.iter().map(|_| Mutex::new(None)).collect();
    let nth = |at: usize| sources.get(at).zip(slots.get(at));
    let work = || {
        let mut room = Room::default();
        // Relaxed: the counter hands out numbers and orders nothing; results go through the locks.
        while let Some((source, slot)) = nth(next.fetch_add(1, Relaxed)) {
            let read = one(source, &mut room);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(sources.len()) {
            // If the system has no more threads, fewer do the work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let read = slots.into_iter().filter_map(|slot| {
        let slot = slot.into_inner();
        slot.unwrap_or_else(PoisonError::into_inner)
    });
    read.collect()
}

fn one(source: &Source, room: &mut Room) -> Result<Contents, Usage> {
    match source {
        Source::Journal(path) => journal(path, room),
        Source::Merged(path) => merged(path, room),
        Source::Results(path) => results(path, room),
    }
}

fn journal(path: &Path, room: &mut Room) -> Result<Contents, Usage> {
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
        usage.hint("use the version of the program that wrote it")
    })?;
    if let Some((line, what)) = wrong {
        let shown = path.display();
        return Err(Usage::new(format!(
            "failed to read a journal: {shown}:{line}: {what}"
        )));
    }
    let merged = gathering.finish(&contents.header);
    Ok(Contents {
        merged: merged.map_err(|what| unreadable(path, &what))?,
        was_cut: contents.was_cut,
    })
}

fn merged(path: &Path, room: &mut Room) -> Result<Contents, Usage> {
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let merged = Merged::read(&text, room).map_err(|(line, what)| {
        let shown = path.display();
        let place = line.map_or_else(|| shown.to_string(), |line| format!("{shown}:{line}"));
        Usage::new(format!("{place}: not a readable sum: {what}"))
            .hint("name a merged.json that `merge` of this version wrote")
    })?;
    let was_cut = false;
    Ok(Contents { merged, was_cut })
}

fn results(path: &Path, room: &mut Room) -> Result<Contents, Usage> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let results = stored::parse(path)?;
    // Beside a file of several results it is unknown which of them a case belongs to.
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
    Ok(Contents { merged, was_cut })
}

/// The case at this path, and its number of turns unless it is a recipe; `None` if there is no
/// case.
fn case(path: &Path) -> Result<Option<(String, Option<u64>)>, String> {
    let shown = path.display().to_string();
    let text = match fs::metadata(path) {
        // The user did not name this file, and a pipe or a device may have no end.
        Ok(facts) if !facts.is_file() => Err(io::Error::other("it is not a regular file")),
        Ok(_) => text::read(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
    };
    let text = text.map_err(|error| format!("failed to read {shown}: {error}"))?;
    let case = Case::parse(&shown, &text)
        .map_err(|wrong| format!("{shown}:{}: not a case: {}", wrong.line(), wrong.message()))?;
    let turns = (!case.is_recipe()).then_some(case.turns.len() as u64);
    Ok(Some((text, turns)))
}
