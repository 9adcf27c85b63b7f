//! A collector that marks and sweeps.
//!
//!     cargo run --release --example mark_sweep -- run --duration 1s
//!     cargo run --release --example mark_sweep -- fuzz --cases 1000

use std::process::ExitCode;

use gcstorm::heap::gil::Gil;
use gcstorm::heap::{Defect, HeapConfig, Space, Traced, TracedObject};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let about = "marks what is alive, frees the rest";
    let heaps = Registry::builtin().with("mark-sweep", about, open);
    gcstorm::cli::main(heaps.by_default())
}

fn open(config: &HeapConfig) -> Result<Gil<Traced<MarkSweep>>, Defect> {
    Traced::open(MarkSweep::default(), config)
}

#[derive(Default)]
struct MarkSweep {
    /// By number; what was freed has left an empty cell.
    cells: Vec<Option<TracedObject>>,
    free: Vec<u32>,
}

impl Space for MarkSweep {
    fn add(&mut self, object: TracedObject) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.cells.push(None);
            u32::try_from(self.cells.len() - 1).expect("the capacity is a u32")
        });
        self.cells[number as usize] = Some(object);
        number
    }

    fn object(&mut self, number: u32) -> Option<&mut TracedObject> {
        self.cells[number as usize].as_mut()
    }

    fn count(&self) -> usize {
        self.cells.len() - self.free.len()
    }

    /// Marks all that can be reached, with a list of what is still to be looked at, and frees the rest.
    fn collect(&mut self, roots: &mut [&mut u32]) {
        let mut is_marked = vec![false; self.cells.len()];
        let mut gray: Vec<u32> = roots.iter().map(|root| **root).collect();
        while let Some(number) = gray.pop() {
            let is_new = !std::mem::replace(&mut is_marked[number as usize], true);
            if let (true, Some(object)) = (is_new, &self.cells[number as usize]) {
                gray.extend(object.references.iter().flatten());
            }
        }
        self.free.clear();
        for (number, cell) in (0..).zip(&mut self.cells) {
            if !is_marked[number as usize] {
                *cell = None;
                self.free.push(number);
            }
        }
    }
}

#[cfg(test)]
mod conformance {
    gcstorm::conformance_tests!(super::open);
}
