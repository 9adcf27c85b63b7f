//! `merge`: finds and reads what many machines wrote, adds it up, and writes the sum and the cases
//! of failures.

mod find;
mod keep;
mod read;

use std::ffi::OsStr;
use std::io;

use super::args::{FormatArg, Merge};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{publish, reproduce, store};
use find::MERGED;

use crate::report::merge::{self, Belonging, Document, Merged, Totals};

/// Adds up everything at the paths that `args` name.
pub(super) fn merge(program: &str, args: &Merge, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let json = JsonTarget::of(args.json.as_deref())?;
    let sources = find::all(&args.paths)?;
    let read = read::all(&sources)?;
    let (mut merged, mut belonging) = (Merged::default(), Belonging::default());
    for (source, read) in sources.iter().zip(read) {
        let from = source.path().display().to_string();
        if read.was_cut {
            terminal.remark(&format!(
                "the last line of {from} is incomplete and ignored"
            ));
        }
        (belonging.admit(&read.merged, &from)).map_err(|mismatch| {
            let usage = Usage::new(format!("cannot merge: {mismatch}"));
            usage.hint(mismatch.hint())
        })?;
        merged = merged.join(read.merged);
    }
    let totals = merged
        .totals()
        .map_err(|what| Usage::new(format!("failed to add it up: {what}")))?;
    let directory = store::prepare_directory(args.out.as_deref(), "merged-")?;
    let document = merged.document(&totals);
    let written = store::write_whole_with(&directory.join(MERGED), |out| write(&document, out));
    let page = directory.join(publish::PAGE);
    let written =
        written.and_then(|()| store::write_whole(&page, merge::html(&merged, &totals).as_bytes()));
    let kept = written.and_then(|()| keep::cases(&directory, &merged));
    let kept = kept.map_err(|error| {
        let shown = directory.display();
        Usage::new(format!("failed to keep the sum in {shown}: {error}"))
    })?;
    show(args.format, json, &merged, &totals, terminal)?;
    for path in kept {
        let words = [OsStr::new("replay"), path.as_os_str()];
        let line = reproduce::command(program, &words);
        terminal.remark(&format!("reproduce: {line}"));
    }
    terminal.remark(&format!("report: {}", page.display()));
    terminal.remark(&format!("merged: {}", directory.join(MERGED).display()));
    let mut outcomes = totals.outcomes().iter().map(|outcome| Exit::from(*outcome));
    let leaks = totals.leaks.then_some(Exit::Regressed);
    let exit = outcomes.by_ref().chain(leaks);
    Ok(exit.fold(Exit::Held, Exit::and))
}

/// Writes the sum as JSON if that was asked for, and prints it.
fn show(
    format: FormatArg,
    json: JsonTarget<'_>,
    merged: &Merged,
    totals: &Totals,
    terminal: &mut Terminal,
) -> Result<(), Usage> {
    let page = match format {
        FormatArg::Table => merge::page(merged, totals, terminal.look()),
        FormatArg::Markdown => merge::markdown(merged, totals),
    };
    let document = merged.document(totals);
    let written = json.write_with(terminal, |out| write(&document, out));
    written.map_err(|error| Usage::new(format!("failed to write the sum: {error}")))?;
    json.show(&page, terminal);
    Ok(())
}

/// Writes the sum on one line: indented, that of a thousand parts would be twice as long.
fn write(document: &Document<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")
}
