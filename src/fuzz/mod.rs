//! Proving that the checks can fail: faults planted on purpose, and what should become of them.
//!
//! A check that has never failed may be one that cannot. The catalogue says of each fault that can
//! be planted where it shows, which checks should catch it, and how surely.

pub mod catalogue;
