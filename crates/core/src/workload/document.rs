//! A TOML document, read without derived deserializers so that every complaint points at a key or a
//! value.
//!
//! A step is one of thirty kinds, which its `op` names; a derived deserializer would report an
//! error in it as "data did not match any variant", at the start of the table. Here a [`Table`] is
//! given the keys that it may have, refuses any other at once, and hands out [`Node`]s that
//! remember their place.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Complaint;

/// A value with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    value: &'a Spanned<DeValue<'a>>,
    text: &'a Arc<str>,
    /// The key it was found under, for messages.
    key: &'a str,
}

/// A table whose keys were checked.
#[derive(Debug)]
pub(super) struct Table<'a> {
    entries: Vec<Entry<'a>>,
    span: Range<usize>,
    what: &'static str,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn span(self) -> Range<usize> {
        self.value.span()
    }

    pub(super) fn value(self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }

    /// A complaint that this value is of the wrong type.
    pub(super) fn must_be(self, what: &str) -> Complaint {
        let found = match self.value() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        Complaint::new(
            self.span(),
            format!("`{}` must be {what}, not {found}", self.key),
        )
    }

    pub(super) fn str(self) -> Result<&'a str, Complaint> {
        match self.value() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.must_be("a string")),
        }
    }

    /// A string that names something: lower-case letters, digits, `-` and `_`.
    pub(super) fn name(self) -> Result<&'a str, Complaint> {
        let name = self.str()?;
        check_name(name, self.span())?;
        Ok(name)
    }

    pub(super) fn bool(self) -> Result<bool, Complaint> {
        match self.value() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.must_be("true or false")),
        }
    }

    pub(super) fn integer(self) -> Result<i64, Complaint> {
        match self.value() {
            DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
                .map_err(|_| Complaint::new(self.span(), "the number does not fit 64 bits")),
            _ => Err(self.must_be("an integer")),
        }
    }

    pub(super) fn array(self) -> Result<Vec<Self>, Complaint> {
        match self.value() {
            DeValue::Array(array) => Ok(array.iter().map(|value| Self { value, ..self }).collect()),
            _ => Err(self.must_be("an array")),
        }
    }

    pub(super) fn is_table(self) -> bool {
        matches!(self.value(), DeValue::Table(_))
    }

    /// The table here, `what` in messages, with whatever keys it has.
    pub(super) fn open_table(self, what: &'static str) -> Result<Table<'a>, Complaint> {
        match self.value() {
            DeValue::Table(table) => Ok(Table::new(table, self.span(), self.text, what)),
            _ => Err(self.must_be("a table")),
        }
    }

    /// The table here, with no other keys than these.
    pub(super) fn table(self, what: &'static str, keys: &[&str]) -> Result<Table<'a>, Complaint> {
        let table = self.open_table(what)?;
        table.allow(keys)?;
        Ok(table)
    }

    /// The offset of a string's first character, if the string has no escapes, so that offsets in
    /// its value are offsets in the file.
    pub(super) fn characters_at(self) -> Option<usize> {
        let span = self.span();
        let inner = self.text.get(span.start + 1..span.end.checked_sub(1)?)?;
        matches!(self.value(), DeValue::String(text) if **text == *inner).then_some(span.start + 1)
    }
}

/// The longest name, in bytes. Names are shown in tables, file names and messages.
const NAME_MAX: usize = 64;

/// Refuses a name that is too long to be shown.
pub(super) fn check_length(name: &str, span: Range<usize>) -> Result<(), Complaint> {
    if name.len() <= NAME_MAX {
        return Ok(());
    }
    Err(Complaint::new(span, "the name is too long")
        .hint(format!("a name may have {NAME_MAX} characters")))
}

/// Refuses a text that is not a name.
pub(super) fn check_name(name: &str, span: Range<usize>) -> Result<(), Complaint> {
    check_length(name, span.clone())?;
    let well_formed = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if well_formed {
        return Ok(());
    }
    Err(Complaint::new(span, format!("`{name}` cannot be a name"))
        .hint("a name is a lower-case letter, then lower-case letters, digits, `-` and `_`"))
}

impl<'a> Table<'a> {
    /// The document as a whole.
    pub(super) fn root(table: &'a Spanned<DeTable<'a>>, text: &'a Arc<str>) -> Self {
        // The end of what is written, below which a missing section may stand.
        let end = text.trim_end().len();
        Self::new(table.get_ref(), end..end, text, "workload")
    }

    fn new(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        text: &'a Arc<str>,
        what: &'static str,
    ) -> Self {
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                key_span: key.span(),
                node: Node {
                    value,
                    text,
                    key: key.get_ref(),
                },
            })
            .collect();
        // The parser sorts by name; messages follow the order of the text.
        entries.sort_by_key(|entry| entry.key_span.start);
        Self {
            entries,
            span,
            what,
        }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// Refuses any other key.
    pub(super) fn allow(&self, keys: &[&str]) -> Result<(), Complaint> {
        self.strangers(keys).next().map_or(Ok(()), Err)
    }

    /// A complaint about every other key.
    pub(super) fn strangers(&self, keys: &[&str]) -> impl Iterator<Item = Complaint> {
        let entries = self.entries.iter();
        let strangers = entries.filter(|entry| !keys.contains(&entry.key));
        strangers.map(|entry| {
            Complaint::unknown(
                entry.key_span.clone(),
                &format!("key in the {}:", self.what),
                entry.key,
                keys.iter().copied(),
            )
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn node(&self, key: &str) -> Option<Node<'a>> {
        self.get(key).map(|entry| entry.node)
    }

    pub(super) fn need(&self, key: &str) -> Result<Node<'a>, Complaint> {
        self.node(key)
            .ok_or_else(|| Complaint::new(self.span(), format!("the {} needs `{key}`", self.what)))
    }
}
