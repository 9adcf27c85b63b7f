//! The C interface: a heap of this crate behind it.

#![expect(unsafe_code, reason = "tables are made by hand")]

use std::ffi::{c_char, c_int, c_void};

use gcstorm::conformance::{race, run_workload, step_through};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::foreign::{Foreign, Library, Table, Visit};
use gcstorm::heap::tag::Life;
use gcstorm::heap::{Belief, Defect, Heap, HeapConfig, Mutator, OutOfMemory, Seat, Shape, Slot};

use crate::mirror::{self, Source};

pub(crate) struct Gil;

impl Source for Gil {
    type Heap = GilHeap;

    fn open(config: &HeapConfig) -> GilHeap {
        open_gil(config)
    }
}

/// Goal: every operation reaches the library with its own arguments, and its answer comes back: programs
/// behave as the model says.
#[test]
fn programs_pass_through_the_table() {
    step_through(mirror::open::<Gil>);
    race(mirror::open::<Gil>);
}

/// Goal: threads attach, run, settle and leave through the table.
#[test]
fn workloads_pass_through_the_table() {
    for workload in ["shared-list", "tangles", "weakrefs", "finalizers"] {
        run_workload(workload, mirror::open::<Gil>);
    }
}

/// Goal: a table that lacks what its library announces is refused, by the name of what it lacks.
#[test]
fn what_is_announced_must_be_there() {
    let table = Table {
        pop: None,
        ..mirror::table::<Gil>()
    };
    // SAFETY: they keep to gcstorm.h.
    let refused = unsafe { Library::of(table) };
    let why = refused.expect_err("there is no `pop`").to_string();
    assert!(why.contains("`pop`"), "{why}");
}

/// Goal: a census comes from the library, object by object.
#[test]
fn a_census_is_passed_on() {
    unsafe extern "C" fn census(_: *mut c_void, visit: Visit, context: *mut c_void) {
        for tag in [5, 7] {
            // SAFETY: it is called with its context.
            unsafe { visit(context, tag, tag * 100) };
        }
    }
    let table = Table {
        census: Some(census),
        ..mirror::table::<Gil>()
    };
    // SAFETY: they keep to gcstorm.h, and the tags are only looked at.
    let library = unsafe { Library::of(table) }.expect("nothing is missing");
    let heap = Foreign::open(library, "", &HeapConfig::with_capacity(10)).expect("it opens");
    let mut seen = Vec::new();
    let mut visit = |Belief { id, count }| seen.push((id.bits(), count));
    let census = heap.census(&mut visit).expect("it has one");
    assert_eq!((census.living, seen), (2, vec![(5, 500), (7, 700)]));
}

const SEAT: Seat = Seat {
    number: 0,
    slots: 4,
};

fn opened(table: Table) -> Foreign {
    // SAFETY: they keep to gcstorm.h.
    let library = unsafe { Library::of(table) }.expect("nothing is missing");
    Foreign::open(library, "", &HeapConfig::with_capacity(10)).expect("it opens")
}

/// Goal: if the library has no room, the tag is dropped once, on this side.
#[test]
fn a_refusal_drops_the_tag() {
    extern "C" fn refuse(_: *mut c_void, _: u32, _: u32, _: u64, _: i32) -> c_int {
        0
    }
    let heap = opened(Table {
        alloc: Some(refuse),
        ..mirror::table::<Gil>()
    });
    let mut mutator = heap.attach(SEAT).expect("there is a seat");
    let mut births = Producer::new(0);
    let tag = births.birth(Shape::Leaf).expect("there is room");
    let id = tag.id();
    assert_eq!(mutator.alloc(Slot(0), Shape::Leaf, tag), Err(OutOfMemory));
    assert_eq!(id.state(), Life::Dead);
    assert_eq!(births.notes().double_deaths.count, 0);
}

/// Goal: what a library says is wrong becomes an error, wherever it can say so.
#[test]
fn words_become_errors() {
    extern "C" fn settle(_: *mut c_void) -> *const c_char {
        c"no settling".as_ptr()
    }
    extern "C" fn attach(_: *mut c_void, _: u32, _: u32, _: *mut *mut c_void) -> *const c_char {
        c"no seat".as_ptr()
    }
    extern "C" fn safepoint(_: *mut c_void) -> *const c_char {
        c"no point".as_ptr()
    }
    let said = |done: Result<(), Defect>| done.expect_err("it says so").to_string();
    let table = mirror::table::<Gil>();
    let heap = opened(Table {
        settle: Some(settle),
        safepoint: Some(safepoint),
        ..table
    });
    assert_eq!(said(heap.settle()), "no settling");
    let mut mutator = heap.attach(SEAT).expect("there is a seat");
    assert_eq!(said(mutator.safepoint()), "no point");
    let heap = opened(Table {
        attach: Some(attach),
        ..table
    });
    assert_eq!(said(heap.attach(SEAT).map(drop)), "no seat");
}
