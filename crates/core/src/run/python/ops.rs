//! One operation in Python.
//!
//! Operations move out of a register, which is then `None`; what finds its register empty, or an
//! object of another shape, passes it over. Where that cannot happen nothing asks for it.

use crate::heap::{Finalizer, Global, Shape, Slot};
use crate::plan::Op;

use super::body::Body;
use super::may::May;

/// An operation as a statement.
#[derive(Debug, Default)]
struct Statement {
    /// Comes before all.
    first: Vec<String>,
    /// Must all be true.
    guards: Vec<String>,
    then: Vec<String>,
    otherwise: Vec<String>,
}

impl Statement {
    fn of<const LINES: usize>(then: [String; LINES]) -> Self {
        Self {
            then: then.into(),
            ..Self::default()
        }
    }

    fn guarded(mut self, guard: Option<String>) -> Self {
        self.guards.extend(guard);
        self
    }
}

/// The variable that counts what became of a shared object.
fn tally(name: &str, what: &str) -> String {
    format!("{name}_{what}")
}

impl Body<'_> {
    /// Writes an operation, with what is drawn for its number, if anything is.
    pub(super) fn op(&mut self, op: &Op, drawn: Option<&str>) {
        let statement = match *op {
            Op::Alloc { dst, shape } => self.alloc(dst, shape, class(shape)),
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
            Op::Erase { obj, field } => {
                let line = format!("{}.{} = None", self.name(obj), field_name(field.0));
                let guard = self.shaped(obj, Shape::Node);
                guard.map(|guard| Statement::of([line]).guarded(guard))
            }
            Op::Safepoint => None,
            Op::Collect => Some(Statement::of(["gc.collect()".to_owned()])),
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
                let seconds = f64::from(millis) / 1000.0;
                Some(Statement::of([format!("me.stall({seconds})")]))
            }
            _ => self.list_op(op, drawn),
        };
        if let Some(statement) = statement {
            self.write(statement);
        }
    }

    fn write(&mut self, statement: Statement) {
        let Statement {
            first,
            guards,
            then,
            otherwise,
        } = statement;
        for line in first {
            self.lines.push(line);
        }
        let depth = |line: &String| line.len() - line.trim_start().len();
        let put = |lines: &mut super::text::Lines, block: Vec<String>| {
            for line in block {
                let inner = depth(&line) / 4;
                let text = line.trim_start().to_owned();
                lines.push(format!("{}{text}", "    ".repeat(inner)));
            }
        };
        if guards.is_empty() {
            return put(&mut self.lines, then);
        }
        self.lines.push(format!("if {}:", guards.join(" and ")));
        self.lines.indented(|lines| put(lines, then));
        if !otherwise.is_empty() {
            self.lines.push("else:");
            self.lines.indented(|lines| put(lines, otherwise));
        }
    }

    /// Counts one of these: where `is_certain`, with the others of its loop.
    fn count(&mut self, variable: &str, what: String, statement: &mut Statement) {
        self.counters.insert(variable.to_owned(), what);
        if statement.guards.is_empty() {
            self.pending.add(variable, 1);
        } else {
            self.written.insert(variable.to_owned());
            statement.then.push(format!("{variable} += 1"));
        }
    }
}

/// Guards. `None` if it never happens; else the test, if one is needed.
impl Body<'_> {
    fn strong(&self, slot: Slot) -> Option<Option<String>> {
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

    fn shaped(&self, slot: Slot, shape: Shape) -> Option<Option<String>> {
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
}

/// Objects, registers and fields.
impl Body<'_> {
    fn alloc(&mut self, dst: Slot, shape: Shape, class: &str) -> Option<Statement> {
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
            for field in (0..2).filter(|field| self.fields_read[*field]) {
                let field = field_name(u8::try_from(field).unwrap_or(1));
                then.push(format!("{name}.{field} = None"));
            }
        }
        if shape == Shape::Counter {
            then.push(format!("{name}.n = 0"));
        }
        self.pending.add("n", self.stride);
        self.now_holds(dst, May::made(shape));
        Some(Statement {
            then,
            ..Statement::default()
        })
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
        self.alloc(dst, shape, &class)
    }

    fn copy(&mut self, dst: Slot, src: Slot) -> Option<Statement> {
        let (to, from, may) = (self.name(dst), self.name(src), self.at(src));
        let line = format!("{to} = {from}");
        let guard = may.may_be_empty().then(|| format!("{from} is not None"));
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
        Some(Statement::of([line]).guarded(guard))
    }

    fn clear(&mut self, slot: Slot) -> Option<Statement> {
        let was = self.at(slot);
        self.now_holds(slot, May::EMPTY);
        (was != May::EMPTY).then(|| Statement::of([format!("{} = None", self.name(slot))]))
    }

    fn peek(&mut self, slot: Slot) -> Option<Statement> {
        let guard = self.strong(slot)?;
        let name = self.name(slot);
        // A plain list has no number.
        let has_number = self
            .at(slot)
            .shared_objects()
            .all(|object| self.plan.objects[object].shape != Shape::List);
        let look = has_number.then(|| format!("{name}.id"));
        let mut statement = Statement {
            then: look.into_iter().collect(),
            ..Statement::default()
        }
        .guarded(guard);
        self.count("peeks", "peeks.found".to_owned(), &mut statement);
        Some(statement)
    }

    fn load(&mut self, dst: Slot, obj: Slot, field: u8, drawn: Option<&str>) -> Option<Statement> {
        let guard = self.shaped(obj, Shape::Node)?;
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
        Some(self.with_draw(Statement::of([line]).guarded(guard), drawn))
    }

    fn store(&mut self, obj: Slot, field: u8, val: Slot, drawn: Option<&str>) -> Option<Statement> {
        let (node, value) = (self.shaped(obj, Shape::Node)?, self.strong(val)?);
        let (to, from) = (self.name(obj).to_owned(), self.name(val).to_owned());
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
        let is_certain = node.is_none() && value.is_none();
        self.moved(val, is_certain);
        let statement = Statement {
            then,
            ..Statement::default()
        };
        Some(self.with_draw(statement.guarded(node).guarded(value), drawn))
    }

    /// What is drawn is drawn whether it can be used or not.
    fn with_draw(&self, mut statement: Statement, drawn: Option<&str>) -> Statement {
        if let Some(drawn) = drawn
            && !statement.guards.is_empty()
        {
            statement.first.push(format!("k = {drawn}"));
            for line in &mut statement.then {
                *line = line.replace(drawn, "k");
            }
        }
        statement
    }

    /// The reference in a register moved away, where `is_certain`; else it may still be there.
    fn moved(&mut self, slot: Slot, is_certain: bool) {
        let left = if is_certain {
            May::EMPTY
        } else {
            self.at(slot).or(May::EMPTY)
        };
        self.now_holds(slot, left);
    }
}

/// Lists.
impl Body<'_> {
    fn list_op(&mut self, op: &Op, drawn: Option<&str>) -> Option<Statement> {
        match *op {
            Op::Append { list, val } => self.append(list, val),
            Op::Len { list, note_above } => self.len(list, note_above),
            Op::Get { dst, list, index } => self.get(dst, list, index, drawn),
            Op::Set { list, index, val } => self.set(list, index, val, drawn),
            Op::Pop { dst, list } => self.pop(dst, list),
            Op::TruncateFront { list, count } => {
                let count = drawn.map_or(count.to_string(), str::to_owned);
                let name = self.name(list).to_owned();
                self.truncate(list, vec![format!("k = {count}")], |k| {
                    vec![format!("del {name}[:{k}]")]
                })
            }
            Op::TruncateBack { list, count } => {
                let count = drawn.map_or(count.to_string(), str::to_owned);
                let name = self.name(list).to_owned();
                self.truncate(list, vec![format!("k = {count}")], |k| {
                    vec![format!("if {k}:"), format!("    del {name}[-{k}:]")]
                })
            }
            Op::TruncateFrontTo { list, leave } => {
                let leave = drawn.map_or(leave.to_string(), str::to_owned);
                let name = self.name(list).to_owned();
                self.truncate_to(list, &leave, format!("del {name}[:k]"))
            }
            Op::TruncateBackTo { list, leave } => {
                let leave = drawn.map_or(leave.to_string(), str::to_owned);
                let name = self.name(list).to_owned();
                self.truncate_to(list, &leave, format!("del {name}[-k:]"))
            }
            _ => unreachable!("only operations on lists come here"),
        }
    }

    fn append(&mut self, list: Slot, val: Slot) -> Option<Statement> {
        let name = self.name(list).to_owned();
        let held = self.held(list);
        let (Some(to), Some(value)) = (self.shaped(list, Shape::List), self.strong(val)) else {
            let object = held?;
            let mut refused = Statement::default();
            let what = format!("lists.{object}.refused");
            self.count(&tally(&name, "refused"), what, &mut refused);
            return Some(refused);
        };
        let from = self.name(val).to_owned();
        let lines = [format!("{name}.append({from})"), format!("{from} = None")];
        let lists = self.at(list).shaped(Shape::List, self.plan);
        self.contents.put(lists, Shape::List, self.at(val).strong());
        let is_certain = to.is_none() && value.is_none();
        self.moved(val, is_certain);
        let mut statement = Statement::of(lines).guarded(to).guarded(value);
        if let Some(object) = held {
            let what = format!("lists.{object}.appended");
            self.count(&tally(&name, "in"), what, &mut statement);
            if !is_certain {
                let refused = tally(&name, "refused");
                statement.otherwise.push(format!("{refused} += 1"));
                self.written.insert(refused.clone());
                self.counters
                    .insert(refused, format!("lists.{object}.refused"));
            }
        }
        Some(statement)
    }

    fn len(&mut self, list: Slot, note_above: u64) -> Option<Statement> {
        let guard = self.shaped(list, Shape::List)?;
        let name = self.name(list).to_owned();
        let mut statement = Statement::of([format!("k = len({name})")]).guarded(guard);
        let Some(object) = self.held(list) else {
            return Some(statement);
        };
        self.count(
            &tally(&name, "reads"),
            format!("lists.{object}.len_reads"),
            &mut statement,
        );
        let most = tally(&name, "max");
        statement.then.push(format!("if k > {most}:"));
        statement.then.push(format!("    {most} = k"));
        self.counters
            .insert(most, format!("lists.{object}.len_max"));
        if note_above < u64::MAX {
            let noted = tally(&name, "noted");
            statement.then.push(format!("if k > {note_above}:"));
            statement
                .then
                .push(format!("    {noted} += 1  # longer than it can be?"));
            self.counters
                .insert(noted.clone(), format!("lists.{object}.noted"));
            self.written.insert(noted);
        }
        Some(statement)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: u32, drawn: Option<&str>) -> Option<Statement> {
        let guard = self.shaped(list, Shape::List)?;
        let (name, to) = (self.name(list), self.name(dst));
        let index = drawn.map_or(index.to_string(), str::to_owned);
        let statement = Statement {
            first: vec![format!("k = {index}")],
            guards: guard
                .into_iter()
                .chain([format!("k < len({name})")])
                .collect(),
            then: vec![
                "try:".to_owned(),
                format!("    {to} = {name}[k]"),
                "except IndexError:  # it became shorter meanwhile".to_owned(),
                "    pass".to_owned(),
            ],
            otherwise: Vec::new(),
        };
        let lists = self.at(list).shaped(Shape::List, self.plan);
        let found = self.contents.of(lists, Shape::List);
        self.now_holds(dst, self.at(dst).or(found));
        Some(statement)
    }

    fn set(&mut self, list: Slot, index: u32, val: Slot, drawn: Option<&str>) -> Option<Statement> {
        let index = drawn.map_or(index.to_string(), str::to_owned);
        let first = vec![format!("k = {index}")];
        let (Some(to), Some(value)) = (self.shaped(list, Shape::List), self.strong(val)) else {
            return Some(Statement {
                first,
                ..Statement::default()
            });
        };
        let (name, from) = (self.name(list).to_owned(), self.name(val).to_owned());
        let lists = self.at(list).shaped(Shape::List, self.plan);
        self.contents.put(lists, Shape::List, self.at(val).strong());
        self.moved(val, false);
        let mut then = vec![
            "try:".to_owned(),
            format!("    {name}[k] = {from}"),
            format!("    {from} = None"),
        ];
        if let Some(object) = self.held(list) {
            let replaced = tally(&name, "set");
            then.push(format!("    {replaced} += 1"));
            self.written.insert(replaced.clone());
            self.counters
                .insert(replaced, format!("lists.{object}.replaced"));
        }
        then.push("except IndexError:  # it became shorter meanwhile".to_owned());
        then.push("    pass".to_owned());
        let guards = to
            .into_iter()
            .chain(value)
            .chain([format!("k < len({name})")]);
        Some(Statement {
            first,
            guards: guards.collect(),
            then,
            otherwise: Vec::new(),
        })
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> Option<Statement> {
        let guard = self.shaped(list, Shape::List)?;
        let (name, to) = (self.name(list).to_owned(), self.name(dst).to_owned());
        let mut then = vec!["try:".to_owned(), format!("    {to} = {name}.pop()")];
        if let Some(object) = self.held(list) {
            let out = tally(&name, "out");
            then.push(format!("    {out} += 1"));
            self.written.insert(out.clone());
            self.counters.insert(out, format!("lists.{object}.popped"));
        }
        then.push("except IndexError:  # it became empty meanwhile".to_owned());
        then.push("    pass".to_owned());
        let lists = self.at(list).shaped(Shape::List, self.plan);
        let found = self.contents.of(lists, Shape::List);
        self.now_holds(dst, self.at(dst).or(found));
        Some(Statement {
            first: Vec::new(),
            guards: guard.into_iter().chain([name]).collect(),
            then,
            otherwise: Vec::new(),
        })
    }

    /// `del l[:k]` or `del l[-k:]`.
    fn truncate(
        &mut self,
        list: Slot,
        first: Vec<String>,
        delete: impl Fn(&str) -> Vec<String>,
    ) -> Option<Statement> {
        let Some(guard) = self.shaped(list, Shape::List) else {
            return Some(Statement {
                first,
                ..Statement::default()
            });
        };
        // A number that is fixed stands where it is used.
        let fixed = first[0]
            .strip_prefix("k = ")
            .filter(|it| it.parse::<u64>().is_ok());
        let (count, first) = match fixed {
            Some(number) => (number.to_owned(), Vec::new()),
            None => ("k".to_owned(), first.clone()),
        };
        let mut then = delete(&count);
        if let Some(object) = self.held(list) {
            let cut = tally(self.name(list), "cut");
            then.push(format!("{cut} += {count}"));
            self.written.insert(cut.clone());
            self.counters
                .insert(cut, format!("lists.{object}.truncation_asked"));
        }
        Some(
            Statement {
                first,
                then,
                ..Statement::default()
            }
            .guarded(guard),
        )
    }

    fn truncate_to(&mut self, list: Slot, leave: &str, delete: String) -> Option<Statement> {
        let name = self.name(list).to_owned();
        let guard = self.shaped(list, Shape::List)?;
        let mut then = vec![
            format!("k = len({name}) - {leave}"),
            "if k > 0:".to_owned(),
            format!("    {delete}"),
        ];
        if let Some(object) = self.held(list) {
            let cut = tally(&name, "cut");
            then.push(format!("    {cut} += k"));
            self.written.insert(cut.clone());
            self.counters
                .insert(cut, format!("lists.{object}.truncation_asked"));
        }
        Some(
            Statement {
                then,
                ..Statement::default()
            }
            .guarded(guard),
        )
    }
}

/// Counters, shared roots and weak references.
impl Body<'_> {
    fn counter_op(&mut self, op: &Op) -> Option<Statement> {
        let (Op::Add { counter, .. } | Op::Read { counter } | Op::WriteBack { counter, .. }) = *op
        else {
            unreachable!("only operations on counters come here");
        };
        let name = self.name(counter).to_owned();
        let Some(guard) = self.shaped(counter, Shape::Counter) else {
            let is_read = matches!(op, Op::Read { .. });
            return is_read.then(|| Statement::of(["acc = 0".to_owned()]));
        };
        let mut statement = match *op {
            Op::Add { by, .. } => Statement::of([
                "with counter_lock:".to_owned(),
                format!("    {name}.n += {by}"),
            ]),
            Op::Read { .. } => Statement::of([format!("acc = {name}.n")]),
            Op::WriteBack { add, .. } => Statement::of([format!("{name}.n = acc + {add}")]),
            _ => Statement::default(),
        }
        .guarded(guard);
        if matches!(op, Op::Read { .. }) && !statement.guards.is_empty() {
            statement.otherwise.push("acc = 0".to_owned());
        }
        Some(statement)
    }

    fn publish(&mut self, Global(root): Global, src: Slot) -> Option<Statement> {
        self.published.insert(root);
        let (to, from, may) = (&self.roots[usize::from(root)], self.name(src), self.at(src));
        let guard = may
            .may_be_weak()
            .then(|| format!("type({from}) is not ref"));
        let statement = Statement::of([format!("{to} = {from}"), format!("{from} = None")]);
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
        let statement = statement.guarded(guard);
        self.now_holds(src, left);
        Some(statement)
    }

    fn fetch(&mut self, dst: Slot, Global(root): Global) -> Option<Statement> {
        let may = self.contents.roots[usize::from(root)];
        let (from, to) = (&self.roots[usize::from(root)], self.name(dst));
        let (held, before) = (may.strong(), self.at(dst));
        if held.is_impossible() {
            return None;
        }
        if !may.may_be_empty() || before == May::EMPTY {
            let statement = Statement::of([format!("{to} = {from}")]);
            self.now_holds(dst, may);
            return Some(statement);
        }
        let statement = Statement {
            first: vec![format!("found = {from}")],
            guards: vec!["found is not None".to_owned()],
            then: vec![format!("{to} = found"), "found = None".to_owned()],
            otherwise: Vec::new(),
        };
        self.now_holds(dst, held.or(before));
        Some(statement)
    }

    fn downgrade(&mut self, dst: Slot, src: Slot) -> Option<Statement> {
        let guard = self.strong(src)?;
        let may = self.at(src).strong();
        let is_list = |object: usize| self.plan.objects[object].shape == Shape::List;
        if may.shared_objects().any(is_list) {
            let text =
                "`downgrade` of a shared list: Python has no weak references to a plain list";
            self.refused.get_or_insert(text.to_owned());
        }
        let (to, from) = (self.name(dst), self.name(src));
        let statement = Statement::of([format!("{to} = ref({from})")]);
        self.contents.weak = self.contents.weak.or(may);
        let before = if guard.is_some() {
            self.at(dst)
        } else {
            May::default()
        };
        self.now_holds(dst, May::WEAK.or(before));
        Some(statement.guarded(guard))
    }

    fn upgrade(&mut self, dst: Slot, weak: Slot) -> Option<Statement> {
        let may = self.at(weak);
        if !may.may_be_weak() {
            return None;
        }
        let (to, from) = (self.name(dst).to_owned(), self.name(weak).to_owned());
        let is_certain = may == May::WEAK;
        let guard = (!is_certain).then(|| format!("type({from}) is ref"));
        let mut statement = Statement::of([
            format!("found = {from}()"),
            "if found is not None:".to_owned(),
            format!("    {to} = found"),
            "    found = None".to_owned(),
            "    won += 1".to_owned(),
            "else:".to_owned(),
            "    lost += 1".to_owned(),
        ]);
        for (variable, what) in [("won", "weak.upgraded"), ("lost", "weak.lost")] {
            self.counters.insert(variable.to_owned(), what.to_owned());
            self.written.insert(variable.to_owned());
        }
        statement = statement.guarded(guard);
        self.now_holds(dst, self.at(dst).or(self.contents.weak));
        Some(statement)
    }

    /// The thread ends, with all that its registers hold, and another goes on.
    fn rejoin(&mut self) {
        self.flush();
        self.rejoins = true;
        for slot in (0..self.mutator.registers).map(Slot) {
            if self.at(slot) != May::EMPTY {
                let name = self.name(slot).to_owned();
                self.lines.push(format!("{name} = None"));
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
            let (to, from) = (self.name(slot), &self.roots[object]);
            let line = format!("{to} = {from}");
            self.lines.push(line);
            self.now_holds(slot, May::shared(object));
        }
    }
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
