//! The tokens of an expression, each with its place in the file.

use std::fmt;
use std::ops::Range;

use super::document::Node;
use crate::diagnostic::Complaint;

/// One word or sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Number(i64),
    Parameter(String),
    Word(String),
    Symbol(Symbol),
    End,
}

/// One sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Open,
    Close,
    Comma,
    Not,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// All signs; a longer one stands before those that it begins with.
const SYMBOLS: [(&str, Symbol); 15] = [
    ("==", Symbol::Equal),
    ("!=", Symbol::NotEqual),
    ("<=", Symbol::AtMost),
    (">=", Symbol::AtLeast),
    ("<", Symbol::Less),
    (">", Symbol::Greater),
    ("!", Symbol::Not),
    ("+", Symbol::Plus),
    ("-", Symbol::Minus),
    ("*", Symbol::Star),
    ("/", Symbol::Slash),
    ("%", Symbol::Percent),
    ("(", Symbol::Open),
    (")", Symbol::Close),
    (",", Symbol::Comma),
];

impl fmt::Display for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = SYMBOLS.iter().find(|(_, symbol)| symbol == self);
        write!(formatter, "`{}`", text.map_or("", |(text, _)| text))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "`{number}`"),
            Self::Parameter(name) => write!(formatter, "`${name}`"),
            Self::Word(word) => write!(formatter, "`{word}`"),
            Self::Symbol(symbol) => write!(formatter, "{symbol}"),
            Self::End => write!(formatter, "the end"),
        }
    }
}

/// The maximum number of tokens of an expression. No one needs as many, and reading, evaluating and
/// dropping an expression recurses as deeply as it is long.
const TOKENS_MAX: usize = 1000;

/// The tokens of one string, read one after the other.
#[derive(Debug)]
pub(super) struct Tokens {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
}

impl Tokens {
    /// The tokens of the string in `node`.
    pub(super) fn new(node: Node<'_>) -> Result<Self, Complaint> {
        let text = node.str()?;
        // This is computed only once, since it compares the whole string.
        let base = node.characters_at();
        let place = |part: Range<usize>| match base {
            Some(base) => base + part.start..base + part.end,
            None => node.span(),
        };
        let mut tokens = Vec::new();
        let mut at = 0;
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            let (token, len) = scan(&text[at..])
                .map_err(|(len, message)| Complaint::new(place(at..at + len), message))?;
            let is_end = token == Token::End;
            if tokens.len() == TOKENS_MAX && !is_end {
                return Err(
                    Complaint::new(place(at..at + len), "the expression is too long").hint(
                        format!("it may have {TOKENS_MAX} numbers, names and operators"),
                    ),
                );
            }
            tokens.push((token, place(at..at + len)));
            if is_end {
                return Ok(Self { tokens, at: 0 });
            }
            at += len;
        }
    }

    /// The next token without taking it.
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    /// The token after the next.
    pub(super) fn peek_second(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].0
    }

    /// The next token, if it is a sign.
    pub(super) fn symbol(&self) -> Option<Symbol> {
        match self.peek() {
            Token::Symbol(symbol) => Some(*symbol),
            _ => None,
        }
    }

    /// Takes the next token; the end may be taken again and again.
    pub(super) fn next(&mut self) -> (Token, Range<usize>) {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Takes this sign.
    pub(super) fn expect(&mut self, symbol: Symbol) -> Result<Range<usize>, Complaint> {
        let (token, span) = self.next();
        if token == Token::Symbol(symbol) {
            return Ok(span);
        }
        Err(Complaint::new(
            span,
            format!("expected {symbol}, found {token}"),
        ))
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Complaint> {
        match self.next() {
            (Token::End, _) => Ok(()),
            (token, span) => Err(Complaint::new(span, format!("unexpected {token}"))),
        }
    }
}

/// The token with which `text` begins, and its length; or an error message, and how many bytes it
/// is about.
fn scan(text: &str) -> Result<(Token, usize), (usize, String)> {
    let Some(first) = text.chars().next() else {
        return Ok((Token::End, 0));
    };
    if first.is_ascii_digit() {
        let len = span_of(text, |c| c.is_ascii_alphanumeric() || c == '_');
        return match text[..len].replace('_', "").parse() {
            Ok(number) => Ok((Token::Number(number), len)),
            Err(_) => Err((len, format!("`{}` is not a 64-bit integer", &text[..len]))),
        };
    }
    if first == '$' {
        let len = span_of(&text[1..], |c| c.is_ascii_alphanumeric() || c == '_');
        return match len {
            0 => Err((1, "expected a parameter's name after `$`".to_owned())),
            _ => Ok((Token::Parameter(text[1..=len].to_owned()), len + 1)),
        };
    }
    if first.is_ascii_alphabetic() {
        let len = span_of(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return Ok((Token::Word(text[..len].to_owned()), len));
    }
    match SYMBOLS.iter().find(|(sign, _)| text.starts_with(sign)) {
        Some((sign, symbol)) => Ok((Token::Symbol(*symbol), sign.len())),
        None => Err((first.len_utf8(), format!("unexpected `{first}`"))),
    }
}

fn span_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}
