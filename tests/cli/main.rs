//! The command as its users meet it: what it prints where, what it leaves behind, how it exits.

mod case;
mod fuzz;
mod harness;
mod interrupt;
mod output;
mod run;
mod selftest;
mod soak;
mod usage;
