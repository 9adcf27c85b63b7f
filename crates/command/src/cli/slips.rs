//! What was probably meant by a command line that cannot be understood: clap knows the names that are
//! like a wrong one in its place, and this those that belong elsewhere.

use std::ffi::{OsStr, OsString};

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command_line;
use super::reproduce::quote;
use crate::diagnostic::suggest;
use crate::run::Registry;
use crate::workload;

/// Adds to what is wrong with these words what was meant.
pub(super) fn explained(
    registry: &Registry,
    typed: &[OsString],
    mut error: clap::Error,
) -> clap::Error {
    let mut whole = command_line::all();
    whole.build();
    let wrong = |kind| match error.get(kind) {
        Some(ContextValue::String(wrong)) => wrong.clone(),
        _ => String::new(),
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let wrong = wrong(ContextKind::InvalidSubcommand);
            return unknown_command(registry, &whole, &wrong, error);
        }
        ErrorKind::UnknownArgument => {
            let wrong = wrong(ContextKind::InvalidArg);
            if let Some(told) = elsewhere(registry, &whole, &wrong) {
                error = instead(&whole, typed, &error, told);
            }
        }
        ErrorKind::MissingRequiredArgument => {
            if let Some(wanted) = values_wanted(&whole, typed) {
                error.insert(ContextKind::Suggested, tips([wanted]));
            }
        }
        ErrorKind::InvalidUtf8 => {
            let strange = typed.iter().filter(|word| word.to_str().is_none());
            let strange = strange.map(|word| format!("this is not UTF-8: {}", quote(word)));
            error.insert(ContextKind::Suggested, tips(strange));
        }
        _ => {}
    }
    as_typed(&whole, typed, error)
}

fn tips(all: impl IntoIterator<Item = String>) -> ContextValue {
    ContextValue::StyledStrs(all.into_iter().map(StyledStr::from).collect())
}

/// The same error with this in place of the option of this command that is least unlike.
fn instead(whole: &Command, typed: &[OsString], error: &clap::Error, told: String) -> clap::Error {
    let command = command_of(whole, typed).unwrap_or(whole);
    let mut told_instead = clap::Error::new(error.kind()).with_cmd(command);
    for (kind, value) in error.context() {
        if !matches!(kind, ContextKind::SuggestedArg | ContextKind::Usage) {
            told_instead.insert(kind, value.clone());
        }
    }
    told_instead.insert(ContextKind::Suggested, tips([told]));
    told_instead
}

/// Of two letters of `run`, clap itself recognises nothing, and it knows no workloads and heaps.
fn unknown_command(
    registry: &Registry,
    whole: &Command,
    wrong: &str,
    mut error: clap::Error,
) -> clap::Error {
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let known = whole.get_subcommands().filter(|one| !one.is_hide_set());
    let known: Vec<&str> = known.map(Command::get_name).collect();
    if let Some(name) = name_of(registry, wrong) {
        error.insert(ContextKind::Suggested, tips([name]));
    } else if let Some(meant) = suggest::nearest(wrong, &known) {
        let meant = ContextValue::Strings(vec![meant.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, meant);
    }
    error
}

/// What else has this name.
fn name_of(registry: &Registry, word: &str) -> Option<String> {
    if workload::embedded().iter().any(|one| one.name == word) {
        return Some(format!(
            "`{word}` is a workload, as in `gcstorm run {word}`"
        ));
    }
    let is_heap = registry.entries().iter().any(|heap| heap.name == word);
    is_heap.then(|| format!("`{word}` is a heap, as in `gcstorm run --heap {word}`"))
}

/// To which commands an option belongs that this one does not have, or what else a word is.
fn elsewhere(registry: &Registry, whole: &Command, wrong: &str) -> Option<String> {
    let Some(option) = wrong.strip_prefix("--") else {
        return name_of(registry, wrong);
    };
    let name = option.split('=').next().unwrap_or_default();
    let has = |command: &&Command| {
        let mut options = command.get_arguments().filter(|arg| !arg.is_hide_set());
        !command.is_hide_set()
            && options.any(|arg| {
                let names = arg.get_long_and_visible_aliases().unwrap_or_default();
                names.contains(&name)
            })
    };
    let commands = whole.get_subcommands().filter(has);
    let commands: Vec<String> = commands
        .map(|one| format!("`{}`", one.get_name()))
        .collect();
    let listed = commands.join(", ");
    (!commands.is_empty()).then(|| format!("`--{name}` is an option of {listed}"))
}

/// The values that a word may have that is missing.
fn values_wanted(whole: &Command, typed: &[OsString]) -> Option<String> {
    let command = command_of(whole, typed)?;
    let wanted = command
        .get_positionals()
        .find(|arg| arg.is_required_set())?;
    let values = wanted.get_possible_values();
    let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
    let name = wanted.get_value_names()?.first()?;
    (!values.is_empty()).then(|| format!("<{name}> is one of {}", values.join(", ")))
}

fn command_of<'c>(whole: &'c Command, typed: &[OsString]) -> Option<&'c Command> {
    let mut words = typed.iter().skip(1).filter_map(|word| word.to_str());
    words.find_map(|word| whole.find_subcommand(word))
}

/// An option that has two names is called by the one that was typed.
fn as_typed(whole: &Command, typed: &[OsString], mut error: clap::Error) -> clap::Error {
    let Some(command) = command_of(whole, typed) else {
        return error;
    };
    let is_typed = |option: &str| {
        let starts = |word: &OsStr| {
            let word = word.to_string_lossy();
            word.split('=').next() == Some(option)
        };
        typed.iter().any(|word| starts(word))
    };
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long().map(|long| format!("--{long}")) else {
            continue;
        };
        let aliases = arg.get_all_aliases().unwrap_or_default().into_iter();
        let mut aliases = aliases.map(|alias| format!("--{alias}"));
        let Some(alias) = aliases.find(|alias| is_typed(alias)) else {
            continue;
        };
        for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
            if let Some(ContextValue::String(named)) = error.get(kind)
                && named.split(' ').next() == Some(&long)
            {
                let named = named.replacen(&long, &alias, 1);
                error.insert(kind, ContextValue::String(named));
            }
        }
    }
    error
}
