//! The defaults of a workload's parameters, read from `[parameters]`, and the values of all
//! parameters once those from the command line are known.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::document::{Entry, Node, Table, check_length};
use super::expression::Expr;
use super::found::Found;
use super::parameter::{COMMAND_LINE, Names, Parameter, ParameterKind, Value};
use crate::diagnostic::{Complaint, Diagnostic};

/// The default of a parameter, and its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Default {
    value: DefaultValue,
    place: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum DefaultValue {
    /// Worked out from the parameters before it.
    Number(Expr),
    Settled(Value),
}

impl Default {
    fn settle(&self, parameter: &Parameter, values: &[Value]) -> Result<Value, Complaint> {
        let value = match &self.value {
            DefaultValue::Number(expr) => Value::Number(expr.eval(values)?),
            DefaultValue::Settled(value) => value.clone(),
        };
        parameter
            .check(&value)
            .map_err(|message| Complaint::new(self.place.clone(), message).label("its default"))?;
        Ok(value)
    }
}

/// Reads `[parameters]`.
pub(super) fn parse_all(table: &Table<'_>, found: &Found) -> (Vec<Parameter>, Vec<Default>) {
    let (mut parameters, mut defaults) = (Vec::new(), Vec::new());
    for entry in table.entries() {
        let read = parse(entry, &Names(&parameters));
        if let Some((parameter, default)) = found.define(entry.key, read) {
            parameters.push(parameter);
            defaults.push(default);
        }
    }
    (parameters, defaults)
}

/// The value of every parameter, in their order.
pub(super) fn settle(
    parameters: &[Parameter],
    defaults: &[Default],
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
    for (parameter, default) in parameters.iter().zip(defaults) {
        // If a parameter is given several times the last value counts, as with other options.
        let given = overrides.iter().rfind(|(name, _)| *name == parameter.name);
        values.push(match given {
            Some((_, value)) => parameter.read(value)?,
            None => default
                .settle(parameter, &values)
                .map_err(|complaint| complaint.at(path, text))?,
        });
    }
    Ok(values)
}

fn parse(entry: &Entry<'_>, before: &Names<'_>) -> Result<(Parameter, Default), Complaint> {
    let name = entry.key;
    check_length(name, entry.key_span.clone())?;
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
    let (kind, value) = kind_of(&table, default, before)?;
    let parameter = Parameter {
        name: name.to_owned(),
        about: table.node("about").map_or(Ok(""), Node::str)?.to_owned(),
        default: match default.value() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => default.integer()?.to_string(),
        },
        kind,
    };
    let place = default.span();
    Ok((parameter, Default { value, place }))
}

fn kind_of(
    table: &Table<'_>,
    default: Node<'_>,
    before: &Names<'_>,
) -> Result<(ParameterKind, DefaultValue), Complaint> {
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
        let value = DefaultValue::Settled(Value::Word(word));
        return Ok((ParameterKind::Choice { choices }, value));
    }
    if let DeValue::Boolean(flag) = default.value() {
        refuse(["min", "max"], "a flag")?;
        return Ok((
            ParameterKind::Flag,
            DefaultValue::Settled(Value::Flag(*flag)),
        ));
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
    Ok((
        ParameterKind::Number { min, max },
        DefaultValue::Number(expr),
    ))
}
