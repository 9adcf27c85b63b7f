//! The heaps that can be named on the command line.

use std::sync::Arc;

use crate::heap::{Defect, Fault, Heap, HeapConfig, Ordeal};

use super::any::{AnyHeap, Fast, Planted};
use super::entry::{Entry, Plantable, Way};
use super::libraries::Libraries;
use super::python::{Pythons, is_python};

/// Heaps by name. Yours joins the built-in ones with [`with`](Self::with). A name with a slash is that
/// of a shared library (`libraries`), and `python:` begins that of an interpreter (`python`).
pub struct Registry {
    entries: Vec<Entry>,
    libraries: Libraries,
    pythons: Pythons,
}

/// Letters, digits, and what joins them.
fn is_word(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+:@".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl Registry {
    /// A registry without heaps.
    pub fn empty() -> Self {
        Self {
            entries: Vec::new(),
            libraries: Libraries::default(),
            pythons: Pythons::default(),
        }
    }

    /// Adds a heap. `open` is called once for each run, and once more in each process, for a few
    /// objects, to ask the heap what it can do.
    ///
    /// # Panics
    ///
    /// If the name is not one word, or another heap has it. The name is used on command lines, in
    /// cases (where `#` begins a comment) and as part of file names.
    #[must_use]
    pub fn with<H, F>(mut self, name: &str, about: &str, open: F) -> Self
    where
        H: Heap + Sync + 'static,
        F: Fn(&HeapConfig) -> Result<H, Defect> + Send + Sync + 'static,
    {
        assert!(is_word(name), "a heap's name is one word, not {name:?}");
        assert!(self.get(name).is_none(), "two heaps have the name {name:?}");
        let open = move |config: &HeapConfig| -> Result<Box<dyn AnyHeap>, Defect> {
            Ok(Box::new(Fast(open(config)?)))
        };
        let way = Way::Opened(Arc::new(open));
        self.entries.push(Entry::new(name, about, way));
        self
    }

    /// Says which faults can be planted in the heap added last. `open` opens the heap with an
    /// [`Ordeal`]: one of these faults, delays, a refused allocation.
    #[must_use]
    pub fn plantable<H, F>(mut self, faults: &'static [Fault], open: F) -> Self
    where
        H: Heap + Sync + 'static,
        F: Fn(&HeapConfig, Ordeal) -> Result<H, Defect> + Send + Sync + 'static,
    {
        if let Some(last) = self.entries.last_mut() {
            last.planted = Some(Plantable {
                faults,
                open: Arc::new(move |config, ordeal| Ok(Box::new(Planted(open(config, ordeal)?)))),
            });
        }
        self
    }

    /// Makes the heap added last one that commands use when none is named.
    #[must_use]
    pub fn by_default(mut self) -> Self {
        if let Some(last) = self.entries.last_mut() {
            last.is_default = true;
        }
        self
    }

    /// Says that the heap added last is broken on purpose.
    #[must_use]
    pub(super) fn broken(mut self) -> Self {
        if let Some(last) = self.entries.last_mut() {
            last.is_broken = true;
        }
        self
    }

    /// Says that all heaps added so far come with the program.
    #[must_use]
    pub(super) fn built_in(mut self) -> Self {
        for entry in &mut self.entries {
            entry.is_built_in = true;
        }
        self
    }

    /// All heaps, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The heap of this name: one that was added, or that of a shared library with the C interface if
    /// the name is a path to it (`./libmine.so`, or `./libmine.so:TEXT` if `open` is to get a text), or
    /// that of a CPython (`python`, or `python:INTERPRETER`).
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let added = self.entries.iter().find(|entry| entry.name == name);
        match is_python(name) {
            true => added.or_else(|| self.pythons.get(name)),
            false => added.or_else(|| self.libraries.get(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::counted::open_gil;

    fn with(name: &str) -> Registry {
        Registry::empty().with(name, "a heap", |config| Ok(open_gil(config)))
    }

    /// Goal: a name is one that can be given on a command line and read back from a case.
    #[test]
    fn names_are_words() {
        for name in ["mine", "rust-gc@0.5", "gc_arena+x", "Größe"] {
            assert!(with(name).get(name).is_some());
        }
        for name in ["", "my heap", "a#b", "-q", "a/b", "a\tb"] {
            assert!(std::panic::catch_unwind(|| with(name)).is_err(), "{name:?}");
        }
    }
}
