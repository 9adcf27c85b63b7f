//! Judges evidence: one invariant a file, pure functions of plan and evidence.
