//! What a heap still holds when it is closed.

use std::sync::{Arc, Mutex};

use gcstorm::fuzz::check_steps;
use gcstorm::heap::counted::{self, GilHeap};
use gcstorm::heap::{Caps, Defect, Fault, Field, Heap, Ordeal, Seat, Shape, Slot};
use gcstorm::plan::{Case, Op, Turn};

/// A heap that collects no cycles. When it is dropped, it notes of each object that it still holds
/// whether the object's name leads to what made it.
struct Holding {
    inner: GilHeap<Ordeal>,
    known: Arc<Mutex<Vec<bool>>>,
}

impl Heap for Holding {
    type Mutator<'h> = <GilHeap<Ordeal> as Heap>::Mutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            cycles: false,
            ..self.inner.caps()
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        self.inner.attach(seat)
    }

    fn settle(&self) -> Result<(), Defect> {
        Ok(())
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut known = self.known.lock().expect("nobody panicked");
        self.inner
            .census(&mut |belief| known.push(belief.id.origin().is_some()));
    }
}

/// Goal: what a heap lets go of when it is dropped dies under its own name. If the name were given
/// to somebody else by then, a death could meet a birth that happens on another thread.
#[test]
fn what_is_held_until_the_end_keeps_its_name() {
    let (object, shape) = (Slot(0), Shape::Node);
    let ring = [
        Op::Alloc { dst: object, shape },
        Op::Store {
            obj: object,
            field: Field(0),
            val: object,
        },
    ];
    let mut case = Case::of_mutators(1, 1, 0, 8);
    case.turns = ring.map(|op| Turn { mutator: 0, op }).into();
    let known = Arc::<Mutex<Vec<bool>>>::default();
    let open = |config: &_| {
        Ok(Holding {
            inner: counted::open_gil_with(config, Ordeal::of(Fault::CollectorNeverRuns)),
            known: Arc::clone(&known),
        })
    };
    check_steps(open, &case).expect("it follows the model");
    assert_eq!(*known.lock().expect("nobody panicked"), [true]);
}
