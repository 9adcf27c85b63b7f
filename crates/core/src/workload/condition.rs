//! Conditions: whether a step, bound or note applies, decided when the parameters are settled.
//!
//! ```text
//! condition = ["!"] "$" flag | "$" choice ("==" | "!=") word | sum compare sum
//! compare   = "==" | "!=" | "<" | "<=" | ">" | ">="
//! ```

use super::document::Node;
use super::expression::Expr;
use super::parameter::{Names, ParameterKind, Value};
use super::token::{Symbol, Token, Tokens};
use crate::diagnostic::Complaint;

/// A condition, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The flag with this number has this value.
    Flag(usize, bool),
    /// The choice with this number is this word, or is not.
    Word(usize, String, Sense),
    /// This comparison of two numbers holds.
    Numbers(Expr, Symbol, Expr),
}

/// Whether a comparison is to hold or to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Is,
    IsNot,
}

impl Condition {
    pub(super) fn parse(node: Node<'_>, names: &Names<'_>) -> Result<Self, Complaint> {
        let mut tokens = Tokens::new(node)?;
        let condition = Self::read(&mut tokens, names)?;
        tokens.end()?;
        Ok(condition)
    }

    fn read(tokens: &mut Tokens, names: &Names<'_>) -> Result<Self, Complaint> {
        if tokens.symbol() == Some(Symbol::Not) {
            tokens.next();
            let (token, span) = tokens.next();
            return match token {
                Token::Parameter(name) => Ok(Self::Flag(names.flag(&name, span)?, false)),
                other => Err(Complaint::new(
                    span,
                    format!("expected a flag, found {other}"),
                )),
            };
        }
        if let Token::Parameter(name) = tokens.peek()
            && let Some((number, parameter)) = names.find(name)
        {
            match &parameter.kind {
                ParameterKind::Flag if *tokens.peek_second() == Token::End => {
                    tokens.next();
                    return Ok(Self::Flag(number, true));
                }
                ParameterKind::Choice { choices } => {
                    tokens.next();
                    return Self::word(tokens, number, choices);
                }
                _ => {}
            }
        }
        Self::numbers(tokens, names)
    }

    fn word(tokens: &mut Tokens, number: usize, choices: &[String]) -> Result<Self, Complaint> {
        let (sign, sign_span) = tokens.next();
        let sense = match sign {
            Token::Symbol(Symbol::Equal) => Sense::Is,
            Token::Symbol(Symbol::NotEqual) => Sense::IsNot,
            other => {
                let message = format!("expected `==` or `!=`, found {other}");
                return Err(Complaint::new(sign_span, message));
            }
        };
        match tokens.next() {
            (Token::Word(word), _) if choices.contains(&word) => {
                Ok(Self::Word(number, word, sense))
            }
            (Token::Word(word), span) => {
                let known = choices.iter().map(String::as_str);
                Err(Complaint::unknown(span, "choice", &word, known))
            }
            (other, span) => Err(Complaint::new(
                span,
                format!("expected a word, found {other}"),
            )),
        }
    }

    fn numbers(tokens: &mut Tokens, names: &Names<'_>) -> Result<Self, Complaint> {
        let left = Expr::sum(tokens, names, 0)?;
        let (sign, span) = tokens.next();
        let Token::Symbol(
            sign @ (Symbol::Equal
            | Symbol::NotEqual
            | Symbol::Less
            | Symbol::AtMost
            | Symbol::Greater
            | Symbol::AtLeast),
        ) = sign
        else {
            return Err(Complaint::new(
                span,
                format!("expected a comparison, found {sign}"),
            ));
        };
        Ok(Self::Numbers(left, sign, Expr::sum(tokens, names, 0)?))
    }

    /// Whether it holds.
    pub(super) fn holds(&self, values: &[Value]) -> Result<bool, Complaint> {
        Ok(match self {
            Self::Flag(number, wanted) => values[*number] == Value::Flag(*wanted),
            Self::Word(number, word, sense) => {
                let equal = values[*number] == Value::Word(word.clone());
                equal == (*sense == Sense::Is)
            }
            Self::Numbers(left, sign, right) => {
                let (left, right) = (left.eval(values)?, right.eval(values)?);
                match sign {
                    Symbol::Equal => left == right,
                    Symbol::NotEqual => left != right,
                    Symbol::Less => left < right,
                    Symbol::AtMost => left <= right,
                    Symbol::Greater => left > right,
                    _ => left >= right,
                }
            }
        })
    }
}
