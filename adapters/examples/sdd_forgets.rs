//! sdd without gcstorm: what an object refers to stays behind when the object is destroyed, and the guard
//! says that there is no garbage.
//!
//!     cargo run --release --manifest-path adapters/Cargo.toml --example sdd_forgets

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sdd::{Guard, Shared};

const PAIRS: u64 = 1000;

static INNER: AtomicU64 = AtomicU64::new(0);
static OUTER: AtomicU64 = AtomicU64::new(0);

struct Inner;

struct Outer(Shared<Inner>);

impl Drop for Inner {
    fn drop(&mut self) {
        INNER.fetch_add(1, Relaxed);
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        OUTER.fetch_add(1, Relaxed);
    }
}

/// Guards come and go, as in a program that reads.
fn guards(count: u32) {
    (0..count).for_each(|_| drop(Guard::new()));
}

#[expect(clippy::print_stdout, reason = "it is a program")]
fn main() {
    for _ in 0..PAIRS {
        let outer = Shared::new(Outer(Shared::new(Inner)));
        assert!(std::ptr::eq(outer.0.as_ptr(), &raw const *outer.0));
        drop(outer);
    }
    guards(1_000_000);
    println!(
        "{} of {PAIRS} were destroyed, and {} of what they referred to; garbage: {}",
        OUTER.load(Relaxed),
        INNER.load(Relaxed),
        Guard::new().has_garbage()
    );
    Guard::new().set_has_garbage();
    guards(1000);
    println!("after `set_has_garbage`: {}", INNER.load(Relaxed));
}
