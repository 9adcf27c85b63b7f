//! A heap that panics, wherever it is called: the run ends, says that the heap crashed and where,
//! and the harness goes on.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use gcstorm::evidence::{Ended, Evidence};
use gcstorm::forward_mutator;
use gcstorm::fuzz::{CRASHED, by_steps, on_threads};
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{
    Belief, Caps, Census, Defect, Gauge, Heap, HeapConfig, Mutator, OutOfMemory, Seat, Shape, Slot,
    Stats, Tag,
};
use gcstorm::plan::Case;
use gcstorm::result::Outcome;
use gcstorm::run::{Budget, Options, Registry, Unobserved};

use crate::{plan_of, result};

const PLAN: &str = r#"
summary = "one that appends, and truncates"
[objects]
list = "list"
[limits]
live_objects = 20_000
[[threads]]
name = "writer"
loop = [
  { op = "append-new", list = "list", times = 20 },
  { op = "truncate-front", list = "list", leave = 10 },
]
"#;

/// Where it panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// Also when it is opened to be asked what it can do.
    EveryOpen,
    Open,
    Caps,
    Attach,
    Stats,
    Gauge,
    Settle,
    Census,
    DropOfMutator,
    DropOfHeap,
    /// In an allocation with a lock held, which poisons it; the drop of the mutator panics on that.
    AllocAndDrop,
}

/// A right heap, but for one place.
struct Panicking<H> {
    inner: H,
    at: Where,
    lock: Arc<Mutex<u32>>,
}

impl<H> Panicking<H> {
    fn pass(&self, place: Where) {
        assert!(self.at != place, "ouch in {place:?}");
    }
}

impl<H> Drop for Panicking<H> {
    fn drop(&mut self) {
        self.pass(Where::DropOfHeap);
    }
}

impl<H: Heap> Heap for Panicking<H> {
    type Mutator<'h>
        = PanickingMutator<H::Mutator<'h>>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.pass(Where::Caps);
        self.inner.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.pass(Where::Attach);
        let inner = self.inner.attach(seat)?;
        let lock = Arc::clone(&self.lock);
        Ok(PanickingMutator {
            inner,
            at: self.at,
            lock,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        self.pass(Where::Settle);
        self.inner.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.pass(Where::Census);
        self.inner.census(visit)
    }

    fn stats(&self) -> Stats {
        self.pass(Where::Stats);
        self.inner.stats()
    }

    fn gauge(&self) -> Gauge {
        self.pass(Where::Gauge);
        self.inner.gauge()
    }
}

struct PanickingMutator<M> {
    inner: M,
    at: Where,
    lock: Arc<Mutex<u32>>,
}

impl<M> Drop for PanickingMutator<M> {
    fn drop(&mut self) {
        assert!(self.at != Where::DropOfMutator, "ouch in {:?}", self.at);
        *self.lock.lock().expect("not poisoned") += 1;
    }
}

impl<M: Mutator> Mutator for PanickingMutator<M> {
    fn alloc(&mut self, dst: Slot, shape: Shape, tag: Tag) -> Result<(), OutOfMemory> {
        let allocations = self.lock.lock();
        if self.at == Where::AllocAndDrop && shape != Shape::List {
            let _held = allocations.expect("not poisoned");
            panic!("ouch in {:?}", self.at);
        }
        self.inner.alloc(dst, shape, tag)
    }

    forward_mutator!(self => self.inner;
        alloc_with_finalizer copy clear load store peek safepoint rest wake idle collect append len
        get set pop truncate_front truncate_back add read write publish fetch downgrade upgrade);
}

/// A heap that panics there, as commands know heaps.
fn registry(at: Where) -> Registry {
    let opened = AtomicU32::new(0);
    Registry::empty().with("panicking", "a heap", move |config: &HeapConfig| {
        // The first is opened to be asked what it can do.
        let is_first = opened.fetch_add(1, Relaxed) == 0;
        assert!(is_first || at != Where::Open, "ouch in {at:?}");
        assert!(at != Where::EveryOpen, "ouch in {at:?}");
        Ok(Panicking {
            inner: open_gil(config),
            at,
            lock: Arc::default(),
        })
    })
}

/// Runs the plan on a heap that panics there, through the registry as commands do.
fn storm_with(at: Where) -> (Evidence, Outcome) {
    let registry = registry(at);
    let entry = registry.get("panicking").expect("it was added");
    let caps = entry.caps();
    assert_eq!(
        caps == Caps::NONE,
        [Where::EveryOpen, Where::Caps, Where::DropOfHeap].contains(&at),
        "{at:?}"
    );
    let plan = plan_of(PLAN, 1);
    let options = Options {
        budget: Budget::Rounds(50),
        ..Options::default()
    };
    let evidence = entry.run(&plan, &options, &Unobserved);
    let evidence = evidence.expect("a panic is no reason not to run");
    let verdict = result(&plan, evidence.clone()).verdict;
    (evidence, verdict)
}

/// Goal: a panic in any call of a heap is the verdict `crashed`, with what was called and what the
/// panic said; and never takes the harness along.
#[test]
fn a_panic_anywhere_is_a_crash() {
    let places = [
        (Where::EveryOpen, "`open`"),
        (Where::Open, "`open`"),
        (Where::Caps, "`caps`"),
        (Where::Attach, "`attach`"),
        (Where::Stats, "`stats`"),
        (Where::Gauge, "`gauge`"),
        (Where::Settle, "ouch in Settle"),
        (Where::Census, "ouch in Census"),
        (Where::DropOfMutator, "ouch in DropOfMutator"),
        (Where::DropOfHeap, "`the drop of the heap`"),
        (Where::AllocAndDrop, "ouch in AllocAndDrop"),
    ];
    for (at, said) in places {
        let (evidence, verdict) = storm_with(at);
        let Ended::Panicked { message, .. } = &evidence.ended else {
            panic!("{at:?}: {:?}", evidence.ended);
        };
        assert!(message.contains(said), "{at:?}: {message}");
        assert!(message.contains("ouch"), "{at:?}: {message}");
        assert_eq!(verdict, Outcome::Crashed, "{at:?}");
    }
}

/// Goal: so it is for a case, on one thread and on several, as `fuzz` and `replay` run it.
#[test]
fn a_panic_in_a_case_is_a_crash() {
    let case = "gcstorm-case 1\nschedule free\nseed 1\ncapacity 8\nroots 0\n\
                mutator m registers 1\n\nm alloc r0 leaf\n";
    let case = Case::parse("case", case).expect("it is in order");
    for at in [
        Where::EveryOpen,
        Where::Open,
        Where::Caps,
        Where::Attach,
        Where::Settle,
        Where::Census,
        Where::DropOfMutator,
        Where::DropOfHeap,
        Where::AllocAndDrop,
    ] {
        let registry = registry(at);
        let entry = registry.get("panicking").expect("it was added");
        entry.caps();
        let steps = by_steps(entry, None, &case).map(|(_, finding)| finding);
        for tried in [steps, on_threads(entry, None, &case)] {
            let said = match tried {
                Ok(finding) => {
                    let finding = finding.unwrap_or_else(|| panic!("{at:?} is not seen"));
                    assert_eq!(finding.check, CRASHED, "{at:?}: {finding}");
                    finding.to_string()
                }
                Err(defect) => defect.to_string(),
            };
            assert!(said.contains("ouch in"), "{at:?}: {said}");
        }
    }
}
