//! A heap whose objects must not leave their thread, on a thread of its own.
//!
//! Many collectors for one thread keep their candidates in thread-locals. Declared `Send` and put
//! under a lock they would find only part of them, and the crate would be blamed for a leak of the
//! harness's making. So here one thread opens the heap, attaches all its mutators, does all that
//! they do, and drops it.
//!
//! The mutators of the run are on threads of their own as ever. Each hands over what it has to do
//! and waits until it was done; the owner does one after the other, in the order in which they came
//! ([`queue`]), so all have their turns. What is handed over is a whole sequence of operations
//! where the harness has one ([`Mutator::hand_over`]), which is a thousand of them as a rule. A
//! single operation costs two changes of threads. Waiting for a turn counts as no pause, and is in
//! the time of no operation but those that stand alone (`rejoin`), since the heap cannot help it.
//!
//! Three things are not known of such a heap, since the harness asks the mutators' threads for them
//! and the heap is on another one: how much of a slow operation's time was a pause of the heap; how
//! much of it was spent waiting for a processor; and whether a mutator that made no progress could
//! have run, without which `progress` can blame the heap for little.
//!
//! The heap must not make one mutator wait for another, since both are on one thread.

#![expect(
    unsafe_code,
    reason = "what is handed over is borrowed from whoever waits, which the compiler cannot check"
)]

#[cfg(all(test, shuttle))]
mod modelled;
mod queue;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::PoisonError;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::{
    Belief, Caps, Census, Defect, Errand, Field, Finalizer, Gauge, Global, Heap, HeapConfig,
    Mutator, OutOfMemory, Peek, Seat, Shape, Slot, Stats, Tag,
};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard};
use queue::{Bell, Queue};

/// As much as the main thread of a program has: objects may be dropped by recursion.
const STACK_BYTES: usize = 8 << 20;

/// What the owner does for others.
trait Owner {
    fn attach(&mut self, number: u64, seat: Seat) -> Result<(), Defect>;
    fn mutator(&mut self, number: u64) -> &mut dyn Mutator;
    fn detach(&mut self, number: u64);
    fn settle(&mut self) -> Result<(), Defect>;
    fn census(&mut self) -> Option<(Vec<Belief>, Census)>;
    /// What the heap says of itself now.
    fn told(&self) -> (Stats, Gauge);
}

struct Owning<'h, H: Heap + 'h> {
    heap: &'h H,
    mutators: HashMap<u64, H::Mutator<'h>>,
}

impl<'h, H: Heap> Owner for Owning<'h, H> {
    fn attach(&mut self, number: u64, seat: Seat) -> Result<(), Defect> {
        let mutator = self.heap.attach(seat)?;
        self.mutators.insert(number, mutator);
        Ok(())
    }

    fn mutator(&mut self, number: u64) -> &mut dyn Mutator {
        let mutator = self.mutators.get_mut(&number);
        mutator.expect("a mutator is attached until it is dropped")
    }

    fn detach(&mut self, number: u64) {
        drop(self.mutators.remove(&number));
    }

    fn settle(&mut self) -> Result<(), Defect> {
        self.heap.settle()
    }

    fn census(&mut self) -> Option<(Vec<Belief>, Census)> {
        let mut beliefs = Vec::new();
        let census = self.heap.census(&mut |belief| beliefs.push(belief))?;
        Some((beliefs, census))
    }

    fn told(&self) -> (Stats, Gauge) {
        (self.heap.stats(), self.heap.gauge())
    }
}

/// What the owner is to do, borrowed from whoever waits for it.
struct Job(*mut (dyn FnMut(&mut dyn Owner) + Send + 'static));

// SAFETY: the closure is `Send`, and whoever handed it over waits and does not use it meanwhile.
unsafe impl Send for Job {}

/// A heap on a thread of its own.
pub struct Owned {
    queue: Arc<Queue<Job>>,
    caps: Caps,
    /// What the heap said after the last job, so that nobody has to wait to be told.
    told: Arc<Mutex<(Stats, Gauge)>>,
    numbers: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl Owned {
    /// Starts the thread and opens the heap on it.
    ///
    /// # Errors
    ///
    /// The heap cannot be opened, or the thread cannot be started.
    ///
    /// # Panics
    ///
    /// If `open` does.
    pub fn open<H, F>(config: &HeapConfig, open: F) -> Result<Self, Defect>
    where
        H: Heap + 'static,
        F: FnOnce(&HeapConfig) -> Result<H, Defect> + Send + 'static,
    {
        let (queue, told) = <(Arc<Queue<Job>>, Arc<Mutex<_>>)>::default();
        let (opened, has_opened) = sync_channel(1);
        let thread = {
            let (queue, told, config) = (Arc::clone(&queue), Arc::clone(&told), config.clone());
            // The thread belongs to the heap and not to the run, so it is started here.
            std::thread::Builder::new()
                .name("gcstorm-owner".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || own(|| open(&config), &opened, &queue, &told))
        };
        let thread = thread.map_err(|error| Defect::Other {
            message: format!("failed to start the heap's thread: {error}"),
        })?;
        match has_opened.recv() {
            Ok(caps) => Ok(Self {
                queue,
                caps: caps?,
                told,
                numbers: AtomicU64::new(0),
                thread: Some(thread),
            }),
            Err(_) => resume_unwind(thread.join().expect_err("it ended without an answer")),
        }
    }

    /// Has the owner do something, and waits until it was done. A panic is passed on.
    fn ask<R: Send>(&self, bell: &Arc<Bell>, ask: impl FnOnce(&mut dyn Owner) -> R + Send) -> R {
        match self.try_ask(bell, ask) {
            Ok(answer) => answer,
            Err(panic) => resume_unwind(panic),
        }
    }

    fn try_ask<R: Send>(
        &self,
        bell: &Arc<Bell>,
        ask: impl FnOnce(&mut dyn Owner) -> R + Send,
    ) -> Result<R, Box<dyn Any + Send>> {
        let mut answer = None;
        let mut ask = Some(ask);
        let mut job = |owner: &mut dyn Owner| {
            let ask = ask.take().expect("a job is done once");
            answer = Some(catch_unwind(AssertUnwindSafe(|| {
                let answer = ask(owner);
                *locked(&self.told) = owner.told();
                answer
            })));
        };
        let borrowed: *mut (dyn FnMut(&mut dyn Owner) + Send + '_) = &raw mut job;
        // SAFETY: only the lifetime changes. The queue's invariant: the owner has done the job, and
        // keeps nothing of it, when `have_done` returns; and that does not unwind.
        let job = Job(unsafe { std::mem::transmute::<*mut _, *mut _>(borrowed) });
        self.queue.have_done(job, bell);
        answer.expect("the job was done")
    }
}

/// What the owner's thread does, from beginning to end.
fn own<H: Heap>(
    open: impl FnOnce() -> Result<H, Defect>,
    opened: &SyncSender<Result<Caps, Defect>>,
    queue: &Queue<Job>,
    told: &Mutex<(Stats, Gauge)>,
) {
    let heap = match open() {
        Ok(heap) => heap,
        Err(defect) => return drop(opened.send(Err(defect))),
    };
    let caps = heap.caps();
    let mut owner = Owning {
        heap: &heap,
        mutators: HashMap::new(),
    };
    *locked(told) = owner.told();
    drop(opened.send(Ok(caps)));
    while let Some((Job(job), bell)) = queue.next() {
        // SAFETY: whoever handed the job over waits until the bell is rung, and leaves it alone.
        let job = unsafe { &mut *job };
        job(&mut owner);
        bell.ring();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heap for Owned {
    type Mutator<'h> = OwnedMutator<'h>;

    fn caps(&self) -> Caps {
        self.caps
    }

    fn attach(&self, seat: Seat) -> Result<OwnedMutator<'_>, Defect> {
        // Relaxed: only the number must be new.
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let bell = Arc::default();
        self.ask(&bell, |owner| owner.attach(number, seat))?;
        Ok(OwnedMutator {
            heap: self,
            number,
            bell,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        self.ask(&Arc::default(), |owner| owner.settle())
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        let (beliefs, census) = self.ask(&Arc::default(), |owner| owner.census())?;
        beliefs.into_iter().for_each(visit);
        Some(census)
    }

    fn stats(&self) -> Stats {
        locked(&self.told).0.clone()
    }

    fn gauge(&self) -> Gauge {
        locked(&self.told).1
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.queue.close();
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        if let Err(panic) = ended
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("caps", &self.caps)
            .finish_non_exhaustive()
    }
}

/// A mutator that has the owner do all that it does.
#[derive(Debug)]
pub struct OwnedMutator<'h> {
    heap: &'h Owned,
    number: u64,
    bell: Arc<Bell>,
}

impl OwnedMutator<'_> {
    fn ask<R: Send>(&mut self, ask: impl FnOnce(&mut dyn Mutator) -> R + Send) -> R {
        let number = self.number;
        self.heap
            .ask(&self.bell, move |owner| ask(owner.mutator(number)))
    }
}

impl Drop for OwnedMutator<'_> {
    fn drop(&mut self) {
        let number = self.number;
        let left = self
            .heap
            .try_ask(&self.bell, move |owner| owner.detach(number));
        if let Err(panic) = left
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// Each operation is an errand of its own.
macro_rules! asked {
    ($($method:ident($($name:ident: $type:ty),*) $(-> $answer:ty)?;)*) => {
        $(fn $method(&mut self $(, $name: $type)*) $(-> $answer)? {
            self.ask(move |mutator| mutator.$method($($name),*))
        })*
    };
}

impl Mutator for OwnedMutator<'_> {
    asked! {
        alloc(dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory>;
        alloc_with_finalizer(dst: Slot, shape: Shape, tag: Tag, finalizer: Finalizer)
            -> Result<(), OutOfMemory>;
        copy(dst: Slot, src: Slot);
        clear(slot: Slot);
        load(dst: Slot, obj: Slot, field: Field);
        store(obj: Slot, field: Field, val: Option<Slot>);
        peek(slot: Slot) -> Peek;
        safepoint() -> Result<(), Defect>;
        rest();
        wake();
        collect();
        append(list: Slot, val: Slot) -> bool;
        len(list: Slot) -> u64;
        get(dst: Slot, list: Slot, index: u64) -> bool;
        set(list: Slot, index: u64, val: Slot) -> bool;
        pop(dst: Slot, list: Slot) -> bool;
        truncate_front(list: Slot, count: u64);
        truncate_back(list: Slot, count: u64);
        add(counter: Slot, by: i64);
        read(counter: Slot) -> i64;
        write(counter: Slot, value: i64);
        publish(global: Global, src: Slot);
        fetch(dst: Slot, global: Global) -> bool;
        downgrade(dst: Slot, src: Slot);
        upgrade(dst: Slot, weak: Slot) -> bool;
    }

    fn hand_over(&mut self, work: &mut Errand<'_>) -> bool {
        self.ask(|mutator| work(mutator));
        true
    }
}
