//! All that is wrong in a file of profiles: what cannot be read of it, keys that no option has, and
//! values that an option does not take, in every profile and for every command.

use std::ffi::OsString;

use super::file::ProfileFile;
use super::keys::{self, COMMANDS};
use super::layers::Layers;
use crate::diagnostic::Diagnostic;
use crate::run::Registry;

/// Whether all of it can be read, and every key is known. What the values mean is not asked.
pub(super) fn is_readable(file: &ProfileFile) -> bool {
    file.unread().next().is_none() && keys::unknown(file).is_empty()
}

/// What is wrong, in the order of the text.
pub(super) fn of(registry: &Registry, file: &ProfileFile) -> Vec<Diagnostic> {
    // A profile need not say everything that a command has to be told.
    let root = keys::root().mut_subcommands(|command| {
        command.mut_args(|arg| {
            if arg.is_required_set() {
                arg.required(false)
            } else {
                arg
            }
        })
    });
    let mut wrong: Vec<Diagnostic> = file.unread().chain(keys::unknown(file)).collect();
    for profile in &file.profiles {
        for command in COMMANDS {
            let typed = [root.get_name(), command].map(OsString::from);
            let mut layers = Layers::new(registry, &root, command, &typed);
            layers.add_profile(file, profile);
            wrong.extend(layers.words().err().into_iter().flatten());
        }
    }
    in_order(wrong)
}

/// Each once, in the order of the text: commands have options in common.
pub(super) fn in_order(wrong: impl IntoIterator<Item = Diagnostic>) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::new();
    for one in wrong {
        if !told.contains(&one) {
            told.push(one);
        }
    }
    told.sort_by_key(|one| (one.line(), one.column()));
    told
}
