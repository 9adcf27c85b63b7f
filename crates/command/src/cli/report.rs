//! `report`: judges stored results again, and draws reports of them.

use super::args::{Format, ReportArgs};
use super::exit::Exit;
use super::stored::{self, StoredResult};
use super::terminal::Terminal;
use super::usage::Usage;
use super::{publish, store};
use crate::report::Collected;

/// Draws a report of the results that `args` name.
pub(super) fn report(args: &ReportArgs, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let stored = stored::read(&args.results)?;
    let directory = args.out.as_deref();
    let directory = directory.map(|out| store::prepare_directory(Some(out), ""));
    let directory = directory.transpose()?;
    tell(&stored, terminal);
    let collected = Collected {
        results: stored.into_iter().map(|stored| stored.result).collect(),
        absent: Vec::new(),
    };
    let look = terminal.look();
    let written = match (&directory, args.format) {
        (None, format) => publish::draw(format.unwrap_or(Format::Table), &collected, look)
            .map(|text| terminal.data(&text)),
        (Some(directory), Some(format)) => publish::one(directory, format, &collected, look),
        (Some(directory), None) => publish::all(directory, &collected),
    };
    written.map_err(|error| Usage::new(format!("failed to write the report: {error}")))?;
    if let Some(directory) = &directory {
        terminal.remark(&format!("report: {}", directory.display()));
    }
    let exits = collected
        .results
        .iter()
        .map(|result| Exit::from(result.verdict));
    Ok(exits.fold(Exit::Held, Exit::and))
}

/// Tells which results could not be judged again and keep their stored verdicts.
fn tell(stored: &[StoredResult], terminal: &mut Terminal) {
    for StoredResult {
        path, as_stored, ..
    } in stored
    {
        if let Some(why) = as_stored {
            let path = path.display();
            terminal.remark(&format!(
                "{path}: not judged again, the stored verdicts are shown: {why}"
            ));
        }
    }
}
