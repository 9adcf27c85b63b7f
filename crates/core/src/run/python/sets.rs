//! What the function of a mutator is to know of the plan as a whole.

use std::collections::BTreeSet;

use crate::heap::{Finalizer, Global, Shape};
use crate::plan::{MutatorPlan, Op, Plan, may_be_weak};

/// What a program is to know of the plan.
pub(super) struct Sets {
    /// Shared roots in which finalizers resurrect objects.
    pub(super) rising: BTreeSet<u16>,
    /// Shared roots of which a history can tell everything.
    pub(super) told_roots: BTreeSet<u16>,
    /// Shared lists whose length somebody reads, or that only this mutator changes.
    pub(super) books: BTreeSet<usize>,
    /// Shared lists that it changes.
    pub(super) changed: BTreeSet<usize>,
}

impl Sets {
    pub(super) fn of(plan: &Plan, mutator: &MutatorPlan) -> Self {
        let mut told_roots: BTreeSet<u16> = (0..plan.globals).collect();
        let (mut rising, mut measured) = (BTreeSet::new(), BTreeSet::new());
        for other in &plan.mutators {
            let weak = may_be_weak(other);
            other.each_op(&mut |op| match *op {
                Op::AllocFinalized {
                    finalizer: Finalizer::Resurrect(Global(root)),
                    ..
                } => {
                    rising.insert(root);
                    told_roots.remove(&root);
                }
                Op::Publish { global, src } if weak[src.0 as usize] => {
                    told_roots.remove(&global.0);
                }
                Op::Len { list, .. } => {
                    let held = other.held.iter().filter(|(slot, _)| *slot == list);
                    measured.extend(held.map(|(_, object)| *object));
                }
                _ => {}
            });
        }
        let number = plan
            .mutators
            .iter()
            .position(|other| std::ptr::eq(other, mutator));
        let number = number.and_then(|number| u32::try_from(number).ok());
        let lists = mutator.held.iter().map(|(_, object)| *object);
        let lists = lists.filter(|&object| plan.objects[object].shape == Shape::List);
        let writes = |object: &usize| {
            let writers = &plan.objects[*object].usage.writers;
            number.is_some_and(|number| writers.contains(&number))
        };
        let changed: BTreeSet<usize> = lists.clone().filter(writes).collect();
        let sole = |object: &usize| {
            changed.contains(object) && plan.objects[*object].usage.writers.len() == 1
        };
        Self {
            rising,
            told_roots,
            books: lists
                .filter(|list| measured.contains(list) || sole(list))
                .collect(),
            changed,
        }
    }
}
