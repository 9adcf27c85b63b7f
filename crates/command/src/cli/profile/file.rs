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
    pub(super) fn builtin(commands: &[&str]) -> Result<Self, Usage> {
        Self::parse(None, BUILTIN.into(), commands)
    }

    /// Reads a file. A table in a profile that has the name of one of these commands is for that.
    pub(super) fn read(path: &Path, commands: &[&str]) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let text = text::read(path)
            .map_err(|error| Usage::new(format!("failed to read {shown}: {error}")))?;
        Self::parse(Some(shown), text.into(), commands)
    }

    fn parse(path: Option<String>, text: Arc<str>, commands: &[&str]) -> Result<Self, Usage> {
        let mut file = Self {
            path,
            text,
            profiles: Vec::new(),
        };
        match profiles(&file.text, commands) {
            Ok(profiles) => file.profiles = profiles,
            Err(complaint) => return Err(file.wrong(complaint).into()),
        }
        Ok(file)
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

fn profiles(text: &str, commands: &[&str]) -> Result<Vec<Profile>, Complaint> {
    let document = DeTable::parse(text).map_err(|error| {
        let end = text.len();
        Complaint::new(error.span().unwrap_or(end..end), error.message())
    })?;
    let mut found = Vec::new();
    for (key, value) in sorted(document.get_ref()) {
        if key.get_ref() != "profile" {
            let what = "key";
            return Err(Complaint::unknown(
                key.span(),
                what,
                key.get_ref(),
                ["profile"],
            ));
        }
        for (name, value) in sorted(table(value)?) {
            found.push(Profile {
                name: name.get_ref().to_string(),
                settings: settings(table(value)?, commands)?,
            });
        }
    }
    Ok(found)
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// The entries in the order of the text; the parser sorts by name.
fn sorted<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Key<'a>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn table<'t, 'a>(value: &'t Value<'a>) -> Result<&'t DeTable<'a>, Complaint> {
    let hint = "write [profile.NAME], and below it what it sets, as in duration = \"1s\"";
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => Err(Complaint::new(value.span(), "a profile is a table").hint(hint)),
    }
}

fn settings(profile: &DeTable<'_>, commands: &[&str]) -> Result<Vec<Setting>, Complaint> {
    let mut settings = Vec::new();
    for (key, value) in sorted(profile) {
        match value.get_ref() {
            DeValue::Table(own) if commands.contains(&&**key.get_ref()) => {
                let command = Some(key.get_ref().to_string());
                for (key, value) in sorted(own) {
                    settings.push(setting(command.clone(), key, value)?);
                }
            }
            _ => settings.push(setting(None, key, value)?),
        }
    }
    Ok(settings)
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
