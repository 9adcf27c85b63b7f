//! Continues a soak: what is in its journal, and whether its lanes are still what they were.

use std::io;
use std::path::Path;

use super::args::Soak;
use super::start::{Started, unusable};
use super::stint_length;
use crate::cli::agenda;
use crate::cli::args::IsolateArg;
use crate::cli::exit::Exit;
use crate::cli::faults;
use crate::cli::missing;
use crate::cli::store;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::values;
use crate::result::figures;
use crate::run::{Entry, Registry};
use crate::soak::{Era, JOURNAL, Journal, JournalError, Lane, Standing};
use crate::workload::Workload;

/// Opens the soak in `directory` to continue it.
pub(super) fn resume(
    registry: &Registry,
    args: &Soak,
    directory: &Path,
    terminal: &mut Terminal,
) -> Result<Started, Usage> {
    let (mut standing, mut next, mut exit) = (Standing::of(0), 0, Exit::Held);
    let mut era = None;
    let journal = Journal::resume(&directory.join(JOURNAL), |record| {
        standing.add(&record);
        next = next.max(record.round + 1);
        era = record.era;
        exit = exit.and(record.came.outcome().into());
    });
    let (journal, contents) = journal.map_err(|error| not_resumed(error, directory))?;
    standing
        .lanes
        .resize_with(contents.header.lanes.len(), Default::default);
    check_lanes(registry, &contents.header.lanes)?;
    if contents.was_cut {
        terminal.warning("the last line of the journal was incomplete: that round is made again");
    }
    terminal.remark(&format!(
        "going on after {} of seed {}, for {}",
        figures::several(standing.rounds, "round", "rounds"),
        contents.header.seed,
        values::duration_text(args.budget),
    ));
    let header = contents.header;
    let era = era.unwrap_or_else(|| Era::first(header.stint));
    let era = stint_length::longer(args.budget, &header, era, next).map_or(era, |longer| {
        terminal.remark(&format!(
            "stints of {} rounds from here on, as the budget has room for them, instead of {}",
            longer.stint, era.stint
        ));
        longer
    });
    Ok(Started {
        directory: directory.to_owned(),
        header,
        journal,
        standing,
        exit,
        next,
        era,
    })
}

/// Why there is no soak to go on with. If nothing of the kind is there, what may have been meant.
fn not_resumed(error: JournalError, directory: &Path) -> Usage {
    let is_absent = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    let what = match &error {
        JournalError::Io { error, .. } if is_absent(error) => match directory {
            directory if directory.is_dir() => "it is a directory without a journal",
            directory if directory.exists() => "it is a file, not the directory of a soak",
            _ => "there is no such directory",
        },
        _ => return unusable(error),
    };
    let shown = directory.display();
    let usage = Usage::new(format!("there is no soak in {shown} to go on with: {what}"));
    let is_soak = |path: &Path| path.join(JOURNAL).is_file();
    let usage = usage.hint_if_any(missing::hint(directory, Some(store::REPORTS), is_soak));
    usage.hint("name the directory that `soak` wrote with --out DIR")
}

/// Refuses lanes that can no longer be run as they were.
fn check_lanes(registry: &Registry, lanes: &[Lane]) -> Result<(), Usage> {
    for lane in lanes {
        let known = registry
            .entries()
            .iter()
            .map(|entry: &Entry| entry.name.as_str());
        if registry.get(&lane.heap).is_none() {
            return Err(Usage::unknown("heap", &lane.heap, known));
        }
        let planted = lane.fault.as_deref();
        if let Some(fault) = planted {
            faults::planted(
                registry,
                &agenda::heaps(registry, std::slice::from_ref(&lane.heap), IsolateArg::Yes)?,
                fault,
            )?;
        }
        let hash = Workload::named(&lane.workload)?.plan(&[], 0)?.workload_hash;
        if hash != lane.hash {
            return Err(Usage::new(format!(
                "workload `{}` is not what it was when this soak began",
                lane.workload
            ))
            .hint("the sums would mix rounds of both: begin a new soak"));
        }
    }
    Ok(())
}
