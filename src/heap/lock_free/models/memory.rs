//! The smallest cores, under a memory that is weaker than any processor's: loom tries every order
//! that the C11 model allows (but for stale reads of `SeqCst` loads, which it treats as `AcqRel`).
//!
//! `RUSTFLAGS="--cfg loom" cargo test --lib models::memory`

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use loom::thread;

use crate::heap::lock_free::word::{self, Left};

/// Goal: of a last decrement and an increment one comes first; whoever finds the count at 0 sees all
/// that was done to the object.
#[test]
fn last_decrement_against_increment() {
    loom::model(|| {
        let object = Arc::new((AtomicU64::new(word::born(0)), AtomicU64::new(0)));
        let other = Arc::clone(&object);
        let reader = thread::spawn(move || {
            if word::increment(&other.0).is_none() {
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

/// Goal: what was put into an object is seen through the slot that it was appended to, and of two
/// appends to one slot one succeeds.
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

/// Goal: an upgrade that sees a new object's word sees its incarnation, so that it never returns
/// another object than its own.
#[test]
fn upgrades_see_incarnations() {
    loom::model(|| {
        // A cell whose object 1 is dead; the other thread allocates object 3 in it.
        let cell = Arc::new((AtomicU64::new(word::dead(word::born(0))), AtomicU64::new(2)));
        let other = Arc::clone(&cell);
        let allocator = thread::spawn(move || {
            other.1.store(3, Relaxed);
            let born = word::born(other.0.load(Relaxed));
            other.0.store(born, loom::sync::atomic::Ordering::Release);
        });
        let seen = cell.0.load(Acquire);
        if word::count(seen) != 0 {
            assert_eq!(
                cell.1.load(Acquire),
                3,
                "a new word with an old incarnation"
            );
        }
        allocator.join().expect("no panic");
    });
}
