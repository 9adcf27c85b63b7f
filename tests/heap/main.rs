//! The counted heap, under the global lock and without it.

mod common;
mod finalizers;
mod hammer;
mod lifetimes;
mod lock;
mod model;
