//! Writes results: each to a file of its own as soon as it is known, completely or not at all.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::usage::Usage;
use crate::clock;
use crate::plan::Case;
use crate::report::{self, history};
use crate::result::{RunResult, figures};

/// The maximum number of links that are followed, which is Linux's own limit.
const LINKS_MAX: usize = 40;
/// Where results go by default.
pub(super) const REPORTS: &str = "reports";
/// The file that says how to repeat the run that is under way.
const RUNNING: &str = "running.case";
/// The file of the case of a run that failed.
pub(super) const CASE: &str = "failure.case";
/// Files by which a directory is known to hold results of some command.
const RESULT_FILES: [&str; 4] = ["result.json", "journal", "merged.json", "selftest.json"];

/// The directory of one command's results.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    layout: Layout,
    taken: HashSet<String>,
    /// Keeps other commands out of the directory until it is closed.
    _lock: Option<File>,
}

/// What belongs beside a result.
#[derive(Debug, Default)]
pub(super) struct Beside<'a> {
    /// Its case.
    pub(super) case: Option<&'a Case>,
    /// The stacks of a run that was lost.
    pub(super) stacks: Option<&'a str>,
    /// The program that an interpreter was given.
    pub(super) program: Option<String>,
}

/// The files beside a result whose paths are shown.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) case: Option<PathBuf>,
    pub(super) stacks: Option<PathBuf>,
}

/// How results are arranged in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `result.json` and its other files.
    Single,
    /// `<workload>-<heap>-<seed>/result.json` and its other files.
    Several,
}

impl Store {
    /// Makes sure that `runs` results can be written to `directory`, or to a new one that is named
    /// after the time.
    pub(super) fn prepare(directory: Option<&Path>, runs: usize) -> Result<Self, Usage> {
        Ok(Self {
            directory: prepare_directory(directory, "")?,
            layout: if runs == 1 {
                Layout::Single
            } else {
                Layout::Several
            },
            taken: HashSet::new(),
            _lock: None,
        })
    }

    /// Like [`prepare`](Self::prepare), and refuses a directory that holds results already, or that
    /// another command writes to.
    pub(super) fn claim(directory: Option<&Path>, runs: usize) -> Result<Self, Usage> {
        let store = Self::prepare(directory, runs)?;
        let lock = lock(&store.directory)?;
        // A new directory holds nothing. Under the lock: results may just have been written.
        if let Some(directory) = directory {
            refuse_used(directory)?;
        }
        Ok(Self {
            _lock: lock,
            ..store
        })
    }

    /// The directory of the results.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes down how to repeat the run that is about to begin, so that it is known if this process
    /// dies with it.
    pub(super) fn begin(&self, case: &Case) -> io::Result<()> {
        fs::write(self.directory.join(RUNNING), case.to_string())
    }

    /// Removes that again: the run is over, and what it came to is known.
    pub(super) fn end(&self) {
        // It may never have been written.
        let _ = fs::remove_file(self.directory.join(RUNNING));
    }

    /// Writes one result, and what belongs beside it.
    pub(super) fn keep(&mut self, result: &RunResult, beside: Beside<'_>) -> io::Result<Kept> {
        let Beside {
            case,
            stacks,
            program,
        } = beside;
        let mut kept = Kept::default();
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
        if let Some(program) = program {
            write_whole(&directory.join("program.py"), program.as_bytes())?;
        }
        if let Some(stacks) = stacks {
            let path = directory.join("stacks.txt");
            write_whole(&path, stacks.as_bytes())?;
            kept.stacks = Some(path);
        }
        if let Some(case) = case {
            let path = directory.join(CASE);
            write_whole(&path, case.to_string().as_bytes())?;
            kept.case = Some(path);
        }
        Ok(kept)
    }

    /// A name for the directory of a result that no earlier one has: workloads in different files
    /// may have the same name.
    fn free_name(&mut self, result: &RunResult) -> String {
        let heap = file_word(&result.heap);
        let base = format!("{}-{heap}-{}", result.workload.name, result.seed);
        let base = base.replace(['/', '\\'], "_");
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        let taken = &mut self.taken;
        names
            .find(|name| taken.insert(name.clone()))
            .unwrap_or(base)
    }
}

/// A heap's name as part of a file's: it may be the path of a library, and systems that keep files for CI
/// refuse colons.
pub(super) fn file_word(heap: &str) -> String {
    heap.trim_start_matches("./").replace(['/', '\\', ':'], "_")
}

/// Refuses a directory that holds results already: reports would show only some of them, and a
/// later reader would take all of them for results of one command.
fn refuse_used(directory: &Path) -> Result<(), Usage> {
    let holds = |directory: &Path| {
        let mut names = RESULT_FILES.into_iter();
        names.find(|name| directory.join(name).is_file())
    };
    let below = || {
        let mut entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.find_map(|entry| {
            let found = holds(&entry.path())?;
            Some(Path::new(&entry.file_name()).join(found))
        })
    };
    let Some(found) = holds(directory).map(PathBuf::from).or_else(below) else {
        return Ok(());
    };
    let (shown, found) = (directory.display(), found.display());
    let message = format!("there are other results in {shown} already: {found}");
    Err(Usage::new(message).hint("name another directory with --out DIR, or remove this one"))
}

/// Locks a directory until the file is closed or the process ends. On a file system without locks
/// it is not locked.
fn lock(directory: &Path) -> Result<Option<File>, Usage> {
    let Ok(opened) = File::open(directory) else {
        return Ok(None);
    };
    match opened.try_lock() {
        Ok(()) => Ok(Some(opened)),
        Err(TryLockError::Error(_)) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let shown = directory.display();
            let usage = Usage::new(format!("another command writes its results to {shown}"));
            Err(usage.hint("name another directory with --out DIR"))
        }
    }
}

/// Makes sure that results can be written to `directory`, or to a new one below `reports/` that is
/// named `prefix` and the time.
pub(super) fn prepare_directory(directory: Option<&Path>, prefix: &str) -> Result<PathBuf, Usage> {
    let made = match directory {
        Some(directory) => fs::create_dir_all(directory).map(|()| directory.to_owned()),
        None => fresh_directory(Path::new(REPORTS), prefix),
    };
    let shown = directory.unwrap_or(Path::new(REPORTS)).display();
    let tried = made.and_then(|directory| try_out(&directory).map(|()| directory));
    tried.map_err(|error| {
        let why = why_no_directory(directory.unwrap_or(Path::new(REPORTS)), &error);
        Usage::new(format!("failed to keep results in {shown}: {why}"))
            .hint("name another directory with --out DIR")
    })
}

/// Why nothing can be written below a path.
pub(super) fn why_no_directory(path: &Path, error: &io::Error) -> String {
    match path {
        path if path.is_file() => "it is a file, not a directory".to_owned(),
        path if path.exists() && !path.is_dir() => {
            "it is a device or a pipe, not a directory".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A value as indented JSON, with a line break at the end.
pub(super) fn json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a file atomically: it holds all of `bytes` afterwards, or what it held before. Links are
/// followed. If the path is not a regular file (a pipe, a terminal), the bytes are written directly
/// to it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |out| out.write_all(bytes))
}

/// Like [`write_whole`], for contents that are too large to be held in memory as well.
pub(super) fn write_whole_with(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let buffered = |file: &File| {
        let mut out = io::BufWriter::new(file);
        write(&mut out)?;
        io::Write::flush(&mut out)
    };
    match Destination::of(path)? {
        Destination::Stream => {
            let file = fs::OpenOptions::new().write(true).open(path)?;
            buffered(&file)
        }
        Destination::File(path) => {
            let temporary = temporary_in(path.parent().unwrap_or(Path::new("")))?;
            buffered(temporary.as_file())?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path)?;
            Ok(())
        }
    }
}

/// Checks, as far as possible, that [`write_whole`] will succeed.
pub(super) fn try_out_file(path: &Path) -> Result<(), Usage> {
    let tried = Destination::of(path).and_then(|destination| match destination {
        // Opening a named pipe would wait for a reader, which would then see it closed.
        Destination::Stream if is_pipe(path) => Ok(()),
        Destination::Stream => fs::OpenOptions::new().write(true).open(path).map(drop),
        Destination::File(path) => try_out(path.parent().unwrap_or(Path::new(""))),
    });
    tried.map_err(|error| Usage::new(format!("failed to write {}: {error}", path.display())))
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.file_type().is_fifo())
}

/// What is written to at a path.
enum Destination {
    /// A regular file at this path, which may not exist yet; no link.
    File(PathBuf),
    /// A pipe, a terminal or another device.
    Stream,
}

impl Destination {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(facts) if facts.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(facts) if facts.is_file() => fs::canonicalize(path).map(Self::File),
            Ok(_) => Ok(Self::Stream),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                end_of_links(path).map(Self::File)
            }
            Err(error) => Err(error),
        }
    }
}

/// Where a file is created that a dangling link, or a chain of links, points to.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Makes sure that files can be created in a directory.
fn try_out(directory: &Path) -> io::Result<()> {
    temporary_in(directory).map(drop)
}

/// A file that is removed unless it is renamed, with the permissions of a new file: temporary files
/// are otherwise private.
fn temporary_in(directory: &Path) -> io::Result<NamedTempFile> {
    let directory = if directory == Path::new("") {
        Path::new(".")
    } else {
        directory
    };
    let permissions = fs::Permissions::from_mode(0o666);
    let made = tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(directory);
    // The name of the temporary file, which stands in that error, says nothing to anybody.
    made.map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at path ").next().unwrap_or_default();
        io::Error::new(error.kind(), what)
    })
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

    /// Goal: a file is replaced as a whole, through links as well, whether or not it exists yet; no
    /// other file is left beside it, and others may read it if they may read new files.
    #[test]
    fn replaces_as_a_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        for (link, target) in [
            ("link", "result.json"),
            ("chain", "link"),
            ("dangling", "new"),
        ] {
            std::os::unix::fs::symlink(target, at(link)).expect("a link");
        }
        for (path, text, file) in [
            ("result.json", "a longer text", "result.json"),
            ("result.json", "text", "result.json"),
            ("link", "short", "result.json"),
            ("chain", "by two", "result.json"),
            ("dangling", "made", "new"),
        ] {
            write_whole(&at(path), text.as_bytes()).expect("it is written");
            assert_eq!(fs::read_to_string(at(file)).expect("it is read"), text);
        }
        assert!(at("link").is_symlink() && at("dangling").is_symlink());
        let files = fs::read_dir(directory.path()).expect("it is listed");
        assert_eq!(files.count(), 5);
        fs::write(at("plain"), "").expect("a file");
        let mode = |name| fs::metadata(at(name)).expect("it is there").permissions();
        assert_eq!(mode("new"), mode("plain"));
        std::os::unix::fs::symlink("loop", at("loop")).expect("a link");
        assert!(write_whole(&at("loop"), b"").is_err());
    }

    /// Goal: any name that the file system takes can be written, and one that is too long is
    /// noticed beforehand.
    #[test]
    fn long_names_are_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let longest = directory.path().join("a".repeat(255));
        try_out_file(&longest).expect("it can be written");
        write_whole(&longest, b"text").expect("it is written");
        assert!(try_out_file(&directory.path().join("a".repeat(256))).is_err());
    }

    /// Goal: a directory is refused if it holds results, or directories that do, and not otherwise.
    #[test]
    fn used_directories_are_refused() {
        for (file, is_used) in [
            ("result.json", true),
            ("counter-gil-7/result.json", true),
            ("journal", true),
            ("notes.txt", false),
            ("far/below/result.json", false),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
            fs::write(path, "").expect("a file");
            assert_eq!(refuse_used(directory.path()).is_err(), is_used, "{file}");
        }
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
