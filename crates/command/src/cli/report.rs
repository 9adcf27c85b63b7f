//! `report`: judges stored results again, and draws reports of them.

use std::path::Path;

use clap::ValueEnum as _;

use super::args::{Format, ReportArgs};
use super::exit::Exit;
use super::soak::{Aftermath, journal_at};
use super::stored::{self, StoredResult};
use super::terminal::Terminal;
use super::usage::Usage;
use super::{publish, reproduce, store};
use crate::report::Collected;

/// Draws a report of the results that `args` name, or of a soak.
pub(super) fn report(
    program: &str,
    args: &ReportArgs,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    match (
        args.results.as_slice(),
        args.results.iter().find_map(|path| journal_at(path)),
    ) {
        (_, None) => results(program, args, terminal),
        ([_], Some(journal)) => soak(&journal, args, terminal),
        (_, Some(journal)) => {
            let shown = journal.display();
            let usage = Usage::new(format!("{shown} is of a soak, which is reported by itself"));
            Err(usage.hint("name it alone; `gcstorm merge` adds up several soaks"))
        }
    }
}

/// The report of one soak.
fn soak(journal: &Path, args: &ReportArgs, terminal: &mut Terminal) -> Result<Exit, Usage> {
    if let Some(format @ (Format::Markdown | Format::Junit | Format::Json)) = args.format {
        let format = format.to_possible_value();
        let format = format.map_or(String::new(), |value| value.get_name().to_owned());
        let usage = Usage::new(format!("a soak has no report in the format {format}"));
        return Err(usage.hint("`gcstorm merge` has --format markdown and --json"));
    }
    let told = Aftermath::read(journal)?;
    let text = match args.format {
        Some(Format::Table) => told.table(terminal.look().width),
        None if args.out.is_none() => told.table(terminal.look().width),
        _ => told.html(),
    };
    let Some(out) = &args.out else {
        terminal.data(&text);
        return Ok(told.exit());
    };
    let directory = store::prepare_directory(Some(out), "")?;
    let (name, text) = match args.format {
        Some(Format::Table) => (
            "report.txt",
            anstream::adapter::strip_str(&text).to_string(),
        ),
        _ => (publish::PAGE, text),
    };
    let path = directory.join(name);
    store::write_whole(&path, text.as_bytes())
        .map_err(|error| Usage::new(format!("failed to write the report: {error}")))?;
    terminal.remark(&format!("report: {}", path.display()));
    Ok(told.exit())
}

fn results(program: &str, args: &ReportArgs, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let mut stored = stored::read(&args.results)?;
    for StoredResult { result, path, .. } in &mut stored {
        let case = path.with_file_name(store::CASE);
        let is_there = path.ends_with(stored::RESULT) && case.is_file();
        result.replay =
            is_there.then(|| reproduce::command(program, &["replay".as_ref(), case.as_os_str()]));
    }
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
        (None, format) => {
            let text = publish::draw(format.unwrap_or(Format::Table), &collected, look);
            text.map(|text| {
                terminal.data(&text);
                None
            })
        }
        (Some(directory), Some(format)) => {
            publish::one(directory, format, &collected, look).map(Some)
        }
        (Some(directory), None) => publish::all(directory, &collected).map(Some),
    };
    let written =
        written.map_err(|error| Usage::new(format!("failed to write the report: {error}")))?;
    if let Some(file) = written {
        let more = if args.format.is_none() {
            ", and more beside it"
        } else {
            ""
        };
        terminal.remark(&format!("report: {}{more}", file.display()));
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
