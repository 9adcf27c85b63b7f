//! gcstorm: a stress-testing harness for garbage collectors that count references and collect
//! cycles.
//!
//! Data flows one way: `workload → plan → run → evidence → check → result → report`. A run is a
//! function of a plan, a heap and a schedule; a verdict is a function of the plan and the evidence;
//! and a report is a function of the evidence and the verdicts. The last two are pure, so stored
//! results can be judged and reported again.
//!
//! To test your own collector, implement [`heap::Pointer`] if it is a library of counted pointers,
//! or [`heap::Heap`] (or [`heap::Collector`], if it does not handle threads itself). Add it to a
//! [`run::Registry`], and hand that to `cli::main`. [`conformance_tests!`] writes a suite of tests
//! for it. To run tests of your own, depend on gcstorm with `default-features = false`: the feature
//! `cli` includes the command line and its dependencies.

pub mod conformance;

#[cfg(feature = "cli")]
pub use gcstorm_command::{cli, report};
pub use gcstorm_core::{
    check, clock, evidence, forward_mutator, fuzz, heap, memory, plan, result, run, soak, sync,
    workload,
};
