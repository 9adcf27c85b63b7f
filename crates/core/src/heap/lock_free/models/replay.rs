//! A failing schedule is kept in a file, and replaying the file fails in the same way.
//!
//! No such file is committed. A schedule names each step of each thread, so it is valid only for
//! the source that it was recorded with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use shuttle::scheduler::RandomScheduler;
use shuttle::{FailurePersistence, Runner};

use super::explore::{Births, assert_empty, config, message, open, replay, seat};
use crate::heap::fault::Fault;
use crate::heap::{Global, Heap, Mutator, Shape, Slot};

/// A list is truncated by its only owner, unless the other mutator has dropped it before. With the
/// fault, its elements are lost.
fn scenario() {
    let heap = open(Some(Fault::RangeThroughCell));
    let mut births = Births::new();
    {
        let mut m = heap.attach(seat(0)).expect("a seat");
        births.make(&mut m, Slot(0), Shape::List);
        births.make(&mut m, Slot(1), Shape::Leaf);
        m.append(Slot(0), Slot(1));
        m.publish(Global(0), Slot(0));
    }
    let heap_of_other = std::sync::Arc::clone(&heap);
    let other = shuttle::thread::spawn(move || {
        let mut m = heap_of_other.attach(seat(1)).expect("a seat");
        if m.fetch(Slot(0), Global(0)) {
            m.truncate_front(Slot(0), 1);
        }
    });
    {
        let mut m = heap.attach(seat(2)).expect("a seat");
        m.publish(Global(0), Slot(0));
    }
    other.join().expect("no panic");
    assert_empty(&heap);
    births.assert_dead();
}

/// Goal: an exploration that fails leaves a file, and replaying it fails in the same way.
#[test]
fn failing_schedules_can_be_replayed() {
    let directory = tempfile::tempdir().expect("a directory");
    let persistence = FailurePersistence::File(Some(directory.path().to_owned()));
    let random = RandomScheduler::new_from_seed(1, 1_000);
    let explore = || Runner::new(random, config(persistence)).run(scenario);
    let failure = catch_unwind(AssertUnwindSafe(explore)).expect_err("nothing failed");
    let files: Vec<_> = std::fs::read_dir(directory.path())
        .expect("the directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    // Shuttle's panic hook is global, so a schedule of another test, which fails on purpose at the
    // same time, may be kept here, too.
    let is_same = |file: &PathBuf| {
        let again = catch_unwind(AssertUnwindSafe(|| replay(file, scenario)));
        again.is_err_and(|again| message(&*again) == message(&*failure))
    };
    assert!(
        files.iter().any(is_same),
        "none of {files:?} fails in the same way"
    );
}
