//! Where results are kept: each in a file of its own as soon as it is there, whole or not at all.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::usage::Usage;
use crate::clock;
use crate::plan::Case;
use crate::report::{self, history};
use crate::result::{RunResult, figures};

/// The directory of one command's results.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    layout: Layout,
    taken: HashSet<String>,
}

/// How results lie in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `result.json`, and what belongs to it
    Single,
    /// `<workload>-<heap>-<seed>/result.json`
    Several,
}

impl Store {
    /// Makes sure that `runs` results can be kept, in `directory` or one named after the time.
    pub(super) fn prepare(directory: Option<&Path>, runs: usize) -> Result<Self, Usage> {
        Ok(Self {
            directory: prepare_directory(directory, "")?,
            layout: if runs == 1 {
                Layout::Single
            } else {
                Layout::Several
            },
            taken: HashSet::new(),
        })
    }

    /// Where the results are.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes one result, and beside it the case of it, if there is one. Returns where that is.
    pub(super) fn keep(
        &mut self,
        result: &RunResult,
        case: Option<&Case>,
    ) -> io::Result<Option<PathBuf>> {
        let directory = match self.layout {
            Layout::Single => self.directory.clone(),
            Layout::Several => {
                let name = self.free_name(result);
                self.directory.join(name)
            }
        };
        fs::create_dir_all(&directory)?;
        write_whole(&directory.join("result.json"), &json(result)?)?;
        let log = report::hlog(result).map_err(io::Error::other)?;
        write_whole(&directory.join("latency.hlog"), log.as_bytes())?;
        for (name, text) in history::files(result) {
            write_whole(&directory.join(name), text.as_bytes())?;
        }
        let path = directory.join("failure.case");
        match case {
            Some(case) => {
                write_whole(&path, case.to_string().as_bytes())?;
                Ok(Some(path))
            }
            // One of an earlier run would be taken for this one's.
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(None),
            },
        }
    }

    /// A name for a result's directory that no earlier one has: workloads of different files may
    /// share theirs.
    fn free_name(&mut self, result: &RunResult) -> String {
        let base = format!("{}-{}-{}", result.workload.name, result.heap, result.seed);
        let base = base.replace(['/', '\\'], "_");
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        let taken = &mut self.taken;
        names
            .find(|name| taken.insert(name.clone()))
            .unwrap_or(base)
    }
}

/// Makes sure that results can be kept in `directory`, or one below `reports/` whose name is
/// `prefix` and the time.
pub(super) fn prepare_directory(directory: Option<&Path>, prefix: &str) -> Result<PathBuf, Usage> {
    let made = match directory {
        Some(directory) => fs::create_dir_all(directory).map(|()| directory.to_owned()),
        None => fresh_directory(Path::new("reports"), prefix),
    };
    let shown = directory.unwrap_or(Path::new("reports")).display();
    let tried = made.and_then(|directory| try_out(&directory).map(|()| directory));
    tried.map_err(|error| {
        Usage::new(format!("failed to keep results in {shown}: {error}"))
            .hint("name another directory with --out DIR")
    })
}

/// `value` as people and programs read it.
pub(super) fn json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a file so that it holds all of `bytes` or what it held before, whatever happens meanwhile.
/// What is not a regular file (a pipe, a terminal, a link) is written to as it is.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |out| out.write_all(bytes))
}

/// The same for what is too much to be had in memory as well.
pub(super) fn write_whole_with(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let all = |file: File| {
        let mut out = io::BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)
    };
    if is_special(path) {
        return fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(all)
            .map(drop);
    }
    let temporary = beside(path);
    let written = File::create(&temporary)
        .and_then(all)
        .and_then(|file| file.sync_all());
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // The error that is reported is the first; what is left of the file is best gone.
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

/// Makes sure, as well as can be told beforehand, that [`write_whole`] will succeed.
pub(super) fn try_out_file(path: &Path) -> Result<(), Usage> {
    let tried = if path.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else if is_special(path) {
        fs::OpenOptions::new().write(true).open(path).map(drop)
    } else {
        File::create(beside(path)).and_then(|_| fs::remove_file(beside(path)))
    };
    tried.map_err(|error| Usage::new(format!("failed to write {}: {error}", path.display())))
}

fn is_special(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| !facts.is_file())
}

fn try_out(directory: &Path) -> io::Result<()> {
    let probe = beside(&directory.join("result.json"));
    File::create(&probe)?;
    fs::remove_file(&probe)
}

/// A name in the same directory, which nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// A new directory below `parent`, named after the time.
fn fresh_directory(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(parent)?;
    // A colon is something to shells, and not allowed by some file systems.
    let now = figures::utc(clock::unix_millis()).replace(':', "-");
    let base = format!("{prefix}{now}");
    let numbered = (2..1000).map(|number| format!("{base}-{number}"));
    for name in std::iter::once(base.clone()).chain(numbered) {
        let directory = parent.join(name);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| directory),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a file is replaced as a whole and nothing is left beside it; a link is written through.
    #[test]
    fn replaces_as_a_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("result.json");
        for text in ["first", "second"] {
            write_whole(&path, text.as_bytes()).expect("it is written");
            assert_eq!(fs::read_to_string(&path).expect("it is read"), text);
        }
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        write_whole(&link, b"through").expect("it is written");
        assert!(link.is_symlink());
        assert_eq!(
            fs::read_dir(directory.path())
                .expect("it is listed")
                .count(),
            2
        );
    }

    /// Goal: two commands within one second do not share a directory.
    #[test]
    fn directories_are_fresh() {
        let parent = tempfile::tempdir().expect("a directory");
        let first = fresh_directory(parent.path(), "").expect("one");
        let second = fresh_directory(parent.path(), "").expect("another");
        assert_ne!(first, second);
    }
}
