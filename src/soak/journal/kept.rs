//! The journal's file: begun whole, written by one, and missed when it is gone.
//!
//! It is there under its name with its head or not at all, so that whoever finds one can go on with it. While
//! it is open it is locked, since two that write would write over each other. And after each line the name
//! must still lead to the file: one that was deleted takes writes as if nothing were wrong. What it holds is
//! in the system's hands until it is closed, and is written anew.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{JournalError, io_error};

/// A file that is open for more.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    /// Where the next line goes: the end of the last whole one.
    end: u64,
}

impl Kept {
    /// Begins one with this text; it must not be there yet.
    pub(super) fn begin(path: &Path, text: &str) -> Result<Self, JournalError> {
        // What is left of this if it is killed is in nobody's way.
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let file = begin(&temporary, path, text).map_err(|error| {
            // The error that is reported is the first.
            let _ = fs::remove_file(&temporary);
            io_error(path, error)
        })?;
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            end: text.len() as u64,
        })
    }

    /// Opens one that was begun.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|error| io_error(path, error))?;
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            end: 0,
        })
    }

    /// Cuts off what is after so many bytes, and goes on from there.
    pub(super) fn cut(mut self, end: u64) -> Result<Self, JournalError> {
        let cut = self.file.set_len(end);
        cut.map_err(|error| io_error(&self.path, error))?;
        self.end = end;
        Ok(self)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes at the end, syncs, and looks whether the file is still in its place.
    pub(super) fn append(&mut self, text: &str) -> Result<(), JournalError> {
        if let Err(error) = self.write(text) {
            // If this fails as well, the broken line is cut off by whoever goes on.
            let _ = self.file.set_len(self.end);
            return Err(io_error(&self.path, error));
        }
        self.end += text.len() as u64;
        self.keep_in_place()
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()
    }

    fn keep_in_place(&mut self) -> Result<(), JournalError> {
        let ours = self.file.metadata();
        let ours = ours.map_err(|error| io_error(&self.path, error))?;
        let is_deleted = ours.nlink() == 0;
        let found = fs::metadata(&self.path).ok();
        let is_ours = found.as_ref().is_some_and(|found| {
            let is_same_file = (found.dev(), found.ino()) == (ours.dev(), ours.ino());
            // Some network file systems number their files anew now and then; a copy that somebody put in
            // its place has not the line that was just written.
            is_same_file || (!is_deleted && found.len() == self.end)
        });
        let path = self.path.display().to_string();
        match found {
            _ if is_ours => Ok(()),
            _ if !is_deleted => Err(JournalError::Moved { path }),
            // Another file is in its place, and is not ours to touch.
            Some(_) => Err(JournalError::Lost {
                path,
                error: io::ErrorKind::AlreadyExists.into(),
            }),
            None => Err(match self.write_anew() {
                Ok(()) => JournalError::Deleted { path },
                Err(error) => JournalError::Lost { path, error },
            }),
        }
    }

    fn write_anew(&mut self) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let anew = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.path);
        let mut anew = anew?;
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, &mut anew)?;
        anew.sync_all()
    }
}

/// A new file that holds this text as soon as it has its name.
fn begin(temporary: &Path, path: &Path, text: &str) -> io::Result<File> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The name of a new file is in its directory, which has to be synced as well.
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

/// Keeps others from writing into it until it is closed or the process is no more. Where the file system
/// knows no locks, there are none.
fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy {
            path: path.display().to_string(),
        }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("it is read")
    }

    /// A place of one's own, and in it a directory with a file of two lines.
    fn begun() -> (tempfile::TempDir, PathBuf, Kept) {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("soak/journal");
        fs::create_dir(place.path().join("soak")).expect("a directory");
        let mut kept = Kept::begin(&path, "head\n").expect("it is begun");
        kept.append("0\n").expect("it is written");
        (place, path, kept)
    }

    /// Goal: a write that fails takes nothing away of what was there.
    #[test]
    fn a_full_disk_loses_nothing() {
        let (_place, path, mut kept) = begun();
        let full = OpenOptions::new().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let file = std::mem::replace(&mut kept.file, full);
        assert!(kept.append("1\n").is_err());
        kept.file = file;
        kept.append("2\n").expect("it is written");
        assert_eq!(text(&path), "head\n0\n2\n");
    }

    /// Goal: a file that was deleted with its directory is noticed at the next line, and is there again
    /// with that line; if something is in the way, it is said to be lost, and that is not touched.
    #[test]
    fn what_is_deleted_is_written_anew() {
        let (_place, path, mut kept) = begun();
        fs::remove_dir_all(path.parent().expect("one")).expect("it is deleted");
        let error = kept.append("1\n").expect_err("it is gone");
        assert!(matches!(error, JournalError::Deleted { .. }), "{error}");
        assert_eq!(text(&path), "head\n0\n1\n");

        let (_place, path, mut kept) = begun();
        fs::remove_file(&path).expect("it is deleted");
        fs::write(&path, "head\n0\n1\n").expect("it is written");
        let error = kept.append("1\n").expect_err("it is gone");
        assert!(matches!(error, JournalError::Lost { .. }), "{error}");

        let (place, path, mut kept) = begun();
        fs::remove_dir_all(path.parent().expect("one")).expect("it is deleted");
        fs::write(place.path().join("soak"), "in the way").expect("it is written");
        let error = kept.append("1\n").expect_err("it is gone");
        assert!(matches!(error, JournalError::Lost { .. }), "{error}");
        assert_eq!(text(&place.path().join("soak")), "in the way");
    }

    /// Goal: a file that was moved away is noticed, has all its lines where it is, and is not written anew;
    /// a copy in its place is not taken for it.
    #[test]
    fn what_is_moved_is_left_there() {
        for put_copy in [false, true] {
            let (place, path, mut kept) = begun();
            let moved = place.path().join("moved");
            fs::rename(&path, &moved).expect("it is moved");
            if put_copy {
                fs::copy(&moved, &path).expect("it is copied");
            }
            let error = kept.append("1\n").expect_err("it is gone");
            assert!(matches!(error, JournalError::Moved { .. }), "{error}");
            assert_eq!(text(&moved), "head\n0\n1\n");
            assert_eq!(path.exists(), put_copy);
        }
    }

    /// Goal: while one writes no other does, and a file that ended is anybody's.
    #[test]
    fn one_writes_at_a_time() {
        let (_place, path, kept) = begun();
        let error = Kept::open(&path).expect_err("it is busy");
        assert!(matches!(error, JournalError::Busy { .. }), "{error}");
        drop(kept);
        let kept = Kept::open(&path).expect("it is free");
        let error = Kept::open(&path).expect_err("it is busy");
        assert!(matches!(error, JournalError::Busy { .. }), "{error}");
        drop(kept);
        assert!(Kept::open(&path).is_ok());
    }

    /// Goal: one that cannot be begun leaves nothing, and what a killed attempt left is in nobody's way.
    #[test]
    fn it_is_begun_whole_or_not_at_all() {
        let (_place, path, kept) = begun();
        assert!(Kept::begin(&path, "another").is_err());
        drop(kept);
        fs::remove_file(&path).expect("it is deleted");
        let left = path.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&left, "half of another's head").expect("it is written");
        drop(Kept::begin(&path, "head\n").expect("it is begun"));
        assert!(!left.exists() && text(&path) == "head\n");

        fs::remove_file(&path).expect("it is deleted");
        fs::create_dir(&left).expect("a directory");
        assert!(Kept::begin(&path, "head\n").is_err());
        assert!(!path.exists());
    }
}
