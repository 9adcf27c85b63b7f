//! Puts settings on a command line, the most important first: what is there already wins, and so it
//! does over what cannot stand beside it.

use std::ffi::{OsStr, OsString};
use std::ops::Range;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::file::{Profile, ProfileFile, Said, Setting};
use super::keys::{arguments, from_here, key};
use super::position;
use crate::check;
use crate::cli::values::NO_FAULT;
use crate::cli::{faults, typed};
use crate::diagnostic::{Complaint, Diagnostic};
use crate::heap::Fault;
use crate::run::{Registry, is_path};
use crate::workload::{LoadError, Workload, counter_names};

/// Arguments whose values are `KEY=VALUE` or `KEY>=VALUE`: each key is set by itself.
const KEYED: [&str; 3] = ["define", "require", "weights"];

/// A command line to which settings are added.
pub(super) struct Layers<'a> {
    registry: &'a Registry,
    root: &'a Command,
    command: &'a Command,
    typed: &'a [OsString],
    /// Where words are added.
    at: usize,
    /// What is set already.
    taken: Vec<ArgPlace>,
    words: Vec<OsString>,
    /// What is wrong in the files.
    wrong: Vec<Diagnostic>,
}

/// An argument, and the key if it is set by keys.
type ArgPlace = (String, Option<String>);

/// One word that a setting stands for.
struct FileOption {
    word: OsString,
    /// What it sets; the argument itself comes first.
    places: Vec<ArgPlace>,
    /// As it stands in the file; `None` for a switch.
    value: Option<String>,
    span: Range<usize>,
}

impl<'a> Layers<'a> {
    /// What was typed, to which nothing has been added.
    pub(super) fn new(
        registry: &'a Registry,
        root: &'a Command,
        name: &str,
        typed: &'a [OsString],
    ) -> Self {
        let command = root.find_subcommand(name);
        let command = command.expect("the command that was typed");
        let matches = root.clone().try_get_matches_from(typed);
        let matches = matches.expect("what was typed was read before");
        let mut layers = Self {
            registry,
            root,
            command,
            typed,
            at: position(typed, name),
            taken: Vec::new(),
            words: Vec::new(),
            wrong: Vec::new(),
        };
        if let Some((_, matches)) = matches.subcommand() {
            let given = |arg: &&Arg| typed::is_given(matches, arg);
            for arg in arguments(command).filter(given) {
                layers.taken.extend(places(arg, &values(matches, arg)));
            }
        }
        layers
    }

    /// All words that were added, or what is wrong.
    pub(super) fn words(self) -> Result<Vec<OsString>, Vec<Diagnostic>> {
        match self.wrong.is_empty() {
            true => Ok(self.words),
            false => Err(self.wrong),
        }
    }

    /// Adds what a profile sets for the command, and then what it sets for all.
    pub(super) fn add_profile(&mut self, file: &ProfileFile, profile: &Profile) {
        // A duel makes runs.
        let tables: &[&str] = match self.command.get_name() {
            "duel" => &["duel", "run"],
            name => &[name],
        };
        for table in tables.iter().copied().map(Some).chain([None]) {
            let settings = profile.settings.iter();
            self.add(file, settings.filter(|it| it.command.as_deref() == table));
        }
    }

    /// Adds the settings of one layer, which are as important as each other.
    fn add<'s>(&mut self, file: &ProfileFile, settings: impl Iterator<Item = &'s Setting>) {
        let (words, taken) = (self.words.clone(), self.taken.clone());
        for setting in settings {
            let arg = arguments(self.command).find(|arg| key(arg) == setting.key);
            let options = arg.map(|arg| options(file, arg, setting)).transpose();
            let options = options.unwrap_or_else(|complaint| {
                self.wrong.push(file.wrong(complaint));
                None
            });
            for option in options.into_iter().flatten() {
                if option.places.iter().any(|place| taken.contains(place)) {
                    continue;
                }
                match self.may_stand(&option, setting, &words) {
                    Ok(true) => {
                        self.words.push(option.word);
                        self.taken.extend(option.places);
                    }
                    Ok(false) => {}
                    Err(complaint) => self.wrong.push(file.wrong(complaint)),
                }
            }
        }
    }

    /// Whether an option may be added; not if it does not go with what is `above`, in layers that are
    /// more important.
    fn may_stand(
        &self,
        option: &FileOption,
        setting: &Setting,
        above: &[OsString],
    ) -> Result<bool, Complaint> {
        if let Some(value) = &option.value {
            let word = option.word.to_string_lossy();
            self.check_name(option.places[0].0.as_str(), value, &word, &option.span)?;
        }
        let Err(error) = self.read(&self.words, option) else {
            return Ok(true);
        };
        if error.kind() != ErrorKind::ArgumentConflict {
            let shown = option.value.as_deref().unwrap_or("true");
            let message = format!("`{shown}` cannot be the value of `{}`", setting.key);
            return Err(Complaint::new(option.span.clone(), message).hint(why(&error)));
        }
        match self.read(above, option) {
            Err(error) if error.kind() == ErrorKind::ArgumentConflict => Ok(false),
            _ => {
                let message = format!("`{}` does not go with what stands beside it", setting.key);
                Err(Complaint::new(setting.key_span.clone(), message).hint(why(&error)))
            }
        }
    }

    /// Tries what was typed with these words and one more.
    fn read(&self, words: &[OsString], option: &FileOption) -> Result<(), clap::Error> {
        let (before, after) = self.typed.split_at(self.at);
        let all = [before, words, std::slice::from_ref(&option.word), after].concat();
        self.root.clone().try_get_matches_from(all).map(drop)
    }

    /// Refuses a name that nothing has. A file is read where `word` has it.
    fn check_name(
        &self,
        id: &str,
        value: &str,
        word: &str,
        span: &Range<usize>,
    ) -> Result<(), Complaint> {
        let unknown = |what, name: &str, known: &mut dyn Iterator<Item = &str>| {
            let known: Vec<&str> = known.collect();
            Err(Complaint::unknown(span.clone(), what, name, known))
        };
        match id {
            "heaps" if !is_path(value) => {
                let entries = self.registry.entries();
                let strange = |one: &&str| *one != "all" && self.registry.get(one).is_none();
                let strange = value.split(',').find(strange);
                let mut known = entries.iter().map(|entry| entry.name.as_str());
                strange.map_or(Ok(()), |name| unknown("heap", name, &mut known))
            }
            "workloads" => match Workload::named(word) {
                Err(LoadError::Unknown { name, hint }) => {
                    let message = format!("unknown workload `{name}`");
                    Err(Complaint::new(span.clone(), message).hint(hint))
                }
                Err(error @ LoadError::Unreadable { .. }) => {
                    Err(Complaint::new(span.clone(), error.to_string()))
                }
                // Who runs it is told what is wrong with it.
                Err(LoadError::Invalid(_)) | Ok(_) => Ok(()),
            },
            "fault" | "faults" if value != NO_FAULT => {
                let mut known: Vec<&str> = Vec::new();
                known.extend(faults::carried(self.registry).map(Fault::name));
                match known.contains(&value) {
                    true => Ok(()),
                    false => unknown("fault", value, &mut known.into_iter()),
                }
            }
            "without_check" if !check::ALL.iter().any(|check| check.name == value) => unknown(
                "check",
                value,
                &mut check::ALL.iter().map(|check| check.name),
            ),
            "require" => {
                let counter = value.split(">=").next().unwrap_or_default().trim();
                let known = counter_names();
                match known.contains(&counter) {
                    true => Ok(()),
                    false => unknown("counter", counter, &mut known.into_iter()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// The words that a setting stands for.
fn options(file: &ProfileFile, arg: &Arg, setting: &Setting) -> Result<Vec<FileOption>, Complaint> {
    let wrong = |what: &str| {
        let message = format!("`{}` {what}", setting.key);
        Err(Complaint::new(setting.span.clone(), message))
    };
    let takes_values = arg.get_action().takes_values();
    // A value may be left out where that means something.
    let needs_value = takes_values && arg.get_num_args().is_none_or(|n| n.min_values() > 0);
    let values = match &setting.value {
        Said::Switch(false) => return Ok(Vec::new()),
        Said::Switch(true) if needs_value => return wrong("takes a value"),
        Said::Switch(true) => {
            return Ok(vec![FileOption {
                word: typed::option(arg, None),
                places: vec![(arg.get_id().to_string(), None)],
                value: None,
                span: setting.span.clone(),
            }]);
        }
        Said::Values(_) if !takes_values => return wrong("is true or false"),
        Said::Values(values) => values,
    };
    if values.len() > 1 && !matches!(arg.get_action(), ArgAction::Append) {
        return wrong("takes one value");
    }
    let option = |(value, span): &(String, Range<usize>)| {
        let word = from_here(file, arg, value);
        FileOption {
            places: places(arg, std::slice::from_ref(&word)),
            word: match arg.is_positional() {
                true => word,
                false => typed::option(arg, Some(&word)),
            },
            value: Some(value.clone()),
            span: span.clone(),
        }
    };
    Ok(values.iter().map(option).collect())
}

/// What these values of an argument set. The number of threads has two names.
fn places(arg: &Arg, values: &[OsString]) -> Vec<ArgPlace> {
    let id = arg.get_id().to_string();
    if !KEYED.contains(&id.as_str()) {
        let also = (id == "threads").then(|| ("define".to_owned(), Some(id.clone())));
        return [(id, None)].into_iter().chain(also).collect();
    }
    let keys = values.iter().map(|value| {
        let value = value.to_string_lossy();
        let key = value.split(['=', '>']).next().unwrap_or_default();
        key.trim().to_owned()
    });
    let mut places = Vec::new();
    for key in keys {
        let also = (id == "define" && key == "threads").then(|| (key.clone(), None));
        places.push((id.clone(), Some(key)));
        places.extend(also);
    }
    places
}

fn values(matches: &ArgMatches, arg: &Arg) -> Vec<OsString> {
    let values = matches.get_raw(arg.get_id().as_str());
    values.into_iter().flatten().map(OsStr::to_owned).collect()
}

/// Why clap refused something, without what it says of the command line.
fn why(error: &clap::Error) -> String {
    if let Some(cause) = std::error::Error::source(error) {
        return cause.to_string();
    }
    let list = |kind| match error.get(kind) {
        Some(ContextValue::Strings(values)) => Some(values.join(", ")),
        _ => None,
    };
    if let Some(values) = list(ContextKind::ValidValue) {
        return format!("possible values: {values}");
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}
