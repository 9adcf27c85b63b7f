//! Keys: which options a profile may set, and what they are called in a file.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction};

use super::file::ProfileFile;
use crate::cli::command_line;
use crate::diagnostic::{Complaint, Diagnostic, suggest};

/// The commands that take profiles.
pub(super) const COMMANDS: [&str; 5] = ["run", "soak", "fuzz", "selftest", "duel"];
/// Options that no profile may set.
const NEVER: [&str; 3] = ["help", "profile", "version"];

/// All commands, with the options that all of them take.
pub(super) fn root() -> clap::Command {
    let mut root = command_line::all();
    root.build();
    root
}

/// What is wrong with each key that no option has.
pub(super) fn unknown(file: &ProfileFile) -> Vec<Diagnostic> {
    let root = root();
    let mut wrong = Vec::new();
    for setting in file.profiles.iter().flat_map(|profile| &profile.settings) {
        let named = setting.command.as_deref();
        let commands = COMMANDS
            .into_iter()
            .filter(|name| named.is_none_or(|it| it == *name));
        let commands = commands.filter_map(|name| root.find_subcommand(name));
        let mut known: Vec<String> = commands.flat_map(arguments).map(key).collect();
        if known.contains(&setting.key) {
            continue;
        }
        known.sort();
        known.dedup();
        let (what, place) = match named {
            Some(command) => (
                format!("option of `{command}`"),
                format!("`gcstorm help {command}`"),
            ),
            None => ("option".to_owned(), "`gcstorm help run`".to_owned()),
        };
        let known = known.iter().map(String::as_str);
        let complaint = Complaint::new(
            setting.key_span.clone(),
            format!("unknown {what} `{}`", setting.key),
        );
        let hint = suggest::hint_with_list_in(&setting.key, known, &place);
        wrong.push(file.wrong(complaint.hint(hint)));
    }
    wrong
}

/// The arguments of a command that a profile may set.
pub(super) fn arguments(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    let all = command.get_arguments();
    all.filter(|arg| !arg.is_hide_set() && !NEVER.contains(&arg.get_id().as_str()))
}

/// What an argument is called in a file: by its long option, or in the plural if it may be given
/// several times.
pub(super) fn key(arg: &Arg) -> String {
    let id = arg.get_id().as_str();
    match (arg.get_action(), arg.get_long()) {
        (ArgAction::Append, _) if id == "define" => "parameters".to_owned(),
        (ArgAction::Append, _) | (_, None) => id.replace('_', "-"),
        (_, Some(long)) => long.to_owned(),
    }
}

/// A value of a file, which names other files as they are reached from there.
pub(super) fn from_here(file: &ProfileFile, arg: &Arg, value: &str) -> OsString {
    let names_file = match arg.get_id().as_str() {
        "workloads" => value.ends_with(".toml") || value.contains('/'),
        "heaps" => value.contains('/'),
        _ => arg.get_value_parser().type_id() == TypeId::of::<PathBuf>(),
    };
    let above = file
        .path
        .as_deref()
        .and_then(|path| Path::new(path).parent());
    match above {
        Some(above) if names_file && above != Path::new("") && value != "-" => {
            above.join(value).into()
        }
        _ => value.into(),
    }
}
