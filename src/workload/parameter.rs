//! The knobs of a workload: numbers, flags, and choices between words.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::document::{Entry, Node, Table};
use super::expression::Expr;
use crate::diagnostic::suggest;
use crate::diagnostic::{Complaint, Diagnostic};

/// One knob.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name: `$name` in expressions, `-D name=value` on the command line.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The default as it is written in the workload; a number's may be an expression.
    pub default: String,
    /// What values it takes.
    pub kind: ParameterKind,
    default_value: Default,
    place: Range<usize>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// A number.
    Number {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Choice {
        /// The words.
        choices: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Default {
    /// Worked out from the parameters before it.
    Number(Expr),
    Settled(Value),
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(i64),
    Flag(bool),
    Word(String),
}

impl Value {
    /// The number. That it is one was checked when the expression was read.
    pub(super) fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Flag(_) | Self::Word(_) => unreachable!("expressions name numbers only"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Flag(flag) => flag.fmt(formatter),
            Self::Word(word) => word.fmt(formatter),
        }
    }
}

/// The parameters that an expression may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a>(pub(super) &'a [Parameter]);

impl<'a> Names<'a> {
    pub(super) fn find(&self, name: &str) -> Option<(usize, &'a Parameter)> {
        let mut numbered = self.0.iter().enumerate();
        numbered.find(|(_, parameter)| parameter.name == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn need(&self, name: &str, span: Range<usize>) -> Result<(usize, &'a Parameter), Complaint> {
        let known = self.0.iter().map(|parameter| parameter.name.as_str());
        self.find(name)
            .ok_or_else(|| Complaint::unknown(span, "parameter", name, known))
    }

    pub(super) fn number(&self, name: &str, span: Range<usize>) -> Result<usize, Complaint> {
        let (number, parameter) = self.need(name, span.clone())?;
        match &parameter.kind {
            ParameterKind::Number { .. } => Ok(number),
            ParameterKind::Flag => Err(Complaint::new(
                span,
                format!("`${name}` is a flag, not a number"),
            )),
            ParameterKind::Choice { .. } => Err(Complaint::new(
                span,
                format!("`${name}` is a word, not a number"),
            )),
        }
    }

    pub(super) fn flag(&self, name: &str, span: Range<usize>) -> Result<usize, Complaint> {
        let (number, parameter) = self.need(name, span.clone())?;
        match parameter.kind {
            ParameterKind::Flag => Ok(number),
            _ => Err(Complaint::new(span, format!("`${name}` is not a flag"))),
        }
    }
}

/// Reads `[parameters]`.
pub(super) fn parse_all(table: &Table<'_>) -> Result<Vec<Parameter>, Complaint> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for entry in table.entries() {
        let parameter = Parameter::parse(entry, &Names(&parameters))?;
        parameters.push(parameter);
    }
    Ok(parameters)
}

/// The value of every parameter, in their order.
pub(super) fn settle(
    parameters: &[Parameter],
    overrides: &[(String, String)],
    path: &str,
    text: &Arc<str>,
) -> Result<Vec<Value>, Diagnostic> {
    for (name, value) in overrides {
        if !Names(parameters).has(name) {
            let option: Arc<str> = format!("-D {name}={value}").into();
            let known = parameters.iter().map(|parameter| parameter.name.as_str());
            let complaint = Complaint::unknown(3..3 + name.len(), "parameter", name, known);
            return Err(complaint.at(COMMAND_LINE, &option));
        }
    }
    let mut values = Vec::new();
    for parameter in parameters {
        // The last word counts, as with any option.
        let given = overrides.iter().rfind(|(name, _)| *name == parameter.name);
        values.push(match given {
            Some((_, value)) => parameter.read(value)?,
            None => parameter
                .default_value(&values)
                .map_err(|complaint| complaint.at(path, text))?,
        });
    }
    Ok(values)
}

const COMMAND_LINE: &str = "command line";

impl Parameter {
    fn parse(entry: &Entry<'_>, before: &Names<'_>) -> Result<Self, Complaint> {
        let name = entry.key;
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || !name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            let message = format!("`{name}` cannot be a parameter's name");
            let hint = "a name is a lower-case letter, then lower-case letters, digits and `_`";
            return Err(Complaint::new(entry.key_span.clone(), message).hint(hint));
        }
        let keys = ["default", "min", "max", "choices", "about"];
        let table = entry.node.table("parameter", &keys)?;
        let default = table.need("default")?;
        let (kind, default_value) = kind_of(&table, default, before)?;
        Ok(Self {
            name: name.to_owned(),
            about: table.node("about").map_or(Ok(""), Node::str)?.to_owned(),
            default: match default.value() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                _ => default.integer()?.to_string(),
            },
            kind,
            default_value,
            place: default.span(),
        })
    }

    fn default_value(&self, values: &[Value]) -> Result<Value, Complaint> {
        let value = match &self.default_value {
            Default::Number(expr) => Value::Number(expr.eval(values)?),
            Default::Settled(value) => value.clone(),
        };
        self.check(&value)
            .map_err(|message| Complaint::new(self.place.clone(), message).label("its default"))?;
        Ok(value)
    }

    /// The value written on the command line.
    fn read(&self, written: &str) -> Result<Value, Diagnostic> {
        self.interpret(written).map_err(|(message, hint)| {
            let option: Arc<str> = format!("-D {}={written}", self.name).into();
            let begin = "-D ".len() + self.name.len() + 1;
            let complaint = Complaint::new(begin..begin + written.len(), message);
            match hint {
                Some(hint) => complaint.hint(hint).at(COMMAND_LINE, &option),
                None => complaint.at(COMMAND_LINE, &option),
            }
        })
    }

    fn interpret(&self, written: &str) -> Result<Value, (String, Option<String>)> {
        let name = &self.name;
        let value = match &self.kind {
            ParameterKind::Number { .. } => match written.replace('_', "").parse() {
                Ok(number) => Value::Number(number),
                Err(_) => return Err((format!("`{name}` must be an integer"), None)),
            },
            ParameterKind::Flag => match written.parse() {
                Ok(flag) => Value::Flag(flag),
                Err(_) => return Err((format!("`{name}` must be `true` or `false`"), None)),
            },
            ParameterKind::Choice { choices } if choices.iter().any(|word| word == written) => {
                Value::Word(written.to_owned())
            }
            ParameterKind::Choice { choices } => {
                let hint = suggest::hint(written, choices.iter().map(String::as_str));
                return Err((format!("`{name}` cannot be `{written}`"), Some(hint)));
            }
        };
        self.check(&value).map_err(|message| (message, None))?;
        Ok(value)
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        match (&self.kind, value) {
            (ParameterKind::Number { min, max }, Value::Number(number))
                if !(min..=max).contains(&number) =>
            {
                let name = &self.name;
                Err(format!(
                    "`{name}` must be from {min} to {max}, not {number}"
                ))
            }
            _ => Ok(()),
        }
    }
}

fn kind_of(
    table: &Table<'_>,
    default: Node<'_>,
    before: &Names<'_>,
) -> Result<(ParameterKind, Default), Complaint> {
    let refuse = |keys: [&str; 2], what: &str| match keys.iter().find_map(|key| table.get(key)) {
        Some(entry) => Err(Complaint::new(
            entry.key_span.clone(),
            format!("{what} takes no `{}`", entry.key),
        )),
        None => Ok(()),
    };
    if let Some(choices) = table.node("choices") {
        refuse(["min", "max"], "a choice")?;
        let nodes = choices.array()?;
        let choices: Vec<String> = nodes
            .iter()
            .map(|choice| choice.name().map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let word = default.str()?.to_owned();
        if !choices.contains(&word) {
            let known = choices.iter().map(String::as_str);
            return Err(Complaint::unknown(default.span(), "choice", &word, known));
        }
        let value = Default::Settled(Value::Word(word));
        return Ok((ParameterKind::Choice { choices }, value));
    }
    if let DeValue::Boolean(flag) = default.value() {
        refuse(["min", "max"], "a flag")?;
        return Ok((ParameterKind::Flag, Default::Settled(Value::Flag(*flag))));
    }
    let expr = Expr::parse(default, before)?;
    let bound = |key: &str, otherwise| table.node(key).map_or(Ok(otherwise), Node::integer);
    let (min, max) = (bound("min", 0)?, bound("max", i64::MAX)?);
    if min > max {
        let span = table.node("max").map_or_else(|| table.span(), Node::span);
        return Err(Complaint::new(
            span,
            format!("`max` is below `min`, which is {min}"),
        ));
    }
    Ok((ParameterKind::Number { min, max }, Default::Number(expr)))
}
