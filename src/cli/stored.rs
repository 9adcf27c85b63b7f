//! Finds and reads stored results, and judges them again if their plan can be made again.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::usage::Usage;
use crate::plan::Plan;
use crate::result::{RunResult, SCHEMA};
use crate::workload::Workload;

/// A stored result.
#[derive(Debug)]
pub(super) struct StoredResult {
    pub(super) result: RunResult,
    pub(super) path: PathBuf,
    /// Why it keeps its stored verdicts, if it could not be judged again.
    pub(super) as_stored: Option<String>,
}

/// Reads the results at these paths: files of one or several results, or directories with files named
/// `result.json` at any depth.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<StoredResult>, Usage> {
    let mut stored = Vec::new();
    for path in paths {
        let files = files(path)?;
        if files.is_empty() {
            let shown = path.display();
            return Err(
                Usage::new(format!("there is no result.json in {shown} or below"))
                    .hint("name a file that `run` wrote, or the directory that holds it"),
            );
        }
        for file in files {
            let results = parse(&file)?;
            stored.extend(results.into_iter().map(|result| judged(result, &file)));
        }
    }
    Ok(stored)
}

/// The files of results at a path, sorted by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Usage> {
    let failed = |path: &Path, error: std::io::Error| {
        let usage = Usage::new(format!("failed to read {}: {error}", path.display()));
        usage.hint("name a result.json that `run` wrote, or the directory that holds it")
    };
    let facts = std::fs::metadata(path).map_err(|error| failed(path, error))?;
    if !facts.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| failed(path, error))? {
        entries.push(entry.map_err(|error| failed(path, error))?);
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory {
            found.extend(files(&entry.path())?);
        } else if entry.file_name() == "result.json" {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// What every version of a result has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// One result, or an array of them as `--json` writes it.
pub(super) fn parse(path: &Path) -> Result<Vec<RunResult>, Usage> {
    let shown = path.display();
    let text = std::fs::read(path)
        .map_err(|error| Usage::new(format!("failed to read {shown}: {error}")))?;
    if let Ok(Version { schema }) = serde_json::from_slice(&text)
        && schema > SCHEMA
    {
        let usage = Usage::new(format!("{shown} is a result of version {schema}"));
        return Err(usage.hint(format!(
            "this program reads versions up to {SCHEMA}; use the version that wrote it"
        )));
    }
    let is_array = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
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

fn judged(result: RunResult, path: &Path) -> StoredResult {
    let path = path.to_owned();
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
    let mut plan = plan.map_err(|_| format!("{name} has other parameters now"))?;
    if plan.workload_hash != result.workload.hash {
        return Err(format!("{name} has another text now"));
    }
    // The result also holds what the command line required.
    plan.require.clone_from(&result.require);
    Ok(plan)
}
