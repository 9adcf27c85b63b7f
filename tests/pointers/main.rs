//! Heaps of counted pointers, on all threads and on one of their own. Apart from other tests, some of
//! which measure the memory of their process.

mod arcs;
mod owned;
