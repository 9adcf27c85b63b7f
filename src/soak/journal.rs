//! The journal: one line of JSON for the soak, then one a round, only ever appended to.
//!
//! ```text
//! gcstorm-soak 2
//! 1f0c… {"seed":7,"lanes":[…]}
//! 9a3b… {"round":0,"lane":1,…}
//! ```
//!
//! Each line begins with a digest of what follows, and is synced before the next round starts. So a kill,
//! a crash of the machine or a full disk loses at most the round that was under way: what is left of a
//! line that was being written has no newline or a wrong digest, and is cut off by whoever goes on. A line
//! that is broken and is *not* the last was not broken by that, and is an error with its place.
//!
//! A write that failed (a full disk) is taken back, so that the next attempt begins where it began, and
//! what was written before is never touched.
//!
//! How the file itself is looked after is told in `kept`.

mod kept;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Lane, Record, Shard};
use crate::digest::Digest;
use kept::Kept;

/// The first line: what it is, and in which form.
const MAGIC: &str = "gcstorm-soak 2";

/// What a soak is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that began it.
    pub version: String,
    /// The commit that it was built from; empty if unknown.
    #[serde(default)]
    pub commit: String,
    /// Where all its rounds come from.
    pub seed: u64,
    /// What it runs.
    pub lanes: Vec<Lane>,
    /// Which of the rounds.
    pub shard: Shard,
    /// How long a round lasts, in milliseconds.
    pub round_ms: u64,
    /// How many rounds one process makes on one heap.
    pub stint: u32,
    /// What is put on the command line of each round besides.
    pub options: Vec<String>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("{path}: {error}")]
    Io {
        /// The journal.
        path: String,
        /// What it says.
        error: io::Error,
    },
    /// There is a line that nobody wrote so.
    #[error("{path}:{line}: {what}")]
    Damaged {
        /// The journal.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Somebody has it open, to write into it.
    #[error("{path}: another soak is writing into it")]
    Busy {
        /// The journal.
        path: String,
    },
    /// It was deleted while it was open, and all of it is there again.
    #[error("{path}: somebody deleted it; all that was in it was written anew")]
    Deleted {
        /// The journal.
        path: String,
    },
    /// It was deleted while it was open, and could not be written anew.
    #[error("{path}: somebody deleted it, and it cannot be written anew: {error}")]
    Lost {
        /// The journal.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// Its name does not lead to it any more, but it is not deleted.
    #[error("{path}: somebody moved it away")]
    Moved {
        /// The journal as it was called.
        path: String,
    },
}

impl JournalError {
    /// What to do about a journal that could not be written into, in a sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "what was written before is there; go on with --resume when there is room"
            }
            Self::Damaged { .. } => "what is before that line can be read; begin a new soak",
            Self::Busy { .. } => "wait until that has ended, or name another directory with --out",
            Self::Deleted { .. } => {
                "no round is lost, but what rounds that failed had left is; go on with --resume"
            }
            Self::Lost { .. } => "the figures on this page are all that is left; begin a new soak",
            Self::Moved { .. } => "no round is lost; go on with --resume where it is now",
        }
    }
}

/// A journal that is open for more.
#[derive(Debug)]
pub struct Journal(Kept);

impl Journal {
    /// Begins one, which must not be there yet.
    ///
    /// # Errors
    ///
    /// It is there, or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self, JournalError> {
        let head = line(header).map_err(|error| io_error(path, error))?;
        Kept::begin(path, &format!("{MAGIC}\n{head}")).map(Self)
    }

    /// Opens one to go on with it, and shows its records in the order in which they were written. A line
    /// that was being written when it broke off is cut away.
    ///
    /// # Errors
    ///
    /// It cannot be read, is none, is damaged elsewhere than at its end, or another soak is writing into
    /// it.
    pub fn resume(
        path: &Path,
        visit: impl FnMut(Record),
    ) -> Result<(Self, Contents), JournalError> {
        // First, since what another is writing would be taken for a line that broke off.
        let kept = Kept::open(path)?;
        let contents = read(path, visit)?;
        let kept = kept.cut(contents.whole_bytes)?;
        Ok((Self(kept), contents))
    }

    /// Writes a record, and syncs it.
    ///
    /// # Errors
    ///
    /// It cannot be written; then the journal is as it was. Or the journal was deleted or moved away, which
    /// is found only now; then the record is in it, unless it is [lost](JournalError::Lost).
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let text = line(record).map_err(|error| io_error(self.0.path(), error))?;
        self.0.append(&text)
    }
}

/// What is in a journal, but for its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// What the soak is.
    pub header: Header,
    /// The last line was not whole.
    pub was_cut: bool,
    /// Up to here all lines are whole.
    whole_bytes: u64,
}

/// Reads a journal, and shows its records in the order in which they were written: one at a time, since
/// weeks of them are more than anybody needs at once.
///
/// # Errors
///
/// It cannot be read, is none, or is damaged elsewhere than at its end.
pub fn read(path: &Path, visit: impl FnMut(Record)) -> Result<Contents, JournalError> {
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

fn parse(mut bytes: impl BufRead, mut visit: impl FnMut(Record)) -> Result<Contents, Wrong> {
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        bytes.read_until(b'\n', line).map_err(Wrong::Unreadable)
    };
    let mut whole_bytes = next(&mut line)? as u64;
    if line != format!("{MAGIC}\n").as_bytes() {
        let what = format!("this is no journal of a soak: it does not begin with `{MAGIC}`");
        return Err(Wrong::Damaged(1, what));
    }
    whole_bytes += next(&mut line)? as u64;
    let header: Header = whole(&line).map_err(|what| Wrong::Damaged(2, what))?;
    let mut broken = None;
    for number in 3.. {
        let length = next(&mut line)?;
        if length == 0 {
            break;
        }
        // What is broken must be the last.
        if let Some(what) = broken {
            return Err(Wrong::Damaged(number - 1, what));
        }
        match whole::<Record>(&line) {
            Ok(record) if record.lane < header.lanes.len() => {
                whole_bytes += length as u64;
                visit(record);
            }
            Ok(record) => {
                let what = format!("there is no lane {}", record.lane);
                return Err(Wrong::Damaged(number, what));
            }
            Err(what) => broken = Some(what),
        }
    }
    Ok(Contents {
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

/// What a line says, if all of it is there.
fn whole<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Result<T, String> {
    let line = line.strip_suffix(b"\n").ok_or("the line has no end")?;
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let (digest, json) = line.split_once(' ').ok_or("the line has no digest")?;
    if Digest::of(json).to_string() != digest {
        return Err("the line is not what was written: its digest is another".to_owned());
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Outcome;
    use crate::soak::{Came, Found};

    /// The journal, open again, and what is in it.
    fn resumed(path: &Path) -> Result<(Journal, Contents, Vec<u64>), JournalError> {
        let mut rounds = Vec::new();
        let (journal, contents) = Journal::resume(path, |record| rounds.push(record.round))?;
        Ok((journal, contents, rounds))
    }

    /// How long the journal is so far, in bytes.
    fn length(path: &Path) -> u64 {
        std::fs::metadata(path).expect("it is there").len()
    }

    fn header() -> Header {
        Header {
            version: "0".to_owned(),
            commit: String::new(),
            seed: 7,
            lanes: vec![Lane {
                workload: "churn".to_owned(),
                hash: "abc".to_owned(),
                heap: "gil".to_owned(),
                fault: None,
                weight: 1,
            }],
            shard: Shard::WHOLE,
            round_ms: 1000,
            stint: 12,
            options: vec!["--timing".to_owned(), "off".to_owned()],
        }
    }

    fn record(round: u64) -> Record {
        Record {
            round,
            lane: 0,
            seed: round * 3,
            since: 0,
            ended_unix_ms: 5,
            took_ms: 6,
            came: Came::Judged {
                outcome: Outcome::Held,
            },
            last_seen: None,
            found: Found::default(),
            reproduce: "gcstorm run churn".to_owned(),
        }
    }

    /// Goal: wherever it broke off, what was whole before is there, and what comes then follows on it.
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

    /// Goal: what was changed in the middle is found, with its place; what is no journal is refused, and
    /// one that is there is not begun again.
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
