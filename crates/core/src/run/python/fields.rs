//! What objects have room for: what an object of Python has no room for costs no time.

use crate::plan::{Op, Plan, Step};

/// What programs do with the fields of nodes, and whether they make weak references.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The fields that any program ever reads. Nobody sees whether the others were set.
    pub(super) read: [bool; 2],
    /// Those that it reads or writes.
    used: [bool; 2],
    weak: bool,
}

impl Fields {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut fields = Self::default();
        for mutator in &plan.mutators {
            fields.steps(&mutator.setup);
            fields.steps(&mutator.body);
        }
        fields
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Fixed(op) => self.op(op, &mut |fields, field| fields[field] = true),
                // Which of the fields, is drawn.
                Step::Drawn(template) => {
                    self.op(&template.op, &mut |fields, _| *fields = [true; 2])
                }
                Step::Repeat { body, .. } => self.steps(body),
                Step::Mix { arms, .. } => arms.iter().for_each(|arm| self.steps(&arm.body)),
            }
        }
    }

    fn op(&mut self, op: &Op, mark: &mut impl FnMut(&mut [bool; 2], usize)) {
        match *op {
            Op::Load { field, .. } => {
                mark(&mut self.read, usize::from(field.0));
                mark(&mut self.used, usize::from(field.0));
            }
            Op::Store { field, .. } | Op::Erase { field, .. } => {
                mark(&mut self.used, usize::from(field.0));
            }
            Op::Downgrade { .. } => self.weak = true,
            _ => {}
        }
    }

    /// The text of the classes, without the room that nobody needs.
    pub(super) fn classes(&self) -> String {
        let mut text = include_str!("runtime/objects.py").to_owned();
        let fields = ["x", "y"].into_iter().zip(self.used);
        let all = fields.chain([("__weakref__", self.weak)]);
        for (name, _) in all.filter(|(_, is_used)| !is_used) {
            text = text.replace(&format!(", \"{name}\""), "");
        }
        text.replace("(\"id\")", "(\"id\",)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::python::tests::shipped;

    /// Goal: objects have room for what the programs of a plan put there, and nothing else.
    #[test]
    fn objects_have_room_for_what_is_used() {
        for (workload, slots) in [
            ("shared-list", "(\"id\",)"),
            ("cycles", "(\"id\", \"x\")"),
            ("tangles", "(\"id\", \"x\", \"y\")"),
            ("weakrefs", "(\"id\", \"x\", \"__weakref__\")"),
        ] {
            let plans = shipped();
            let plan = plans.iter().find(|plan| plan.workload == workload);
            let classes = Fields::of(plan.expect(workload)).classes();
            let (_, node) = classes.split_once("class Node:").expect("it is there");
            let line = node.lines().find(|line| line.contains("__slots__"));
            assert_eq!(line.map(str::trim), Some(&*format!("__slots__ = {slots}")));
        }
    }
}
