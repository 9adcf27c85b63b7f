//! What each operation of a mutator costs, called directly, on one thread: no plan, no harness, and tags
//! that are real. Where an operation needs another to undo it, both are named.

use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::{
    Field, Finalizer, Global, Heap, HeapConfig, Mutator, Seat, Shape, Slot, counted, lock_free,
};

/// Registers, and what they hold.
const NODE: Slot = Slot(0);
const OTHER: Slot = Slot(1);
const LIST: Slot = Slot(2);
const COUNTER: Slot = Slot(3);
const WEAK: Slot = Slot(4);
const X: Slot = Slot(5);
/// The length of the list, and how much is appended and cut off at a time.
const LEN: u64 = 1000;
const CUT: u64 = 100;

pub(crate) fn primitives(criterion: &mut Criterion) {
    let config = HeapConfig::with_capacity(4_000_000);
    on(criterion, "gil", &counted::open_gil(&config));
    on(criterion, "lock-free", &lock_free::open(&config));
}

/// A mutator with one object of each kind.
struct Stand<M> {
    m: M,
    births: Producer,
}

impl<M: Mutator> Stand<M> {
    fn new(m: M) -> Self {
        let mut stand = Self {
            m,
            births: Producer::new(0),
        };
        stand.alloc(NODE, Shape::Node);
        stand.alloc(OTHER, Shape::Node);
        stand.alloc(LIST, Shape::List);
        stand.alloc(COUNTER, Shape::Counter);
        stand.m.downgrade(WEAK, NODE);
        stand.append(LEN);
        stand
    }

    #[inline]
    fn alloc(&mut self, dst: Slot, shape: Shape) {
        let tag = self.births.birth(shape).expect("there is room");
        self.m.alloc(dst, shape, tag).expect("there is room");
    }

    fn append(&mut self, count: u64) {
        for _ in 0..count {
            self.alloc(X, Shape::Leaf);
            self.m.append(LIST, X);
        }
    }
}

/// Measures `step`, followed by a safepoint, as in a run.
fn line<M: Mutator>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    stand: &mut Stand<M>,
    name: &str,
    mut step: impl FnMut(&mut Stand<M>),
) {
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            step(stand);
            stand.m.safepoint().expect("nothing is wrong");
        });
    });
}

fn on(criterion: &mut Criterion, name: &str, heap: &impl Heap) {
    let mut group = criterion.benchmark_group(format!("primitives, {name}"));
    let seat = Seat {
        number: 0,
        slots: 8,
    };
    let mut stand = Stand::new(heap.attach(seat).expect("it is the first"));
    objects(&mut group, &mut stand);
    lists(&mut group, &mut stand);
    others(&mut group, &mut stand);
    group.finish();
}

fn objects<M: Mutator>(group: &mut BenchmarkGroup<'_, WallTime>, stand: &mut Stand<M>) {
    line(group, stand, "safepoint", |_| {});
    line(group, stand, "alloc + clear", |s| {
        s.alloc(X, Shape::Node);
        s.m.clear(X);
    });
    line(group, stand, "alloc with a finalizer + clear", |s| {
        let tag = s.births.birth_with_finalizer(Shape::Node);
        let tag = tag.expect("there is room");
        let made = (s.m).alloc_with_finalizer(X, Shape::Node, tag, Finalizer::Witness);
        made.expect("there is room");
        s.m.clear(X);
    });
    line(group, stand, "copy + clear", |s| {
        s.m.copy(X, NODE);
        s.m.clear(X);
    });
    line(group, stand, "copy + store + load + clear", |s| {
        s.m.copy(X, OTHER);
        s.m.store(NODE, Field(0), Some(X));
        s.m.load(X, NODE, Field(0));
        s.m.clear(X);
    });
    line(group, stand, "store nothing", |s| {
        s.m.store(NODE, Field(0), None)
    });
    line(group, stand, "peek", |s| {
        std::hint::black_box(s.m.peek(NODE));
    });
    line(group, stand, "a pair, dropped and collected", |s| {
        s.alloc(OTHER, Shape::Node);
        s.alloc(X, Shape::Node);
        s.m.store(OTHER, Field(0), Some(X));
        s.m.load(X, OTHER, Field(0));
        s.m.store(X, Field(0), Some(OTHER));
        s.m.clear(X);
    });
    stand.alloc(OTHER, Shape::Node);
    line(group, stand, "collect", |s| s.m.collect());
}

fn lists<M: Mutator>(group: &mut BenchmarkGroup<'_, WallTime>, stand: &mut Stand<M>) {
    let mut at = 0;
    let mut next = move || {
        at = (at + 7) % LEN;
        at
    };
    line(group, stand, "len", |s| {
        std::hint::black_box(s.m.len(LIST));
    });
    line(group, stand, "get + clear", |s| {
        assert!(s.m.get(X, LIST, next()));
        s.m.clear(X);
    });
    line(group, stand, "copy + set", |s| {
        s.m.copy(X, NODE);
        assert!(s.m.set(LIST, next(), X));
    });
    line(group, stand, "copy + append + pop", |s| {
        s.m.copy(X, NODE);
        assert!(s.m.append(LIST, X) && s.m.pop(X, LIST));
    });
    line(group, stand, "100 appended, cut off at the front", |s| {
        s.append(CUT);
        s.m.truncate_front(LIST, CUT);
    });
    line(group, stand, "100 appended, cut off at the back", |s| {
        s.append(CUT);
        s.m.truncate_back(LIST, CUT);
    });
}

fn others<M: Mutator>(group: &mut BenchmarkGroup<'_, WallTime>, stand: &mut Stand<M>) {
    line(group, stand, "add", |s| s.m.add(COUNTER, 1));
    line(group, stand, "read", |s| {
        std::hint::black_box(s.m.read(COUNTER));
    });
    line(group, stand, "write", |s| s.m.write(COUNTER, 1));
    line(group, stand, "copy + publish", |s| {
        s.m.copy(X, NODE);
        s.m.publish(Global(0), X);
    });
    line(group, stand, "fetch + clear", |s| {
        assert!(s.m.fetch(X, Global(0)));
        s.m.clear(X);
    });
    line(group, stand, "downgrade + clear", |s| {
        s.m.downgrade(X, NODE);
        s.m.clear(X);
    });
    line(group, stand, "upgrade + clear", |s| {
        assert!(s.m.upgrade(X, WEAK));
        s.m.clear(X);
    });
    line(group, stand, "rest + wake", |s| {
        s.m.rest();
        s.m.wake();
    });
}
