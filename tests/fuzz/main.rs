//! Random programs on the heaps that come with the program, and the cases that were kept.

mod heaps;
mod kept;
mod late;
mod planted;
mod wrong;
