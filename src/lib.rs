//! gcstorm: a stress-testing harness for garbage collectors that count references and collect
//! cycles.
//!
//! Data flows one way: `workload → plan → run → evidence → check → result → report`. A run is a
//! function of a plan, a heap and a schedule; a verdict of the plan and the evidence; a report of the
//! evidence and the verdicts. The last two are pure, so an old run can be judged and drawn again.
//!
//! To put your own collector through it, implement [`heap::Heap`] (or [`heap::Collector`], if it
//! knows nothing of threads), add it to a [`run::Registry`], and hand that to `cli::main`. To run it in
//! tests of your own, depend on gcstorm with `default-features = false`: the feature `cli` is the command
//! line and all that only it needs.

#[cfg(feature = "cli")]
pub use gcstorm_command::{cli, report};
pub use gcstorm_core::{
    check, clock, evidence, forward_mutator, fuzz, heap, memory, plan, result, run, soak, sync,
    workload,
};
