//! What a child process reports to its parent: one line of JSON at a time.
//!
//! ```text
//! {"told":"beat","elapsed_ms":250,"ops":123456,…,"surveys":0,"steps":123470,
//!  "settling_ms":null}
//! {"told":"ran"}
//! {"told":"made","result":"{…}","picture":null}
//! {"told":"over","came":"judged","outcome":"held","found":{…}}
//! ```
//!
//! It reports its progress a few times a second. A child that makes runs or rounds also reports the
//! outcome of each, and then waits until it is asked for the next.

use serde::{Deserialize, Serialize};

use super::{Beat, Came, Found};
use crate::evidence::{CrashDump, Picture};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// The progress of the run.
    Beat {
        /// What there is to show of it.
        #[serde(flatten)]
        beat: Beat,
        /// Surveys made.
        surveys: u64,
        /// A number that changes as long as the run gets on.
        steps: u64,
        /// For how long the heap has been settling, if it is.
        settling_ms: Option<u64>,
    },
    /// The heap's part of the run is over; what remains is to judge it.
    Ran,
    /// The run is over and judged.
    Made(Box<Made>),
    /// The run could not be made, because of the heap.
    Failed {
        /// Why.
        why: String,
    },
    /// The run could not be made, because of what was asked for or of the machine.
    Refused {
        /// Why.
        why: String,
    },
    /// The harness itself panicked.
    Panicked {
        /// With what message.
        message: String,
    },
    /// The round is over.
    Over(Box<Over>),
    /// A signal ends the process. It writes this by itself, byte by byte.
    Crashed(Box<CrashDump>),
}

/// A run that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The text of its `result.json`, or for a trial of what the checks saw.
    pub result: String,
    /// The state at its end, if that was to be recorded and could be.
    pub picture: Option<Picture>,
}

/// The outcome of a round, as its own process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Over {
    /// The outcome.
    #[serde(flatten)]
    pub came: Came,
    /// What is kept of the result.
    pub found: Found,
}

impl Told {
    /// The line, with its newline.
    ///
    /// # Errors
    ///
    /// Never for these values; the error type is the serializer's.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// Reads a line; `None` for any other line, such as the output of a heap that prints.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Contents, Name, Place};
    use crate::result::Outcome;

    /// Goal: what one process writes the other reads, and no other line is taken for it.
    #[test]
    fn lines_are_understood() {
        let beat = Told::Beat {
            beat: Beat {
                ops: 7,
                live: Some(3),
                ..Beat::default()
            },
            surveys: 1,
            steps: u64::MAX,
            settling_ms: Some(5),
        };
        let name = Name {
            maker: 1,
            number: 2,
        };
        let mut picture = Picture::default();
        picture.places.push((Place::Register(0, 3), name));
        picture.objects.insert(name, Contents::Counter(-5));
        let made = Told::Made(Box::new(Made {
            result: "{\n  \"ops\": {\"0\": 1}\n}\n".to_owned(),
            picture: Some(picture),
        }));
        let over = Told::Over(Box::new(Over {
            came: Came::Judged {
                outcome: Outcome::Held,
            },
            found: Found {
                ops: 9,
                turns: Some(4),
                ..Found::default()
            },
        }));
        let why = "it is full".to_owned();
        let refused = Told::Refused { why: why.clone() };
        let crashed = Told::Crashed(Box::new(CrashDump {
            signal: 11,
            code: -6,
            address: u64::MAX,
            frames: vec![0, u64::MAX],
            maps: "7f00-7fff r-xp \u{ff}\n".to_owned(),
            ..CrashDump::default()
        }));
        let failed = Told::Failed { why };
        for told in [beat, Told::Ran, made, over, refused, crashed, failed] {
            let line = told.line().expect("it is written");
            assert!(line.ends_with('\n') && line.trim_end().lines().count() == 1);
            assert_eq!(Told::read(&line), Some(told));
        }
        for line in ["", "hello", "{\"told\":\"over\"}", "{\"told\":\"lies\"}"] {
            assert_eq!(Told::read(line), None, "{line}");
        }
    }
}
