//! The command as its users meet it: what it prints where, what it leaves behind, how it exits.

mod apart;
mod begin;
mod case;
mod children;
mod compare;
mod crash;
mod documents;
mod duel;
mod fuzz;
mod harness;
mod interleaved;
mod interrupt;
mod libraries;
mod lost;
mod merge;
mod output;
mod profile;
mod python;
mod rate;
mod report;
mod run;
mod selftest;
mod settling;
mod soak;
mod usage;
mod watch;
