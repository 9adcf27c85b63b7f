//! Arithmetic expressions: `max(1, $threads / 2)`.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = factor (("*" | "/" | "%") factor)*
//! factor  = number | "$" parameter | ("min" | "max") "(" sum "," sum ")"
//!         | "(" sum ")" | "-" factor
//! ```
//!
//! Numbers are 64-bit integers and may have underscores. Division truncates towards zero. Overflow
//! and division by zero are errors that point at the operands.

use std::ops::Range;

use toml::de::DeValue;

use super::document::Node;
use super::parameter::{Names, Value};
use super::token::{Symbol, Token, Tokens};
use crate::diagnostic::Complaint;

/// The deepest nesting of parentheses and signs.
const DEPTH_MAX: u32 = 32;

/// A number, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    kind: Term,
    span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(i64),
    Parameter(usize),
    Binary(Operator, Box<(Expr, Expr)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Min,
    Max,
}

impl Expr {
    /// An integer or a string with an expression.
    pub(super) fn parse(node: Node<'_>, names: &Names<'_>) -> Result<Self, Complaint> {
        match node.value() {
            DeValue::Integer(_) => Ok(Self::number(node.integer()?, node.span())),
            DeValue::String(_) => {
                let mut tokens = Tokens::new(node)?;
                let expr = Self::sum(&mut tokens, names, 0)?;
                tokens.end()?;
                Ok(expr)
            }
            _ => Err(node.must_be("a number or an expression")),
        }
    }

    pub(super) fn number(value: i64, span: Range<usize>) -> Self {
        Self {
            kind: Term::Number(value),
            span,
        }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn sum(
        tokens: &mut Tokens,
        names: &Names<'_>,
        depth: u32,
    ) -> Result<Self, Complaint> {
        let mut left = Self::product(tokens, names, depth)?;
        loop {
            let operator = match tokens.symbol() {
                Some(Symbol::Plus) => Operator::Add,
                Some(Symbol::Minus) => Operator::Subtract,
                _ => return Ok(left),
            };
            tokens.next();
            left = left.with(operator, Self::product(tokens, names, depth)?);
        }
    }

    fn product(tokens: &mut Tokens, names: &Names<'_>, depth: u32) -> Result<Self, Complaint> {
        let mut left = Self::factor(tokens, names, depth)?;
        loop {
            let operator = match tokens.symbol() {
                Some(Symbol::Star) => Operator::Multiply,
                Some(Symbol::Slash) => Operator::Divide,
                Some(Symbol::Percent) => Operator::Remainder,
                _ => return Ok(left),
            };
            tokens.next();
            left = left.with(operator, Self::factor(tokens, names, depth)?);
        }
    }

    fn factor(tokens: &mut Tokens, names: &Names<'_>, depth: u32) -> Result<Self, Complaint> {
        let (token, span) = tokens.next();
        if depth == DEPTH_MAX {
            return Err(Complaint::new(span, "the expression is nested too deeply"));
        }
        match token {
            Token::Number(value) => Ok(Self::number(value, span)),
            Token::Parameter(name) => Ok(Self {
                kind: Term::Parameter(names.number(&name, span.clone())?),
                span,
            }),
            Token::Symbol(Symbol::Open) => {
                let inner = Self::sum(tokens, names, depth + 1)?;
                let close = tokens.expect(Symbol::Close)?;
                Ok(Self {
                    span: span.start..close.end,
                    ..inner
                })
            }
            Token::Symbol(Symbol::Minus) => {
                let zero = Self::number(0, span);
                Ok(zero.with(Operator::Subtract, Self::factor(tokens, names, depth + 1)?))
            }
            Token::Word(word) if word == "min" || word == "max" => {
                tokens.expect(Symbol::Open)?;
                let left = Self::sum(tokens, names, depth + 1)?;
                tokens.expect(Symbol::Comma)?;
                let right = Self::sum(tokens, names, depth + 1)?;
                let close = tokens.expect(Symbol::Close)?;
                let operator = if word == "min" {
                    Operator::Min
                } else {
                    Operator::Max
                };
                Ok(Self {
                    span: span.start..close.end,
                    ..left.with(operator, right)
                })
            }
            Token::Word(word) if names.has(&word) => {
                Err(Complaint::new(span, format!("unexpected `{word}`"))
                    .hint(format!("a parameter is written `${word}`")))
            }
            other => Err(Complaint::new(
                span,
                format!("expected a number, found {other}"),
            )),
        }
    }

    fn with(self, operator: Operator, right: Self) -> Self {
        Self {
            span: self.span.start..right.span.end,
            kind: Term::Binary(operator, Box::new((self, right))),
        }
    }

    /// Its value.
    pub(super) fn eval(&self, values: &[Value]) -> Result<i64, Complaint> {
        let (operator, operands) = match &self.kind {
            Term::Number(value) => return Ok(*value),
            Term::Parameter(number) => return Ok(values[*number].number()),
            Term::Binary(operator, operands) => (*operator, operands),
        };
        let (left, right) = (operands.0.eval(values)?, operands.1.eval(values)?);
        if right == 0 && matches!(operator, Operator::Divide | Operator::Remainder) {
            return Err(Complaint::new(operands.1.span(), "division by zero").label("this is 0"));
        }
        match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide => left.checked_div(right),
            Operator::Remainder => left.checked_rem(right),
            Operator::Min => Some(left.min(right)),
            Operator::Max => Some(left.max(right)),
        }
        .ok_or_else(|| {
            Complaint::new(self.span(), "the expression overflows 64 bits")
                .label(format!("the operands are {left} and {right}"))
        })
    }

    /// Its value, if that is from `low` to `high`; `what` names it in the complaint.
    pub(super) fn within(
        &self,
        values: &[Value],
        low: u64,
        high: u64,
        what: &str,
    ) -> Result<u64, Complaint> {
        let value = self.eval(values)?;
        if let Ok(number) = u64::try_from(value)
            && (low..=high).contains(&number)
        {
            return Ok(number);
        }
        Err(Complaint::new(
            self.span(),
            format!("{what} must be from {low} to {high}, not {value}"),
        ))
    }
}
