//! The cases of earlier hunts in a directory. Their files are named after what is in them, so no hunt
//! overwrites another's; but a page that says "none failed" beside them must say that they are there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::reproduce;
use crate::plan::Case;
use crate::report::hunt::EarlierCase;
use crate::result;

/// The files of cases in a directory, in the order of their names.
pub(super) fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut cases: Vec<PathBuf> = paths
        .filter(|path| path.extension() == Some(OsStr::new("case")))
        .collect();
    cases.sort();
    cases
}

/// What is said of a case that failed; `None` of a file that is none.
pub(super) fn about(program: &str, path: &Path) -> Option<EarlierCase> {
    let text = fs::read_to_string(path).ok()?;
    let case = Case::parse("", &text).ok()?;
    // What was only under way when a hunt was killed names no check.
    let check = case.check?;
    let heap = case.heap.unwrap_or_else(|| "any heap".to_owned());
    let subject = result::subject(&heap, case.fault.map(crate::heap::Fault::name));
    Some(EarlierCase {
        about: format!("{check} on {subject}"),
        reproduce: reproduce::command(program, &[OsStr::new("replay"), path.as_os_str()]),
    })
}
