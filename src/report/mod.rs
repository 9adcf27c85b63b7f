//! Results, and one output format a file; pure functions of results.
//!
//! A [`RunResult`] is what one workload on one heap with one seed came to: the evidence, the
//! verdicts, and where it happened. It is what `result.json` holds, and all that a report may use.

mod result;

pub use result::{Caveat, OpSummary, Outcome, RunResult, SCHEMA, ThreadSummary, Tool, WorkloadRef};
