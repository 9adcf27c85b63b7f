//! The arguments that were given to a command, as words again.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

/// Those of these arguments that were given, as another process takes them.
pub(super) fn words<'a>(
    matches: &ArgMatches,
    arguments: impl Iterator<Item = &'a Arg>,
) -> Vec<OsString> {
    let is_given = |arg: &&Arg| is_given(matches, arg);
    arguments
        .filter(is_given)
        .flat_map(|arg| of(matches, arg))
        .collect()
}

/// Whether it stands on the command line.
pub(super) fn is_given(matches: &ArgMatches, arg: &Arg) -> bool {
    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

fn of(matches: &ArgMatches, arg: &Arg) -> Vec<OsString> {
    let id = arg.get_id().as_str();
    if !arg.get_action().takes_values() {
        return vec![option(arg, None)];
    }
    let occurrences = matches.get_raw_occurrences(id).into_iter().flatten();
    let words = occurrences.flat_map(|values| {
        let values: Vec<&OsStr> = values.collect();
        match (arg.is_positional(), values.as_slice()) {
            (true, _) => values.into_iter().map(OsStr::to_owned).collect(),
            (false, []) => vec![option(arg, None)],
            (false, values) => values
                .iter()
                .map(|value| option(arg, Some(value)))
                .collect(),
        }
    });
    words.collect()
}

/// An option as one word: `--heap=gil`, `-Drings=0`.
pub(super) fn option(arg: &Arg, value: Option<&OsStr>) -> OsString {
    let mut word = match (arg.get_long(), arg.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, short) => format!("-{}", short.unwrap_or_default()),
    };
    if value.is_some() && arg.get_long().is_some() {
        word.push('=');
    }
    let mut word = OsString::from(word);
    word.extend(value);
    word
}
