//! The steps of a thread as they are in the file, with every name looked up.

use std::ops::Range;

use super::condition::Condition;
use super::document::{Entry, Node, Table};
use super::draw::Amount;
use super::expression::Expr;
use super::form::{self, FORMS, Form, Key, KeyKind, Presence};
use super::found::Found;
use super::parameter::Names;
use crate::diagnostic::Complaint;
use crate::diagnostic::suggest;
use crate::heap::Shape;
use crate::plan::Draw;

/// How deeply steps may be nested: deeper than in any program that a person wrote.
const DEPTH_MAX: u32 = 6;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StepNode {
    pub(super) span: Range<usize>,
    pub(super) when: Option<Condition>,
    /// How often; once if it is not given.
    pub(super) times: Option<Amount>,
    pub(super) action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Op(OpNode),
    Steps(Vec<StepNode>),
    Mix(Vec<ArmNode>),
}

/// One alternative of a mix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArmNode {
    pub(super) weight: Expr,
    pub(super) step: StepNode,
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OpNode {
    pub(super) form: &'static Form,
    /// The place of its name.
    pub(super) span: Range<usize>,
    args: Vec<(&'static str, Arg, Range<usize>)>,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Arg {
    Register(String),
    Object(usize),
    Mailbox(usize),
    Shape(Shape),
    Field(Draw),
    Amount(Amount),
    Number(Expr),
}

impl OpNode {
    pub(super) fn arg(&self, key: &str) -> Option<(&Arg, Range<usize>)> {
        let found = self.args.iter().find(|(name, ..)| *name == key);
        found.map(|(_, arg, span)| (arg, span.clone()))
    }

    /// All arguments, with their places.
    pub(super) fn args(&self) -> impl Iterator<Item = (&Arg, Range<usize>)> {
        self.args.iter().map(|(_, arg, span)| (arg, span.clone()))
    }
}

/// What steps may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) parameters: Names<'a>,
    pub(super) objects: &'a [(String, Shape)],
    pub(super) mailboxes: &'a [String],
    pub(super) found: &'a Found,
}

impl Scope<'_> {
    /// Reads an array of steps.
    pub(super) fn steps(&self, node: Node<'_>, depth: u32) -> Result<Vec<StepNode>, Complaint> {
        if depth == DEPTH_MAX {
            let message = "the steps are nested too deeply";
            return Err(Complaint::new(node.span(), message)
                .hint(format!("there can be {DEPTH_MAX} levels")));
        }
        let nodes = node.array()?.into_iter();
        let steps = nodes.map(|step| self.step(&step.open_table("step")?, &[], depth));
        Ok(self.found.all(steps))
    }

    /// Reads a step, which may also have the keys `also`.
    fn step(
        &self,
        table: &Table<'_>,
        also: &[&'static str],
        depth: u32,
    ) -> Result<StepNode, Complaint> {
        let kinds = ["op", "steps", "mix"];
        let kinds: Vec<&Entry<'_>> = kinds.iter().filter_map(|kind| table.get(kind)).collect();
        let kind = match kinds.as_slice() {
            [kind] => kind,
            [] => {
                let message = "a step needs one of `op`, `steps` and `mix`";
                return Err(Complaint::new(table.span(), message));
            }
            [first, second, ..] => {
                let message = format!("a step with `{}` takes no `{}`", first.key, second.key);
                return Err(Complaint::new(second.key_span.clone(), message));
            }
        };
        let (action, times) = match kind.key {
            "op" => (Action::Op(self.op(table, kind.node, also)?), "times"),
            "steps" => {
                table.allow(&[also, &["steps", "repeat", "when"]].concat())?;
                (Action::Steps(self.steps(kind.node, depth + 1)?), "repeat")
            }
            _ => {
                table.allow(&[also, &["mix", "times", "when"]].concat())?;
                (Action::Mix(self.arms(kind.node, depth + 1)?), "times")
            }
        };
        let when = table.node("when");
        let times = table.node(times);
        Ok(StepNode {
            span: table.span(),
            when: when
                .map(|node| Condition::parse(node, &self.parameters))
                .transpose()?,
            times: times
                .map(|node| Amount::parse(node, &self.parameters))
                .transpose()?,
            action,
        })
    }

    fn arms(&self, node: Node<'_>, depth: u32) -> Result<Vec<ArmNode>, Complaint> {
        let nodes = node.array()?;
        if depth == DEPTH_MAX {
            return Err(Complaint::new(
                node.span(),
                "the steps are nested too deeply",
            ));
        }
        let arms = nodes.into_iter().map(|arm| {
            let table = arm.open_table("arm of a mix")?;
            Ok(ArmNode {
                weight: Expr::parse(table.need("weight")?, &self.parameters)?,
                step: self.step(&table, &["weight"], depth)?,
            })
        });
        Ok(self.found.all(arms))
    }

    fn op(
        &self,
        table: &Table<'_>,
        name: Node<'_>,
        also: &[&'static str],
    ) -> Result<OpNode, Complaint> {
        let Some(form) = form::find(name.str()?) else {
            let known = FORMS.iter().map(|form| form.name);
            return Err(Complaint::unknown(
                name.span(),
                "operation",
                name.str()?,
                known,
            ));
        };
        let own = form.keys.iter().map(|key| key.name);
        let common = ["op", "times", "when"].into_iter();
        let keys: Vec<&str> = own
            .clone()
            .chain(common)
            .chain(also.iter().copied())
            .collect();
        let entries = table.entries().iter();
        let unknown = entries.filter(|entry| !keys.contains(&entry.key));
        self.found.add(unknown.map(|unknown| {
            let span = unknown.key_span.clone();
            let message = format!("`{}` takes no `{}`", form.name, unknown.key);
            Complaint::new(span, message).hint(suggest::hint(unknown.key, keys.iter().copied()))
        }));
        let mut args = Vec::new();
        for key in form.keys {
            match table.node(key.name) {
                Some(node) => {
                    let value = self.found.keep(self.value(key, node));
                    args.extend(value.map(|value| (key.name, value, node.span())));
                }
                None if key.presence == Presence::Optional => {}
                None => {
                    let message = format!("`{}` needs `{}`", form.name, key.name);
                    let complaint = Complaint::new(name.span(), message).hint(form.about);
                    self.found.add([complaint]);
                }
            }
        }
        Ok(OpNode {
            form,
            span: name.span(),
            args,
        })
    }

    fn value(&self, key: &Key, node: Node<'_>) -> Result<Arg, Complaint> {
        Ok(match key.kind {
            KeyKind::Read => match self.object(node.name()?) {
                Some(object) => Arg::Object(object),
                None => Arg::Register(node.str()?.to_owned()),
            },
            KeyKind::Moved | KeyKind::Written => {
                let name = node.name()?;
                if self.object(name).is_some() {
                    let message = format!("`{name}` is a shared object and stays in its register");
                    let hint =
                        "use another register, and `copy` the object there first if it is to move";
                    return Err(Complaint::new(node.span(), message).hint(hint));
                }
                Arg::Register(name.to_owned())
            }
            KeyKind::Object => {
                let known = self.objects.iter().map(|(name, _)| name.as_str());
                let unknown = || {
                    Complaint::unknown(
                        node.span(),
                        "shared object",
                        node.str().unwrap_or_default(),
                        known,
                    )
                };
                Arg::Object(self.object(node.name()?).ok_or_else(unknown)?)
            }
            KeyKind::Mailbox => {
                let name = node.name()?;
                let known = self.mailboxes.iter().map(String::as_str);
                let found = self.mailboxes.iter().position(|mailbox| mailbox == name);
                let unknown = || Complaint::unknown(node.span(), "mailbox", name, known);
                Arg::Mailbox(found.ok_or_else(unknown)?)
            }
            KeyKind::Shape => Arg::Shape(shape(node)?),
            KeyKind::Field => Arg::Field(field(node)?),
            KeyKind::Amount => Arg::Amount(Amount::parse(node, &self.parameters)?),
            KeyKind::Number | KeyKind::Signed => Arg::Number(Expr::parse(node, &self.parameters)?),
        })
    }

    fn object(&self, name: &str) -> Option<usize> {
        self.objects.iter().position(|(object, _)| object == name)
    }
}

/// Reads `leaf`, `node`, `list` or `counter`.
pub(super) fn shape(node: Node<'_>) -> Result<Shape, Complaint> {
    let name = node.str()?;
    let found = Shape::ALL.into_iter().find(|shape| shape.name() == name);
    found.ok_or_else(|| {
        let known = Shape::ALL.map(Shape::name);
        Complaint::unknown(node.span(), "shape", name, known)
    })
}

/// Reads the number of a field, or `any`, which draws one.
fn field(node: Node<'_>) -> Result<Draw, Complaint> {
    match (node.integer(), node.str()) {
        (Ok(0), _) => Ok(Draw::Fixed(0)),
        (Ok(1), _) => Ok(Draw::Fixed(1)),
        (_, Ok("any")) => Ok(Draw::Uniform { low: 0, high: 1 }),
        _ => Err(Complaint::new(node.span(), "a field is 0, 1 or \"any\"")),
    }
}
