//! bacon_rajan_cc: `Cc<RefCell<Vec<Cc>>>` on one thread, with weak pointers.
//!
//! The crate collects only when it is told to. As in its documentation, that is done when many
//! candidates are buffered.

macro_rules! adapter {
    ($version:ident, $bacon_rajan_cc:ident) => {
        pub(crate) mod $version {
            use std::cell::RefCell;

            use ::$bacon_rajan_cc::{
                Cc, Trace, Tracer, Weak, collect_cycles, number_of_roots_buffered,
            };
            use gcstorm::heap::pointers::{CAPS, Head, collecting};
            use gcstorm::heap::{Caps, Pointer};

            /// The example of the documentation has ten; each collection looks at all that can be
            /// reached from these.
            const CANDIDATES: usize = 10_000;

            #[derive(Clone)]
            pub(crate) struct BaconRajan(Cc<Object>);

            pub(crate) struct Object {
                head: Head<BaconRajan>,
                references: RefCell<Vec<Option<BaconRajan>>>,
            }

            impl Trace for Object {
                fn trace(&self, tracer: &mut Tracer<'_>) {
                    for reference in self.references.borrow().iter().flatten() {
                        reference.0.trace(tracer);
                    }
                }
            }

            impl Pointer for BaconRajan {
                type Weak = Weak<Object>;

                const CAPS: Caps = Caps {
                    cycles: true,
                    weak: true,
                    ..CAPS
                };

                fn new(head: Head<Self>, fields: usize) -> Self {
                    if number_of_roots_buffered() > CANDIDATES {
                        collecting(Self::collect);
                    }
                    let references = RefCell::new(vec![None; fields]);
                    Self(Cc::new(Object { head, references }))
                }

                fn head(&self) -> &Head<Self> {
                    &self.0.head
                }

                fn edit<R>(&self, change: impl FnOnce(&mut Vec<Option<Self>>) -> R) -> R {
                    change(&mut self.0.references.borrow_mut())
                }

                fn downgrade(&self) -> Option<Self::Weak> {
                    Some(self.0.downgrade())
                }

                fn upgrade(weak: &Self::Weak) -> Option<Self> {
                    weak.upgrade().map(Self)
                }

                fn collect() {
                    collect_cycles();
                }
            }
        }
    };
}

pub(crate) use adapter;
