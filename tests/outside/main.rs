//! Heaps from outside: of counted pointers, on all threads and on one of their own; and behind the C
//! interface. Apart from other tests, some of which measure the memory of their process.

mod arcs;
mod bent;
mod foreign;
mod mirror;
mod owned;
