//! One case on one heap, judged by the model: what a `proptest` of a heap calls.

use proptest::test_runner::TestCaseError;

use super::model::judge;
use crate::heap::{Heap, HeapConfig};
use crate::plan::Case;
use crate::run::{config_for, step_through};

/// Steps through a case on the heap that `open` opens, and fails if it differs from the model.
///
/// # Errors
///
/// What is wrong, the check that says so, and after which turn.
pub fn check_steps<H: Heap>(
    open: impl FnOnce(&HeapConfig) -> H,
    case: &Case,
) -> Result<(), TestCaseError> {
    let trace = step_through(open(&config_for(case)), case, None);
    match judge(case, &trace) {
        None => Ok(()),
        Some(finding) => Err(TestCaseError::fail(format!("{finding}\n{case}"))),
    }
}
