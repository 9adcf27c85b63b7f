//! Reads the sections of a workload file.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::condition::Condition;
use super::counters::{CHECKS, COUNTERS, VERDICTS};
use super::defaults::{self, Default};
use super::document::{Node, Table, check_name};
use super::expression::Expr;
use super::parameter::{Names, Parameter};
use super::step::{Scope, StepNode, shape};
use crate::diagnostic::Complaint;
use crate::heap::Shape;
use crate::plan::{Arrivals, Note};

/// The maximum number of shared objects, and of mailboxes: the analysis of a plan keeps a set
/// of objects in one word.
const SHARED_MAX: usize = 64;

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
    pub(super) fn parse(text: &Arc<str>) -> Result<Self, Complaint> {
        let document = DeTable::parse(text).map_err(|error| {
            let end = text.len();
            Complaint::new(error.span().unwrap_or(end..end), sentence(error.message()))
        })?;
        let root = Table::root(&document, text);
        root.allow(&[
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
        ])?;
        let (parameters, defaults) = match root.node("parameters") {
            Some(node) => defaults::parse_all(&node.open_table("table of parameters")?)?,
            None => (Vec::new(), Vec::new()),
        };
        let names = Names(&parameters);
        let objects = objects(&root)?;
        let mailboxes = mailboxes(&root, &objects)?;
        let limits = root
            .need("limits")?
            .table("table of limits", &["live_objects"])?;
        let scope = Scope {
            parameters: names,
            objects: &objects,
            mailboxes: &mailboxes,
        };
        Ok(Self {
            summary: root.need("summary")?.str()?.to_owned(),
            about: root.node("about").map_or(Ok(""), Node::str)?.to_owned(),
            live_objects: Expr::parse(limits.need("live_objects")?, &names)?,
            require: bounds(&root, "require", "least", &names)?,
            budget: bounds(&root, "budget", "most", &names)?,
            notes: notes(&root, &names)?,
            threads: threads(&root, &scope)?,
            parameters: parameters.clone(),
            defaults,
            objects: objects.clone(),
            mailboxes: mailboxes.clone(),
        })
    }
}

/// A message of the TOML parser in one line, as the title of a complaint.
fn sentence(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

fn objects(root: &Table<'_>) -> Result<Vec<(String, Shape)>, Complaint> {
    let Some(node) = root.node("objects") else {
        return Ok(Vec::new());
    };
    let table = node.open_table("table of objects")?;
    if let Some(beyond) = table.entries().get(SHARED_MAX) {
        let message = format!("there can be {SHARED_MAX} shared objects");
        return Err(Complaint::new(beyond.key_span.clone(), message));
    }
    let entries = table.entries().iter();
    entries
        .map(|entry| {
            check_name(entry.key, entry.key_span.clone())?;
            Ok((entry.key.to_owned(), shape(entry.node)?))
        })
        .collect()
}

fn mailboxes(root: &Table<'_>, objects: &[(String, Shape)]) -> Result<Vec<String>, Complaint> {
    let Some(node) = root.node("mailboxes") else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = Vec::new();
    for node in node.array()? {
        let name = node.name()?;
        if names.iter().any(|known| known == name) || objects.iter().any(|(known, _)| known == name)
        {
            return Err(Complaint::new(
                node.span(),
                format!("`{name}` is defined twice"),
            ));
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
    key: &str,
    word: &str,
    names: &Names<'_>,
) -> Result<Vec<Bound>, Complaint> {
    let Some(node) = root.node(key) else {
        return Ok(Vec::new());
    };
    let table = node.open_table("table of counters")?;
    let entries = table.entries().iter();
    entries
        .map(|entry| {
            if !COUNTERS.contains(&entry.key) {
                let span = entry.key_span.clone();
                return Err(Complaint::unknown(span, "counter", entry.key, COUNTERS));
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
        })
        .collect()
}

fn notes(root: &Table<'_>, names: &Names<'_>) -> Result<Vec<(Note, Option<Condition>)>, Complaint> {
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
    node.array()?
        .into_iter()
        .map(|node| {
            let table = node.table("note", &["check", "verdict", "when", "text"])?;
            let note = Note {
                check: one_of(table.need("check")?, "check", &CHECKS)?,
                verdict: one_of(table.need("verdict")?, "verdict", &VERDICTS)?,
                text: table.need("text")?.str()?.to_owned(),
            };
            let when = table.node("when");
            let when = when.map(|node| Condition::parse(node, names)).transpose()?;
            Ok((note, when))
        })
        .collect()
}

fn threads(root: &Table<'_>, scope: &Scope<'_>) -> Result<Vec<ThreadNode>, Complaint> {
    let mut groups: Vec<ThreadNode> = Vec::new();
    for node in root.need("threads")?.array()? {
        let group = thread(node, scope)?;
        if groups.iter().any(|known| known.name == group.name) {
            let message = format!("there are `{}` threads already", group.name);
            return Err(Complaint::new(group.name_span, message));
        }
        groups.push(group);
    }
    Ok(groups)
}

fn thread(node: Node<'_>, scope: &Scope<'_>) -> Result<ThreadNode, Complaint> {
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
    let table = node.table("group of threads", &keys)?;
    let (name, body) = (table.need("name")?, table.need("loop")?);
    let expr = |key| {
        let node = table.node(key);
        node.map(|node| Expr::parse(node, &scope.parameters))
            .transpose()
    };
    let setup = table.node("setup");
    Ok(ThreadNode {
        name: name.name()?.to_owned(),
        name_span: name.span(),
        count: expr("count")?.unwrap_or_else(|| Expr::number(1, name.span())),
        background: table.node("background").map_or(Ok(false), Node::bool)?,
        rounds: expr("rounds")?,
        rate: expr("rate")?,
        arrivals: arrivals(&table)?,
        setup: setup.map_or(Ok(Vec::new()), |node| scope.steps(node, 0))?,
        body: scope.steps(body, 0)?,
        body_span: body.span(),
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
