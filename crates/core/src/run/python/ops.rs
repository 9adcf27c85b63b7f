//! What each operation is in Python: objects, registers, fields and shared roots.
//!
//! Operations move out of a register, which is then `None`; what finds its register empty, or an
//! object of another shape, passes it over. Where that cannot happen nothing asks for it.

use crate::heap::{Finalizer, Global, Shape, Slot};
use crate::plan::{Op, OpKind};

use super::body::Body;
use super::may::May;
use super::statement::{Statement, Told};

impl Body<'_> {
    /// Writes an operation, with what is drawn for its number, if anything is.
    pub(super) fn op(&mut self, op: &Op, drawn: Option<&str>) {
        if self.mutator.pace.is_some() {
            self.lines.push("due = me.due()");
        }
        let statement = match *op {
            Op::Alloc { dst, shape } => self.alloc(dst, shape, OpKind::Alloc, class(shape)),
            Op::AllocFinalized {
                dst,
                shape,
                finalizer,
            } => self.alloc_finalized(dst, shape, finalizer),
            Op::Copy { dst, src } => self.copy(dst, src),
            Op::Clear { slot } => self.clear(slot),
            Op::Peek { slot } => self.peek(slot),
            Op::Load { dst, obj, field } => self.load(dst, obj, field.0, drawn),
            Op::Store { obj, field, val } => self.store(obj, field.0, val, drawn),
            Op::Erase { obj, field } => self.erase(obj, field.0),
            Op::Safepoint => None,
            Op::Collect => {
                let lines = self.looked_at(op.kind(), vec!["gc.collect()".to_owned()], None);
                Some(Statement::of(lines))
            }
            Op::Add { .. } | Op::Read { .. } | Op::WriteBack { .. } => self.counter_op(op),
            Op::Publish { global, src } => self.publish(global, src),
            Op::Fetch { dst, global } => self.fetch(dst, global),
            Op::Downgrade { dst, src } => self.downgrade(dst, src),
            Op::Upgrade { dst, weak } => self.upgrade(dst, weak),
            Op::Rejoin => {
                self.rejoin();
                None
            }
            Op::Stall { millis } => {
                let stall = format!("me.stall({})", f64::from(millis) / 1000.0);
                Some(Statement::of(self.looked_at(op.kind(), vec![stall], None)))
            }
            _ => self.list_op(op, drawn),
        };
        if let Some(statement) = statement {
            self.write(statement);
        }
    }

    /// Counts one of these: where it is certain, with the others of its loop.
    pub(super) fn count(&mut self, variable: &str, what: &str, statement: &mut Statement) {
        self.counters.insert(variable.to_owned(), what.to_owned());
        if statement.guards.is_empty() {
            self.pending.add(variable, 1);
        } else {
            statement.then.push(format!("{variable} += 1"));
            self.written.insert(variable.to_owned());
        }
    }

    /// Another line counts in this variable by itself.
    pub(super) fn counts(&mut self, variable: &str, what: &str) {
        self.counters.insert(variable.to_owned(), what.to_owned());
        self.written.insert(variable.to_owned());
    }
}

/// Guards. `None` if it never happens; else the test, if one is needed.
impl Body<'_> {
    pub(super) fn strong(&self, slot: Slot) -> Option<Option<String>> {
        let (may, name) = (self.at(slot), self.name(slot));
        if may.strong().is_impossible() {
            return None;
        }
        Some(match (may.may_be_empty(), may.may_be_weak()) {
            (false, false) => None,
            (true, false) => Some(format!("{name} is not None")),
            (_, true) => Some(format!("{name} is not None and type({name}) is not ref")),
        })
    }

    pub(super) fn shaped(&self, slot: Slot, shape: Shape) -> Option<Option<String>> {
        let strong = self.at(slot).strong();
        let shaped = strong.shaped(shape, self.plan);
        if shaped.is_impossible() {
            return None;
        }
        if shaped == strong {
            return self.strong(slot);
        }
        let class = if shape == Shape::List {
            "list"
        } else {
            class(shape)
        };
        Some(Some(format!("isinstance({}, {class})", self.name(slot))))
    }

    /// The reference in a register moved away, where `is_certain`; else it may still be there.
    pub(super) fn moved(&mut self, slot: Slot, guards: &[&Option<String>]) {
        let is_certain = guards.iter().all(|guard| guard.is_none());
        let left = if is_certain {
            May::EMPTY
        } else {
            self.at(slot).or(May::EMPTY)
        };
        self.now_holds(slot, left);
    }
}

/// Objects, registers and fields.
impl Body<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, kind: OpKind, class: &str) -> Option<Statement> {
        let name = self.name(dst).to_owned();
        let number = match self.pending.of("n") {
            0 => "n".to_owned(),
            more => format!("n + {more}"),
        };
        let mut then = vec![
            format!("{name} = {class}()"),
            format!("{name}.id = {number}"),
        ];
        if shape == Shape::Node {
            let fields = ["x", "y"].into_iter().zip(self.fields_read);
            let read = fields.filter(|(_, is_read)| *is_read);
            then.extend(read.map(|(field, _)| format!("{name}.{field} = None")));
        }
        if shape == Shape::Counter {
            then.push(format!("{name}.n = 0"));
        }
        self.pending.add("n", self.stride);
        self.now_holds(dst, May::made(shape));
        Some(Statement::of(self.looked_at(kind, then, None)))
    }

    fn alloc_finalized(
        &mut self,
        dst: Slot,
        shape: Shape,
        finalizer: Finalizer,
    ) -> Option<Statement> {
        let class = finalized_class(shape, finalizer);
        if let Finalizer::Resurrect(Global(root)) = finalizer {
            let root = &mut self.contents.roots[usize::from(root)];
            *root = root.or(May::made(shape));
        }
        let mut statement = self.alloc(dst, shape, OpKind::AllocFinalized, &class)?;
        self.count("finalizable", "finalizable", &mut statement);
        Some(statement)
    }

    fn copy(&mut self, dst: Slot, src: Slot) -> Option<Statement> {
        let may = self.at(src);
        let line = format!("{} = {}", self.name(dst), self.name(src));
        let guard = may
            .may_be_empty()
            .then(|| format!("{} is not None", self.name(src)));
        let held = may.strong().or(may.weak());
        if held.is_impossible() {
            return None;
        }
        let before = if guard.is_some() {
            self.at(dst)
        } else {
            May::default()
        };
        self.now_holds(dst, held.or(before));
        Some(Statement::of(self.looked_at(OpKind::Copy, vec![line], None)).guarded(guard))
    }

    fn clear(&mut self, slot: Slot) -> Option<Statement> {
        let (was, line) = (self.at(slot), format!("{} = None", self.name(slot)));
        self.now_holds(slot, May::EMPTY);
        if was == May::EMPTY {
            return None;
        }
        Some(Statement::of(self.looked_at(
            OpKind::Clear,
            vec![line],
            None,
        )))
    }

    fn peek(&mut self, slot: Slot) -> Option<Statement> {
        let guard = self.strong(slot)?;
        // A plain list has no number.
        let is_list = |object: usize| self.plan.objects[object].shape == Shape::List;
        let look = match self.at(slot).shared_objects().any(is_list) {
            true => format!("{} is None", self.name(slot)),
            false => format!("{}.id", self.name(slot)),
        };
        let lines = self.looked_at(OpKind::Peek, vec![look], None);
        let mut statement = Statement::of(lines).guarded(guard);
        self.count("peeks", "peeks.found", &mut statement);
        Some(statement)
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: u8, drawn: Option<&str>) -> Option<Statement> {
        let Some(guard) = self.shaped(obj, Shape::Node) else {
            return drawn.map(only_drawn);
        };
        let (drawn, first) = self.with_draw(drawn, guard.is_some());
        let (to, from) = (self.name(dst), self.name(obj));
        let line = match drawn {
            None => format!("{to} = {from}.{}", field_name(field)),
            Some(drawn) => format!("{to} = {from}.y if {drawn} else {from}.x"),
        };
        let nodes = self.at(obj).shaped(Shape::Node, self.plan);
        let found = self.contents.of(nodes, Shape::Node);
        let before = if guard.is_some() {
            self.at(dst)
        } else {
            May::default()
        };
        self.now_holds(dst, found.or(before));
        let lines = self.looked_at(OpKind::Load, vec![line], None);
        Some(Statement::of(lines).guarded(guard).after(first))
    }

    fn store(&mut self, obj: Slot, field: u8, val: Slot, drawn: Option<&str>) -> Option<Statement> {
        let (Some(node), Some(value)) = (self.shaped(obj, Shape::Node), self.strong(val)) else {
            return drawn.map(only_drawn);
        };
        let (drawn, first) = self.with_draw(drawn, node.is_some() || value.is_some());
        let (to, from) = (self.name(obj), self.name(val));
        let mut then = match drawn {
            None => vec![format!("{to}.{} = {from}", field_name(field))],
            Some(drawn) => vec![
                format!("if {drawn}:"),
                format!("    {to}.y = {from}"),
                "else:".to_owned(),
                format!("    {to}.x = {from}"),
            ],
        };
        then.push(format!("{from} = None"));
        let nodes = self.at(obj).shaped(Shape::Node, self.plan);
        self.contents.put(nodes, Shape::Node, self.at(val).strong());
        self.moved(val, &[&node, &value]);
        let lines = self.looked_at(OpKind::Store, then, None);
        Some(
            Statement::of(lines)
                .guarded(node)
                .guarded(value)
                .after(first),
        )
    }

    fn erase(&mut self, obj: Slot, field: u8) -> Option<Statement> {
        let guard = self.shaped(obj, Shape::Node)?;
        let line = format!("{}.{} = None", self.name(obj), field_name(field));
        Some(Statement::of(self.looked_at(OpKind::Store, vec![line], None)).guarded(guard))
    }

    /// What is drawn is drawn whether it can be used or not, and outside of the measured time.
    pub(super) fn with_draw(
        &self,
        drawn: Option<&str>,
        is_guarded: bool,
    ) -> (Option<String>, Vec<String>) {
        match drawn {
            Some(drawn) if is_guarded || self.watch != super::text::Watch::Plain => {
                (Some("k".to_owned()), vec![format!("k = {drawn}")])
            }
            drawn => (drawn.map(str::to_owned), Vec::new()),
        }
    }
}

/// Shared roots, and threads.
impl Body<'_> {
    fn publish(&mut self, Global(root): Global, src: Slot) -> Option<Statement> {
        self.published.insert(root);
        let may = self.at(src);
        let (to, from) = (&self.roots[usize::from(root)], self.name(src));
        let guard = may
            .may_be_weak()
            .then(|| format!("type({from}) is not ref"));
        let core = vec![format!("{to} = {from}"), format!("{from} = None")];
        let told = self.of_root(root, "\"store \" + e", "\"done\"");
        let first = self.element(from, told.is_some());
        let left = if guard.is_some() {
            may.weak().or(May::EMPTY)
        } else {
            May::EMPTY
        };
        let mut into = may.strong();
        if may.may_be_empty() {
            into = into.or(May::EMPTY);
        }
        let place = &mut self.contents.roots[usize::from(root)];
        *place = place.or(into);
        self.now_holds(src, left);
        let lines = self.looked_at(OpKind::Publish, core, told);
        Some(Statement::of(lines).guarded(guard).after(first))
    }

    fn fetch(&mut self, dst: Slot, Global(root): Global) -> Option<Statement> {
        let may = self.contents.roots[usize::from(root)];
        let (from, to) = (
            self.roots[usize::from(root)].clone(),
            self.name(dst).to_owned(),
        );
        let (held, before) = (may.strong(), self.at(dst));
        if held.is_impossible() {
            return None;
        }
        let (core, told, last) = if !may.may_be_empty() || before == May::EMPTY {
            self.now_holds(dst, may);
            let told = self.of_root(root, "\"load\"", &format!("el({to})"));
            (vec![format!("{to} = {from}")], told, Vec::new())
        } else {
            let core = vec![
                format!("found = {from}"),
                "if found is not None:".to_owned(),
                format!("    {to} = found"),
            ];
            self.now_holds(dst, held.or(before));
            let told = self.of_root(root, "\"load\"", "el(found)");
            (core, told, vec!["found = None".to_owned()])
        };
        let mut lines = self.looked_at(OpKind::Fetch, core, told);
        if self.rising.contains(&root) {
            let found = if last.is_empty() {
                to.as_str()
            } else {
                "found"
            };
            lines.push(format!("if getattr({found}, \"ran\", False):"));
            lines.push("    risen += 1".to_owned());
            self.counts("risen", "resurrected");
        }
        lines.extend(last);
        Some(Statement::of(lines))
    }

    /// What a history is told of a shared root, if all that happens to it can be told.
    fn of_root(&self, root: u16, call: &str, answer: &str) -> Option<Told> {
        self.told_roots.contains(&root).then(|| Told {
            topic: format!("r{root}"),
            call: call.to_owned(),
            answer: answer.to_owned(),
        })
    }

    /// The thread ends, with all that its registers hold, and another goes on.
    fn rejoin(&mut self) {
        self.flush();
        for slot in (0..self.mutator.registers).map(Slot) {
            if self.at(slot) != May::EMPTY {
                let line = format!("{} = None", self.name(slot));
                self.lines.push(line);
                self.now_holds(slot, May::EMPTY);
            }
        }
        self.lines
            .push("yield  # this thread ends here, and another goes on");
        self.fetch_held();
    }

    /// The registers of shared objects, as at the beginning.
    pub(super) fn fetch_held(&mut self) {
        for (slot, object) in self.mutator.held.clone() {
            let line = format!("{} = {}", self.name(slot), self.roots[object]);
            self.lines.push(line);
            self.now_holds(slot, May::shared(object));
        }
    }
}

/// Nothing but what is drawn.
fn only_drawn(drawn: &str) -> Statement {
    Statement::of(vec![drawn.to_owned()])
}

fn field_name(field: u8) -> &'static str {
    if field == 0 { "x" } else { "y" }
}

/// The class of objects of this shape.
pub(super) fn class(shape: Shape) -> &'static str {
    match shape {
        Shape::Leaf => "Leaf",
        Shape::Node => "Node",
        Shape::List => "List",
        Shape::Counter => "Counter",
    }
}

/// The class of objects of this shape with this finalizer.
pub(super) fn finalized_class(shape: Shape, finalizer: Finalizer) -> String {
    match finalizer {
        Finalizer::Witness => format!("{}WithDel", class(shape)),
        Finalizer::Resurrect(Global(root)) => format!("{}Rising{root}", class(shape)),
    }
}
