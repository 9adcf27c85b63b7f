//! Puts settings on a command line, the most important first: what is there already wins, and so it
//! does over what cannot stand beside it.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::file::{ProfileFile, Said, Setting};
use super::{arguments, from_here, key, position};
use crate::cli::typed;
use crate::cli::usage::Usage;
use crate::diagnostic::Complaint;
use crate::run::{Registry, is_path};
use crate::workload::{COUNTERS, LoadError, Workload};

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
    /// What is set already: an argument, and the key if it is set by keys.
    taken: Vec<(String, Option<String>)>,
    words: Vec<OsString>,
}

impl<'a> Layers<'a> {
    /// What was typed, to which nothing has been added.
    pub(super) fn new(
        registry: &'a Registry,
        root: &'a Command,
        name: &str,
        typed: &'a [OsString],
    ) -> Result<Self, Usage> {
        let unread = |_| Usage::new(format!("`{name}` cannot be read"));
        let command = root.find_subcommand(name).ok_or(()).map_err(unread)?;
        let matches = root.clone().try_get_matches_from(typed);
        let matches = matches.map_err(|error| Usage::new(error.to_string()))?;
        let mut layers = Self {
            registry,
            root,
            command,
            typed,
            at: position(typed, name),
            taken: Vec::new(),
            words: Vec::new(),
        };
        if let Some((_, matches)) = matches.subcommand() {
            let given = |arg: &&Arg| typed::is_given(matches, arg);
            for arg in arguments(command).filter(given) {
                layers.taken.extend(places(arg, &values(matches, arg)));
            }
        }
        Ok(layers)
    }

    /// All words that were added.
    pub(super) fn words(self) -> Vec<OsString> {
        self.words
    }

    /// Adds the settings of one layer, which are as important as each other.
    pub(super) fn add<'s>(
        &mut self,
        file: &ProfileFile,
        settings: impl Iterator<Item = &'s Setting>,
    ) -> Result<(), Usage> {
        let above = self.words.clone();
        let taken = self.taken.clone();
        for setting in settings {
            let arg = arguments(self.command).find(|arg| key(arg) == setting.key);
            if let Some(arg) = arg {
                self.set(file, arg, setting, &above, &taken)
                    .map_err(|complaint| file.wrong(complaint))?;
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        file: &ProfileFile,
        arg: &Arg,
        setting: &Setting,
        above: &[OsString],
        taken: &[(String, Option<String>)],
    ) -> Result<(), Complaint> {
        let id = arg.get_id().as_str();
        let takes_values = arg.get_action().takes_values();
        let values = match (&setting.value, takes_values) {
            (Said::Switch(true), false) => return self.switch(arg, setting, above, taken),
            // A value may be left out where it has a default.
            (Said::Switch(true), true)
                if arg.get_num_args().is_some_and(|n| n.min_values() == 0) =>
            {
                return self.switch(arg, setting, above, taken);
            }
            (Said::Switch(false), _) => return Ok(()),
            (Said::Values(values), true) => values,
            (Said::Switch(true), true) => {
                let span = setting.span.clone();
                return Err(Complaint::new(
                    span,
                    format!("`{}` takes a value", setting.key),
                ));
            }
            (Said::Values(_), false) => {
                let message = format!("`{}` is true or false", setting.key);
                return Err(Complaint::new(setting.span.clone(), message));
            }
        };
        if values.len() > 1 && !matches!(arg.get_action(), ArgAction::Append) {
            let message = format!("`{}` takes one value", setting.key);
            return Err(Complaint::new(setting.span.clone(), message));
        }
        for (value, span) in values {
            let word = from_here(file, arg, value);
            let place = places(arg, std::slice::from_ref(&word));
            if place.iter().any(|place| taken.contains(place)) {
                continue;
            }
            self.check_name(id, value, span.clone())?;
            let option = match arg.is_positional() {
                true => word,
                false => typed::option(arg, Some(&word)),
            };
            let read = self.read(&[&self.words[..], std::slice::from_ref(&option)].concat());
            if !self.may_stand(read, &option, setting, above, Some((value, span.clone())))? {
                return Ok(());
            }
            self.words.push(option);
            self.taken.extend(place);
        }
        Ok(())
    }

    fn switch(
        &mut self,
        arg: &Arg,
        setting: &Setting,
        above: &[OsString],
        taken: &[(String, Option<String>)],
    ) -> Result<(), Complaint> {
        let place = (arg.get_id().to_string(), None);
        if taken.contains(&place) {
            return Ok(());
        }
        let option = typed::option(arg, None);
        let read = self.read(&[&self.words[..], std::slice::from_ref(&option)].concat());
        if self.may_stand(read, &option, setting, above, None)? {
            self.words.push(option);
            self.taken.push(place);
        }
        Ok(())
    }

    fn read(&self, words: &[OsString]) -> Result<(), clap::Error> {
        let all = [&self.typed[..self.at], words, &self.typed[self.at..]].concat();
        self.root.clone().try_get_matches_from(all).map(drop)
    }

    /// Whether an option may be added; not if it does not go with what is more important.
    fn may_stand(
        &self,
        read: Result<(), clap::Error>,
        option: &OsStr,
        setting: &Setting,
        above: &[OsString],
        value: Option<(&String, std::ops::Range<usize>)>,
    ) -> Result<bool, Complaint> {
        let Err(error) = read else { return Ok(true) };
        let (shown, span) = match value {
            Some((value, span)) => (format!("`{value}`"), span),
            None => ("this".to_owned(), setting.span.clone()),
        };
        if error.kind() != ErrorKind::ArgumentConflict {
            let message = format!("{shown} cannot be the value of `{}`", setting.key);
            return Err(Complaint::new(span, message).hint(why(&error)));
        }
        match self.read(&[above, &[option.to_owned()]].concat()) {
            Err(error) if error.kind() == ErrorKind::ArgumentConflict => Ok(false),
            _ => {
                let message = format!("`{}` does not go with what stands beside it", setting.key);
                Err(Complaint::new(setting.key_span.clone(), message).hint(why(&error)))
            }
        }
    }

    /// Refuses a name that nothing has.
    fn check_name(
        &self,
        id: &str,
        value: &str,
        span: std::ops::Range<usize>,
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
            "workloads" => match Workload::named(value) {
                Err(LoadError::Unknown { name, hint }) => {
                    Err(Complaint::new(span, format!("unknown workload `{name}`")).hint(hint))
                }
                _ => Ok(()),
            },
            "require" => {
                let counter = value.split(">=").next().unwrap_or_default().trim();
                match COUNTERS.contains(&counter) {
                    true => Ok(()),
                    false => unknown("counter", counter, &mut COUNTERS.iter().copied()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// What these values of an argument set. The number of threads has two names.
fn places(arg: &Arg, values: &[OsString]) -> Vec<(String, Option<String>)> {
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
        if id == "define" && key == "threads" {
            places.push((key.clone(), None));
        }
        places.push((id.clone(), Some(key)));
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
