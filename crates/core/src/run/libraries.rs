//! Heaps in shared libraries, which are named by their paths and need not be registered.
//!
//! A library is loaded when a heap of it is opened, and not when it is named: loading it runs code of it,
//! which is for the process of the run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::any::{AnyHeap, Fast, Planted};
use super::entry::{Entry, Way};
use crate::heap::foreign::{Foreign, Library};
use crate::heap::{Defect, HeapConfig, Owned};

/// The libraries that were asked for so far. They are as many as a command line names, so they are kept
/// until the process ends, and can be handed out as if they had been registered.
#[derive(Debug, Default)]
pub(super) struct Libraries(Mutex<BTreeMap<String, &'static Entry>>);

impl Libraries {
    /// The heap of the library that the name leads to, if there is such a file.
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(name) {
            return Some(entry);
        }
        let (path, text) = parts(name)?;
        let (path, text) = (path.to_owned(), text.to_owned());
        let open = move |config: &HeapConfig| open(Path::new(&path), &text, config);
        let entry = Entry::new(name, "a shared library", Way::Opened(Arc::new(open)));
        let entry = Box::leak(Box::new(entry));
        known.insert(name.to_owned(), entry);
        Some(entry)
    }
}

/// Whether a heap's name is meant as the path of a library.
pub fn is_path(name: &str) -> bool {
    name.contains('/')
}

/// The file of the library that a heap's name leads to, if there is such a file.
pub fn library_file(name: &str) -> Option<&str> {
    parts(name).map(|(path, _)| path)
}

/// The file and the text behind it. Names stand in cases, where a blank ends them and `#` begins a
/// comment.
fn parts(name: &str) -> Option<(&str, &str)> {
    if !is_path(name) || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        return None;
    }
    let whole = std::iter::once((name, ""));
    let split = name
        .match_indices(':')
        .map(|(at, _)| (&name[..at], &name[at + 1..]));
    whole
        .chain(split)
        .find(|(path, _)| Path::new(path).is_file())
}

fn open(path: &Path, text: &str, config: &HeapConfig) -> Result<Box<dyn AnyHeap>, Defect> {
    let library = Library::load(path)?;
    if !library.wants_one_thread() {
        return Ok(Box::new(Fast(Foreign::open(library, text, config)?)));
    }
    let text = text.to_owned();
    // A change of threads costs more than an indirect call, so no loop is compiled for it.
    let heap = Owned::open(config, move |config| Foreign::open(library, &text, config))?;
    Ok(Box::new(Planted(heap)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a name is a path and a text, where the path may contain colons.
    #[test]
    fn names_are_taken_apart() {
        let directory = tempfile::tempdir().expect("there is room");
        let directory = directory.path().to_str().expect("it is text");
        for file in ["lib.so", "li:b.so"] {
            std::fs::write(format!("{directory}/{file}"), "").expect("it can be written");
        }
        for (file, text) in [
            ("lib.so", ""),
            ("lib.so", "a:b/c"),
            ("li:b.so", ""),
            ("li:b.so", "d"),
        ] {
            let path = format!("{directory}/{file}");
            let colon = if text.is_empty() { "" } else { ":" };
            assert_eq!(parts(&format!("{path}{colon}{text}")), Some((&*path, text)));
        }
        for no_name in ["lib.so", "./no such.so", "./lib.so#1", "/dev/null/lib.so"] {
            assert_eq!(parts(no_name), None);
        }
    }
}
