//! `compare`: reads two sets of results, and tells whether the new one is worse.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::{Compare, FormatArg};
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::store;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::report::compare::{self, Comparison};
use crate::result::RunResult;

/// Compares the results at two paths.
pub(super) fn compare(args: &Compare, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let json = args.json.as_deref().map(JsonTarget::new);
    if let Some(JsonTarget::File(path)) = json {
        store::try_out_file(path)?;
    }
    let (base, new) = (results(&args.base)?, results(&args.new)?);
    let comparison = Comparison::of(&base, &new, &args.max_regression)
        .map_err(|mismatch| Usage::new(format!("cannot compare: {mismatch}")))?;
    let page = match args.format {
        FormatArg::Table => compare::table(&comparison, terminal.detail()),
        FormatArg::Markdown => compare::markdown(&comparison),
    };
    if let Some(target) = json {
        let written = store::json(&comparison).and_then(|text| target.write(&text, terminal));
        written.map_err(|error| Usage::new(format!("failed to write the comparison: {error}")))?;
    }
    match json {
        Some(JsonTarget::Stdout) => terminal.message(page.trim_end_matches('\n')),
        Some(JsonTarget::File(_)) | None => terminal.data(&page),
    }
    Ok(if comparison.regressions().next().is_some() {
        Exit::Regressed
    } else {
        Exit::Held
    })
}

/// The results in a file, or in all files named `result.json` below a directory.
fn results(path: &Path) -> Result<Vec<(String, RunResult)>, Usage> {
    let unreadable = |path: &Path, why: &dyn std::fmt::Display| {
        Usage::new(format!("failed to read {}: {why}", path.display()))
    };
    let files = files(path).map_err(|error| unreadable(path, &error))?;
    if files.is_empty() {
        let message = format!("there is no result.json in {}", path.display());
        return Err(Usage::new(message)
            .hint("name a file or a directory that `run` wrote, as with `run --out DIR`"));
    }
    let mut results = Vec::new();
    for file in files {
        let text = fs::read(&file).map_err(|error| unreadable(&file, &error))?;
        // `run --json` writes an array if there are several.
        let read = if text.trim_ascii_start().starts_with(b"[") {
            serde_json::from_slice::<Vec<RunResult>>(&text)
        } else {
            serde_json::from_slice::<RunResult>(&text).map(|result| vec![result])
        };
        let read = read.map_err(|error| unreadable(&file, &error))?;
        let from = file.display().to_string();
        results.extend(read.into_iter().map(|result| (from.clone(), result)));
    }
    Ok(results)
}

/// The file itself, or every `result.json` below the directory, sorted by path.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        fs::metadata(path)?;
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else if entry.file_name() == "result.json" {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
