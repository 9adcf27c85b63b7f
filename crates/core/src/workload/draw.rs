//! Amounts: a number, or a distribution to draw it from.
//!
//! `times = 5`, `times = "$n / 2"`, `times = { uniform = [1, 9] }`, `times = { geometric = 2.5 }`.

use std::ops::Range;

use toml::de::DeValue;

use super::document::Node;
use super::expression::Expr;
use super::parameter::{Names, Value};
use crate::diagnostic::Complaint;
use crate::plan::Draw;

/// The greatest mean of a geometric distribution, and the least that is not 0.
const MEAN_MAX: f64 = 1e12;
const MEAN_MIN: f64 = 0.001;

/// An amount, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Amount {
    Fixed(Expr),
    Uniform(Expr, Expr),
    Geometric(Mean, Range<usize>),
}

/// The mean of a geometric distribution: the only fraction of the language.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mean {
    Fraction(f64),
    Number(Expr),
}

impl Amount {
    pub(super) fn parse(node: Node<'_>, names: &Names<'_>) -> Result<Self, Complaint> {
        if !node.is_table() {
            return Expr::parse(node, names).map(Self::Fixed);
        }
        let table = node.table("distribution", &["uniform", "geometric"])?;
        let [only] = table.entries() else {
            let message = "a distribution is one of `uniform` and `geometric`";
            return Err(Complaint::new(node.span(), message));
        };
        if only.key == "uniform" {
            let [low, high] = only.node.array()?[..] else {
                let message = "`uniform` takes the least and the greatest value";
                return Err(Complaint::new(only.node.span(), message));
            };
            return Ok(Self::Uniform(
                Expr::parse(low, names)?,
                Expr::parse(high, names)?,
            ));
        }
        let mean = match only.node.value() {
            DeValue::Float(fraction) => Mean::Fraction(
                fraction
                    .as_str()
                    .parse()
                    .map_err(|_| only.node.must_be("a number"))?,
            ),
            _ => Mean::Number(Expr::parse(only.node, names)?),
        };
        Ok(Self::Geometric(mean, only.node.span()))
    }

    /// The amount with the parameters settled. No drawn number is above `max`, except in the tail
    /// of a geometric distribution, of which only the mean is limited.
    pub(super) fn settle(&self, values: &[Value], max: u64, what: &str) -> Result<Draw, Complaint> {
        Ok(match self {
            Self::Fixed(expr) => Draw::Fixed(expr.within(values, 0, max, what)?),
            Self::Uniform(low, high) => {
                let least = low.within(values, 0, max, what)?;
                let high = high.within(values, least, max, what)?;
                if least == high {
                    Draw::Fixed(least)
                } else {
                    Draw::Uniform { low: least, high }
                }
            }
            Self::Geometric(mean, span) => {
                let mean = match mean {
                    Mean::Fraction(mean) => *mean,
                    Mean::Number(expr) => expr.eval(values)? as f64,
                };
                if !(MEAN_MIN..=MEAN_MAX.min(max as f64)).contains(&mean) {
                    let message = format!(
                        "the mean of {what} must be from {MEAN_MIN} to {}, not {mean}",
                        MEAN_MAX.min(max as f64)
                    );
                    return Err(Complaint::new(span.clone(), message));
                }
                Draw::Geometric { mean }
            }
        })
    }
}
