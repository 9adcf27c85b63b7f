//! Runs in this process.

use std::collections::HashMap;
use std::ffi::OsString;

use super::task::RunTask;
use crate::evidence::Evidence;
use crate::heap::Defect;
use crate::run::{Observer, Opened};

/// Heaps that are open for later runs, by workload and heap.
#[derive(Default)]
pub(super) struct OpenHeaps(HashMap<(Vec<OsString>, String), Box<dyn Opened>>);

impl OpenHeaps {
    /// Makes a run on the heap that is open for it, or on a new one. The last run on a heap
    /// includes closing it.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened.
    pub(super) fn run(
        &mut self,
        task: &RunTask<'_>,
        observer: &dyn Observer,
    ) -> Result<Evidence, Defect> {
        let (plan, options) = (&task.plan, &task.options);
        if task.series.is_none() {
            return task.heap.run(plan, options, observer);
        }
        let key = task.heap_key();
        let heap = match self.0.remove(&key) {
            Some(heap) => heap,
            None => task.heap.open(plan, options)?,
        };
        if task.is_last_on_its_heap() {
            return Ok(heap.run_last(plan, options, observer));
        }
        let evidence = heap.run(plan, options, observer);
        self.0.insert(key, heap);
        Ok(evidence)
    }
}
