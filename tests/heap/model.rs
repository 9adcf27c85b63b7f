//! What nothing refers to dies at once: the counted heap against the model, held to that.

use gcstorm::fuzz::{Deaths, Finding, judge_deaths, programs};
use gcstorm::heap::{Heap, HeapConfig, counted, lock_free};
use gcstorm::plan::Case;
use gcstorm::run::{config_for, step_through};
use proptest::prelude::*;

fn judged<H: Heap + Sync>(open: impl FnOnce(&HeapConfig) -> H, case: &Case) -> Option<Finding> {
    let trace = step_through(open(&config_for(case)), case, None);
    judge_deaths(case, &trace, Deaths::AtOnce)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Goal: every operation answers as the model does. What dies of an operation dies at once,
    /// what a collection finds unreachable dies in it, and nothing else dies.
    #[test]
    fn operations_follow_the_model(case in programs().with_ops(100)) {
        prop_assert_eq!(judged(counted::open_gil, &case), None, "{}", case);
    }
}

/// Goal: a heap that lets the dead lie for a while is told from one that does not.
#[test]
fn late_deaths_are_noticed() {
    let late = (0..100).find_map(|seed| judged(lock_free::open, &programs().draw(seed)));
    assert_eq!(late.expect("it releases in batches").check, "completeness");
}
