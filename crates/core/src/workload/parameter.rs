//! The parameters of a workload, which are numbers, flags, or choices between words, and their
//! values.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::suggest;
use crate::diagnostic::{Complaint, Diagnostic};

/// One parameter.
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

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(i64),
    Flag(bool),
    Word(String),
}

impl Value {
    /// The number. The parser has checked that it is one.
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

/// What complaints about `-D` show in place of a path.
pub(super) const COMMAND_LINE: &str = "command line";

impl Parameter {
    /// Reads a value from the command line.
    pub(super) fn read(&self, written: &str) -> Result<Value, Diagnostic> {
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

    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
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
