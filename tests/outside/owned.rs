//! A heap on a thread of its own: pointers that are not `Send`, sound and with planted faults.

use std::cell::{Cell, RefCell};
use std::panic::catch_unwind;
use std::rc::{Rc, Weak};
use std::thread::{ThreadId, current};

use gcstorm::conformance;
use gcstorm::evidence::Ended;
use gcstorm::fuzz::{by_steps, programs};
use gcstorm::heap::pointers::{CAPS, Head};
use gcstorm::heap::{Caps, Defect, Heap, HeapConfig, Owned, Pointer, PointerHeap};
use gcstorm::run::{Budget, Options, Registry, Unobserved};
use gcstorm::workload::Workload;

const SOUND: u8 = 0;
/// One clone in some is made twice and forgotten once.
const LEAKS: u8 = 1;
/// No weak reference leads anywhere.
const FORGETS: u8 = 2;
/// Collections panic.
const PANICS: u8 = 3;

const LEAKS_EVERY: u32 = 20;

thread_local! {
    static CLONES: Cell<u32> = const { Cell::new(0) };
}

/// A pointer that must stay on its thread, with a fault.
struct Local<const FAULT: u8>(Rc<Object<FAULT>>);

struct Object<const FAULT: u8> {
    head: Head<Local<FAULT>>,
    references: RefCell<Vec<Option<Local<FAULT>>>>,
    home: ThreadId,
}

impl<const FAULT: u8> Object<FAULT> {
    fn assert_is_home(&self) {
        assert_eq!(self.home, current().id(), "used on another thread");
    }
}

impl<const FAULT: u8> Drop for Object<FAULT> {
    fn drop(&mut self) {
        self.assert_is_home();
        let mut doomed = self.references.take();
        while let Some(next) = doomed.pop() {
            if let Some(object) = next.and_then(|next| Rc::into_inner(next.0)) {
                doomed.append(&mut object.references.borrow_mut());
            }
        }
    }
}

impl<const FAULT: u8> Clone for Local<FAULT> {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        if FAULT == LEAKS && CLONES.get().is_multiple_of(LEAKS_EVERY) {
            std::mem::forget(Rc::clone(&self.0));
        }
        Self(Rc::clone(&self.0))
    }
}

impl<const FAULT: u8> Pointer for Local<FAULT> {
    type Weak = Weak<Object<FAULT>>;

    const CAPS: Caps = Caps { weak: true, ..CAPS };

    fn new(head: Head<Self>, fields: usize) -> Self {
        Self(Rc::new(Object {
            head,
            references: RefCell::new(vec![None; fields]),
            home: current().id(),
        }))
    }

    fn head(&self) -> &Head<Self> {
        &self.0.head
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
        self.0.assert_is_home();
        change(&mut self.0.references.borrow_mut())
    }

    fn downgrade(&self) -> Option<Self::Weak> {
        Some(Rc::downgrade(&self.0))
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        let found = weak.upgrade().map(Self);
        found.filter(|_| FAULT != FORGETS)
    }

    fn collect() {
        assert_ne!(FAULT, PANICS, "a collection fails");
    }
}

fn open<const FAULT: u8>(config: &HeapConfig) -> Result<Owned, Defect> {
    Owned::open(config, PointerHeap::<Local<FAULT>>::open)
}

mod suite {
    use super::{SOUND, open};

    gcstorm::conformance_tests!(open::<SOUND>);
}

/// Goal: what is wrong with pointers on a thread of their own is found as it is on any other heap.
#[test]
fn planted_faults_are_found() {
    let leaks = Registry::empty().with("leaks", "", open::<LEAKS>);
    let forgets = Registry::empty().with("forgets", "", open::<FORGETS>);
    for (registry, expected) in [(leaks, "completeness"), (forgets, "weak")] {
        let heap = &registry.entries()[0];
        let programs = programs().for_caps(heap.caps());
        let found = (0..300).find_map(|seed| {
            let (_, finding) = by_steps(heap, None, &programs.draw(seed)).expect("it opens");
            finding
        });
        assert_eq!(found.expect("it is found").check, expected);
    }
}

/// Goal: each part of the suite fails for a heap that does wrong.
#[test]
fn the_suite_fails_where_it_should() {
    let message = |test: fn()| {
        *catch_unwind(test)
            .unwrap_err()
            .downcast::<String>()
            .unwrap()
    };
    for (failed, check) in [
        (
            message(|| conformance::run_workload("handoff", open::<LEAKS>)),
            "completeness: ",
        ),
        (
            message(|| conformance::step_through(open::<LEAKS>)),
            "completeness: ",
        ),
        (message(|| conformance::race(open::<FORGETS>)), "weak: "),
    ] {
        assert!(failed.contains(check), "{failed}");
    }
}

/// Goal: a panic on the heap's own thread is how the run ended, and the process lives.
#[test]
fn panics_are_passed_on() {
    let registry = Registry::empty().with("panics", "", open::<PANICS>);
    let workload = Workload::named("handoff").expect("a workload that comes with gcstorm");
    let plan = workload.plan(&[], 1).expect("it has defaults");
    let options = Options {
        budget: Budget::Ops(1000),
        ..Options::default()
    };
    let ran = registry.entries()[0].run(&plan, &options, &Unobserved);
    let ended = ran.expect("it opens").ended;
    let Ended::Panicked { message, .. } = &ended else {
        panic!("{ended:?}");
    };
    assert!(message.contains("a collection fails"), "{message}");
}

/// Goal: a heap that does not open says why, and one that panics instead does so for its caller.
#[test]
fn a_heap_that_does_not_open_is_no_heap() {
    let config = HeapConfig::with_capacity(8);
    let refused = || Defect::Other {
        message: "not today".to_owned(),
    };
    let opened = Owned::open(&config, move |_| {
        Err::<PointerHeap<Local<SOUND>>, _>(refused())
    });
    assert_eq!(opened.err(), Some(refused()));
    let panicked = catch_unwind(|| {
        let config = HeapConfig::with_capacity(8);
        Owned::open(&config, |_| -> Result<PointerHeap<Local<SOUND>>, _> {
            panic!("not at all")
        })
    });
    assert!(panicked.is_err());
}

/// Goal: the heap is asked for what it can do on its own thread, and several mutators may use it.
#[test]
fn any_number_of_mutators_may_attach() {
    let heap = open::<SOUND>(&HeapConfig::with_capacity(8)).expect("it opens");
    assert!(heap.caps().threads && heap.caps().weak && !heap.caps().cycles);
}
