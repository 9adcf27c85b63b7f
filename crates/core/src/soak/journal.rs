//! The journal: a line of JSON for the soak, then one for each round. It is only ever appended to.
//!
//! ```text
//! gcstorm-soak 2
//! 1f0c… {"seed":7,"lanes":[…]}
//! 9a3b… {"round":0,"lane":1,…}
//! ```
//!
//! Each line begins with a digest of the rest, and is synced before the next round starts. So a
//! kill, a crash of the machine or a full disk loses at most the round under way: a line that was
//! being written has no newline or a wrong digest, and is cut off when the soak is continued. A
//! broken line that is *not* the last one has another cause, and is an error with its place.
//!
//! A write that fails (on a full disk) is undone, and never touches earlier lines.
//!
//! Everything that is read is checked before it is used: anybody can compute digests, and a journal
//! may come from anywhere. How the file itself is protected is described in `kept`.

mod kept;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Header, Record};
use crate::digest::Digest;
use kept::Kept;

/// The file name of a journal in the directory of its soak.
pub const JOURNAL: &str = "journal";
/// The first line: the kind of file, and the version of its form.
const MAGIC: &str = "gcstorm-soak 2";
/// The maximum number of bytes of a line. Those of rounds have some thousands.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused to read or write it.
    #[error("{path}: {error}")]
    Io {
        /// The journal.
        path: String,
        /// The system's error.
        error: io::Error,
    },
    /// A line was not written by a soak.
    #[error("{path}:{line}: {what}")]
    Damaged {
        /// The journal.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Another process has it open for writing.
    #[error("{path}: another soak is writing into it")]
    Busy {
        /// The journal.
        path: String,
    },
    /// It was deleted while it was open, and was restored completely.
    #[error("{path}: somebody deleted it; all that was in it was written anew")]
    Deleted {
        /// The journal.
        path: String,
    },
    /// Another program made it shorter or longer while it was open, and it was restored completely.
    #[error("{path}: somebody wrote into it or emptied it; all that was in it was written anew")]
    Emptied {
        /// The journal.
        path: String,
    },
    /// It was deleted or emptied while it was open, and could not be written anew.
    #[error("{path}: somebody deleted or emptied it, and it cannot be written anew: {error}")]
    Lost {
        /// The journal.
        path: String,
        /// The system's error.
        error: io::Error,
    },
    /// It was renamed while it was open.
    #[error("{path}: somebody moved it away")]
    Moved {
        /// Its former path.
        path: String,
    },
}

impl JournalError {
    /// What to do about the error, in a sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "earlier rounds are in the journal; go on with --resume when there is room"
            }
            Self::Damaged { .. } => "begin a new soak",
            Self::Busy { .. } => "wait until that has ended, or name another directory with --out",
            Self::Deleted { .. } => {
                "no round is lost, but the files of rounds that failed may be; go on with --resume"
            }
            Self::Emptied { .. } => "no round is lost; go on with --resume",
            Self::Lost { .. } => "the figures on this page are all that is left; begin a new soak",
            Self::Moved { .. } => "no round is lost; go on with --resume where it is now",
        }
    }
}

/// A journal that is open for appending.
#[derive(Debug)]
pub struct Journal(Kept);

impl Journal {
    /// Begins a journal; there must be no file of this name yet.
    ///
    /// # Errors
    ///
    /// The file exists, or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self, JournalError> {
        let head = line(header).map_err(|error| io_error(path, error))?;
        Kept::begin(path, &format!("{MAGIC}\n{head}")).map(Self)
    }

    /// Opens a journal to continue it, and visits its records in the order in which they were
    /// written. A last line that is incomplete is cut off.
    ///
    /// # Errors
    ///
    /// It cannot be read, is not a journal, is damaged before its last line, or another soak is
    /// writing into it.
    pub fn resume(
        path: &Path,
        visit: impl FnMut(Record),
    ) -> Result<(Self, JournalFacts), JournalError> {
        // Locked first: the line that another soak is writing would be taken for an incomplete one.
        let kept = Kept::open(path)?;
        let contents = read(path, visit)?;
        let kept = kept.cut(contents.whole_bytes)?;
        Ok((Self(kept), contents))
    }

    /// Writes a record, and syncs it.
    ///
    /// # Errors
    ///
    /// The record cannot be written; the journal is as it was. Or the journal was deleted, moved or
    /// damaged since the last record; then this record is in it, unless the journal is
    /// [lost](JournalError::Lost).
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let text = line(record).map_err(|error| io_error(self.0.path(), error))?;
        self.0.append(&text)
    }

    /// Checks once more that all records are there, after the last one.
    ///
    /// # Errors
    ///
    /// The journal was deleted, moved away or damaged, as with [`append`](Self::append).
    pub fn finish(mut self) -> Result<(), JournalError> {
        self.0.look()
    }
}

/// What is in a journal besides its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFacts {
    /// What the soak is.
    pub header: Header,
    /// The last line was incomplete.
    pub was_cut: bool,
    /// The length of all complete lines.
    whole_bytes: u64,
}

/// Reads a journal, and visits its records in the order in which they were written. They are not
/// collected in memory, since there may be weeks of them.
///
/// # Errors
///
/// It cannot be read, is not a journal, or is damaged before its last line.
pub fn read(path: &Path, visit: impl FnMut(Record)) -> Result<JournalFacts, JournalError> {
    let facts = std::fs::metadata(path).map_err(|error| io_error(path, error))?;
    if !facts.is_file() {
        // Opening a pipe waits for a writer, and a device may have no end.
        let what = io::Error::other("it is not a regular file");
        return Err(io_error(path, what));
    }
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    parse(BufReader::new(file), visit).map_err(|wrong| match wrong {
        Wrong::Unreadable(error) => io_error(path, error),
        Wrong::Damaged(line, what) => JournalError::Damaged {
            path: path.display().to_string(),
            line,
            what,
        },
    })
}

/// Why a journal cannot be read.
enum Wrong {
    Unreadable(io::Error),
    /// A line's number, and what is wrong there.
    Damaged(usize, String),
}

fn parse(mut bytes: impl BufRead, mut visit: impl FnMut(Record)) -> Result<JournalFacts, Wrong> {
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        let mut bytes = bytes.by_ref().take(LINE_BYTES_MAX);
        bytes.read_until(b'\n', line).map_err(Wrong::Unreadable)
    };
    let mut whole_bytes = next(&mut line)? as u64;
    if line != format!("{MAGIC}\n").as_bytes() {
        let what = format!("this is not the journal of a soak: it does not begin with `{MAGIC}`");
        return Err(Wrong::Damaged(1, what));
    }
    whole_bytes += next(&mut line)? as u64;
    let header: Header = whole(&line).map_err(|what| Wrong::Damaged(2, what))?;
    (header.check()).map_err(|what| Wrong::Damaged(2, what))?;
    let mut broken = None;
    let mut next_round = 0;
    for number in 3.. {
        let length = next(&mut line)?;
        if length == 0 {
            break;
        }
        // Only the last line may be broken.
        if let Some(what) = broken {
            return Err(Wrong::Damaged(number - 1, what));
        }
        match whole::<Record>(&line) {
            Ok(record) => {
                let is_wrong = |what| Wrong::Damaged(number, what);
                record.check(&header, next_round).map_err(is_wrong)?;
                next_round = record.round + 1;
                whole_bytes += length as u64;
                visit(record);
            }
            Err(what) => broken = Some(what),
        }
    }
    Ok(JournalFacts {
        header,
        was_cut: broken.is_some(),
        whole_bytes,
    })
}

fn io_error(path: &Path, error: impl Into<io::Error>) -> JournalError {
    JournalError::Io {
        path: path.display().to_string(),
        error: error.into(),
    }
}

fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    Ok(format!("{} {json}\n", Digest::of(&json)))
}

/// The value of a line, if the line is complete.
fn whole<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, String> {
    let line = line.strip_suffix(b"\n").ok_or("the line has no end")?;
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let (digest, json) = line.split_once(' ').ok_or("the line has no digest")?;
    if Digest::of(json).to_string() != digest {
        return Err("the line was changed: its digest does not match".to_owned());
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Outcome;
    use crate::sample;
    use crate::soak::{Came, Found};

    /// The journal, open again, and what is in it.
    fn resumed(path: &Path) -> Result<(Journal, JournalFacts, Vec<u64>), JournalError> {
        let mut rounds = Vec::new();
        let (journal, contents) = Journal::resume(path, |record| rounds.push(record.round))?;
        Ok((journal, contents, rounds))
    }

    /// How long the journal is so far, in bytes.
    fn length(path: &Path) -> u64 {
        std::fs::metadata(path).expect("it is there").len()
    }

    fn header() -> Header {
        sample::header(vec![sample::lane(1)])
    }

    fn record(round: u64) -> Record {
        Record {
            round,
            lane: 0,
            seed: round * 3,
            since: 0,
            ended_unix_ms: 5,
            era: None,
            took_ms: 6,
            came: Came::Judged {
                outcome: Outcome::Held,
            },
            last_seen: None,
            found: Found::default(),
            reproduce: "gcstorm run churn".to_owned(),
        }
    }

    /// Goal: wherever a journal was cut off, its complete lines are read, and new ones follow them.
    #[test]
    fn any_end_can_be_gone_on_from() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal");
        let mut journal = Journal::create(&path, &header()).expect("it is begun");
        let mut ends = vec![length(&path)];
        for round in 0..3 {
            journal.append(&record(round)).expect("it is written");
            ends.push(length(&path));
        }
        drop(journal);
        let all = std::fs::read(&path).expect("it is read");
        for cut in usize::try_from(ends[0]).expect("few")..=all.len() {
            std::fs::write(&path, &all[..cut]).expect("it is written");
            let (mut journal, contents, rounds) = resumed(&path).expect("it goes on");
            let whole = ends.iter().filter(|end| **end <= cut as u64).count() - 1;
            assert_eq!(contents.header, header());
            assert_eq!(rounds.len(), whole);
            assert_eq!(contents.was_cut, !ends.contains(&(cut as u64)));
            journal.append(&record(9)).expect("it is written");
            drop(journal);
            let (_, _, rounds) = resumed(&path).expect("it goes on");
            let mut expected: Vec<u64> = (0..whole as u64).collect();
            expected.push(9);
            assert_eq!(rounds, expected);
        }
    }

    /// Goal: a line that was changed is found, with its place; a file that is not a journal is
    /// refused, and a journal that exists is not begun again.
    #[test]
    fn damage_is_told_from_an_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("journal");
        let mut journal = Journal::create(&path, &header()).expect("it is begun");
        for round in 0..3 {
            journal.append(&record(round)).expect("it is written");
        }
        drop(journal);
        let text = std::fs::read_to_string(&path).expect("it is read");
        for (from, to, place) in [
            ("\"round\":1", "\"round\":4", ":4: "),
            ("\"seed\":7", "\"seed\":8", ":2: "),
            ("gcstorm-soak 2", "gcstorm-soak 9", ":1: "),
        ] {
            std::fs::write(&path, text.replace(from, to)).expect("it is written");
            let error = resumed(&path).expect_err("it is damaged").to_string();
            assert!(error.contains(place), "{error}");
        }
        assert!(Journal::create(&path, &header()).is_err());
        assert!(resumed(&directory.path().join("none")).is_err());
    }
}
