//! Writes the cases of failures, for `replay`: the smallest and the fastest of each kind.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::store::write_whole;
use crate::report::merge::{FailureKind, Merged};

/// The directory of cases, below that of the sum.
const FAILURES: &str = "failures";
/// The two cases of a kind, as in their file names.
const WHICH: [&str; 2] = ["smallest", "fastest"];
/// The longest name of a kind, in bytes: file systems take 255, and the file name adds to it.
const NAME_MAX: usize = 160;

/// Writes the cases; returns the path of the smallest of each kind.
pub(super) fn cases(directory: &Path, merged: &Merged) -> io::Result<Vec<PathBuf>> {
    let directory = directory.join(FAILURES);
    clear(&directory)?;
    let (mut kept, mut taken) = (Vec::new(), HashSet::new());
    for (kind, extremes) in merged.failures() {
        let name = free_name(kind, &mut taken);
        let both = [&extremes.smallest, &extremes.fastest];
        for (which, occurrence) in WHICH.into_iter().zip(both) {
            // A failure that ended its process left no case; the table has its command line.
            let Some(text) = &occurrence.case else {
                continue;
            };
            fs::create_dir_all(&directory)?;
            let path = directory.join(format!("{name}-{which}.case"));
            write_whole(&path, text.as_bytes())?;
            if which == WHICH[0] {
                kept.push(path);
            }
        }
    }
    Ok(kept)
}

/// Removes the cases of an earlier sum, which would be taken for this one's, and no other files.
fn clear(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = WHICH
            .iter()
            .any(|which| name.ends_with(&format!("-{which}.case")));
        if is_ours {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A name for a kind that no other kind has.
fn free_name(kind: &FailureKind, taken: &mut HashSet<String>) -> String {
    let workload = Path::new(&kind.workload).file_stem();
    let workload = workload.unwrap_or_default().to_string_lossy().into_owned();
    let mut words = vec![workload, kind.heap.clone()];
    words.extend(kind.fault.clone());
    words.push(kind.how.lost.name().to_owned());
    words.extend(kind.how.violated.iter().cloned());
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = words.join("-").chars().map(plain).take(NAME_MAX).collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names
        .find(|name| taken.insert(name.clone()))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::merge::{How, Lost};

    /// Goal: names of kinds are distinct and short, and stay within their directory.
    #[test]
    fn names_are_their_own() {
        let mut taken = HashSet::new();
        let mut name = |workload: &str, checks: usize| {
            let violated = vec!["refcounts".to_owned(); checks];
            let kind = FailureKind {
                workload: workload.to_owned(),
                heap: "gil".to_owned(),
                fault: None,
                how: How {
                    lost: Lost::Violated,
                    violated,
                },
            };
            free_name(&kind, &mut taken)
        };
        assert_eq!(name("churn", 1), "churn-gil-violated-refcounts");
        assert_eq!(name("../a b.toml", 0), "a_b-gil-violated");
        assert_eq!(name("/other/a b.toml", 0), "a_b-gil-violated-2");
        assert!(name("churn", 100).len() <= NAME_MAX);
    }
}
