//! Profiles: what a `gcstorm.toml` sets for the commands that run something, so that it need not be
//! typed.
//!
//! The file is the nearest one from the working directory upwards ([`near`]). A profile is chosen by
//! `--profile`, or by `GCSTORM_PROFILE`; without either it is `default`, if there is one. Every other
//! profile begins with `default`. Three profiles come with the program, for a file that has none of
//! their names, and for no file at all.
//!
//! What a profile sets is put on the command line as if it was typed there, option by option, so it is
//! understood, refused and repeated like anything that was typed. The command line wins: what it gives,
//! and what does not go with that, is not taken from the profile. So does a table for one command over
//! what is said for all, and a profile over `default`.
//!
//! The processes that this program starts for itself take no profile: they are told everything.
//!
//! If anything is wrong with what is asked of a file, all that is wrong in it is told (`mistakes`).

mod file;
mod keys;
mod layers;
mod mistakes;

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgMatches, FromArgMatches as _};

use super::child::inside;
use super::command_line::{self, CommandLine};
use super::near::{self, NO_PROFILE};
use super::slips;
use super::usage::Usage;
use crate::diagnostic::suggest;
use crate::result::ProfileRef;
use crate::run::Registry;
use file::{Profile, ProfileFile, Said};
use keys::COMMANDS;
use layers::Layers;

/// The profile that is taken if none is named, and that all others begin with.
const DEFAULT: &str = "default";
/// A command line, and the profile that it was completed from.
pub(super) struct Completed {
    pub(super) line: CommandLine,
    pub(super) matches: ArgMatches,
    pub(super) profile: Option<InUse>,
}

/// A profile that is in use.
pub(super) struct InUse {
    pub(super) name: ProfileRef,
    /// What it adds to the command line.
    pub(super) words: Vec<OsString>,
}

/// Why a command line cannot be understood.
pub(super) enum Refusal {
    /// What was typed: wrong, or a question for help.
    Typed(clap::Error),
    /// The file, or the choice of a profile.
    Profile(Usage),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Typed(error)
    }
}

impl From<Usage> for Refusal {
    fn from(usage: Usage) -> Self {
        Self::Profile(usage)
    }
}

/// Reads a command line, and completes it from a profile.
pub(super) fn complete(registry: &Registry, typed: &[OsString]) -> Result<Completed, Refusal> {
    let read = |words: &[OsString]| -> Result<Completed, clap::Error> {
        let matches = command_line::all().try_get_matches_from(words)?;
        Ok(Completed {
            line: CommandLine::from_arg_matches(&matches)?,
            matches,
            profile: None,
        })
    };
    let plain = read(typed).map_err(|error| slips::explained(registry, typed, error))?;
    if inside::is_inside() {
        return Ok(plain);
    }
    let asked = plain.line.profile.clone();
    let command = plain.matches.subcommand_name().unwrap_or_default();
    let Some(command) = COMMANDS.into_iter().find(|known| *known == command) else {
        return match asked {
            Some(_) => Err(takes_none(command).into()),
            None => Ok(plain),
        };
    };
    let asked = asked.or_else(|| {
        std::env::var(near::PROFILE)
            .ok()
            .filter(|name| !name.is_empty())
    });
    let Some(chosen) = Chosen::of(registry, asked.as_deref())? else {
        return Ok(plain);
    };
    let words = chosen.words(registry, command, typed)?;
    let at = position(typed, command);
    let all = [&typed[..at], &words, &typed[at..]].concat();
    Ok(Completed {
        profile: Some(InUse {
            name: chosen.name(),
            words,
        }),
        ..read(&all)?
    })
}

fn takes_none(command: &str) -> Usage {
    let commands = COMMANDS.join(", ");
    Usage::new(format!("`{command}` takes no profile")).hint(format!("these do: {commands}"))
}

/// The place behind the word that names the command, where its options may stand.
fn position(typed: &[OsString], command: &str) -> usize {
    let is_value = |at: usize| {
        ["--color", "--profile"]
            .iter()
            .any(|option| typed[at - 1] == *option)
    };
    let mut places = 1..typed.len();
    let named = places.find(|&at| typed[at] == command && !is_value(at));
    named.map_or(typed.len(), |at| at + 1)
}

/// The profile that is to be used, and where it stands.
struct Chosen {
    name: String,
    /// The file that is near, if there is one.
    near: Option<ProfileFile>,
    builtin: ProfileFile,
}

impl Chosen {
    /// Nothing if no profile is asked for, and none is the default here.
    fn of(registry: &Registry, asked: Option<&str>) -> Result<Option<Self>, Usage> {
        if asked == Some(NO_PROFILE) {
            return Ok(None);
        }
        let (near, builtin) = files()?;
        if let Some(near) = near.as_ref().filter(|near| !mistakes::is_readable(near)) {
            return Err(Usage::of_all(&mistakes::of(registry, near)));
        }
        let chosen = Self {
            name: asked.unwrap_or(DEFAULT).to_owned(),
            near,
            builtin,
        };
        match (asked, chosen.file()) {
            (_, Some(_)) => Ok(Some(chosen)),
            (None, None) => Ok(None),
            (Some(name), None) => Err(chosen.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> Usage {
        let files = [self.near.as_ref(), Some(&self.builtin)]
            .into_iter()
            .flatten();
        let known = files
            .flat_map(|file| &file.profiles)
            .map(|profile| profile.name.as_str());
        let mut known: Vec<&str> = known.chain([NO_PROFILE]).collect();
        known.sort_unstable();
        known.dedup();
        let place = match self.near.as_ref().and_then(|file| file.path.as_deref()) {
            Some(path) => format!("in {path}"),
            None => format!("and no {} here or above", near::FILE),
        };
        Usage::new(format!("there is no profile `{name}` {place}")).hint(suggest::hint(name, known))
    }

    /// The file that the profile stands in.
    fn file(&self) -> Option<(&ProfileFile, &Profile)> {
        let files = [self.near.as_ref(), Some(&self.builtin)]
            .into_iter()
            .flatten();
        let mut found = files.filter_map(|file| Some((file, file.get(&self.name)?)));
        found.next()
    }

    fn name(&self) -> ProfileRef {
        let file = self.file().and_then(|(file, _)| file.path.clone());
        ProfileRef {
            name: self.name.clone(),
            file,
        }
    }

    /// What it adds to a command line.
    fn words(
        &self,
        registry: &Registry,
        command: &str,
        typed: &[OsString],
    ) -> Result<Vec<OsString>, Usage> {
        let root = keys::root();
        let mut layers = Layers::new(registry, &root, command, typed);
        let default = self
            .near
            .as_ref()
            .and_then(|file| Some((file, file.get(DEFAULT)?)));
        let default = default.filter(|_| self.name != DEFAULT);
        for (file, profile) in self.file().into_iter().chain(default) {
            layers.add_profile(file, profile);
        }
        layers.words().map_err(|found| {
            // What else is wrong in the file is told as well, once.
            let near = self
                .near
                .iter()
                .flat_map(|near| mistakes::of(registry, near));
            Usage::of_all(&mistakes::in_order(near.chain(found)))
        })
    }
}

/// The file that is near, and what comes with the program.
fn files() -> Result<(Option<ProfileFile>, ProfileFile), Usage> {
    let near = near::path().map(|path| ProfileFile::read(&path, &COMMANDS));
    Ok((near.transpose()?, ProfileFile::builtin(&COMMANDS)))
}

/// The names of the profiles in a file, if nothing is wrong with it.
pub(super) fn checked(registry: &Registry, path: &Path) -> Result<Vec<String>, Usage> {
    let file = ProfileFile::read(path, &COMMANDS)?;
    let wrong = mistakes::of(registry, &file);
    match wrong.is_empty() {
        true => Ok(file
            .profiles
            .into_iter()
            .map(|profile| profile.name)
            .collect()),
        false => Err(Usage::of_all(&wrong)),
    }
}

/// Every profile, and what it sets.
pub(super) fn listed(registry: &Registry) -> Result<Vec<(String, String)>, Usage> {
    let (near, builtin) = files()?;
    if let Some(near) = near.as_ref().filter(|near| !mistakes::is_readable(near)) {
        return Err(Usage::of_all(&mistakes::of(registry, near)));
    }
    let is_hidden = |name: &str| near.as_ref().is_some_and(|near| near.get(name).is_some());
    let own = near
        .iter()
        .flat_map(|file| file.profiles.iter().map(move |one| (file, one)));
    let others = builtin.profiles.iter().filter(|one| !is_hidden(&one.name));
    let all = own.chain(others.map(|one| (&builtin, one)));
    let described = |(file, profile): (&ProfileFile, &Profile)| {
        let place = file.path.as_deref().unwrap_or("comes with gcstorm");
        let sets = profile.settings.iter().map(|setting| {
            let command = setting.command.as_deref().map(|name| format!("{name}."));
            let value = match &setting.value {
                Said::Switch(is) => is.to_string(),
                Said::Values(_) => file.at(&setting.span).to_owned(),
            };
            format!("{}{} = {value}", command.unwrap_or_default(), setting.key)
        });
        let sets = sets.collect::<Vec<_>>().join("; ");
        (profile.name.clone(), format!("({place}) {sets}"))
    };
    Ok(all.map(described).collect())
}

impl InUse {
    /// Whether it adds heaps, which it does where none was typed.
    pub(super) fn names_heaps(&self) -> bool {
        let mut words = self.words.iter().filter_map(|word| word.to_str());
        words.any(|word| word.starts_with("--heap="))
    }

    /// Which profile it is, and in full what it adds.
    pub(super) fn told(&self, quoted: impl Fn(&[OsString]) -> String) -> (String, String) {
        let place = self.name.file.as_deref().unwrap_or("gcstorm's own");
        let which = format!("profile: {} ({place})", self.name.name);
        let adds = match self.words.is_empty() {
            true => "which adds nothing".to_owned(),
            false => quoted(&self.words),
        };
        (which, adds)
    }
}
