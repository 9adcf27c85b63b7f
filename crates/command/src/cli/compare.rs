//! `compare`: reads two sets of results, and tells whether the new one is worse.

use std::path::Path;

use super::args::{Compare, FormatArg};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::stored;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::report::compare::{self, Comparison};
use crate::result::RunResult;

/// Compares the results at two paths.
pub(super) fn compare(args: &Compare, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let json = JsonTarget::of(args.json.as_deref())?;
    let (base, new) = (results(&args.base)?, results(&args.new)?);
    let comparison = Comparison::of(&base, &new, &args.max_regression)
        .map_err(|mismatch| Usage::new(format!("cannot compare: {mismatch}")))?;
    let page = match args.format {
        FormatArg::Table => compare::table(&comparison, terminal.look()),
        FormatArg::Markdown => compare::markdown(&comparison),
    };
    let written = json.write(&comparison, terminal);
    written.map_err(|error| Usage::new(format!("failed to write the comparison: {error}")))?;
    json.show(&page, terminal);
    Ok(if comparison.regressions().next().is_some() {
        Exit::Regressed
    } else if comparison.has_too_few_runs() {
        Exit::Vacuous
    } else {
        Exit::Held
    })
}

/// The results of one side, each with where it came from.
fn results(path: &Path) -> Result<Vec<(String, RunResult)>, Usage> {
    let results = stored::results(&[path.to_owned()])?.into_iter();
    let named = results.map(|(file, result)| (file.display().to_string(), result));
    Ok(named.collect())
}
