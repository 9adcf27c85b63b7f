//! The journal's file: begun whole, written by one process, and restored when another program
//! damages it.
//!
//! The file gets its name only when its head is in it, so every file of that name can be continued.
//! While it is open it is locked, since two processes would write over each other.
//!
//! After each line the name must still lead to the file, and the file must be as long as what was
//! written to it. Writes to a file that was deleted succeed as if nothing were wrong, and so do
//! writes to one that was emptied (`: > journal`). So every line is appended, which shows a missing
//! start in the length, and goes into a second file as well, which has no name: nobody can reach
//! it, and it is gone when this process ends. What was deleted or emptied is written anew from
//! there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{JournalError, io_error};

/// A file that is open for appending.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    /// A copy of the file that has no name; `None` if there is no room for it.
    copy: Option<File>,
    /// How long the file is: the end of the last whole line.
    end: u64,
}

impl Kept {
    /// Begins a file with this text; it must not be there yet.
    pub(super) fn begin(path: &Path, text: &str) -> Result<Self, JournalError> {
        let temporary = beside(path, "tmp");
        let file = begin(&temporary, path, text).map_err(|error| {
            // Only the first error is reported.
            let _ = fs::remove_file(&temporary);
            io_error(path, error)
        })?;
        lock(&file, path)?;
        let mut kept = Self {
            path: path.to_owned(),
            file,
            copy: None,
            end: text.len() as u64,
        };
        kept.copy = kept.copied().ok();
        Ok(kept)
    }

    /// Opens a file that was begun before.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let opened = OpenOptions::new().read(true).append(true).open(path);
        let file = opened.map_err(|error| io_error(path, error))?;
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            copy: None,
            end: 0,
        })
    }

    /// Cuts the file off after `end` bytes, and continues from there.
    pub(super) fn cut(mut self, end: u64) -> Result<Self, JournalError> {
        let cut = self.file.set_len(end);
        cut.map_err(|error| io_error(&self.path, error))?;
        self.end = end;
        self.copy = self.copied().ok();
        Ok(self)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes at the end, syncs, and checks that the whole file is still in its place.
    pub(super) fn append(&mut self, text: &str) -> Result<(), JournalError> {
        if let Err(error) = self.write(text) {
            self.take_back();
            return Err(io_error(&self.path, error));
        }
        self.end += text.len() as u64;
        if let Some(copy) = &mut self.copy
            && copy.write_all(text.as_bytes()).is_err()
        {
            self.copy = None;
        }
        self.look()
    }

    /// Checks that the file still has its name, and everything that was written to it. If not, it
    /// is written again where possible; that is an error as well.
    pub(super) fn look(&mut self) -> Result<(), JournalError> {
        let ours = self.file.metadata();
        let ours = ours.map_err(|error| io_error(&self.path, error))?;
        let is_deleted = ours.nlink() == 0;
        let is_whole = ours.len() == self.end;
        let found = fs::metadata(&self.path).ok();
        let is_ours = found.as_ref().is_some_and(|found| {
            let is_same_file = (found.dev(), found.ino()) == (ours.dev(), ours.ino());
            // Some network file systems change the inode numbers of files now and then. A copy that
            // somebody put in the journal's place does not have the line that was just written.
            is_same_file || (!is_deleted && found.len() == self.end)
        });
        let path = self.path.display().to_string();
        let (restored, error) = match found {
            _ if is_ours && is_whole => return Ok(()),
            _ if is_ours => (self.refill(), JournalError::Emptied { path: path.clone() }),
            _ if !is_deleted => return Err(JournalError::Moved { path }),
            // Another program's file is in its place, which must not be touched.
            Some(_) => {
                let error = io::ErrorKind::AlreadyExists.into();
                return Err(JournalError::Lost { path, error });
            }
            None => (
                self.write_anew(),
                JournalError::Deleted { path: path.clone() },
            ),
        };
        Err(match restored {
            Ok(()) => error,
            Err(error) => JournalError::Lost { path, error },
        })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()
    }

    /// Cuts off a line that was written in part. If this fails as well, the line is cut off when
    /// the soak is continued.
    fn take_back(&self) {
        let is_longer = |file: &fs::Metadata| file.len() > self.end;
        // A file that was emptied meanwhile would be filled up with zeros.
        if self.file.metadata().as_ref().is_ok_and(is_longer) {
            let _ = self.file.set_len(self.end);
        }
    }

    /// A copy of the file that has no name.
    fn copied(&mut self) -> io::Result<File> {
        let path = beside(&self.path, "copy");
        let mut copy = fresh(&path)?;
        fs::remove_file(&path)?;
        self.file.seek(SeekFrom::Start(0))?;
        io::copy(&mut self.file, &mut copy)?;
        Ok(copy)
    }

    /// Writes the whole content again into the file, which another program made shorter or longer.
    fn refill(&mut self) -> io::Result<()> {
        let mut copy = self.copy.as_ref().ok_or(io::ErrorKind::StorageFull)?;
        self.file.set_len(0)?;
        copy.seek(SeekFrom::Start(0))?;
        io::copy(&mut copy, &mut self.file)?;
        self.file.sync_all()
    }

    /// Writes the whole content into a new file of the same name.
    fn write_anew(&mut self) -> io::Result<()> {
        let is_whole = self.file.metadata()?.len() == self.end;
        // A deleted file keeps its content for as long as it is open, unless it was emptied before.
        let mut from = match &self.copy {
            Some(copy) if !is_whole => copy,
            _ => &self.file,
        };
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let anew = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.path);
        let mut anew = anew?;
        from.seek(SeekFrom::Start(0))?;
        io::copy(&mut from, &mut anew)?;
        anew.sync_all()
    }
}

/// A name for a file of this process beside the journal.
fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_extension(format!("{}.{what}", std::process::id()))
}

/// An empty file that can be read and appended to. One that was left by a killed process with the
/// same number is removed.
fn fresh(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true).open(path)
}

/// Creates a file that has this text from the moment at which it has its name.
fn begin(temporary: &Path, path: &Path, text: &str) -> io::Result<File> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut file = fresh(temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The name of a new file is in its directory, which has to be synced as well.
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(file)
}

/// Locks a file until it is closed or the process ends. On a file system without locks the file is
/// not locked.
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

    /// A temporary directory, and in it a directory with a journal of two lines.
    fn begun() -> (tempfile::TempDir, PathBuf, Kept) {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("soak/journal");
        fs::create_dir(place.path().join("soak")).expect("a directory");
        let mut kept = Kept::begin(&path, "head\n").expect("it is begun");
        kept.append("0\n").expect("it is written");
        (place, path, kept)
    }

    /// Goal: a write that fails takes nothing away from earlier lines.
    #[test]
    fn a_full_disk_loses_nothing() {
        let (_place, path, mut kept) = begun();
        let full = OpenOptions::new().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        let file = std::mem::replace(&mut kept.file, full);
        assert!(kept.append("1\n").is_err());
        kept.file = file;
        kept.look().expect("it is as it was");
        kept.append("2\n").expect("it is written");
        assert_eq!(text(&path), "head\n0\n2\n");
    }

    /// Goal: a file that was deleted with its directory is noticed at the next line, and is there
    /// again with that line; if another file is in the way, the journal is reported as lost, and
    /// that file is not touched.
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

    /// Goal: a file that somebody emptied, cut short or wrote to is noticed at the next line, or at
    /// the end, and is whole again with all lines; also if it is deleted after that.
    #[test]
    fn what_is_emptied_is_written_anew() {
        for text_left in ["", "head\n", "head\n0\n of somebody else's\n"] {
            let (_place, path, mut kept) = begun();
            fs::write(&path, text_left).expect("it is written");
            let error = kept.append("1\n").expect_err("it is damaged");
            assert!(matches!(error, JournalError::Emptied { .. }), "{error}");
            assert_eq!(text(&path), "head\n0\n1\n");
            kept.append("2\n").expect("it goes on");
            fs::write(&path, text_left).expect("it is written");
            assert!(kept.look().is_err());
            assert_eq!(text(&path), "head\n0\n1\n2\n");
            kept.look().expect("it is whole");
        }
        let (_place, path, mut kept) = begun();
        fs::write(&path, "").expect("it is emptied");
        fs::remove_file(&path).expect("it is deleted");
        let error = kept.append("1\n").expect_err("it is gone");
        assert!(matches!(error, JournalError::Deleted { .. }), "{error}");
        assert_eq!(text(&path), "head\n0\n1\n");
    }

    /// Goal: a file that was moved away is noticed, has all its lines where it is, and is not
    /// written anew; a copy in its place is not taken for it.
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

    /// Goal: only one process writes at a time, and a file that was closed can be opened by any.
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

    /// Goal: a file that cannot be begun leaves nothing behind, and what a killed attempt left does
    /// not prevent another.
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
