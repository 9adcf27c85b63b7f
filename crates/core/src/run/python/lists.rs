//! What operations on lists are in Python.

use crate::heap::{Shape, Slot};
use crate::plan::{Op, OpKind};

use super::body::Body;
use super::statement::{Statement, noted};
use super::text::Watch;

impl Body<'_> {
    /// The variable that counts what was done to the list in a register.
    pub(super) fn tally(&self, list: Slot, what: &str) -> String {
        format!("{}_{what}", self.name(list).trim_end_matches('_'))
    }

    pub(super) fn list_op(&mut self, op: &Op, drawn: Option<&str>) -> Option<Statement> {
        let number = |fixed: u64| drawn.map_or(fixed.to_string(), str::to_owned);
        match *op {
            Op::Append { list, val } => self.append(list, val),
            Op::Len { list, note_above } => self.len(list, note_above),
            Op::Get { dst, list, index } => self.get(dst, list, &number(index.into())),
            Op::Set { list, index, val } => self.set(list, &number(index.into()), val),
            Op::Pop { dst, list } => self.pop(dst, list),
            Op::TruncateFront { list, count } => self.truncate(list, op.kind(), &number(count)),
            Op::TruncateBack { list, count } => self.truncate(list, op.kind(), &number(count)),
            Op::TruncateFrontTo { list, leave } => {
                self.truncate_to(list, op.kind(), &number(leave))
            }
            Op::TruncateBackTo { list, leave } => self.truncate_to(list, op.kind(), &number(leave)),
            _ => unreachable!("only operations on lists come here"),
        }
    }

    fn append(&mut self, list: Slot, val: Slot) -> Option<Statement> {
        let (counted, refused) = (self.tally(list, "in"), self.tally(list, "refused"));
        let held = self.held(list);
        let what = |field: &str| held.map(|object| format!("lists.{object}.{field}"));
        let (Some(to), Some(value)) = (self.shaped(list, Shape::List), self.strong(val)) else {
            let mut statement = Statement::default();
            self.count(&refused, &what("refused")?, &mut statement);
            return Some(statement);
        };
        let (name, from) = (self.name(list).to_owned(), self.name(val).to_owned());
        let told = self.of_object(list, "\"append \" + e".to_owned(), "\"done\"".to_owned());
        let mut then = self.element(&from, told.is_some());
        let core = vec![format!("{name}.append({from})"), format!("{from} = None")];
        then.extend(self.looked_at(OpKind::Append, core, told));
        let lists = self.at(list).shaped(Shape::List, self.plan);
        self.contents.put(lists, Shape::List, self.at(val).strong());
        self.moved(val, &[&to, &value]);
        let mut statement = Statement::of(then).guarded(to).guarded(value);
        if let (Some(appended), Some(what)) = (what("appended"), what("refused")) {
            let is_certain = statement.guards.is_empty();
            self.count(&counted, &appended, &mut statement);
            if !is_certain {
                statement.otherwise.push(format!("{refused} += 1"));
                self.counts(&refused, &what);
            }
        }
        Some(statement)
    }

    /// The name of what is about to move, if a history is told of it.
    pub(super) fn element(&self, from: &str, is_told: bool) -> Vec<String> {
        let is_noted = is_told && self.is_recorded && self.watch == Watch::Watched;
        is_noted
            .then(|| format!("e = el({from})"))
            .into_iter()
            .collect()
    }

    fn len(&mut self, list: Slot, note_above: u64) -> Option<Statement> {
        let guard = self.shaped(list, Shape::List)?;
        let name = self.name(list).to_owned();
        let told = self.of_object(list, "\"len\"".to_owned(), "str(k)".to_owned());
        let then = self.looked_at(OpKind::Len, vec![format!("k = len({name})")], told);
        let mut statement = Statement::of(then).guarded(guard);
        let Some(object) = self.held(list) else {
            return Some(statement);
        };
        self.count(
            &self.tally(list, "reads"),
            &format!("lists.{object}.len_reads"),
            &mut statement,
        );
        let most = self.tally(list, "max");
        statement.then.push(format!("if k > {most}:"));
        statement.then.push(format!("    {most} = k"));
        self.counts(&most, &format!("lists.{object}.len_max"));
        if note_above < u64::MAX {
            let noted = self.tally(list, "noted");
            statement.then.push(format!("if k > {note_above}:"));
            statement
                .then
                .push(format!("    {noted} += 1  # longer than it can be?"));
            self.counts(&noted, &format!("lists.{object}.noted"));
        }
        if self.watch == Watch::Watched && self.books.contains(&object) {
            let own = self.own_share(list, object);
            let first = own.first;
            statement
                .then
                .push(format!("book_{object}.look(k, {})", own.share));
            statement.first.extend(first);
        }
        Some(statement)
    }

    fn get(&mut self, dst: Slot, list: Slot, index: &str) -> Option<Statement> {
        let Some(guard) = self.shaped(list, Shape::List) else {
            return Some(Statement::of(vec![format!("k = {index}")]));
        };
        let (name, to) = (self.name(list).to_owned(), self.name(dst).to_owned());
        let answer = format!("el({to}) if hit else \"nothing\"");
        let told = self.of_object(list, "\"get %d\" % k".to_owned(), answer);
        let (before, hit) = self.hit(told.is_some());
        let mut core = vec![
            format!("if k < len({name}):"),
            "    try:".to_owned(),
            format!("        {to} = {name}[k]"),
        ];
        core.extend(hit.map(|hit| format!("        {hit}")));
        core.push("    except IndexError:  # it became shorter meanwhile".to_owned());
        core.push("        pass".to_owned());
        let lists = self.at(list).shaped(Shape::List, self.plan);
        let found = self.contents.of(lists, Shape::List);
        self.now_holds(dst, self.at(dst).or(found));
        let then = self.looked_at(OpKind::Get, core, told);
        let first = [vec![format!("k = {index}")], before].concat();
        Some(Statement::of(then).guarded(guard).after(first))
    }

    /// Lines that note whether something was found, if a history is told of it.
    fn hit(&self, is_told: bool) -> (Vec<String>, Option<String>) {
        match is_told && self.is_recorded && self.watch == Watch::Watched {
            true => (
                vec!["hit = False".to_owned()],
                Some("hit = True".to_owned()),
            ),
            false => (Vec::new(), None),
        }
    }

    fn set(&mut self, list: Slot, index: &str, val: Slot) -> Option<Statement> {
        let (Some(to), Some(value)) = (self.shaped(list, Shape::List), self.strong(val)) else {
            return Some(Statement::of(vec![format!("k = {index}")]));
        };
        let (name, from) = (self.name(list).to_owned(), self.name(val).to_owned());
        let answer = "\"done\" if hit else \"refused\"".to_owned();
        let told = self.of_object(list, "\"set %d %s\" % (k, e)".to_owned(), answer);
        let (mut before, hit) = self.hit(told.is_some());
        let guards: Vec<String> = to.iter().chain(&value).cloned().collect();
        let mut then = self.element(&from, told.is_some());
        let mut core = vec![
            format!("if k < len({name}):"),
            "    try:".to_owned(),
            format!("        {name}[k] = {from}"),
            format!("        {from} = None"),
        ];
        core.extend(hit.map(|hit| format!("        {hit}")));
        if let Some(object) = self.held(list) {
            let replaced = self.tally(list, "set");
            core.push(format!("        {replaced} += 1"));
            self.counts(&replaced, &format!("lists.{object}.replaced"));
        }
        core.push("    except IndexError:  # it became shorter meanwhile".to_owned());
        core.push("        pass".to_owned());
        let lists = self.at(list).shaped(Shape::List, self.plan);
        self.contents.put(lists, Shape::List, self.at(val).strong());
        self.moved(val, &[&Some(String::new())]);
        then.extend(self.looked_at(OpKind::Set, core, told));
        before.insert(0, format!("k = {index}"));
        Some(Statement {
            guards,
            ..Statement::of(then).after(before)
        })
    }

    fn pop(&mut self, dst: Slot, list: Slot) -> Option<Statement> {
        let guard = self.shaped(list, Shape::List)?;
        let (name, to) = (self.name(list).to_owned(), self.name(dst).to_owned());
        let answer = format!("el({to}) if hit else \"nothing\"");
        let told = self.of_object(list, "\"pop\"".to_owned(), answer);
        let (before, hit) = self.hit(told.is_some());
        let mut core = vec![
            format!("if {name}:"),
            "    try:".to_owned(),
            format!("        {to} = {name}.pop()"),
        ];
        core.extend(hit.map(|hit| format!("        {hit}")));
        if let Some(object) = self.held(list) {
            let out = self.tally(list, "out");
            core.push(format!("        {out} += 1"));
            self.counts(&out, &format!("lists.{object}.popped"));
        }
        core.push("    except IndexError:  # it became empty meanwhile".to_owned());
        core.push("        pass".to_owned());
        let lists = self.at(list).shaped(Shape::List, self.plan);
        let found = self.contents.of(lists, Shape::List);
        self.now_holds(dst, self.at(dst).or(found));
        let then = self.looked_at(OpKind::Pop, core, told);
        Some(Statement::of(then).guarded(guard).after(before))
    }

    /// `del l[:k]` or `del l[-k:]`.
    fn truncate(&mut self, list: Slot, kind: OpKind, count: &str) -> Option<Statement> {
        let is_fixed = count.parse::<u64>().is_ok();
        let first = match is_fixed {
            true => Vec::new(),
            false => vec![format!("k = {count}")],
        };
        let count = if is_fixed { count } else { "k" };
        let Some(guard) = self.shaped(list, Shape::List) else {
            return Some(Statement::of(first));
        };
        let name = self.name(list).to_owned();
        let delete = match (kind, is_fixed) {
            (OpKind::TruncateFront, _) => vec![format!("del {name}[:{count}]")],
            (_, true) if count == "0" => vec!["pass".to_owned()],
            (_, true) => vec![format!("del {name}[-{count}:]")],
            (_, false) => vec![format!("if {count}:"), format!("    del {name}[-{count}:]")],
        };
        let call = format!("\"{} %d\" % {count}", kind.name());
        let told = self.of_object(list, call, "\"done\"".to_owned());
        let (mut first, mut then) = (first, self.looked_at(kind, delete, told));
        if self.held(list).is_some() {
            let booked = self.cut(list, count);
            first.extend(booked.first);
            then.splice(0..0, booked.then);
        }
        Some(Statement::of(then).guarded(guard).after(first))
    }

    /// `del l[:len(l) - leave]`, or as many from the back: a length, and then a truncation.
    fn truncate_to(&mut self, list: Slot, kind: OpKind, leave: &str) -> Option<Statement> {
        let name = self.name(list).to_owned();
        let (first, leave) = match leave.parse::<u64>() {
            Ok(_) => (Vec::new(), leave),
            Err(_) => (vec![format!("leave = {leave}")], "leave"),
        };
        let Some(guard) = self.shaped(list, Shape::List) else {
            return Some(Statement::of(first));
        };
        let delete = match kind {
            OpKind::TruncateFront => format!("    del {name}[:k]"),
            _ => format!("    del {name}[-k:]"),
        };
        let (len, less) = (format!("k = len({name})"), format!("k -= {leave}"));
        let is_watched = self.watch == Watch::Watched;
        let told = self.of_object(list, "\"len\"".to_owned(), "str(k)".to_owned());
        let told = told.filter(|_| self.is_recorded && is_watched);
        let mut then = Vec::new();
        if let Some(told) = told {
            then.extend([
                "t0 = now()".to_owned(),
                len,
                "t1 = now()".to_owned(),
                noted(&told),
            ]);
            then.push(less);
            then.push("k = max(k, 0)".to_owned());
            let call = format!("\"{} %d\" % k", kind.name());
            let told = self.of_object(list, call, "\"done\"".to_owned());
            let core = vec!["if k > 0:".to_owned(), delete];
            then.extend(self.looked_at(kind, core, told));
        } else {
            let len = match leave {
                "0" => len,
                _ => format!("k = len({name}) - {leave}"),
            };
            let core = vec![len, "if k > 0:".to_owned(), delete];
            then.extend(self.looked_at(kind, core, None));
        }
        let mut first = first;
        if self.held(list).is_some() {
            let booked = self.cut(list, "k");
            first.extend(booked.first);
            then.push("if k > 0:".to_owned());
            then.extend(booked.then.into_iter().map(|line| format!("    {line}")));
        }
        Some(Statement::of(then).guarded(guard).after(first))
    }
}

/// A truncation in the books.
struct Booked {
    first: Vec<String>,
    then: Vec<String>,
}

/// A mutator's own share in a list, as arguments.
struct OwnShare {
    first: Vec<String>,
    share: String,
}

/// What a mutator knows of a list.
impl Body<'_> {
    /// Counts what a truncation of a held list is asked to remove.
    fn cut(&mut self, list: Slot, count: &str) -> Booked {
        let Some(object) = self.held(list) else {
            unreachable!("only lists that are held have books");
        };
        let cut = self.tally(list, "cut");
        let mut then = Vec::new();
        let mut first = Vec::new();
        if self.books.contains(&object) {
            let own = self.own_share(list, object);
            first = own.first;
            then.push(format!("book_{object}.cut({count}, {})", own.share));
        }
        then.push(format!("{cut} += {count}"));
        self.counts(&cut, &format!("lists.{object}.truncation_asked"));
        Booked { first, then }
    }

    /// What it appended to a held list, popped, and was asked to cut off, up to date.
    fn own_share(&mut self, list: Slot, object: usize) -> OwnShare {
        let mut first = Vec::new();
        let share = [
            ("in", "appended"),
            ("out", "popped"),
            ("cut", "truncation_asked"),
        ];
        let share = share.map(|(variable, what)| {
            let variable = self.tally(list, variable);
            match self.pending.take(&variable) {
                0 => {}
                amount => first.push(format!("{variable} += {amount}")),
            }
            self.counts(&variable, &format!("lists.{object}.{what}"));
            variable
        });
        OwnShare {
            first,
            share: share.join(", "),
        }
    }

    /// Brings the books of lists up to date that this program changes.
    pub(super) fn sync_books(&mut self) {
        for (slot, object) in self.mutator.held.clone() {
            if self.books.contains(&object) && self.changed.contains(&object) {
                let own = self.own_share(slot, object);
                for line in own.first {
                    self.lines.push(line);
                }
                self.lines
                    .push(format!("book_{object}.sync({})", own.share));
            }
        }
    }
}
