//! Finds and reads stored results, and judges them again if their plan can be made again.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::missing;
use super::store;
use super::usage::Usage;
use crate::plan::Plan;
use crate::result::{RunResult, SCHEMA};
use crate::workload::Workload;

/// The name of a result's file.
pub(super) const RESULT: &str = "result.json";
/// Larger files are refused. Results take some hundred kilobytes, so this has room for thousands.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// How much of a file is read to see whether it may be JSON at all.
const START_BYTES: u64 = 4096;

/// A stored result.
#[derive(Debug)]
pub(super) struct StoredResult {
    pub(super) result: RunResult,
    pub(super) path: PathBuf,
    /// Why it keeps its stored verdicts, if it could not be judged again.
    pub(super) as_stored: Option<String>,
}

/// Reads what the paths name, and judges it again.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<StoredResult>, Usage> {
    let results = results(paths)?.into_iter();
    Ok(results.map(|(path, result)| judged(result, path)).collect())
}

/// The results in what the paths name, each with its file: a file of one result or several, or a
/// directory with `result.json` in it or below it. A file that is named or found twice counts once.
pub(super) fn results(paths: &[PathBuf]) -> Result<Vec<(PathBuf, RunResult)>, Usage> {
    let (mut results, mut seen) = (Vec::new(), HashSet::new());
    for path in paths {
        let mut files = Vec::new();
        if facts(path)?.is_dir() {
            below(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
        if files.is_empty() {
            let shown = path.display();
            return Err(
                Usage::new(format!("there is no {RESULT} in {shown} or below"))
                    .hint("name a file that `run` wrote, or the directory that holds it"),
            );
        }
        let first = results.len();
        for file in files {
            let facts = facts(&file)?;
            if seen.insert((facts.dev(), facts.ino())) {
                let read = parse(&file)?.into_iter();
                results.extend(read.map(|result| (file.clone(), result)));
            }
        }
        in_order_of_runs(&mut results[first..]);
    }
    Ok(results)
}

/// Puts the results of each command, which are side by side in one directory, into the order in which
/// they were made: what ran first is what others are compared with, here as well.
fn in_order_of_runs(found: &mut [(PathBuf, RunResult)]) {
    let command = |file: &Path| file.parent().and_then(Path::parent).map(Path::to_owned);
    for results in found.chunk_by_mut(|(one, _), (other, _)| command(one) == command(other)) {
        results.sort_by_key(|(_, result)| result.number);
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Usage {
    let usage = Usage::new(format!("failed to read {}: {error}", path.display()));
    let is_meant = |path: &Path| missing::is_called(path, "json") || path.join(RESULT).is_file();
    let usage = usage.hint_if_any(missing::hint(path, Some(store::REPORTS), is_meant));
    usage.hint("name a result.json that `run` wrote, or the directory that holds it")
}

fn facts(path: &Path) -> Result<Metadata, Usage> {
    fs::metadata(path).map_err(|error| unreadable(path, &error))
}

/// Adds every `result.json` in a directory and below, by name.
fn below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Usage> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|error| unreadable(directory, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&entry.path(), found)?;
        } else if entry.file_name() == RESULT {
            regular(&entry.path())?;
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Makes sure that a file that was found, and not named by the user, can be read to its end:
/// opening a pipe waits for a writer, and a device may have no end.
pub(super) fn regular(path: &Path) -> Result<(), Usage> {
    if facts(path)?.is_file() {
        return Ok(());
    }
    let shown = path.display();
    Err(Usage::new(format!("{shown} is not a regular file"))
        .hint("remove it, or name the files that are to be read"))
}

/// The bytes of a file, without the byte-order mark that some editors put before them. A file that
/// does not begin like JSON is not read to its end.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    (&mut file).take(START_BYTES).read_to_end(&mut text)?;
    if text.starts_with(MARK) {
        text.drain(..MARK.len());
    }
    if let Some(b'{' | b'[') = text.trim_ascii_start().first() {
        file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
    }
    if text.len() as u64 >= FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 GiB"));
    }
    Ok(text)
}

/// What every version of a result has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// One result, or an array of them as `--json` writes it.
pub(super) fn parse(path: &Path) -> Result<Vec<RunResult>, Usage> {
    let shown = path.display();
    let text = bytes(path).map_err(|error| unreadable(path, &error))?;
    let is_array = text.trim_ascii_start().starts_with(b"[");
    let versions: Vec<Version> = if is_array {
        serde_json::from_slice(&text).unwrap_or_default()
    } else {
        serde_json::from_slice(&text).into_iter().collect()
    };
    if let Some(Version { schema }) = versions.iter().find(|it| it.schema > SCHEMA) {
        let usage = Usage::new(format!("{shown} is a result of version {schema}"));
        return Err(usage.hint(format!(
            "this program reads versions up to {SCHEMA}; use the version that wrote it"
        )));
    }
    let parsed = if is_array {
        serde_json::from_slice(&text)
    } else {
        serde_json::from_slice(&text).map(|result| vec![result])
    };
    let results: Vec<RunResult> = parsed.map_err(|error| {
        let place = format!("{shown}:{}:{}", error.line(), error.column());
        Usage::new(format!("{place}: this is not a result: {error}")).hint(
            "name a result.json or what `run --json` wrote; a truncated file cannot be recovered",
        )
    })?;
    if results.is_empty() {
        return Err(Usage::new(format!("{shown} holds no results"))
            .hint("the command that wrote it was interrupted before its first run"));
    }
    Ok(results)
}

fn judged(result: RunResult, path: PathBuf) -> StoredResult {
    match plan_of(&result) {
        Ok(plan) => StoredResult {
            result: result.judged_again(&plan),
            path,
            as_stored: None,
        },
        Err(why) => StoredResult {
            result,
            path,
            as_stored: Some(why),
        },
    }
}

/// The plan of a result, made again; or why it cannot be made.
fn plan_of(result: &RunResult) -> Result<Plan, String> {
    let name = &result.workload.name;
    let workload = Workload::embedded(name)
        .and_then(Result::ok)
        .ok_or(format!(
            "{name} is not a workload that comes with this program"
        ))?;
    let parameters: Vec<(String, String)> =
        result.workload.parameters.clone().into_iter().collect();
    let plan = workload.plan(&parameters, result.seed);
    let mut plan = plan.map_err(|_| format!("the parameters of {name} have changed"))?;
    if plan.workload_hash != result.workload.hash {
        return Err(format!("the text of {name} has changed"));
    }
    // The result also holds what the command line required.
    plan.require.clone_from(&result.require);
    Ok(plan)
}
