//! What operations on counters and weak references are in Python.

use crate::heap::{Shape, Slot};
use crate::plan::{Op, OpKind};

use super::body::Body;
use super::may::May;
use super::statement::{Statement, Told};

impl Body<'_> {
    pub(super) fn counter_op(&mut self, op: &Op) -> Option<Statement> {
        let (Op::Add { counter, .. } | Op::Read { counter } | Op::WriteBack { counter, .. }) = *op
        else {
            unreachable!("only operations on counters come here");
        };
        let name = self.name(counter).to_owned();
        let Some(guard) = self.shaped(counter, Shape::Counter) else {
            let nothing = Statement::of(vec!["acc = 0".to_owned()]);
            return matches!(op, Op::Read { .. }).then_some(nothing);
        };
        let lock = match self.held(counter) {
            Some(object) => format!("lock_{object}"),
            None => "counter_lock".to_owned(),
        };
        let (core, call, answer) = match *op {
            Op::Add { by, .. } => (
                vec![format!("with {lock}:"), format!("    {name}.n += {by}")],
                format!("\"add {by}\""),
                "\"done\"",
            ),
            Op::Read { .. } => (
                vec![format!("acc = {name}.n")],
                "\"read\"".to_owned(),
                "str(acc)",
            ),
            Op::WriteBack { add, .. } => (
                vec![format!("{name}.n = acc + {add}")],
                format!("\"write %d\" % (acc + {add})"),
                "\"done\"",
            ),
            _ => unreachable!("only operations on counters come here"),
        };
        let told = self.of_object(counter, call, answer.to_owned());
        let lines = self.looked_at(op.kind(), core, told);
        let mut statement = Statement::of(lines).guarded(guard);
        if matches!(op, Op::Read { .. }) && !statement.guards.is_empty() {
            statement.otherwise.push("acc = 0".to_owned());
        }
        Some(statement)
    }

    /// What a history is told of a shared object, if an operation through this register that is
    /// carried out is certainly one on that object.
    pub(super) fn of_object(&mut self, slot: Slot, call: String, answer: String) -> Option<Told> {
        let object = self.held(slot)?;
        let shape = self.plan.objects[object].shape;
        let may = self.at(slot).strong().shaped(shape, self.plan);
        if may != May::shared(object) {
            self.untold |= may.shared_objects().any(|other| other == object);
            return None;
        }
        Some(Told {
            topic: format!("o{object}"),
            call,
            answer,
        })
    }

    pub(super) fn downgrade(&mut self, dst: Slot, src: Slot) -> Option<Statement> {
        let guard = self.strong(src)?;
        let may = self.at(src).strong();
        let is_list = |object: usize| self.plan.objects[object].shape == Shape::List;
        if may.shared_objects().any(is_list) {
            let why = "`downgrade` of a shared list: Python has no weak reference to a plain list";
            self.refused.get_or_insert(why.to_owned());
        }
        let core = vec![format!("{} = ref({})", self.name(dst), self.name(src))];
        let mut lines = self.looked_at(OpKind::Downgrade, core, None);
        if self.weak_only.contains(&dst) {
            let (weak, of) = (self.name(dst), self.name(src));
            lines.push(format!("{weak}_of = {of}.id"));
        }
        self.contents.weak = self.contents.weak.or(may);
        let before = if guard.is_some() {
            self.at(dst)
        } else {
            May::default()
        };
        self.now_holds(dst, May::WEAK.or(before));
        Some(Statement::of(lines).guarded(guard))
    }

    /// What a register holds cannot die, so its object must be found; and what is found must be what
    /// was downgraded. Of an object whose finalizer has run and which lives on, nothing is said: CPython
    /// clears weak references before the finalizer if the collector found the object, and not at all if
    /// its last reference went away (`subtype_dealloc` runs the finalizer first).
    pub(super) fn upgrade(&mut self, dst: Slot, weak: Slot) -> Option<Statement> {
        let may = self.at(weak);
        if !may.may_be_weak() {
            return None;
        }
        let (to, from) = (self.name(dst).to_owned(), self.name(weak).to_owned());
        let guard = (may != May::WEAK).then(|| format!("type({from}) is ref"));
        let core = vec![
            format!("found = {from}()"),
            "if found is not None:".to_owned(),
            format!("    {to} = found"),
        ];
        let holders = self.holders_of(weak);
        let mut lines = self.looked_at(OpKind::Upgrade, core, None);
        lines.push("if found is not None:".to_owned());
        if self.weak_only.contains(&weak) {
            lines.push(format!("    if found.id != {from}_of:"));
            lines.push(format!("        me.upgraded_wrongly(found, {from}_of)"));
        }
        lines.push("    found = None".to_owned());
        lines.push("    won += 1".to_owned());
        self.counts("won", "weak.upgraded");
        if self.weak_only.contains(&weak) {
            lines.push("else:".to_owned());
            lines.push("    lost += 1".to_owned());
            for (holder, guard) in holders {
                let guard = guard.map_or(String::new(), |guard| format!("{guard} and "));
                lines.push(format!("    if {guard}{holder}.id == {from}_of:"));
                lines.push(format!("        me.lost_wrongly({holder})"));
            }
            self.counts("lost", "weak.lost");
        }
        self.now_holds(dst, self.at(dst).or(self.contents.weak));
        Some(Statement::of(lines).guarded(guard))
    }

    /// The registers that may hold what a weak reference was made of, with the tests for that.
    fn holders_of(&self, weak: Slot) -> Vec<(String, Option<String>)> {
        let mut sources = std::collections::BTreeSet::new();
        self.mutator.each_op(&mut |op| match *op {
            Op::Downgrade { dst, src } if dst == weak => {
                sources.insert(src.0);
            }
            _ => {}
        });
        let held = sources.into_iter().map(Slot);
        held.filter_map(|slot| Some((self.name(slot).to_owned(), self.strong(slot)?)))
            .collect()
    }
}
