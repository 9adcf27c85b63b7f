//! Which candidates a round looks at: the oldest first, so that none waits for ever.
//!
//! Mutators hand candidates over on a stack. At the start of each round everything on it moves to
//! the end of a queue, and the round takes its batch from the front. A candidate of the batch is
//!
//! * *decided* if all that it reaches was recorded within the round's budget. It leaves the queue.
//!   (If it was suspected and not freed, it becomes a candidate anew, at the end of the queue.)
//! * *undecided* if the budget ended before that. It goes back to its place at the front.
//!
//! A candidate whose word is not what it was when a round last looked at it is *in use*: to walk
//! all that it reaches would be a waste. It goes to the end of the queue instead of into the batch.
//!
//! # Every candidate is decided in the end
//!
//! Consider a candidate that is garbage. Only finitely many candidates are before it, and their
//! number never grows, since nothing but undecided candidates is put in front, and those were there
//! before. Every round takes the first candidate, which is then dropped because it died, moved to
//! the end because it is in use, decided, or undecided. In the last case the first one alone
//! exceeded the budget: no candidate of the round was decided, and the next round's budget is twice
//! as large. The budget is not reset before a candidate was decided. What the first candidate
//! reaches is finite, so it is decided after finitely many rounds, and there is one less before the
//! one that we consider.
//!
//! The candidate itself can lose its place, but not for ever. No mutator changes its word any more,
//! nor makes it a candidate anew. The collector does, when it frees garbage that refers to it; of
//! such references there are finitely many, and no new ones. A pardon (`cycles::verdict`) changes
//! the word as well: once for each round that came to nothing because of an upgrade, or of a change
//! upstream.
//!
//! The more candidates wait, the more of them a round takes, up to [`LOOKS`] times as many: the
//! grace period is waited for once, however many it is for.
//!
//! Fresh candidates, however many there are, queue behind it and do not matter. A round moves all
//! of them to the queue; but under one pin it moves no more than a buffer, and it looks at a
//! bounded number of candidates, though at one at least.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::Effort;
use super::graph::Graph;
use crate::heap::fault::{Fault, Faults};
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::shared::Shared;
use crate::heap::lock_free::worker::Worker;
use crate::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

/// A round looks at no more entries than this many for each candidate that it takes at least if it
/// can. Most may be in use or dead, and the round has a pin, which holds up everybody who waits for
/// memory.
const LOOKS: usize = 4;

/// How many entries ahead the cell of a candidate is fetched: its mutator has just changed it, so it
/// lies in the cache of another processor, and takes as long to come as so many entries to look at.
const AHEAD: usize = 8;

/// A candidate, and its word when a round last looked at it, or 0 if none did.
#[derive(Debug, Clone, Copy)]
struct Entry {
    candidate: Ref,
    word: u64,
}

/// Hashes references. Nobody chooses them in order to make the table slow.
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, bits: u64) {
        // The cell's number is in the upper half, and the table uses both ends of the result. The
        // factor is 2^64 divided by the golden ratio.
        let mixed = self.0 ^ bits ^ bits >> 32;
        self.0 = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// See the module. All entries but those of objects that died are BUFFERED.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// The candidates that the last round found alive, with their words then.
    alive: HashMap<Ref, u64, BuildHasherDefault<Spread>>,
    /// How many of the candidates that the heap counts (`Shared::candidates_len`) were taken over
    /// from mutators. At the end of a round these are the entries.
    held: u64,
    /// How many entries a round has looked at before, and found alive.
    known: u64,
}

impl Queue {
    /// Takes over what mutators handed over, and fills the batch from the front of the queue; the
    /// latter under one pin, which it leaves to the round. Returns whether it looked at all
    /// candidates.
    pub(super) fn fill(
        &mut self,
        worker: &mut Worker<'_, impl Faults>,
        effort: Effort,
        size: usize,
        batch: &mut Vec<Ref>,
    ) -> bool {
        self.take_over(worker);
        let mut left = self.entries.len();
        let least = left.saturating_sub(size * LOOKS);
        let size = (left / 2).clamp(size, size * LOOKS);
        let mut in_use = Vec::new();
        while left > least && batch.len() < size {
            let taken = (left - least).min(size - batch.len());
            left -= taken;
            for ahead in self.entries.range(..taken.min(AHEAD)) {
                worker.core.slab.fetch(ahead.candidate.index());
            }
            for number in 0..taken {
                if let Some(ahead) = self.entries.get(number + AHEAD) {
                    worker.core.slab.fetch(ahead.candidate.index());
                }
                let Entry { candidate, word } = self.entries[number];
                self.known -= u64::from(word != 0);
                let cell = worker.core.slab.cell(candidate.index());
                // SeqCst, both: the word first, so that the incarnation is that of the word's
                // object or of a later one.
                let now = cell.word.load(SeqCst);
                if !candidate.fits(cell.meta.load(SeqCst)) {
                    continue;
                }
                if effort == Effort::Paced && word != 0 && word != now {
                    in_use.push(Entry {
                        candidate,
                        word: now,
                    });
                } else {
                    batch.push(candidate);
                }
            }
            self.entries.drain(..taken);
        }
        self.known += in_use.len() as u64;
        self.entries.extend(in_use);
        left == 0
    }

    /// Moves all buffers to the queue. There may be any number of them, so each is moved under a
    /// pin of its own.
    fn take_over(&mut self, worker: &mut Worker<'_, impl Faults>) {
        let core = worker.core;
        let mut buffers = Vec::new();
        while let Some(buffer) = core.shared.candidates.pop(worker.guard()) {
            worker.count_job(0);
            buffers.push(buffer);
        }
        // The stack gives the newest first.
        for buffer in buffers.into_iter().rev() {
            worker.enter();
            let moved = buffer.len();
            let mut is_newest_first = false;
            self.entries.extend(buffer.into_iter().map(|candidate| {
                is_newest_first |= core.has(Fault::NewestFirst);
                let word = self.alive.get(&candidate).copied().unwrap_or(0);
                self.known += u64::from(word != 0);
                Entry { candidate, word }
            }));
            if is_newest_first {
                self.entries.rotate_right(moved);
            }
            self.held += moved as u64;
        }
    }

    /// Puts candidates back that a round did not decide, in their order. They are still marked,
    /// unless they have died.
    pub(super) fn put_back(&mut self, worker: &Worker<'_, impl Faults>, undecided: &[Ref]) {
        for &candidate in undecided.iter().rev() {
            if worker.is_alive(candidate) {
                self.put_in_front(worker, candidate);
            }
        }
    }

    /// Puts the batch of a round that broke off back, whether it is marked or not: an entry too
    /// many costs a look, and one too few leaves garbage for ever.
    pub(super) fn restore(&mut self, worker: &Worker<'_, impl Faults>, batch: &[Ref]) {
        for &candidate in batch.iter().rev() {
            if worker.is_alive(candidate) {
                worker.mark(candidate);
            }
            self.put_in_front(worker, candidate);
        }
    }

    fn put_in_front(&mut self, worker: &Worker<'_, impl Faults>, candidate: Ref) {
        let word = worker.core.slab.cell(candidate.index()).word.load(SeqCst);
        self.known += u64::from(word != 0);
        self.entries.push_front(Entry { candidate, word });
    }

    /// Remembers which of the decided candidates turned out alive.
    pub(super) fn note_alive(&mut self, graph: &Graph, decided: &[Ref]) {
        self.alive.clear();
        graph.each_live(decided, |candidate, word| {
            self.alive.insert(candidate, word);
        });
    }

    /// Tells the heap how many candidates are left. Only at the end of a round, so that whoever
    /// asks whether there are any does not miss those that the round looks at.
    pub(super) fn settle(&mut self, shared: &Shared) {
        let left = self.entries.len() as u64;
        // After a panic some entries may be there twice, so there may be more of them than were
        // taken over.
        let gone = self.held.wrapping_sub(left);
        // Release pairs with the Acquire in `Core::is_clean`: whoever finds no candidates finds
        // what the round left to be released.
        shared.candidates_len.fetch_sub(gone, Release);
        self.held = left;
        // Relaxed: a pace is chosen by it.
        shared.candidates_known.store(self.known, Relaxed);
    }
}
