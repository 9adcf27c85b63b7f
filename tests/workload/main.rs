//! Workloads as their users meet them: the ones that come with the program, and broken ones.

mod arbitrary;
mod broken;
mod parameters;
mod shipped;
mod streams;
