//! Garbage cycles, found while the mutators run.
//!
//! Trial deletion on a snapshot that is validated one grace period later: the Sigma and Delta tests
//! of Bacon and Rajan (Concurrent Cycle Collection in Reference Counted Systems, ECOOP 2001), with
//! the word's stamp for the Delta test and the epoch for their rotation of buffers. Mutators never
//! stop, and pay nothing for it beyond the stamp that rides in the count.
//!
//! Rules that mutators keep:
//!
//! * **R1** Every removal of an edge is followed, before its operation's pin ends, by a change of
//!   the word of the object that it led to, or, for a truncation, of the list's own word.
//! * **R2** A reference outside the heap is counted; a store's container is held by a counted
//!   register that is not the one being moved. Uncounted pointers exist under a pin only.
//! * **R3** A decrement that leaves a possibly cyclic object alive makes it a candidate, wherever it
//!   runs.
//! * **R4** Stamps are never reset. **R5** See `word` for SHARED, and `release` for its use.
//!
//! One round of the collector, for a batch of candidates:
//!
//! 1. *Close* ([`graph`]): under one pin, record the word of everything that the batch reaches.
//! 2. *Count*: under the same pin, after all words were read, record the edges between members.
//! 3. *Split*: a member with more references than edges is live, and so is what it reaches along
//!    recorded edges. The rest is suspected.
//! 4. *Wait* ([`verdict`]) for one grace period.
//! 5. *Validate*: a suspect whose word changed is live, with what it reaches along recorded edges.
//! 6. *Finalize* ([`finalize`]): the finalizers of the rest run, and what they resurrect is live.
//! 7. *Free* ([`sweep`]) what is left. Suspects that were not freed are candidates again.
//!
//! Why the rest is garbage. Let t0 be the end of step 2 and t1 the time of step 5. All words of the
//! rest were constant from their reading to t1. An edge that was counted can be gone at t0 only if
//! its removal has not reached its word change yet (R1): it belongs to an operation in flight, which
//! holds the removed reference in hand and (R2) a counted reference to the container. So k vanished
//! edges leave at least k + 1 counted references that are not edges. Yet the counts add up to
//! exactly the edges counted; so k = 0, all these edges exist at t0, and no counted reference besides
//! them. An uncounted pointer from before t0 belonged to a pin that ended before t1, and had it
//! become a counted one, a word would have changed. New pointers could come only from the rest
//! itself, which nobody can reach.
//!
//! So the rest is the collector's alone, with exactly the edges that were recorded; its finalizers
//! run before anybody else can see any of it again (see `finalize` in the module above).
//!
//! What a round does not reach within its budget counts as outside, which is always sound. Then the
//! whole batch is put back and the budget doubled, so that every garbage cycle fits in the end.

mod finalize;
mod graph;
mod sweep;
#[cfg(not(any(loom, shuttle)))]
pub(super) mod thread;
mod verdict;

use std::collections::HashMap;
use std::sync::Arc;

use self::graph::Graph;
use super::cell::{self, Ref};
use super::core::Core;
use super::home::COLLECTOR;
use super::worker::Worker;
use crate::heap::Collection;
use crate::heap::fault::{Fault, Faults};
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::sized;

/// Candidates that a round takes at most: enough to make the grace period's cost vanish, few enough
/// for the members to stay in the second-level cache.
const BATCH: usize = 4_096;
/// Slots that a paced round looks at, at first: a millisecond or so.
const BUDGET: usize = sized(1 << 18, 64);

/// How hard a round tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// As the collector's thread does it, by and by.
    Paced,
    /// Everything at once: somebody is waiting for it.
    Full,
}

/// The collector's own state. There is one collector at a time.
#[derive(Debug)]
pub(super) struct Cycles {
    graph: Graph,
    batch: Vec<Ref>,
    /// Candidates that are in use: their words changed between two rounds. They stay BUFFERED.
    waiting: Vec<(Ref, u64)>,
    /// Candidates that the last round found alive, with their words then.
    lively: HashMap<Ref, u64>,
    budget: usize,
    grace: u64,
}

impl Cycles {
    pub(super) fn new(cells: u32) -> Self {
        Self {
            graph: Graph::new(cells),
            batch: Vec::new(),
            waiting: Vec::new(),
            lively: HashMap::new(),
            budget: BUDGET,
            grace: 0,
        }
    }

    /// One round over the candidates of now.
    pub(super) fn round(
        &mut self,
        worker: &mut Worker<'_, impl Faults>,
        effort: Effort,
    ) -> Collection {
        worker.enter();
        let before = self.waiting.len();
        let taken = self.take_batch(worker, effort);
        let examined = self.run(worker, effort);
        // Only now, so that whoever asks whether candidates are left does not miss these.
        let settled = (taken + before - self.waiting.len()) as u64;
        worker
            .core
            .shared
            .candidates_len
            .fetch_sub(settled, Relaxed);
        examined
    }

    fn run(&mut self, worker: &mut Worker<'_, impl Faults>, effort: Effort) -> Collection {
        if self.batch.is_empty() {
            return Collection::default();
        }
        worker.core.collecting();
        let rounds = &worker.core.shared.rounds;
        rounds.all.fetch_add(1, Relaxed);
        rounds
            .full
            .fetch_add(u64::from(effort == Effort::Full), Relaxed);
        for candidate in &self.batch {
            // The whole batch before any word is read: see `Worker::suspect`.
            if !worker.core.has(Fault::ClearOneByOne) {
                let meta = &worker.core.slab.cell(candidate.index()).meta;
                meta.fetch_and(!cell::BUFFERED, SeqCst);
            }
        }
        let budget = match effort {
            Effort::Paced => self.budget,
            Effort::Full => usize::MAX,
        };
        let reach = self.graph.snapshot(worker, &self.batch, budget);
        let mut collection = Collection {
            examined: self.graph.len() as u64,
            freed: 0,
        };
        if self.graph.has_suspects() && !worker.core.has(Fault::CollectorNeverRuns) {
            if self.wait_grace(worker) {
                self.graph.validate(worker.core);
                self.graph.finalize_garbage(worker);
                collection.freed = self.graph.free_garbage(worker);
            } else {
                rounds.abandoned.fetch_add(1, Relaxed);
            }
            if !worker.core.has(Fault::ForgetSuspects) {
                self.graph.suspect_again(worker);
            }
        }
        self.budget = match reach {
            graph::Reach::All => BUDGET,
            graph::Reach::Cut => self.budget.saturating_mul(2),
        };
        self.lively.clear();
        self.graph.each_live(&self.batch, |candidate, word| {
            if reach == graph::Reach::Cut {
                worker.suspect(candidate);
            }
            self.lively.insert(candidate, word);
        });
        self.graph.clear();
        self.batch.clear();
        worker.hand_over();
        rounds.freed.fetch_add(collection.freed, Relaxed);
        collection
    }

    /// Fills the batch; returns how many candidates left the shared buffers.
    fn take_batch(&mut self, worker: &mut Worker<'_, impl Faults>, effort: Effort) -> usize {
        let shared = Arc::clone(&worker.core.shared);
        let waiting = std::mem::take(&mut self.waiting);
        for (candidate, word) in waiting {
            self.take(worker, candidate, Some(word), effort);
        }
        let mut taken = 0;
        while self.batch.len() < BATCH {
            let Some(candidates) = shared.candidates.pop(worker.guard()) else {
                break;
            };
            taken += candidates.len();
            for candidate in candidates {
                let word = self.lively.get(&candidate).copied();
                self.take(worker, candidate, word, effort);
            }
        }
        taken
    }

    /// Adds a candidate to the batch, if it is still alive. If its word is not what it was a round
    /// ago, it is in use, and looking at all that it reaches would be a waste: it waits.
    fn take(
        &mut self,
        worker: &Worker<'_, impl Faults>,
        candidate: Ref,
        before: Option<u64>,
        effort: Effort,
    ) {
        let cell = worker.core.slab.cell(candidate.index());
        // SeqCst, both: the word first, so that the incarnation is that of the word's object or of
        // a later one.
        let word = cell.word.load(SeqCst);
        if !candidate.fits(cell.meta.load(SeqCst)) {
            return;
        }
        if effort == Effort::Paced && before.is_some_and(|before| before != word) {
            self.waiting.push((candidate, word));
        } else {
            self.batch.push(candidate);
        }
    }
}

impl<F: Faults> Core<F> {
    /// A full collection, on the calling thread. Waits for one that is under way.
    pub(super) fn collect_now(&self) -> Collection {
        // In this order: who waits for the lock while pinned holds up the collector that has it.
        let mut cycles = self.cycles();
        let mut worker = Worker::new(self, COLLECTOR);
        let mut sum = Collection::default();
        // All candidates of now; and what a round frees may bring up more.
        let mut rounds = 1 + self.shared.candidates_len.load(Relaxed) / BATCH as u64;
        loop {
            rounds = rounds.saturating_sub(1);
            let collection = cycles.round(&mut worker, Effort::Full);
            sum.examined += collection.examined;
            sum.freed += collection.freed;
            if collection.freed == 0 && rounds == 0 {
                return sum;
            }
        }
    }

    /// Reclaims everything, if no mutator runs and none is stalled.
    pub(super) fn settle_now(&self) {
        // In this order: who waits for the lock while pinned holds up the collector that has it.
        let mut cycles = self.cycles();
        let mut worker = Worker::new(self, COLLECTOR);
        let mut idle_rounds = 0;
        while idle_rounds < super::pace::PATIENCE {
            self.quiesce(&mut worker);
            let before = self.shared.candidates_len.load(Relaxed);
            let collection = cycles.round(&mut worker, Effort::Full);
            let after = self.shared.candidates_len.load(Relaxed);
            if collection.freed == 0 && self.is_hopeless() {
                break;
            }
            // A round that neither freed anything nor used candidates up met a stalled mutator.
            let is_idle = collection.freed == 0 && after >= before;
            idle_rounds += u32::from(is_idle);
        }
        let left = self.shared.candidates_len.load(Relaxed);
        self.unsettled.store(left, Relaxed);
    }
}
