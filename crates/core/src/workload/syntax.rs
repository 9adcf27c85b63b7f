//! Reads the sections of a workload file.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::condition::Condition;
use super::counters::{CHECKS, VERDICTS, counter_names};
use super::defaults::{self, Default};
use super::document::{Node, Table, check_name};
use super::expression::Expr;
use super::found::{Complaints, Found};
use super::parameter::{Names, Parameter};
use super::step::{Scope, StepNode, shape};
use crate::diagnostic::Complaint;
use crate::heap::Shape;
use crate::plan::{Arrivals, Note};

/// The maximum number of shared objects, and of mailboxes: the analysis of a plan keeps a set
/// of objects in one word.
const SHARED_MAX: usize = 64;

/// The sections of a file.
const SECTIONS: [&str; 10] = [
    "summary",
    "about",
    "parameters",
    "objects",
    "mailboxes",
    "limits",
    "require",
    "budget",
    "notes",
    "threads",
];

/// What a file says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Syntax {
    pub(super) summary: String,
    pub(super) about: String,
    pub(super) parameters: Vec<Parameter>,
    /// The default of each parameter, in the same order.
    pub(super) defaults: Vec<Default>,
    pub(super) objects: Vec<(String, Shape)>,
    pub(super) mailboxes: Vec<String>,
    pub(super) live_objects: Expr,
    pub(super) require: Vec<Bound>,
    pub(super) budget: Vec<Bound>,
    pub(super) notes: Vec<(Note, Option<Condition>)>,
    pub(super) threads: Vec<ThreadNode>,
}

/// The least value that a counter must reach, or the greatest that it may.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) counter: String,
    pub(super) value: Expr,
    pub(super) when: Option<Condition>,
}

/// A group of threads that do the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ThreadNode {
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) count: Expr,
    pub(super) background: bool,
    pub(super) rounds: Option<Expr>,
    /// Operations a second of each thread.
    pub(super) rate: Option<Expr>,
    pub(super) arrivals: Arrivals,
    pub(super) setup: Vec<StepNode>,
    pub(super) body: Vec<StepNode>,
    /// The place of `loop`.
    pub(super) body_span: Range<usize>,
}

impl Syntax {
    pub(super) fn parse(text: &Arc<str>) -> Result<Self, Complaints> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let errors = errors.iter().map(|error| {
            let end = text.len();
            Complaint::new(error.span().unwrap_or(end..end), sentence(error.message()))
        });
        // Behind a mistake in the syntax nobody knows what is meant.
        if let Some(complaints) = Complaints::of(errors) {
            return Err(complaints);
        }
        let found = Found::default();
        let syntax = Self::read(&Table::root(&document, text), &found);
        match (found.complaints(), syntax) {
            (None, Some(syntax)) => Ok(syntax),
            (Some(complaints), _) => Err(complaints),
            (None, None) => unreachable!("what is not read is complained about"),
        }
    }

    /// Reads all sections; `None` if one that is needed could not be read.
    fn read(root: &Table<'_>, found: &Found) -> Option<Self> {
        found.add(root.strangers(&SECTIONS));
        let table = root.node("parameters");
        let table = table.and_then(|node| found.keep(node.open_table("table of parameters")));
        let (parameters, defaults) = match table {
            Some(table) => defaults::parse_all(&table, found),
            None => (Vec::new(), Vec::new()),
        };
        let names = Names(&parameters);
        let objects = found.keep(objects(root, found)).unwrap_or_default();
        let mailboxes = found.keep(mailboxes(root, &objects, found));
        let mailboxes = mailboxes.unwrap_or_default();
        let limits = section(root, "limits");
        let limits = found.keep(limits.and_then(|node| node.open_table("table of limits")));
        if let Some(limits) = &limits {
            found.add(limits.strangers(&["live_objects"]));
        }
        let scope = Scope {
            parameters: names,
            objects: &objects,
            mailboxes: &mailboxes,
            found,
        };
        let summary = found.keep(section(root, "summary").and_then(Node::str));
        let about = found.keep(root.node("about").map_or(Ok(""), Node::str));
        let live_objects = limits.and_then(|limits| {
            let node = limits.need("live_objects");
            found.keep(node.and_then(|node| Expr::parse(node, &names)))
        });
        let require = found.keep(bounds(root, ["require", "least"], &names, found));
        let budget = found.keep(bounds(root, ["budget", "most"], &names, found));
        let notes = found.keep(notes(root, &names, found));
        let threads = found.keep(threads(root, &scope));
        Some(Self {
            summary: summary?.to_owned(),
            about: about?.to_owned(),
            live_objects: live_objects?,
            require: require?,
            budget: budget?,
            notes: notes?,
            threads: threads?,
            parameters: parameters.clone(),
            defaults,
            objects: objects.clone(),
            mailboxes: mailboxes.clone(),
        })
    }
}

/// A section that no file can do without. If it is missing, the place is where to add it.
fn section<'a>(root: &Table<'a>, key: &str) -> Result<Node<'a>, Complaint> {
    root.node(key).ok_or_else(|| {
        let threads = root.get("threads").map(|threads| threads.key_span.clone());
        let (span, label, hint) = match key {
            "summary" => (
                Some(0..0),
                "at the top",
                "add a line like `summary = \"two threads append to one list\"`",
            ),
            "limits" => (
                threads,
                "before the threads",
                "add a line `[limits]`, and below it one like `live_objects = 10_000`: how many \
                 objects may be alive at once",
            ),
            _ => (
                None,
                "below this",
                "add a line `[[threads]]`, and below it `name` and `loop`, which is what they do",
            ),
        };
        let complaint = Complaint::new(
            span.unwrap_or_else(|| root.span()),
            format!("the workload needs `{key}`"),
        );
        complaint.label(label).hint(hint)
    })
}

/// A message of the TOML parser in one line, as the title of a complaint.
fn sentence(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

fn objects(root: &Table<'_>, found: &Found) -> Result<Vec<(String, Shape)>, Complaint> {
    let Some(node) = root.node("objects") else {
        return Ok(Vec::new());
    };
    let table = node.open_table("table of objects")?;
    if let Some(beyond) = table.entries().get(SHARED_MAX) {
        let message = format!("there can be {SHARED_MAX} shared objects");
        return Err(Complaint::new(beyond.key_span.clone(), message));
    }
    let entries = table.entries().iter();
    let objects = entries.filter_map(|entry| {
        let name = check_name(entry.key, entry.key_span.clone());
        let object = name.and_then(|()| Ok((entry.key.to_owned(), shape(entry.node)?)));
        found.define(entry.key, object)
    });
    Ok(objects.collect())
}

fn mailboxes(
    root: &Table<'_>,
    objects: &[(String, Shape)],
    found: &Found,
) -> Result<Vec<String>, Complaint> {
    let Some(node) = root.node("mailboxes") else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = Vec::new();
    for node in node.array()? {
        let Some(name) = found.keep(node.name()) else {
            continue;
        };
        if names.iter().any(|known| known == name) || objects.iter().any(|(known, _)| known == name)
        {
            let message = format!("`{name}` is defined twice");
            found.add([Complaint::new(node.span(), message)]);
            continue;
        }
        if names.len() == SHARED_MAX {
            let message = format!("there can be {SHARED_MAX} mailboxes");
            return Err(Complaint::new(node.span(), message));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Reads a table of numbers by the names of counters. A number under a condition is a table of its
/// own, which has the number under the key `word`.
fn bounds(
    root: &Table<'_>,
    [key, word]: [&str; 2],
    names: &Names<'_>,
    found: &Found,
) -> Result<Vec<Bound>, Complaint> {
    let Some(node) = root.node(key) else {
        return Ok(Vec::new());
    };
    let table = node.open_table("table of counters")?;
    let (entries, known) = (table.entries().iter(), counter_names());
    let bounds = entries.map(|entry| {
        if !known.contains(&entry.key) {
            let (span, known) = (entry.key_span.clone(), known.iter().copied());
            return Err(Complaint::unknown(span, "counter", entry.key, known));
        }
        let (value, when) = if entry.node.is_table() {
            let table = entry.node.table("bound of a counter", &[word, "when"])?;
            (table.need(word)?, Some(table.need("when")?))
        } else {
            (entry.node, None)
        };
        Ok(Bound {
            counter: entry.key.to_owned(),
            value: Expr::parse(value, names)?,
            when: when.map(|node| Condition::parse(node, names)).transpose()?,
        })
    });
    Ok(found.all(bounds))
}

fn notes(
    root: &Table<'_>,
    names: &Names<'_>,
    found: &Found,
) -> Result<Vec<(Note, Option<Condition>)>, Complaint> {
    let Some(node) = root.node("notes") else {
        return Ok(Vec::new());
    };
    let one_of = |node: Node<'_>, what: &str, known: &[&str]| {
        let name = node.str()?;
        if known.contains(&name) {
            return Ok(name.to_owned());
        }
        Err(Complaint::unknown(
            node.span(),
            what,
            name,
            known.iter().copied(),
        ))
    };
    let notes = node.array()?.into_iter().map(|node| {
        let table = node.table("note", &["check", "verdict", "when", "text"])?;
        let note = Note {
            check: one_of(table.need("check")?, "check", &CHECKS)?,
            verdict: one_of(table.need("verdict")?, "verdict", &VERDICTS)?,
            text: table.need("text")?.str()?.to_owned(),
        };
        let when = table.node("when");
        let when = when.map(|node| Condition::parse(node, names)).transpose()?;
        Ok((note, when))
    });
    Ok(found.all(notes))
}

fn threads(root: &Table<'_>, scope: &Scope<'_>) -> Result<Vec<ThreadNode>, Complaint> {
    let mut groups: Vec<ThreadNode> = Vec::new();
    for node in section(root, "threads")?.array()? {
        let Some(group) = thread(node, scope) else {
            continue;
        };
        if groups.iter().any(|known| known.name == group.name) {
            let message = format!("there are `{}` threads already", group.name);
            let complaint = Complaint::new(group.name_span.clone(), message);
            scope.found.add([complaint]);
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Reads a group of threads; `None` if a part of it could not be read.
fn thread(node: Node<'_>, scope: &Scope<'_>) -> Option<ThreadNode> {
    let keys = [
        "name",
        "count",
        "background",
        "rounds",
        "rate",
        "arrivals",
        "setup",
        "loop",
    ];
    let found = scope.found;
    let table = found.keep(node.open_table("group of threads"))?;
    found.add(table.strangers(&keys));
    let name = found.keep(table.need("name"));
    let body = found.keep(table.need("loop"));
    let expr = |key| {
        let node = table.node(key);
        let read = node.map(|node| Expr::parse(node, &scope.parameters));
        found.keep(read.transpose())
    };
    let name_span = name.map(Node::span);
    let name = name.and_then(|name| found.keep(name.name()));
    let count = expr("count");
    let background = found.keep(table.node("background").map_or(Ok(false), Node::bool));
    let (rounds, rate) = (expr("rounds"), expr("rate"));
    let arrivals = found.keep(arrivals(&table));
    let setup = table.node("setup");
    let setup = found.keep(setup.map_or(Ok(Vec::new()), |node| scope.steps(node, 0)));
    let steps = body.and_then(|body| found.keep(scope.steps(body, 0)));
    Some(ThreadNode {
        name: name?.to_owned(),
        name_span: name_span.clone()?,
        count: count?.unwrap_or_else(|| Expr::number(1, name_span.unwrap_or_default())),
        background: background?,
        rounds: rounds?,
        rate: rate?,
        arrivals: arrivals?,
        setup: setup?,
        body: steps?,
        body_span: body?.span(),
    })
}

/// How the starts of a group with a rate are distributed in time.
fn arrivals(table: &Table<'_>) -> Result<Arrivals, Complaint> {
    let Some(entry) = table.get("arrivals") else {
        return Ok(Arrivals::default());
    };
    if table.get("rate").is_none() {
        let message =
            "`arrivals` describes how a `rate` is distributed in time, and there is no `rate`";
        return Err(Complaint::new(entry.key_span.clone(), message)
            .hint("add `rate = N`, in operations a second of each thread"));
    }
    let name = entry.node.str()?;
    let known = Arrivals::ALL.map(Arrivals::name);
    Arrivals::named(name)
        .ok_or_else(|| Complaint::unknown(entry.node.span(), "kind of arrivals", name, known))
}
