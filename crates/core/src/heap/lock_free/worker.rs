//! What a mutator and the collector have in common: an epoch participant with private stores of
//! free cells, dead cells, unfinished releases and candidates, and with objects that nobody else
//! can reach (`private`).
//!
//! A worker is pinned all its life except while it waits, and *repinned* at the start of every
//! operation: that costs two loads where a fresh pin costs a read-modify-write. Within one
//! operation the pin never changes, which is what every proof in this heap counts on.
//!
//! Private stores keep the shared ones out of the way: whole chunks move, so the shared pool costs
//! nothing per object. Everything private is handed over before the worker waits, when it goes, and
//! when somebody who found no memory asks for it (see `recall`).
//!
//! # A collector that is behind
//!
//! Where more candidates wait than the collector keeps up with, each refill of free cells lets it
//! catch up for the shortest time that the system knows, and where it is far behind, a refill
//! brings fewer cells. (Not sooner: a sleep costs some 5 us of processor time, as much as dozens of
//! objects.) So mutators slow down a little and long before the heap is full, instead
//! of standing still when it is. They never wait for anything to happen: if the collector cannot go
//! on, because somebody keeps a pin, they go on at that pace.
//!
//! # Deferred jobs
//!
//! `crossbeam-epoch` puts jobs into bags of up to 64 and runs them in a *flush* and hardly anywhere
//! else, at most 8 bags at a time. So jobs pile up, although nobody keeps a pin, unless flushes
//! keep up with them. For this purpose each job has a weight: the number of objects that wait for
//! it, but at least [`JOB_WEIGHT`] and at most [`FLUSH_WEIGHT`]. When the weights add up to
//! `FLUSH_WEIGHT`, the next safepoint flushes; and it flushes once for each `FLUSH_WEIGHT` that was
//! deferred, begun ones included.
//!
//! **Invariant**: a worker that flushes f times takes away up to 8 f bags, and has added fewer than
//! 6 f since it last flushed. It counted no more than 256 f jobs, which are 4 f bags; each flush
//! also publishes a bag that is not full; and the jobs that are not counted (they free what was
//! popped to find free cells, and what a flush itself uses up) are less than a bag a flush. So what
//! is deferred stays bounded, and what piled up behind a stalled mutator shrinks once that has gone
//! on.

#![expect(unsafe_code, reason = "deferred jobs run after the pin that made them")]

use std::sync::Arc;

use crossbeam_epoch::{Guard, LocalHandle};

use super::cell::{self, BLANK, Cell, POISON, Ref};
use super::core::Core;
use super::pace::{self, PATIENCE};
use super::private::Own;
use super::recall::{Outlook, Recall};
use super::release::Task;
use super::shared::{CANDIDATES, CHUNK, Tally};
use super::word;
use crate::clock::{Clock, Stamp};
use crate::heap::{Cause, Defect, Fault, Faults, OutOfMemory, Shape, Tag};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use crate::sync::sized;

/// The weight of deferred jobs between two flushes.
const FLUSH_WEIGHT: usize = CHUNK;
/// What a job weighs at the least: 256 of them are due for a flush, which runs up to 512.
const JOB_WEIGHT: usize = sized(2, 1);
/// Safepoints between two attempts to move the epoch on, whatever was deferred: such an attempt
/// costs some 100 ns, and what was deferred since the last one is little.
const FLUSH_SAFEPOINTS: usize = sized(1_024, 1);
/// Of this many truncated ranges, the time until one is released is measured: some ranges have a
/// single element, and a look at the clock is a tenth of what such a truncation costs.
pub(super) const RANGES_STAMPED: u32 = 16;
/// Stamps taken from the heap at a time.
const STAMPS: u64 = 1 << 16;

/// From which homes a worker takes ripe ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The home of the worker with this number.
    Of(u32),
    /// All.
    Anyone,
}

/// An epoch participant.
#[derive(Debug)]
pub(super) struct Worker<'h, F: Faults> {
    pub(super) core: &'h Core<F>,
    /// Chooses its home.
    pub(super) number: u32,
    /// Declared before `handle`, so that the pin ends first.
    guard: Option<Guard>,
    handle: LocalHandle,
    pub(super) free: Vec<u32>,
    retired: Vec<u32>,
    pub(super) tasks: Vec<Task>,
    pub(super) candidates: Vec<Ref>,
    pub(super) own: Own,
    stamps: std::ops::Range<u64>,
    pub(super) tally: Tally,
    /// The weight of the jobs that were deferred since the last flush.
    weight: usize,
    safepoints: usize,
    /// Ranges that it truncated.
    ranges: u32,
    /// The last recall that it need not answer any more; only while it is pinned.
    answered: u32,
}

impl<'h, F: Faults> Worker<'h, F> {
    /// A worker for the calling thread. Numbers need not be unique: see `home`.
    pub(super) fn new(core: &'h Core<F>, number: u32) -> Self {
        let handle = core.epochs.register();
        Self {
            core,
            number,
            guard: Some(handle.pin()),
            handle,
            free: Vec::with_capacity(2 * CHUNK),
            retired: Vec::with_capacity(CHUNK),
            tasks: Vec::new(),
            candidates: Vec::with_capacity(CANDIDATES),
            own: Own::new(&core.brands, number),
            stamps: 0..0,
            tally: Tally::default(),
            weight: 0,
            safepoints: 0,
            ranges: 0,
            answered: core.recalls.join(),
        }
    }

    /// The pin.
    #[inline]
    pub(super) fn guard(&self) -> &Guard {
        self.guard.as_ref().expect("pinned outside `unpinned`")
    }

    /// Starts an operation: renews the pin, and goes on with what earlier operations left to do. A
    /// worker at rest has no pin, and must not follow pointers to what may be freed.
    #[inline]
    pub(super) fn enter(&mut self) {
        let stalls = self.stalls();
        let guard = self.guard.as_mut().expect("the mutator is at rest");
        if !stalls {
            guard.repin();
            // Off x86 a load that follows may be satisfied before the new epoch was read; there a
            // pointer from the old epoch could be used under the new one.
            #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
            crate::sync::atomic::fence(crate::sync::atomic::Ordering::SeqCst);
        }
        self.go_on();
    }

    /// What a fault does: whether this worker never renews its pin.
    #[inline]
    fn stalls(&self) -> bool {
        self.core.has(Fault::StalledPin) && self.number == 0
    }

    /// Goes on with what earlier operations left to do. This is enough to start an operation that
    /// follows no uncounted pointer; the next operation that does renews the pin.
    #[inline]
    pub(super) fn go_on(&mut self) {
        if !self.tasks.is_empty() {
            self.drain();
        }
    }

    /// Hands over everything private and calls `wait` without a pin, so that this holds nobody up.
    pub(super) fn unpinned<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        self.unpin();
        let result = wait();
        self.pin();
        result
    }

    /// Hands over everything private and ends the pin: nobody is held up until [`pin`](Self::pin).
    pub(super) fn unpin(&mut self) {
        self.hand_over();
        if !self.free.is_empty() {
            self.give_back();
        }
        self.guard = None;
        self.core.recalls.leave(self.answered);
    }

    /// Ends an [`unpin`](Self::unpin).
    pub(super) fn pin(&mut self) {
        if self.guard.is_none() {
            self.guard = Some(self.handle.pin());
            self.answered = self.core.recalls.join();
        }
    }

    /// Runs `job` once every pin that exists now has ended; `objects` objects wait for it.
    pub(super) fn defer(&mut self, objects: usize, job: impl FnOnce() + 'static) {
        // SAFETY: jobs own what they touch and are `'static`; what they own is `Send`, by the
        // bounds of the containers that they put it into.
        unsafe { self.guard().defer_unchecked(job) };
        self.count_job(objects);
    }

    /// Counts a job that was deferred, for which `objects` objects wait.
    #[inline]
    pub(super) fn count_job(&mut self, objects: usize) {
        self.weight += objects.clamp(JOB_WEIGHT, FLUSH_WEIGHT);
    }

    /// The cell that a reference leads to, if its object is of this shape; a stale reference is
    /// noted as a defect.
    #[inline]
    pub(super) fn object(&self, reference: Ref, shape: Shape) -> Option<&'h Cell> {
        let cell = self.core.slab.cell(reference.index());
        // Relaxed: the caller holds a counted reference, through which all this was published.
        let meta = cell.meta.load(Relaxed);
        if reference.fits_as(shape, meta) {
            return Some(cell);
        }
        if !reference.fits(meta) {
            self.stale(reference, meta);
        }
        None
    }

    /// Notes that a reference led to another object than it was made for.
    #[cold]
    pub(super) fn stale(&self, reference: Ref, meta: u64) {
        self.core.defects.note(Defect::Stale {
            cell: reference.index(),
            expected: reference.incarnation(),
            found: cell::incarnation_of(meta),
        });
    }

    /// A new object with one reference and this tag; a list's storage is still to be stored.
    ///
    /// Relaxed but for the word: the object is published later, by whatever publishes the
    /// reference.
    #[inline]
    pub(super) fn allocate(&mut self, shape: Shape, tag: Tag) -> Result<Ref, OutOfMemory> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.refill()?,
        };
        let slab = &self.core.slab;
        let cell = slab.cell(index);
        slab.tag(index).store(tag.into_bits(), Relaxed);
        let meta = cell.meta.load(Relaxed);
        let is_fit = |slot: &AtomicU64| slot.load(Relaxed) == POISON;
        if cell::is_alive(meta) || !is_fit(&cell.slots[0]) || !is_fit(&cell.slots[1]) {
            self.unfit(index, meta);
        }
        let [first, second] = BLANK[shape as usize];
        cell.slots[0].store(first, Relaxed);
        cell.slots[1].store(second, Relaxed);
        let incarnation = cell::incarnation_of(meta).wrapping_add(1) | 1;
        cell.meta.store(self.born(shape, incarnation), Relaxed);
        // Release pairs with the Acquire of a weak upgrade: who sees the new word sees the new
        // incarnation, and finds that the old object is gone.
        cell.word
            .store(word::born(cell.word.load(Relaxed)), Release);
        self.tally.born += 1;
        Ok(Ref::new(index, shape, incarnation))
    }

    /// Notes that a free cell was not as it was left.
    #[cold]
    fn unfit(&self, cell: u32, meta: u64) {
        if cell::is_alive(meta) {
            self.core.defects.note(Defect::InUse { cell });
        }
        let slots = &self.core.slab.cell(cell).slots;
        let found = slots.iter().map(|slot| slot.load(Relaxed));
        for found in found.filter(|&found| found != POISON) {
            self.core.defects.note(Defect::Spoiled { cell, found });
        }
    }

    /// Gets free cells; one of them is the result.
    #[cold]
    fn refill(&mut self) -> Result<u32, OutOfMemory> {
        let core = self.core;
        let _hold = core.pauses.hold(Cause::AllocateSlow);
        // So that a mutator that does nothing but allocate does not hold the epoch up.
        self.enter();
        self.give_way();
        let mut recall: Option<Recall> = None;
        for patience in 0..PATIENCE {
            let whose = if patience == 0 {
                Whose::Of(self.number)
            } else {
                Whose::Anyone
            };
            // Before the look for cells: see `recall`.
            let outlook = core.outlook(recall.as_ref());
            let outlook = match self.search(whose, recall.as_ref(), outlook) {
                Ok(index) => return Ok(index),
                Err(Outlook::Hopeless) => break,
                Err(outlook) => outlook,
            };
            // Others may give some back: cells may wait for grace periods, and garbage cycles for
            // the collector.
            self.core.wake_collector();
            let _wait = core.pauses.hold(Cause::Epoch);
            self.unpinned(|| {
                if outlook != Outlook::Open {
                    recall = Some(core.recall());
                }
                pace::wait(patience);
            });
        }
        Err(OutOfMemory)
    }

    /// Lets the collector catch up a little if it is behind: once for each refill, without a pin,
    /// and without handing anything over. See the module.
    fn give_way(&mut self) {
        if self.core.lag() > 0 {
            let _hold = self.core.pauses.hold(Cause::Collect);
            self.core.wake_collector();
            if !self.stalls() {
                self.guard = None;
            }
            pace::breathe();
            self.guard.get_or_insert_with(|| self.handle.pin());
        }
    }

    /// Looks for free cells, after a recall had this outlook. Returns one of the cells, or the
    /// outlook now.
    pub(super) fn search(
        &mut self,
        whose: Whose,
        recall: Option<&Recall>,
        outlook: Outlook,
    ) -> Result<u32, Outlook> {
        let core = self.core;
        // For each cell that was just used up, another waits to be freed somewhere. Twice as many
        // are freed, so that what is unreclaimed stays bounded while nobody is stalled.
        self.reap(whose, 2 * CHUNK);
        // The sooner cells come back, the fewer of them are needed in all, and the more of them are
        // still in the processor's cache.
        self.advance();
        let room = core.room();
        if room > 0 {
            self.take_free(room);
        }
        if let Some(index) = self.free.pop() {
            return Ok(index);
        }
        let is_full = room == 0 && recall.is_some_and(|recall| !core.has_changed(recall));
        Err(match outlook {
            Outlook::Hopeless if !is_full => Outlook::Unclear,
            outlook => outlook,
        })
    }

    /// Fills the store of free cells with a chunk, or with `room` cells or a fair share of all
    /// cells if that is less.
    fn take_free(&mut self, room: usize) {
        if self.free.is_empty() {
            if let Some(chunk) = self.core.shared.homes.take_cells(self.number, self.guard()) {
                self.free = chunk;
            } else {
                let fresh = self.core.slab.take_fresh(CHUNK);
                self.core.shared.homes.settle(self.number, &fresh);
                // Backwards, so that cells are used in the order in which they lie.
                self.free.extend(fresh.rev());
            }
        }
        let ration = (CHUNK >> self.core.lag().saturating_sub(1)).max(1);
        let most = room.min(self.core.share()).min(ration);
        if self.free.len() > most {
            let spare = self.free.split_off(most);
            self.core.shared.homes.put_cells(self.number, spare);
        }
    }

    /// Takes a dead cell out of use. It may be reused once nobody can hold an uncounted pointer to
    /// it.
    #[inline]
    pub(super) fn retire(&mut self, index: u32) {
        self.retired.push(index);
        if self.retired.len() >= CHUNK {
            self.seal();
        }
    }

    /// Puts a dead cell back at once: nobody can hold an uncounted pointer to it.
    #[inline]
    pub(super) fn reuse(&mut self, index: u32) {
        self.free.push(index);
        if self.free.len() >= 2 * CHUNK {
            let chunk = self.free.split_off(CHUNK);
            self.core.shared.homes.put_cells(self.number, chunk);
        }
    }

    /// The present time, for one in [`RANGES_STAMPED`] truncated ranges.
    pub(super) fn stamp_range(&mut self) -> Option<Stamp> {
        self.ranges = self.ranges.wrapping_add(1);
        let is_stamped = self.ranges.is_multiple_of(RANGES_STAMPED);
        is_stamped.then(|| Clock::get().now())
    }

    /// Defers the reuse of the cells retired so far, as one job.
    fn seal(&mut self) {
        if self.retired.is_empty() {
            return;
        }
        let chunk = std::mem::replace(&mut self.retired, Vec::with_capacity(CHUNK));
        let shared = Arc::clone(&self.core.shared);
        shared.add_unreclaimed(chunk.len() as u64);
        let (number, now) = (self.number, Clock::get().now());
        self.defer(chunk.len(), move || shared.reuse(number, chunk, now));
    }

    /// Notes an object that a decrement left alive and that may be part of a cycle.
    #[inline]
    pub(super) fn suspect(&mut self, reference: Ref) {
        if self.suspect_private(reference) {
            return;
        }
        if self.mark(reference) {
            self.candidates.push(reference);
            if self.candidates.len() >= CANDIDATES {
                self.sift();
            }
        }
    }

    /// Hands the candidates over, unless most have died meanwhile: so that a program whose objects
    /// die soon after they became candidates is no faster than the collector.
    #[cold]
    fn sift(&mut self) {
        self.drop_dead_candidates();
        if self.candidates.len() > CANDIDATES / 2 {
            self.submit_all();
        }
    }

    fn drop_dead_candidates(&mut self) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain(|&candidate| self.is_alive(candidate));
        self.candidates = candidates;
    }

    /// Notes an object that may have died since an earlier pin, under which it was seen alive.
    pub(super) fn suspect_if_alive(&mut self, reference: Ref) {
        if self.is_alive(reference) {
            self.suspect(reference);
        }
    }

    /// Takes the mark off a candidate that was seen alive under an earlier pin. What it returns is
    /// its word afterwards; none if it is dead.
    pub(super) fn unmark_if_alive(&self, reference: Ref) -> Option<u64> {
        let cell = self.core.slab.cell(reference.index());
        if !self.is_alive(reference) {
            return None;
        }
        // SeqCst, both, and in this order: see `word::decrement`.
        cell.meta.fetch_and(!cell::BUFFERED, SeqCst);
        Some(cell.word.load(SeqCst))
    }

    /// Whether the object is alive. If it is, its cell is not reused before this pin ends, so that
    /// a mark that is set under this pin is the object's own and not that of a later one. (If the
    /// object dies first, the mark is lost with the flags that the next one in this cell begins
    /// with.)
    pub(super) fn is_alive(&self, reference: Ref) -> bool {
        let meta = self.core.slab.cell(reference.index()).meta.load(SeqCst);
        reference.fits(meta) || self.core.has(Fault::SuspectWithoutLooking)
    }

    /// Marks the object in a cell as a candidate; false if it is one already.
    #[inline]
    pub(super) fn mark(&self, reference: Ref) -> bool {
        let meta = &self.core.slab.cell(reference.index()).meta;
        // SeqCst pairs with the collector, which clears BUFFERED and then reads the word: see
        // `word::decrement`.
        meta.load(SeqCst) & cell::BUFFERED == 0
            && meta.fetch_or(cell::BUFFERED, SeqCst) & cell::BUFFERED == 0
    }

    /// Hands the candidates over to the collector.
    fn submit(&mut self) {
        self.drop_dead_candidates();
        if !self.candidates.is_empty() {
            self.submit_all();
        }
    }

    fn submit_all(&mut self) {
        let waiting = &self.core.shared.candidates_len;
        if self.core.has(Fault::CandidatesDropped) && waiting.load(Relaxed) > 0 {
            return self.candidates.clear();
        }
        let mut left = std::mem::replace(&mut self.candidates, Vec::with_capacity(CANDIDATES));
        // Those that were private come by the hundred.
        while left.len() > CANDIDATES {
            self.core.submit(left.split_off(left.len() - CANDIDATES));
        }
        self.core.submit(left);
    }

    /// A stamp for an empty slot. No other call ever returns the same.
    pub(super) fn stamp(&mut self) -> u64 {
        self.stamps.next().unwrap_or_else(|| {
            // Relaxed: the numbers are all that is shared. 0 is the stamp of fresh slots.
            let first = self.core.stamps.fetch_add(STAMPS, Relaxed);
            self.stamps = first + 1..first + STAMPS;
            first
        })
    }

    /// Makes the next safepoint do what otherwise one in many does.
    #[cold]
    pub(super) fn hasten(&mut self) {
        self.safepoints = FLUSH_SAFEPOINTS;
    }

    /// A point at which the worker does some of the work that is left for anybody to do. It comes
    /// after an operation, and still uses that operation's pin.
    #[inline]
    pub(super) fn safepoint(&mut self) {
        self.safepoints += 1;
        if self.weight >= FLUSH_WEIGHT || self.safepoints >= FLUSH_SAFEPOINTS {
            self.flush();
        }
        if self.core.recalls.is_asked(self.answered) {
            self.answer();
        }
        if self.core.shared.homes.is_ripe_of(self.number) {
            self.reap(Whose::Of(self.number), CHUNK);
        } else {
            self.go_on();
        }
    }

    /// Hands everything over, because another worker found no memory: see `recall`.
    #[cold]
    fn answer(&mut self) {
        if self.core.has(Fault::AnswerFirst) {
            self.answered = self.core.recalls.answer(self.answered);
        }
        self.hand_over();
        self.give_back();
        self.answered = self.core.recalls.answer(self.answered);
    }

    /// Renews the pin, for the case that safepoints are all there is, and hands over what others
    /// may wait for.
    #[cold]
    fn flush(&mut self) {
        self.enter();
        self.try_private();
        self.renew_brand();
        self.advance();
        self.submit();
        // What one trial left, the next safepoint goes on with.
        if self.has_private_candidates() {
            self.hasten();
        }
    }

    /// Publishes deferred jobs, tries to move the epoch on, and runs jobs that became ready.
    #[cold]
    pub(super) fn advance(&mut self) {
        let _hold = self.core.pauses.hold(Cause::Epoch);
        let flushes = self.weight.div_ceil(FLUSH_WEIGHT).max(1);
        self.weight = 0;
        self.safepoints = 0;
        self.tell();
        for _ in 0..flushes {
            self.guard().flush();
        }
    }

    /// Adds to the heap's counters what was counted since the last call.
    fn tell(&mut self) {
        self.core.shared.add(&std::mem::take(&mut self.tally));
    }

    /// Hands over everything private but the free cells. Unfinished ranges go to this worker's
    /// home, so that their cells return to it if it comes back soon.
    pub(super) fn hand_over(&mut self) {
        self.let_private_go();
        self.seal();
        self.submit();
        let mut orphaned = Vec::new();
        for task in std::mem::take(&mut self.tasks) {
            match task {
                Task::Elements(range) => self.core.shared.homes.put_ripe(self.number, range),
                task => orphaned.push(task),
            }
        }
        if !orphaned.is_empty() {
            self.core.shared.leave_behind(orphaned);
        }
        self.advance();
    }

    /// Does the work of another worker within `budget`: releases what is ripe at its home. The
    /// cells go back there.
    #[cfg(any(all(test, shuttle), not(any(loom, shuttle))))]
    pub(super) fn stand_in_for(&mut self, worker: u32, budget: usize) {
        self.enter();
        let own = std::mem::replace(&mut self.number, worker);
        self.reap(Whose::Of(worker), budget);
        self.hand_over();
        self.give_back();
        self.number = own;
    }

    /// Brings all free cells home.
    fn give_back(&mut self) {
        let free = std::mem::take(&mut self.free);
        self.core
            .shared
            .homes
            .give_back(self.number, free, self.guard());
    }
}

impl<F: Faults> Drop for Worker<'_, F> {
    fn drop(&mut self) {
        // It has no pin if a panic interrupted a wait.
        self.pin();
        self.give_back();
        self.unpin();
        self.leave_brand();
    }
}
