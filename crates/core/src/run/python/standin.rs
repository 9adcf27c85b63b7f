//! Stands in until plans are lowered.

use super::super::Options;
use crate::evidence::{Ended, Evidence};
use crate::heap::{Caps, Defect, Fault};
use crate::plan::Plan;

pub(super) const CAPS: Caps = Caps::ALL;
pub(super) const FAULTS: &[Fault] = &[];

pub(super) fn program(_: &Plan, _: &Options) -> Result<String, Defect> {
    Ok(include_str!("tiny.py").to_owned())
}

pub(super) fn evidence(
    name: &str,
    _: &Plan,
    _: &Options,
    report: &str,
) -> Result<Evidence, String> {
    let mut it = Evidence::of_lost(name, CAPS, None, Ended::Done);
    it.elapsed_ns = report.len() as u64;
    Ok(it)
}
