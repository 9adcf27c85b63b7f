//! What a test of one's own heap looks like: the public strategy and the public model.

use gcstorm::fuzz::{check_steps, programs};
use gcstorm::heap::counted::GilHeap;
use gcstorm::heap::{Caps, Collection, Defect, Heap, HeapConfig, Seat, counted, lock_free};
use proptest::prelude::*;

/// A heap that only one mutator can use.
struct Alone(GilHeap);

impl Alone {
    fn open(config: &HeapConfig) -> Self {
        Self(counted::open_gil(config))
    }
}

impl Heap for Alone {
    type Mutator<'h> = <GilHeap as Heap>::Mutator<'h>;

    fn caps(&self) -> Caps {
        Caps {
            threads: false,
            ..self.0.caps()
        }
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        if seat.number > 0 {
            return Err(Defect::Other {
                message: "one is enough".to_owned(),
            });
        }
        self.0.attach(seat)
    }

    fn collect(&self) -> Result<Collection, Defect> {
        self.0.collect()
    }

    fn settle(&self) -> Result<(), Defect> {
        self.0.settle()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Goal: the heap under a lock does what the model does, whatever the program.
    #[test]
    fn gil_follows_the_model(case in programs()) {
        check_steps(counted::open_gil, &case)?;
    }

    /// Goal: so does the one without a lock.
    #[test]
    fn lock_free_follows_the_model(case in programs()) {
        check_steps(lock_free::open, &case)?;
    }

    /// Goal: so does one that only one mutator can use: nobody else is made to sit down at it.
    #[test]
    fn a_heap_for_one_follows_the_model(
        case in programs().for_caps(Caps { threads: false, ..Caps::ALL })
    ) {
        check_steps(Alone::open, &case)?;
    }

    /// Goal: so does the one whose lock was taken away, as long as one thread does all.
    #[test]
    fn racy_follows_the_model(case in programs().with_ops(20)) {
        check_steps(counted::open_racy, &case)?;
    }
}
