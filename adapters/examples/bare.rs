//! What the crates cost without gcstorm, beside its own `gil` heap called directly: cycles of two objects,
//! and a list that one thread appends to and cuts back while another looks at its length.
//!
//!     cargo run --release --manifest-path adapters/Cargo.toml --example bare [LINE]
//!
//! A crate whose pointers stay on one thread runs under gcstorm on a thread of its own, to which each operation
//! is handed over; so its figures there are not its own, and these are. Each line is the median of rounds in
//! turns, with the least and the greatest. With the name of a line (`append, gil`), that one is measured once:
//! `.ci/performance` does so, in turns with the same under gcstorm.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gcstorm::evidence::ledger::Producer;
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{Field, Heap, HeapConfig, Mutator, Seat, Shape, Slot};

const ROUNDS: usize = 9;
/// Cycles of one measurement.
const CYCLES: usize = 1_000_000;
/// Objects appended in one measurement, how many at a time, and how many of these are cut off: as in
/// `shared-list`.
const APPENDS: usize = 3_000_000;
const BATCH: usize = 100_000;
const CUT: usize = 50_000;
/// A crate that has no trigger of its own is told to collect after as many cycles.
const CANDIDATES: usize = 5_000;

/// Nanoseconds for each of `count`.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing of gcstorm is to be in this loop"
)]
fn timed(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / count as f64
}

mod rust_cc_pair {
    use rust_cc::{Cc, Context, Finalize, Trace};

    use super::*;

    struct Node(RefCell<[Option<Cc<Node>>; 2]>);

    // SAFETY: every `Cc` that the object owns is traced once.
    unsafe impl Trace for Node {
        fn trace(&self, context: &mut Context<'_>) {
            for reference in self.0.borrow().iter().flatten() {
                reference.trace(context);
            }
        }
    }

    impl Finalize for Node {}

    pub(super) fn cycles() {
        let node = || Cc::new(Node(RefCell::default()));
        for _ in 0..CYCLES {
            let (a, b) = (node(), node());
            a.0.borrow_mut()[0] = Some(b.clone());
            b.0.borrow_mut()[0] = Some(a.clone());
        }
    }
}

/// The same with a crate that is told when to collect; and what its objects say besides their references.
macro_rules! told_to_collect {
    ($name:ident, $of:ident, $collect:ident, { $($besides:item)* }) => {
        mod $name {
            use $of::{Cc, Trace, Tracer, $collect};

            use super::*;

            struct Node(RefCell<[Option<Cc<Node>>; 2]>);

            impl Trace for Node {
                fn trace(&self, tracer: &mut Tracer<'_>) {
                    for reference in self.0.borrow().iter().flatten() {
                        reference.trace(tracer);
                    }
                }

                $($besides)*
            }

            pub(super) fn cycles() {
                let node = || Cc::new(Node(RefCell::default()));
                for made in 1..=CYCLES {
                    let (a, b) = (node(), node());
                    a.0.borrow_mut()[0] = Some(b.clone());
                    b.0.borrow_mut()[0] = Some(a.clone());
                    if made % CANDIDATES == 0 {
                        $collect();
                    }
                }
            }
        }
    };
}

told_to_collect!(bacon_pair, bacon_rajan_cc_0_4_0, collect_cycles, {});
told_to_collect!(gcmodule_pair, gcmodule, collect_thread_cycles, {
    fn is_type_tracked() -> bool {
        true
    }
});

/// The same on `gil`, through its contract.
fn gil_cycles() {
    let heap = open_gil(&HeapConfig::with_capacity(1_000_000));
    let seat = Seat {
        number: 0,
        slots: 2,
    };
    let mut mutator = heap.attach(seat).expect("it has room for one mutator");
    let mut births = Producer::new(0);
    let (a, b) = (Slot(0), Slot(1));
    for _ in 0..CYCLES {
        for slot in [a, b] {
            let tag = births.birth(Shape::Node).expect("there is room for tags");
            mutator
                .alloc(slot, Shape::Node, tag)
                .expect("there is room");
        }
        mutator.store(a, Field(0), Some(b));
        mutator.store(b, Field(0), Some(a));
        mutator.clear(a);
        mutator.clear(b);
        mutator.safepoint().expect("nothing is wrong");
    }
}

/// A list that both threads reach.
trait List: Sync {
    fn append(&self);
    fn cut(&self, count: usize);
    fn len(&self) -> usize;
}

/// What an object holds, as large as a node.
type Body = [usize; 2];

/// A list under this lock, and what makes an object of it.
struct Locked<L, T>(L, fn() -> T);

/// A lock around a list.
trait Lock<T>: Sync {
    fn with<R>(&self, work: impl FnOnce(&mut VecDeque<T>) -> R) -> R;
}

impl<T: Send> Lock<T> for Mutex<VecDeque<T>> {
    fn with<R>(&self, work: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        work(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Send> Lock<T> for parking_lot::Mutex<VecDeque<T>> {
    fn with<R>(&self, work: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        work(&mut self.lock())
    }
}

impl<L: Lock<T>, T> List for Locked<L, T> {
    fn append(&self) {
        let object = (self.1)();
        self.0.with(|list| list.push_back(object));
    }

    fn cut(&self, count: usize) {
        let cut: VecDeque<T> = self.0.with(|list| list.drain(..count).collect());
        drop(cut);
    }

    fn len(&self) -> usize {
        self.0.with(|list| list.len())
    }
}

// Lists of boxes or counted references, under either lock.
type UnderStd<T> = Mutex<VecDeque<T>>;
type UnderParkingLot<T> = parking_lot::Mutex<VecDeque<T>>;

/// One thread appends and cuts, another watches.
fn shared_list(list: &impl List) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                black_box(list.len());
            }
        });
        for appended in 1..=APPENDS {
            list.append();
            if appended % BATCH == 0 {
                list.cut(CUT.min(list.len()));
            }
        }
        done.store(true, Relaxed);
    });
}

/// The same on `gil`, through its contract, with a safepoint after each operation.
fn gil_list() {
    let heap = open_gil(&HeapConfig::with_capacity(4_000_000));
    let done = AtomicBool::new(false);
    let seat = |number| Seat { number, slots: 2 };
    let (list, x) = (Slot(0), Slot(1));
    let mut mutator = heap.attach(seat(0)).expect("there is room");
    let mut births = Producer::new(0);
    let tag = births.birth(Shape::List).expect("there is room for tags");
    mutator
        .alloc(list, Shape::List, tag)
        .expect("there is room");
    mutator.publish(gcstorm::heap::Global(0), list);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut watcher = heap.attach(seat(1)).expect("there is room");
            watcher.fetch(list, gcstorm::heap::Global(0));
            while !done.load(Relaxed) {
                black_box(watcher.len(list));
                watcher.safepoint().expect("nothing is wrong");
            }
        });
        for appended in 1..=APPENDS {
            let tag = births.birth(Shape::Node).expect("there is room for tags");
            mutator.alloc(x, Shape::Node, tag).expect("there is room");
            mutator.append(list, x);
            mutator.safepoint().expect("nothing is wrong");
            if appended % BATCH == 0 {
                mutator.truncate_front(list, CUT as u64);
            }
        }
        done.store(true, Relaxed);
        drop(mutator);
    });
}

fn main() -> ExitCode {
    let lines: [(&str, usize, &dyn Fn()); 9] = [
        ("cycle of two, gil", CYCLES, &gil_cycles),
        ("cycle of two, rust-cc", CYCLES, &rust_cc_pair::cycles),
        ("cycle of two, bacon-rajan-cc", CYCLES, &bacon_pair::cycles),
        ("cycle of two, gcmodule", CYCLES, &gcmodule_pair::cycles),
        ("append, gil", APPENDS, &gil_list),
        ("append, Box under std's Mutex", APPENDS, &|| {
            shared_list(&Locked(UnderStd::default(), Box::<Body>::default));
        }),
        ("append, Box under parking_lot's", APPENDS, &|| {
            shared_list(&Locked(UnderParkingLot::default(), Box::<Body>::default));
        }),
        ("append, Arc under std's Mutex", APPENDS, &|| {
            shared_list(&Locked(UnderStd::default(), Arc::<Body>::default));
        }),
        ("append, Arc under parking_lot's", APPENDS, &|| {
            shared_list(&Locked(UnderParkingLot::default(), Arc::<Body>::default));
        }),
    ];
    if let Some(wanted) = std::env::args().nth(1) {
        let Some((_, count, work)) = lines.iter().find(|(name, ..)| *name == wanted) else {
            let names = lines.map(|(name, ..)| name);
            eprintln!(
                "error: no line is `{wanted}`; there are: {}",
                names.join("; ")
            );
            return ExitCode::from(2);
        };
        println!("{:.1}", timed(*count, work));
        return ExitCode::SUCCESS;
    }
    let mut found = lines.map(|_| Vec::new());
    for round in 0..ROUNDS {
        for turn in 0..lines.len() {
            let number = if round % 2 == 0 {
                turn
            } else {
                lines.len() - 1 - turn
            };
            let (_, count, work) = lines[number];
            found[number].push(timed(count, work));
        }
    }
    for ((name, _, _), mut times) in lines.into_iter().zip(found) {
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("{name:34} {median:6.1} ns ({least:.1}–{most:.1})");
    }
    ExitCode::SUCCESS
}
