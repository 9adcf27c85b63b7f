//! The collector of garbage cycles, which runs while the mutators run.
//!
//! It is trial deletion on a snapshot that is validated one grace period later: the Sigma and Delta
//! tests of Bacon and Rajan (Concurrent Cycle Collection in Reference Counted Systems, ECOOP 2001).
//! The stamp in the word serves for the Delta test, and the epoch for their rotation of buffers.
//! Mutators never stop for it, and pay for nothing but the stamp, which is part of the count's
//! word.
//!
//! # Rules that mutators keep
//!
//! * **R1** Every removal of an edge is followed, before the pin of that operation ends, by a
//!   change of the word of the object that the edge led to, or, for a truncation, of the list's own
//!   word.
//! * **R2** A reference outside the heap is counted. The container that a reference is stored into
//!   is held by a counted register other than the one being moved. Uncounted pointers exist only
//!   under a pin.
//! * **R3** A decrement that leaves a possibly cyclic object alive makes it a candidate, whoever
//!   decrements, unless it is a node that, at a look *after* the decrement, refers to nothing that
//!   is possibly cyclic. (If the object is private, it is its maker's: see `lock_free::private`.
//!   What follows is about the others.)
//! * **R4** Stamps are never reset. **R5** SHARED is set by every increment: see `word`, and
//!   `release` for its use.
//!
//! # A round
//!
//! 1. *Close* ([`graph`]): under one pin, record the word of every object that the batch of
//!    candidates reaches. These objects are the members.
//! 2. *Count*: under the same pin, and after all words were read, record the edges between members.
//! 3. *Split*: a member with more references than recorded edges is live, and so is everything that
//!    it reaches along recorded edges. The other members are suspects.
//! 4. *Wait* ([`verdict`]) for one grace period.
//! 5. *Validate*: a suspect whose word has changed is live, and so is everything that it reaches
//!    along recorded edges. The other suspects are garbage.
//! 6. *Finalize* ([`finalize`]): the finalizers of the garbage run. What they resurrect is live.
//! 7. *Free* ([`sweep`]) the rest. Suspects that were not freed become candidates again.
//!
//! # Why only garbage is freed
//!
//! Let t0 be the end of step 2, t1 the time of step 5, and S the members that step 5 finds to be
//! garbage. The words of S did not change between their reading and t1.
//!
//! An edge between members of S that was counted can be gone at t0 only if the change of a word
//! that follows its removal (R1) has not happened yet. Then it belongs to an operation in progress,
//! which holds the removed reference and, by R2, a counted reference to the container. So if k
//! edges are gone, there are at least k + 1 counted references to S that are not edges between
//! members of S. But the counts of S add up to exactly the number of edges counted. Hence k = 0:
//! all these edges exist at t0, and there is no other counted reference to S.
//!
//! An uncounted pointer that somebody obtained before t0 belonged to a pin that ended before t1; if
//! it had become a counted reference, a word of S would have changed. New pointers to S could be
//! obtained only from S itself, which nobody can reach. So S is the collector's alone, with exactly
//! the edges that were recorded. Its finalizers run before anybody else can see any of it again:
//! see `lock_free::finalize`.
//!
//! # Why all garbage is freed
//!
//! Consider garbage that no other garbage refers to, and of whose objects each reaches all others.
//! It became garbage by a decrement of one of its objects: the last, in the order of all `SeqCst`
//! operations, that took away a counted reference from outside. (To move such a reference into an
//! object of this garbage takes another from outside, by R2.) Every edge was there by then. Whoever
//! stored it held a counted reference to its container, which was given up by an earlier decrement,
//! or moved to where an earlier decrement took it from outside; the edge itself was stored before
//! that, by a `SeqCst` operation (or while its container was private, which whoever holds a
//! reference to that has acquired). So the look after the decrement finds the object's edge to
//! another of these objects, and it is a candidate (R3).
//!
//! A round *decides* a candidate if it records all that the candidate reaches, edges included. Then
//! all references to this garbage are among the recorded edges, so it is suspected, and it is freed
//! unless the round gives up; if so, its objects become candidates again. What it refers to is
//! released, and becomes a candidate by that.
//!
//! A round has a budget. What it does not reach within the budget counts as outside, which is
//! always safe, and the candidates that it does not decide stay candidates. The budget grows until
//! the first of them is decided: see [`queue`] for the argument that none waits for ever.
//!
//! # Marks
//!
//! BUFFERED in an object's `meta` says that it is in a buffer of candidates or in the queue, so
//! that it is there once. A mark without an entry would be for ever: the object would never be
//! looked at again, nor any garbage that only it leads to. Two rules prevent that.
//!
//! A round takes the mark off a candidate that it decided when all else is done, and looks at the
//! word *after* that. If it is not the one that was recorded, the candidate becomes one anew. So a
//! decrement that the snapshot does not contain is either seen in the word at this second look, or
//! comes after the mark went, and leaves an entry. (What is freed needs no such step, which is why
//! the marks do not go first: for most candidates that would be for nothing.) Undecided candidates
//! keep their marks.
//!
//! And whoever sets or takes the mark of an object that it saw under an earlier pin first makes
//! sure that it is still alive. If it is, its cell is not reused before the present pin ends, so
//! that the mark is not that of another object in the same cell. For this reason the cell of a
//! possibly cyclic object is never reused without a grace period, even if nobody ever had a second
//! reference to it (`release`); garbage that was validated has had one (`sweep`).
//!
//! # After a panic
//!
//! A round that ends in a panic (of a finalizer, or because of a defect of the collector) leaves a
//! snapshot that is no longer true. The next round discards it, makes everything in it a candidate
//! again, and notes a defect. What was being freed just then may be lost.

mod finalize;
mod graph;
#[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
pub(super) mod paced;
mod queue;
mod settle;
mod sweep;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
#[cfg(not(any(loom, shuttle)))]
pub(super) mod thread;
mod verdict;

use self::graph::Graph;
use self::queue::Queue;
use super::cell::Ref;
use super::core::{AT_ONCE, Core};
use super::home::COLLECTOR;
use super::worker::{Whose, Worker};
use crate::heap::fault::{Fault, Faults};
use crate::heap::{Collection, Defect};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::sized;

/// How many candidates a round takes, unless many more wait: enough to make the cost of the grace
/// period negligible, few enough for the members to stay in the second-level cache.
const BATCH: usize = sized(4_096, 4);
/// How many slots each of the first two steps of a paced round looks at, unless the round before
/// decided nothing: some 5 ms of work for both.
const BUDGET: usize = sized(1 << 18, 4);
/// Steps of what lies ready that a full collection does under one pin.
const PIECE: usize = 1 << 16;

/// How hard a round tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// With a budget, and without candidates that are in use: as the collector's thread does it.
    Paced,
    /// Everything that the batch reaches: somebody is waiting for it.
    Full,
}

/// The collector's own state. There is one collector at a time.
#[derive(Debug)]
pub(super) struct Cycles {
    graph: Graph,
    queue: Queue,
    /// The candidates of the round that is under way.
    batch: Vec<Ref>,
    budget: usize,
    grace: u64,
    is_due: bool,
}

impl Cycles {
    pub(super) fn new(cells: u32) -> Self {
        Self {
            graph: Graph::new(cells),
            queue: Queue::default(),
            batch: Vec::new(),
            budget: BUDGET,
            grace: 0,
            is_due: false,
        }
    }

    /// Whether the last round left candidates that it could not look at.
    #[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
    fn is_due(&self) -> bool {
        self.is_due
    }

    /// One round over the candidates of now.
    pub(super) fn round(
        &mut self,
        worker: &mut Worker<'_, impl Faults>,
        effort: Effort,
    ) -> Collection {
        worker.enter();
        if !self.batch.is_empty() {
            self.start_over(worker);
        }
        let has_seen_all = self.queue.fill(worker, effort, BATCH, &mut self.batch);
        self.is_due = !has_seen_all;
        let collection = if self.batch.is_empty() {
            Collection::default()
        } else {
            self.run(worker, effort)
        };
        self.queue.settle(&worker.core.shared);
        collection
    }

    fn run(&mut self, worker: &mut Worker<'_, impl Faults>, effort: Effort) -> Collection {
        let core = worker.core;
        core.collecting();
        let rounds = &core.shared.rounds;
        rounds.all.fetch_add(1, Relaxed);
        let is_full = u64::from(effort == Effort::Full);
        rounds.full.fetch_add(is_full, Relaxed);
        let budget = match effort {
            Effort::Paced => self.budget,
            Effort::Full => usize::MAX,
        };
        let decided = self.graph.snapshot(worker, &self.batch, budget);
        let mut collection = Collection {
            examined: self.graph.len() as u64,
            freed: 0,
        };
        let has_suspects = self.graph.has_suspects() && !core.has(Fault::CollectorNeverRuns);
        if has_suspects {
            if self.wait_grace(worker) {
                self.graph.validate(core);
                self.graph.finalize_garbage(worker);
                collection.freed = self.graph.free_garbage(worker);
            } else {
                rounds.abandoned.fetch_add(1, Relaxed);
            }
        }
        self.is_due |= decided < self.batch.len();
        let (decided, undecided) = self.batch.split_at(decided);
        self.queue.put_back(worker, undecided);
        // After all that this round takes away, and before the suspects become candidates again.
        self.graph.unmark(worker, decided);
        if has_suspects && !core.has(Fault::ForgetSuspects) {
            self.graph.suspect_again(worker);
        }
        self.queue.note_alive(&self.graph, decided);
        self.budget = if decided.is_empty() && !core.has(Fault::ForgetBudget) {
            self.budget.saturating_mul(2)
        } else {
            BUDGET
        };
        self.graph.clear();
        self.batch.clear();
        worker.hand_over();
        rounds.freed.fetch_add(collection.freed, Relaxed);
        collection
    }

    /// Cleans up after a round that ended in a panic, and trusts nothing that it recorded. Its
    /// candidates and members become candidates again, so that garbage which it had not begun to
    /// free is found once more. What it had begun to free stays as it is: the census counts it as
    /// living.
    #[cold]
    fn start_over(&mut self, worker: &mut Worker<'_, impl Faults>) {
        let message = "a round of the cycle collector ended in a panic; the next one started over";
        worker.core.defects.note(Defect::Other {
            message: message.to_owned(),
        });
        self.graph.acquit(worker.core);
        self.queue.put_back(worker, &self.batch);
        self.graph.suspect_all(worker);
        self.graph.clear();
        self.batch.clear();
        self.budget = BUDGET;
    }
}

impl<F: Faults> Core<F> {
    /// A full collection, on the calling thread. If a collection is in progress, waits for its end.
    ///
    /// It frees what is garbage when it begins, with four exceptions: what hangs off a truncated
    /// range that waits for its grace period; what other mutators have in their private buffers;
    /// everything that a round suspected together with the target of a weak reference that was
    /// upgraded just then; and what a round did not free because some mutator kept its pin.
    pub(super) fn collect_now(&self) -> Collection {
        // In this order: a pinned thread that waits for the lock would hold up the collector that
        // has it.
        let mut cycles = self.cycles();
        let mut worker = Worker::new(self, COLLECTOR);
        self.release_ready(&mut worker);
        let mut sum = Collection::default();
        // Enough rounds for all present candidates. What they free may release others. But mutators
        // that run make garbage all the time, and there would be no end if all of that had to go.
        let least = 1 + self.shared.candidates_len.load(Relaxed) / BATCH as u64;
        let most = 2 * least + 1;
        for round in 1..=most {
            let collection = cycles.round(&mut worker, Effort::Full);
            sum.examined += collection.examined;
            sum.freed += collection.freed;
            if collection.freed == 0 && round >= least {
                break;
            }
        }
        sum
    }

    /// Releases what lies ready, because garbage cycles may hang off it that are no candidates yet.
    /// Mutators that run make more of it all the time, so this ends after a fixed number of steps.
    fn release_ready(&self, worker: &mut Worker<'_, F>) {
        for _ in 0..AT_ONCE / PIECE {
            worker.enter();
            worker.reap(Whose::Anyone, PIECE);
            if worker.tasks.is_empty() && !self.has_ready() {
                break;
            }
        }
        worker.hand_over();
    }
}
