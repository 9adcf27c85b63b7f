//! The smallest cores, under a memory model that is weaker than any processor: loom tries every
//! order that C11 allows. It treats a `SeqCst` access as `AcqRel`, but respects `SeqCst` fences. So
//! what needs `SeqCst` is shown with fences here; and where loom can tell the difference, weaker
//! orders than those in use are shown to fail.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --lib models::memory`

use std::panic::catch_unwind;

use loom::sync::Arc;
use loom::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicPtr, AtomicU64, fence};
use loom::thread;

use crate::heap::lock_free::recall::Recalls;
use crate::heap::lock_free::word::{self, Incremented, Left};

/// Goal: a last decrement and an increment are ordered, so the object dies once; and the thread
/// that finds the count at 0 sees all that was done to the object.
#[test]
fn last_decrement_against_increment() {
    loom::model(|| {
        let object = Arc::new((AtomicU64::new(word::born(0)), AtomicU64::new(0)));
        let other = Arc::clone(&object);
        let reader = thread::spawn(move || {
            if word::increment_in_range(&other.0).is_none() {
                return false;
            }
            other.1.store(1, Relaxed);
            word::decrement(&other.0) == Left::Nothing
        });
        let here = word::decrement(&object.0);
        assert_ne!(here, Left::Underflow);
        if here == Left::Nothing {
            let written = object.1.load(Relaxed);
            let killed_there = reader.join().expect("no panic");
            assert!(!killed_there, "the object died twice");
            let is_shared = object.0.load(Relaxed) & word::SHARED != 0;
            assert_eq!(
                is_shared,
                written == 1,
                "a write to the object was not seen"
            );
        } else {
            assert!(reader.join().expect("no panic"), "nobody freed the object");
        }
        assert_eq!(word::count(object.0.load(SeqCst)), 0);
    });
}

/// A thread replaces the reference in a shared place, and then drops the count that it held.
/// Another thread read the place before, finds by `is_dead` that the object is dead, and looks at
/// the place again.
fn look_again(is_dead: fn(&AtomicU64) -> bool) {
    const OLD: u64 = 1;
    const NEW: u64 = 3;
    let object = Arc::new((AtomicU64::new(word::born(0)), AtomicU64::new(OLD)));
    let other = Arc::clone(&object);
    let writer = thread::spawn(move || {
        other.1.swap(NEW, SeqCst);
        word::decrement(&other.0);
    });
    if object.1.load(Acquire) == OLD && is_dead(&object.0) {
        let again = object.1.load(Acquire);
        assert_eq!(again, NEW, "a dead object is seen where it is not any more");
    }
    writer.join().expect("no panic");
}

/// Goal: a thread that followed a place to a dead object finds something else in that place when it
/// looks again. Otherwise it would report a place as empty that never was. A relaxed look at the
/// count is not enough.
#[test]
fn places_of_the_dead_hold_something_else() {
    loom::model(|| {
        look_again(|word| {
            let increment = word::increment(word);
            if increment != Incremented::Dead {
                word::decrement(word);
            }
            increment == Incremented::Dead
        });
    });
    assert_breaks(
        || look_again(|word| word::count(word.load(Relaxed)) == 0),
        "a dead object is seen where it is not any more",
    );
}

/// Goal: increments and decrements that meet at the largest count leave the object immortal, or
/// with an exact count, and never dead.
#[test]
fn counts_saturate() {
    loom::model(|| {
        let start = word::born(0) + word::MOST - 2;
        let word = Arc::new(AtomicU64::new(start));
        let other = Arc::clone(&word);
        let thread = thread::spawn(move || {
            assert_ne!(word::increment(&other), Incremented::Dead);
            assert_eq!(word::decrement(&other), Left::Others);
        });
        assert_ne!(word::increment(&word), Incremented::Dead);
        assert_ne!(word::increment(&word), Incremented::Dead);
        assert_eq!(word::decrement(&word), Left::Others);
        assert_eq!(word::decrement(&word), Left::Others);
        thread.join().expect("no panic");
        let now = word.load(SeqCst);
        let is_exact = word::count(now) == word::count(start);
        assert!(is_exact || word::is_immortal(now), "a count of {now:#x}");
    });
}

/// Goal: a thread that finds an appended element sees its contents, and exactly one of two appends
/// to one slot succeeds.
#[test]
fn appended_elements_are_complete() {
    loom::model(|| {
        let list = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let other = Arc::clone(&list);
        let appender = thread::spawn(move || {
            other.1.store(7, Relaxed);
            other.0.compare_exchange(0, 3, SeqCst, Relaxed).is_ok()
        });
        if list.0.load(SeqCst) == 3 {
            assert_eq!(
                list.1.load(Relaxed),
                7,
                "an element came without its contents"
            );
        }
        let is_first = list.0.compare_exchange(0, 5, SeqCst, Relaxed).is_ok();
        assert_ne!(is_first, appender.join().expect("no panic"));
    });
}

/// A cell whose object is dead is used for another. A weak reference to the dead one is upgraded
/// meanwhile: it reads the word, and then the incarnation. `count` is what the new one's maker does
/// to its word by then.
fn upgrade_beside(count: fn(&AtomicU64)) {
    const DEAD: u64 = 2;
    const BORN: u64 = 3;
    let cell = Arc::new((
        AtomicU64::new(word::dead(word::born(0))),
        AtomicU64::new(DEAD),
    ));
    let other = Arc::clone(&cell);
    let allocator = thread::spawn(move || {
        other.1.store(BORN, Relaxed);
        let born = word::born(other.0.load(Relaxed));
        other.0.store(born, Release);
        count(&other.0);
    });
    let seen = cell.0.load(Acquire);
    if word::count(seen) != 0 {
        let incarnation = cell.1.load(Acquire);
        assert_eq!(incarnation, BORN, "a new word with an old incarnation");
    }
    allocator.join().expect("no panic");
}

/// Goal: an upgrade that sees a new object's word sees its incarnation, so that it never returns
/// another object than its own; also where the object's maker has counted it alone since its birth,
/// by plain stores. (That these must release cannot be shown here: to loom, as in C++11, a thread's
/// relaxed stores go on with what it released to the same place before. They do not since C++20.)
#[test]
fn upgrades_see_incarnations() {
    loom::model(|| upgrade_beside(|_| ()));
    loom::model(|| {
        upgrade_beside(|word| {
            assert!(word::increment_alone(word, || ()).is_some());
            assert_eq!(word::decrement_alone(word), Left::Others);
        });
    });
}

/// A maker counts an object alone, takes its brand away, and stores a reference to it; another
/// thread finds it there, and counts it, too. `publish` and `find` are the orders at the place.
fn escape(publish: Ordering, find: Ordering) {
    const BRAND: u64 = 8;
    #[derive(Default)]
    struct Cell {
        word: AtomicU64,
        meta: AtomicU64,
        place: AtomicU64,
    }
    let cell = Arc::new(Cell {
        word: AtomicU64::new(word::born(0)),
        meta: AtomicU64::new(BRAND),
        place: AtomicU64::new(0),
    });
    let other = Arc::clone(&cell);
    let finder = thread::spawn(move || {
        if other.place.load(find) != 0 {
            assert_eq!(
                other.meta.load(Relaxed),
                0,
                "it was found before it escaped"
            );
            assert!(word::increment_in_range(&other.word).is_some());
            assert_eq!(word::decrement(&other.word), Left::Others);
        }
    });
    assert!(word::increment_alone(&cell.word, || ()).is_some());
    assert!(word::increment_alone(&cell.word, || ()).is_some());
    assert_eq!(word::decrement_alone(&cell.word), Left::Others);
    cell.meta.store(0, Relaxed);
    cell.place.swap(1, publish);
    assert_eq!(word::decrement(&cell.word), Left::Others);
    finder.join().expect("no panic");
    assert_eq!(word::count(cell.word.load(SeqCst)), 1);
}

/// Goal: what a maker counted alone is exact for whoever finds the object later, if the step that
/// lets it be found releases and the look at it acquires.
#[test]
fn makers_count_alone_until_others_find() {
    loom::model(|| escape(SeqCst, Acquire));
    for (publish, find) in [(Relaxed, Acquire), (SeqCst, Relaxed)] {
        assert_breaks(
            move || escape(publish, find),
            "it was found before it escaped",
        );
    }
}

/// Fails unless loom finds an execution in which the core fails, for the reason given.
fn assert_breaks(core: impl Fn() + Send + Sync + std::panic::UnwindSafe + 'static, symptom: &str) {
    let failure = catch_unwind(move || loom::model(core)).expect_err("nothing failed");
    let literal = failure.downcast_ref::<&str>().map(ToString::to_string);
    let said = literal.or_else(|| failure.downcast_ref::<String>().cloned());
    let said = said.unwrap_or_default();
    assert!(
        said.contains(symptom),
        "it failed for another reason: {said}"
    );
}

/// Two owners write to an object and let go of it; whoever is last frees it. `order` is that of the
/// decrements.
fn last_decrement(order: Ordering) {
    let object = Arc::new((AtomicU64::new(2), AtomicU64::new(0)));
    let other = Arc::clone(&object);
    let owner = thread::spawn(move || {
        other.1.fetch_add(1, Relaxed);
        other.0.fetch_sub(1, order) == 1
    });
    let is_last = object.0.fetch_sub(1, order) == 1;
    if is_last {
        let written = object.1.load(Relaxed);
        assert_eq!(written, 1, "a write to the object was not seen");
    }
    assert_ne!(is_last, owner.join().expect("no panic"));
}

/// Goal: a last decrement must both release what its owner did and acquire what others did.
#[test]
fn last_decrements_acquire_and_release() {
    loom::model(|| last_decrement(AcqRel));
    for order in [Relaxed, Acquire, Release] {
        assert_breaks(
            move || last_decrement(order),
            "a write to the object was not seen",
        );
    }
}

/// A page is filled in and then linked; a reader follows the link.
fn link(publish: Ordering, follow: Ordering) {
    // Only its address matters; its slots stand beside the place.
    let page = std::ptr::dangling_mut::<u64>();
    let place = Arc::new((AtomicPtr::new(std::ptr::null_mut()), AtomicU64::new(0)));
    let other = Arc::clone(&place);
    let linker = thread::spawn(move || {
        other.1.store(7, Relaxed);
        let null = std::ptr::null_mut();
        let linked = other.0.compare_exchange(null, page, publish, Relaxed);
        assert!(linked.is_ok(), "nobody else links");
    });
    if !place.0.load(follow).is_null() {
        assert_eq!(place.1.load(Relaxed), 7, "a page came without its slots");
    }
    linker.join().expect("no panic");
}

/// Goal: a page is linked with Release and followed with Acquire, and neither can be left out.
#[test]
fn pages_are_complete_when_they_are_found() {
    loom::model(|| link(AcqRel, Acquire));
    for (publish, follow) in [(Relaxed, Acquire), (AcqRel, Relaxed), (Acquire, Acquire)] {
        assert_breaks(
            move || link(publish, follow),
            "a page came without its slots",
        );
    }
}

/// A decrement and then a look at BUFFERED, against the clearing of BUFFERED and then a look at the
/// word: if the mutator finds the mark set, the collector must find the word changed. `order` is
/// that of all four accesses, with a fence between them or not.
fn buffered(order: Ordering, is_fenced: bool) {
    let (load, store) = match order {
        Relaxed => (Relaxed, Relaxed),
        _ => (Acquire, Release),
    };
    let cell = Arc::new((AtomicU64::new(2), AtomicU64::new(1)));
    let other = Arc::clone(&cell);
    let mutator = thread::spawn(move || {
        other.0.store(1, store);
        if is_fenced {
            fence(SeqCst);
        }
        other.1.load(load) == 0
    });
    cell.1.store(0, store);
    if is_fenced {
        fence(SeqCst);
    }
    let has_seen_change = cell.0.load(load) == 1;
    let is_candidate = mutator.join().expect("no panic");
    assert!(is_candidate || has_seen_change, "a candidate was lost");
}

/// Goal: BUFFERED against the word is a race of two stores and two loads, which nothing weaker than
/// `SeqCst` decides.
#[test]
fn candidates_are_not_lost() {
    loom::model(|| buffered(AcqRel, true));
    loom::model(|| buffered(Relaxed, true));
    for order in [Relaxed, AcqRel] {
        assert_breaks(move || buffered(order, false), "a candidate was lost");
    }
}

/// A node is held by two threads. One stores an edge into it, and makes another object, by which it
/// can be found, a candidate. The collector finds the node held from outside, and forgets that
/// candidate. Then the other thread lets go of the node, and looks whether it refers to anything.
fn look_after_decrement(is_fenced: bool) {
    #[derive(Default)]
    struct Node {
        is_held: AtomicU64,
        edge: AtomicU64,
        candidate: AtomicU64,
    }
    let node = Arc::new(Node::default());
    node.is_held.store(1, Relaxed);
    let [first, second] = [Arc::clone(&node), Arc::clone(&node)];
    let writer = thread::spawn(move || {
        first.edge.swap(1, AcqRel);
        first.candidate.fetch_add(1, AcqRel);
    });
    let collector = thread::spawn(move || {
        let is_candidate = second.candidate.load(Acquire) == 1;
        if is_fenced {
            fence(SeqCst);
        }
        is_candidate && second.is_held.load(Acquire) == 1
    });
    node.is_held.swap(0, AcqRel);
    if is_fenced {
        fence(SeqCst);
    }
    let is_candidate = node.edge.load(Acquire) == 1;
    writer.join().expect("no panic");
    let is_forgotten = collector.join().expect("no panic");
    assert!(is_candidate || !is_forgotten, "a cycle was lost");
}

/// Goal: whoever looks after a decrement whether a node refers to anything finds an edge that the
/// collector knew when it found the node in use; nothing weaker than `SeqCst` does.
#[test]
fn edges_are_seen_after_a_decrement() {
    loom::model(|| look_after_decrement(true));
    assert_breaks(|| look_after_decrement(false), "a cycle was lost");
}

/// A slot is sealed, the element below is taken, and the slot is reopened with a stamp. A thread
/// that finds the slot reopened may append there, so it must also see that the element below is
/// gone.
fn reopen(order: Ordering, look: Ordering) {
    const SEALED: u64 = 4;
    // The element, and the slot above it.
    let slots = Arc::new((AtomicU64::new(3), AtomicU64::new(SEALED)));
    let other = Arc::clone(&slots);
    let popper = thread::spawn(move || {
        let emptied = other.0.compare_exchange(3, 16, order, Relaxed);
        let reopened = other.1.compare_exchange(SEALED, 32, order, Relaxed);
        assert!(emptied.is_ok() && reopened.is_ok(), "nobody else is there");
    });
    if slots.1.load(look) == 32 {
        assert_eq!(slots.0.load(look), 16, "an element that was taken is seen");
    }
    popper.join().expect("no panic");
}

/// Goal: a thread that sees a slot reopened sees that the element below it is gone.
#[test]
fn reopened_slots_lie_above_nothing() {
    loom::model(|| reopen(SeqCst, SeqCst));
    assert_breaks(
        || reopen(Relaxed, SeqCst),
        "an element that was taken is seen",
    );
    assert_breaks(
        || reopen(SeqCst, Relaxed),
        "an element that was taken is seen",
    );
}

/// A mutator renews its pin and then finds an object; another thread unlinks the object, moves the
/// epoch on, sees the renewed pin and frees the object. The steps are those of `crossbeam_epoch`,
/// whose `repin` reads the heap's epoch, writes its own and has no fence; `Worker::enter` adds one.
fn renew(is_fenced: bool) {
    #[derive(Default)]
    struct Heap {
        epoch: AtomicU64,
        pinned: AtomicU64,
        unlinked: AtomicU64,
        freed: AtomicU64,
    }
    let heap = Arc::new(Heap::default());
    let other = Arc::clone(&heap);
    let reclaimer = thread::spawn(move || {
        other.unlinked.store(1, SeqCst);
        // Before it reads the epoch from which the grace period counts; here that is 0.
        fence(SeqCst);
        other.epoch.store(1, Release);
        // Before it looks at the pins.
        fence(SeqCst);
        if other.pinned.load(Relaxed) == 1 {
            other.freed.store(1, Relaxed);
        }
    });
    if heap.epoch.load(Relaxed) == 1 {
        heap.pinned.store(1, Release);
        if is_fenced {
            fence(SeqCst);
        }
        if heap.unlinked.load(Acquire) == 0 {
            let freed = heap.freed.load(Relaxed);
            assert_eq!(freed, 0, "an object was freed under a renewed pin");
        }
    }
    reclaimer.join().expect("no panic");
}

/// Goal: whoever renews its pin needs a fence before it reads what others may have unlinked. (On
/// x86 it needs none: a load is not satisfied before an earlier load, here that of the epoch.)
#[test]
fn renewed_pins_are_fenced() {
    loom::model(|| renew(true));
    assert_breaks(|| renew(false), "an object was freed under a renewed pin");
}

/// A worker is asked for what it holds back, puts it where anybody finds it, answers, and takes it
/// up again, which it counts before or afterwards. Somebody finds no memory, and looks at all that.
fn recall(is_counted_first: bool) {
    let heap = Arc::new((Recalls::default(), AtomicU64::new(0), AtomicU64::new(0)));
    let other = Arc::clone(&heap);
    let joined = heap.0.join();
    let worker = thread::spawn(move || {
        let (recalls, ready, taken) = &*other;
        while !recalls.is_asked(joined) {
            thread::yield_now();
        }
        ready.store(1, Release);
        recalls.answer(joined);
        if is_counted_first {
            taken.fetch_add(1, Release);
        }
        ready.swap(0, AcqRel);
        if !is_counted_first {
            taken.fetch_add(1, Release);
        }
    });
    let (recalls, ready, taken) = &*heap;
    let before = taken.load(Acquire);
    recalls.raise();
    while !recalls.is_answered() {
        thread::yield_now();
    }
    if ready.load(Acquire) == 0 {
        assert_ne!(taken.load(Acquire), before, "memory was held back");
    }
    worker.join().expect("no panic");
}

/// Goal: who finds all answers and nothing ready finds that something was taken, if that is counted
/// before it happens.
#[test]
fn what_is_taken_up_again_is_counted() {
    loom::model(|| recall(true));
    assert_breaks(|| recall(false), "memory was held back");
}
