//! Finds what there is to merge at a path. The first bytes of a file tell its kind; directories are
//! searched at any depth.
//!
//! In the directory of a soak only the journal counts, since it has the rounds whose results lie
//! below. Likewise an earlier sum stands for everything else in its directory.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::stored;
use crate::cli::usage::Usage;
use crate::soak::JOURNAL;

/// The name of a sum in its directory.
pub(super) const MERGED: &str = "merged.json";

/// What to do where there is nothing to merge.
const WHAT_TO_NAME: &str = "name a directory that `soak`, `run` or `merge` wrote with --out DIR";

/// One file, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The journal of a soak.
    Journal(PathBuf),
    /// An earlier sum.
    Merged(PathBuf),
    /// One result of `run`, or several.
    Results(PathBuf),
}

impl Source {
    pub(super) fn path(&self) -> &Path {
        let (Self::Journal(path) | Self::Merged(path) | Self::Results(path)) = self;
        path
    }
}

/// Everything at these paths, in the order of the paths; each file once.
pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Source>, Usage> {
    let mut sources = Vec::new();
    for path in paths {
        let before = sources.len();
        let facts =
            fs::metadata(path).map_err(|error| unreadable(path, &error).hint(WHAT_TO_NAME))?;
        if facts.is_dir() {
            below(path, &mut sources)?;
        } else {
            sources.push(file(path)?);
        }
        if sources.len() == before {
            let message = format!("there is nothing to merge in {}", path.display());
            return Err(Usage::new(message).hint(WHAT_TO_NAME));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    sources.retain(|source| seen.insert(source.clone()));
    Ok(sources)
}

fn below(directory: &Path, sources: &mut Vec<Source>) -> Result<(), Usage> {
    let (journal, merged) = (directory.join(JOURNAL), directory.join(MERGED));
    if journal.is_file() {
        sources.push(Source::Journal(journal));
        return Ok(());
    }
    if merged.is_file() {
        sources.push(Source::Merged(merged));
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| unreadable(directory, &error))? {
        entries.push(entry.map_err(|error| unreadable(directory, &error))?);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&entry.path(), sources)?;
        } else if entry.file_name() == stored::RESULT {
            stored::regular(&entry.path())?;
            sources.push(Source::Results(entry.path()));
        }
    }
    Ok(())
}

/// A file that was named itself.
fn file(path: &Path) -> Result<Source, Usage> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    read.map_err(|error| unreadable(path, &error))?;
    let path = path.to_owned();
    let start = String::from_utf8_lossy(&start);
    // `merge` writes this within the first few bytes. A result can hold it only with its quotes
    // escaped.
    let is_merged = start.contains("\"kind\":\"merged\"");
    Ok(if start.starts_with("gcstorm-soak ") {
        Source::Journal(path)
    } else if is_merged {
        Source::Merged(path)
    } else {
        Source::Results(path)
    })
}

pub(super) fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Usage {
    Usage::new(format!("failed to read {}: {error}", path.display()))
}
