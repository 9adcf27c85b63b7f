//! Which interpreter a name means: a path, a name on `PATH`, or a version. Those of pyenv, and those
//! that were built for gcstorm, are found where `PATH` does not lead to them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::interpreter::Interpreter;

/// What a user may have meant: a version, as in `3.11`, `python3.11.7`, `3.13t`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: Vec<u32>,
    /// It must do without the lock.
    free: bool,
}

impl Version {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("python").unwrap_or(text);
        let (digits, free) = match text.strip_suffix('t') {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let numbers: Result<Vec<u32>, _> = digits.split('.').map(str::parse).collect();
        let numbers = numbers.ok().filter(|numbers| numbers.len() <= 3)?;
        Some(Self { numbers, free })
    }

    /// The name of its executable.
    fn executable(&self) -> String {
        let numbers = self.numbers.iter().take(2).map(u32::to_string);
        let joined = numbers.collect::<Vec<_>>().join(".");
        format!("python{joined}{}", if self.free { "t" } else { "" })
    }

    /// Why this interpreter is another, if it is.
    fn objection(&self, it: &Interpreter) -> Option<String> {
        let (major, minor, patch) = it.version;
        if !self
            .numbers
            .iter()
            .eq([major, minor, patch].iter().take(self.numbers.len()))
        {
            return Some(format!("it is {}", it.release));
        }
        match (self.free, it.free_threaded, it.without_lock) {
            (true, false, _) => Some("it is no free-threaded build".to_owned()),
            (true, true, false) => Some(
                "its lock is on (PYTHON_GIL, or an extension), so it cannot be called \
                 free-threaded; by its path it can be run as it is"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// The interpreter that is meant by what follows `python:`; an empty name is that of `python3`.
///
/// # Errors
///
/// Why there is none, and what there is.
pub(super) fn find(wanted: &str) -> Result<Interpreter, String> {
    let version = Version::read(wanted);
    let places = places(wanted, version.as_ref());
    let mut objections = Vec::new();
    for place in &places {
        let asked = Interpreter::ask(place).and_then(|it| {
            let objection = version.as_ref().and_then(|version| version.objection(&it));
            objection.map_or(Ok(it), Err)
        });
        match asked {
            Ok(interpreter) => return Ok(interpreter),
            Err(why) => objections.push(format!("{}: {why}", place.display())),
        }
    }
    if objections.is_empty() {
        let name = match version {
            Some(version) => version.executable(),
            None if wanted.is_empty() => "python3".to_owned(),
            None => wanted.to_owned(),
        };
        return Err(format!(
            "there is no `{name}` on PATH, among pyenv's versions, or built for gcstorm"
        ));
    }
    Err(objections.join("; "))
}

/// Where it may be, the most likely first.
fn places(wanted: &str, version: Option<&Version>) -> Vec<PathBuf> {
    if wanted.contains('/') {
        let path = PathBuf::from(wanted);
        return vec![match path.is_dir() {
            // A virtual environment, or where a version was installed.
            true => path.join("bin/python3"),
            false => path,
        }];
    }
    let name = match version {
        Some(version) => version.executable(),
        None if wanted.is_empty() => "python3".to_owned(),
        None => wanted.to_owned(),
    };
    let on_path = path().map(|directory| directory.join(&name));
    let mut places: Vec<PathBuf> = on_path.filter(|file| file.is_file()).collect();
    if version.is_some() {
        let elsewhere = homes().into_iter().map(|home| home.join("bin").join(&name));
        places.extend(elsewhere.filter(|file| file.is_file()));
    }
    places
}

fn path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn variable(name: &str) -> Option<PathBuf> {
    let is_set = |value: &OsString| !value.is_empty();
    std::env::var_os(name).filter(is_set).map(PathBuf::from)
}

/// Where pyenv and `.ci/python-ft` keep versions; the newest of each first.
fn homes() -> Vec<PathBuf> {
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    let pyenv = variable("PYENV_ROOT").or_else(|| home(".pyenv"));
    let cache = variable("XDG_CACHE_HOME").or_else(|| home(".cache"));
    let kept = [
        pyenv.map(|it| it.join("versions")),
        cache.map(|it| it.join("gcstorm")),
    ];
    let mut homes = Vec::new();
    for directory in kept.into_iter().flatten() {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        found.sort_by_key(|path| std::cmp::Reverse(numbers(path)));
        homes.extend(found);
    }
    homes
}

/// The numbers in a directory's name, by which versions are in order.
fn numbers(path: &Path) -> Vec<u32> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let words = name.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// All interpreters that can be named by their versions, the oldest first; of several of one
/// version, the one that its name leads to.
pub(super) fn all() -> Vec<(String, Interpreter)> {
    let is_shim = |directory: &Path| directory.ends_with("shims");
    let directories = path().filter(|directory| !is_shim(directory));
    let directories = directories.chain(homes().into_iter().map(|home| home.join("bin")));
    let mut seen = BTreeSet::new();
    let mut found: Vec<(String, Interpreter)> = Vec::new();
    for directory in directories {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let is_named = |path: &PathBuf| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let version = name
                .starts_with("python")
                .then(|| Version::read(&name))
                .flatten();
            version.is_some_and(|version| version.numbers.len() == 2)
        };
        for file in entries.map(|entry| entry.path()).filter(is_named) {
            let real = file.canonicalize().unwrap_or_else(|_| file.clone());
            if !seen.insert(real) {
                continue;
            }
            let Ok(interpreter) = Interpreter::ask(&file) else {
                continue;
            };
            let (major, minor, patch) = interpreter.version;
            let name = match (interpreter.free_threaded, interpreter.without_lock) {
                (false, _) => format!("{major}.{minor}.{patch}"),
                (true, true) => format!("{major}.{minor}.{patch}t"),
                // Neither version would lead to it.
                (true, false) => file.display().to_string(),
            };
            if !found.iter().any(|(other, _)| *other == name) {
                found.push((name, interpreter));
            }
        }
    }
    found.sort_by_key(|(_, it)| (it.version, it.without_lock));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: versions are read in every form in which people write them, and nothing else is one.
    #[test]
    fn versions_are_read() {
        for (text, executable) in [
            ("3", "python3"),
            ("3.11", "python3.11"),
            ("python3.11", "python3.11"),
            ("3.11.7", "python3.11"),
            ("3.13t", "python3.13t"),
            ("python3.13.5t", "python3.13t"),
        ] {
            let version = Version::read(text).map(|version| version.executable());
            assert_eq!(version.as_deref(), Some(executable), "{text}");
        }
        for text in ["", "python", "pypy3", "t", "3.x", "3.1.2.3", "python3-dbg"] {
            assert_eq!(Version::read(text), None, "{text}");
        }
    }

    /// Goal: a build with the lock on is not taken for one without, nor one version for another.
    #[test]
    fn what_is_another_is_refused() {
        let it = |free_threaded, without_lock| Interpreter {
            executable: PathBuf::new(),
            version: (3, 13, 5),
            release: "3.13.5".to_owned(),
            free_threaded,
            without_lock,
        };
        let objects = |text: &str, it: &Interpreter| {
            let version = Version::read(text).expect("it is a version");
            version.objection(it).is_some()
        };
        for (text, plain, locked, free) in [
            ("3.13", false, false, false),
            ("3.13.5", false, false, false),
            ("3.13.4", true, true, true),
            ("3.1", true, true, true),
            ("3.13t", true, true, false),
        ] {
            let answers = [it(false, false), it(true, false), it(true, true)];
            let answers = answers.each_ref().map(|it| objects(text, it));
            assert_eq!(answers, [plain, locked, free], "{text}");
        }
    }
}
