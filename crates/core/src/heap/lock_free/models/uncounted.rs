//! A reference is moved into a container that is held only by an uncounted pointer, against rule
//! R2. Mutators never do that, so this program uses the heap's internal parts.
//!
//! `x.0 = a`, `a.0 = b`, `b.0 = a`. One worker follows `x.0` under its pin and moves its own
//! reference to `a` into what it found there, which is `a` itself. Another takes `a` out of `x`
//! meanwhile and drops it. The collector looks at `a` and finds it live, because of the first
//! worker's reference. Then that reference becomes an edge of the cycle without any change of a
//! word, and nothing makes the cycle a candidate again.

use std::sync::Arc;

use super::explore::{Births, Modelled, assert_empty, breaks_scripted, holds_scripted, open, seat};
use super::turns::Turn::{self, Part, Whole};
use crate::heap::Shape;
use crate::heap::fault::Fault;
use crate::heap::lock_free::cell::Ref;
use crate::heap::lock_free::word;
use crate::heap::lock_free::worker::Worker;
use crate::heap::{Heap, Mutator};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::SeqCst;

static SCRIPT: [Turn; 3] = [Part(1), Whole(2), Whole(3)];

fn field<'h>(worker: &Worker<'h, Option<Fault>>, of: Ref, number: usize) -> &'h AtomicU64 {
    &worker.core.slab.cell(of.index()).slots[number]
}

fn make(worker: &mut Worker<'_, Option<Fault>>, births: &mut Births) -> Ref {
    let tag = births.tag(Shape::Node);
    let node = worker.allocate(Shape::Node, tag);
    node.expect("models are small")
}

/// The graph: a reference to `x` for each worker, and one to `a` for the first.
fn prepare(heap: &Modelled, births: &mut Births) -> (Ref, Ref) {
    let mut worker = Worker::new(heap.core(), 0);
    let [x, a, b] = [(); 3].map(|()| make(&mut worker, births));
    for (of, to) in [(x, a), (a, b), (b, a)] {
        field(&worker, of, 0).store(to.bits(), SeqCst);
    }
    assert!(worker.retain(a) && worker.retain(a) && worker.retain(x));
    (x, a)
}

/// Moves the reference to `a` into the container that `x.0` leads to.
fn move_in(heap: &Modelled, (x, a): (Ref, Ref), is_counted: bool) {
    let mut worker = Worker::new(heap.core(), 1);
    worker.enter();
    if let Some(container) = Ref::from_bits(field(&worker, x, 0).load(SeqCst))
        && (!is_counted || worker.retain(container))
    {
        let old = field(&worker, container, 1).swap(a.bits(), SeqCst);
        assert_eq!(old, 0, "nobody else stores there");
        if is_counted {
            worker.release(container);
        }
    } else {
        worker.release(a);
    }
    worker.enter();
    worker.release(x);
}

/// Takes `a` out of `x`, and drops both.
fn take_out(heap: &Modelled, x: Ref) {
    let mut worker = Worker::new(heap.core(), 2);
    worker.enter();
    let taken = Ref::from_bits(field(&worker, x, 0).swap(0, SeqCst)).expect("it was there");
    // Rule R1.
    word::touch(&worker.core.slab.cell(taken.index()).word);
    worker.enter();
    worker.release(x);
    worker.enter();
    worker.release(taken);
}

fn run(fault: Option<Fault>) {
    let heap = open(fault);
    let mut births = Births::new();
    let (x, a) = prepare(&heap, &mut births);
    let is_counted = fault != Some(Fault::UncountedContainer);
    let spawn = |work: Box<dyn FnOnce(&Modelled) + Send>| {
        let heap = Arc::clone(&heap);
        shuttle::thread::spawn(move || work(&heap))
    };
    let threads = [
        spawn(Box::new(move |heap| move_in(heap, (x, a), is_counted))),
        spawn(Box::new(move |heap| take_out(heap, x))),
        spawn(Box::new(|heap| {
            heap.core().collect_now();
        })),
    ];
    for thread in threads {
        thread.join().expect("no panic");
    }
    // A mutator comes and goes after the collector.
    heap.attach(seat(0)).expect("a seat").idle(&mut || ());
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: the cycle is found if the container is counted while the reference is moved into it, and
/// is never found otherwise.
#[test]
fn containers_are_counted() {
    holds_scripted(&SCRIPT, run);
    breaks_scripted(Fault::UncountedContainer, &SCRIPT, "something is left", run);
}
