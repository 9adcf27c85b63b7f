//! A collector that moves what is alive, and drops the rest together (Cheney's algorithm).
//!
//!     cargo run --release --example moving -- run --duration 1s
//!     cargo run --release --example moving -- fuzz --cases 1000

use std::process::ExitCode;

use gcstorm::heap::gil::Gil;
use gcstorm::heap::{Defect, HeapConfig, Space, Traced, TracedObject};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let about = "moves what is alive, drops the rest";
    let heaps = Registry::builtin().with("moving", about, open);
    gcstorm::cli::main(heaps.by_default())
}

fn open(config: &HeapConfig) -> Result<Gil<Traced<Moving>>, Defect> {
    Traced::open(Moving::default(), config)
}

#[derive(Default)]
struct Moving {
    /// By number.
    objects: Vec<TracedObject>,
}

/// A collection that is under way.
struct Move {
    /// What has not been moved.
    old: Vec<Option<TracedObject>>,
    /// Where the others are now, by their old numbers.
    moved_to: Vec<u32>,
    new: Vec<TracedObject>,
}

impl Space for Moving {
    fn add(&mut self, object: TracedObject) -> u32 {
        self.objects.push(object);
        u32::try_from(self.objects.len() - 1).expect("the capacity is a u32")
    }

    fn object(&mut self, number: u32) -> Option<&mut TracedObject> {
        self.objects.get_mut(number as usize)
    }

    fn count(&self) -> usize {
        self.objects.len()
    }

    /// Moves what the roots refer to, then what that refers to, and so on. What is left behind is garbage.
    fn collect(&mut self, roots: &mut [&mut u32]) {
        let mut moving = Move {
            moved_to: vec![0; self.objects.len()],
            old: self.objects.drain(..).map(Some).collect(),
            new: Vec::new(),
        };
        for root in roots {
            **root = moving.moved(**root);
        }
        let mut scanned = 0;
        while scanned < moving.new.len() {
            let mut references = std::mem::take(&mut moving.new[scanned].references);
            for reference in references.iter_mut().flatten() {
                *reference = moving.moved(*reference);
            }
            moving.new[scanned].references = references;
            scanned += 1;
        }
        self.objects = moving.new;
    }
}

impl Move {
    /// Moves an object unless it was moved before, and returns its new number.
    fn moved(&mut self, number: u32) -> u32 {
        let number = number as usize;
        if let Some(object) = self.old[number].take() {
            self.moved_to[number] = u32::try_from(self.new.len()).expect("fewer than before");
            self.new.push(object);
        }
        self.moved_to[number]
    }
}

#[cfg(test)]
mod conformance {
    gcstorm::conformance_tests!(super::open);
}
