//! Real CPython as a heap: a plan becomes a Python program, and what that reports becomes evidence.

#![expect(dead_code, unused_imports, reason = "nothing starts the program yet")]

mod block;
mod body;
mod calls;
mod counting;
mod counts;
mod draws;
mod lists;
mod lower;
mod may;
mod names;
mod ops;
mod reading;
mod sets;
mod statement;
mod tables;
mod text;
mod told;

pub(super) use lower::program;
pub(super) use told::{CAPS, evidence};
