//! Reads a `gcstorm.toml`: its profiles, and what each sets, with places. What may be set, and to what,
//! is not asked here.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::usage::Usage;
use crate::diagnostic::{Complaint, Diagnostic, text};

/// The profiles that come with the program.
const BUILTIN: &str = include_str!("../../../templates/profiles.toml");

/// A file of profiles.
#[derive(Debug)]
pub(super) struct ProfileFile {
    /// Where it is, as it is reached from here; `None` for what comes with the program.
    pub(super) path: Option<String>,
    text: Arc<str>,
    pub(super) profiles: Vec<Profile>,
    /// What cannot be read of it, and is left out of the profiles.
    unread: Vec<Complaint>,
}

/// A named set of settings.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) settings: Vec<Setting>,
}

/// One key and what it is set to.
#[derive(Debug)]
pub(super) struct Setting {
    /// The command whose table it is in; `None` if it is for all commands.
    pub(super) command: Option<String>,
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    /// The place of all that it is set to.
    pub(super) span: Range<usize>,
    pub(super) value: Said,
}

/// What a key is set to.
#[derive(Debug)]
pub(super) enum Said {
    Switch(bool),
    Values(Vec<(String, Range<usize>)>),
}

impl ProfileFile {
    /// What comes with the program.
    pub(super) fn builtin(commands: &[&str]) -> Self {
        Self::parse(None, BUILTIN.into(), commands)
    }

    /// Reads a file. A table in a profile that has the name of one of these commands is for that.
    pub(super) fn read(path: &Path, commands: &[&str]) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let text = text::read(path)
            .map_err(|error| Usage::new(format!("failed to read {shown}: {error}")))?;
        Ok(Self::parse(Some(shown), text.into(), commands))
    }

    fn parse(path: Option<String>, text: Arc<str>, commands: &[&str]) -> Self {
        let mut reader = Reader {
            commands,
            unread: Vec::new(),
        };
        Self {
            profiles: reader.profiles(&text),
            path,
            unread: reader.unread,
            text,
        }
    }

    /// What of it could not be read.
    pub(super) fn unread(&self) -> impl Iterator<Item = Diagnostic> {
        self.unread.iter().cloned().map(|one| self.wrong(one))
    }

    /// The profile of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// What stands at a place.
    pub(super) fn at(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// What is wrong in it, with its place.
    pub(super) fn wrong(&self, complaint: Complaint) -> Diagnostic {
        let path = self.path.as_deref().unwrap_or("the profiles of gcstorm");
        complaint.at(path, &self.text)
    }
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// The entries in the order of the text; the parser sorts by name.
fn sorted<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Reads what can be read, and keeps what is wrong with the rest. Of a text that is no TOML nothing can.
struct Reader<'c> {
    commands: &'c [&'c str],
    unread: Vec<Complaint>,
}

impl Reader<'_> {
    /// What was read, or nothing.
    fn kept<T>(&mut self, read: Result<T, Complaint>) -> Option<T> {
        read.map_err(|complaint| self.unread.push(complaint)).ok()
    }

    fn profiles(&mut self, text: &str) -> Vec<Profile> {
        let document = DeTable::parse(text).map_err(|error| {
            let end = text.len();
            Complaint::new(error.span().unwrap_or(end..end), error.message())
        });
        let mut found = Vec::new();
        let Some(document) = self.kept(document) else {
            return found;
        };
        for (key, value) in sorted(document.get_ref()) {
            let name = key.get_ref();
            if name != "profile" {
                self.unread
                    .push(Complaint::unknown(key.span(), "key", name, ["profile"]));
                continue;
            }
            let profiles = self.kept(table(value));
            for (name, value) in profiles.into_iter().flat_map(sorted) {
                if let Some(profile) = self.kept(table(value)) {
                    found.push(Profile {
                        name: name.get_ref().to_string(),
                        settings: self.settings(profile),
                    });
                }
            }
        }
        found
    }

    fn settings(&mut self, profile: &DeTable<'_>) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (key, value) in sorted(profile) {
            let is_of_command = self.commands.contains(&&**key.get_ref());
            let read: Vec<_> = match value.get_ref() {
                DeValue::Table(own) if is_of_command => {
                    let command = key.get_ref().to_string();
                    let own = sorted(own).into_iter();
                    own.map(|(key, value)| setting(Some(command.clone()), key, value))
                        .collect()
                }
                _ if is_of_command => vec![Err(no_table_of_command(key, value))],
                _ => vec![setting(None, key, value)],
            };
            settings.extend(read.into_iter().filter_map(|one| self.kept(one)));
        }
        settings
    }
}

fn no_table_of_command(key: &Key<'_>, value: &Value<'_>) -> Complaint {
    let name = key.get_ref();
    let message = format!("what is set for `{name}` alone is a table");
    Complaint::new(value.span(), message).hint(format!("write {name} = {{ duration = \"1s\" }}"))
}

fn table<'t, 'a>(value: &'t Value<'a>) -> Result<&'t DeTable<'a>, Complaint> {
    let hint = "write [profile.NAME], and below it what it sets, as in duration = \"1s\"";
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(Complaint::new(value.span(), "a profile is a table").hint(hint)),
    }
}

fn setting(
    command: Option<String>,
    key: &Key<'_>,
    value: &Value<'_>,
) -> Result<Setting, Complaint> {
    Ok(Setting {
        command,
        key: key.get_ref().to_string(),
        key_span: key.span(),
        span: value.span(),
        value: match value.get_ref() {
            DeValue::Boolean(is) => Said::Switch(*is),
            DeValue::Array(values) => {
                let one = |value: &Value<'_>| Ok((word(value)?, value.span()));
                Said::Values(values.iter().map(one).collect::<Result<_, _>>()?)
            }
            DeValue::Table(pairs) => {
                let pair = |(key, value): (&Key<'_>, &Value<'_>)| {
                    let word = format!("{}={}", key.get_ref(), word(value)?);
                    Ok((word, key.span().start..value.span().end))
                };
                let pairs = sorted(pairs).into_iter().map(pair);
                Said::Values(pairs.collect::<Result<_, _>>()?)
            }
            _ => Said::Values(vec![(word(value)?, value.span())]),
        },
    })
}

/// A value as it would stand on the command line.
fn word(value: &Value<'_>) -> Result<String, Complaint> {
    Ok(match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            let complaint = Complaint::new(value.span(), "this cannot be the value of an option");
            return Err(complaint.hint("an option takes a text, a number, or a list of them"));
        }
    })
}
