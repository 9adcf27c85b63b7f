//! Real CPython as a heap: a plan becomes a Python program, and what that reports becomes evidence.

#![expect(dead_code, unused_imports, reason = "nothing starts the program yet")]

mod block;
mod body;
mod counts;
mod draws;
mod lower;
mod may;
mod names;
mod ops;
mod text;
mod told;

pub(super) use lower::program;
pub(super) use told::{CAPS, evidence};
