//! The heaps that can be named on the command line.

use std::sync::Arc;

use crate::evidence::Evidence;
use crate::heap::{Caps, Fault, Heap, HeapConfig, Pauses};
use crate::plan::Plan;

use super::{Observer, Options, Runner};

/// Heaps by name. Yours joins the built-in ones with [`with`](Self::with).
pub struct Registry {
    entries: Vec<Entry>,
}

/// One heap that can be named.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// What it can do.
    pub caps: Caps,
    /// Whether commands use it when no heap is named.
    pub is_default: bool,
    run: Box<Runner>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("caps", &self.caps)
            .finish()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl Entry {
    /// Runs a plan on a fresh heap of this kind. The only error is a heap that cannot be opened.
    pub fn run(
        &self,
        plan: &Plan,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Evidence, Fault> {
        (self.run)(plan, options, observer)
    }
}

impl Registry {
    /// No heap at all.
    pub fn empty() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds a heap. `open` is called once for each run.
    #[must_use]
    pub fn with<H, F>(mut self, name: &str, about: &str, open: F) -> Self
    where
        H: Heap + 'static,
        F: Fn(&HeapConfig) -> Result<H, Fault> + Send + Sync + 'static,
    {
        // A heap that cannot even be opened for a handful of objects can do nothing; it says why
        // when somebody runs it.
        let caps = open(&HeapConfig::with_capacity(64)).map_or(Caps::NONE, |heap| heap.caps());
        let heap_name = name.to_owned();
        let run = move |plan: &Plan, options: &Options, observer: &dyn Observer| {
            let pauses = Arc::new(Pauses::default());
            let config = HeapConfig {
                capacity: plan.live_limit,
                globals: plan.globals,
                switch_interval: options.switch_interval,
                pauses: Arc::clone(&pauses),
            };
            let heap = open(&config)?;
            Ok(super::run(
                &heap_name, heap, &pauses, plan, options, observer,
            ))
        };
        self.entries.push(Entry {
            name: name.to_owned(),
            about: about.to_owned(),
            caps,
            is_default: false,
            run: Box::new(run),
        });
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

    /// All heaps, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The heap of this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}
