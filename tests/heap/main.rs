//! The counted heap, under the global lock and without it.

mod common;

mod lifetimes;
