//! `weak`: a weak reference is cleared when its target dies or is finalized, neither before nor
//! after.
//!
//! An upgrade must return the object that was downgraded, alive, and must succeed while the target
//! is held by a strong reference. Once the target's finalizer has run, an upgrade must fail, even
//! if the finalizer resurrected the target. On a heap whose weak references survive finalizers
//! ([`Caps::weak_survives`](crate::heap::Caps)) finalizers change nothing: death alone clears.

use super::{Check, Exhibit, Opinion};

pub(super) const CHECK: Check = Check {
    name: "weak",
    about: "weak references are cleared exactly when their target dies or is finalized",
    judge,
};

fn judge(exhibit: &Exhibit<'_>) -> Opinion {
    if !exhibit.plan.needs().weak {
        return Opinion::skipped("no thread makes weak references");
    }
    let mut opinion = Opinion::default();
    for survey in exhibit.surveys {
        opinion.examine(survey.weak_tried);
        opinion.find(&survey.miscleared);
    }
    for mutator in exhibit.evidence.iter().flat_map(|e| &e.mutators) {
        opinion.examine(mutator.tally.weak.judged);
        opinion.find(&mutator.tally.weak.wrong);
    }
    opinion
}
