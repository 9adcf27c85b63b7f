//! What a child process reports to its parent: one line of JSON at a time.
//!
//! ```text
//! {"told":"beat","elapsed_ms":250,"ops":123456,…}
//! {"told":"over","came":"judged","outcome":"held","found":{…}}
//! ```
//!
//! It reports its progress a few times a second. The child that makes the rounds of a stint also reports the
//! outcome of each, and then waits until it is asked for the next.

use serde::{Deserialize, Serialize};

use super::{Beat, Came, Found};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// The progress of the run.
    Beat(Beat),
    /// The round is over.
    Over(Box<Over>),
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
    use crate::result::Outcome;

    /// Goal: what one process writes the other reads, and no other line is taken for it.
    #[test]
    fn lines_are_understood() {
        let beat = Beat {
            ops: 7,
            live: Some(3),
            ..Beat::default()
        };
        let over = Over {
            came: Came::Judged {
                outcome: Outcome::Held,
            },
            found: Found {
                ops: 9,
                turns: Some(4),
                ..Found::default()
            },
        };
        for told in [Told::Beat(beat), Told::Over(Box::new(over))] {
            let line = told.line().expect("it is written");
            assert!(line.ends_with('\n') && line.trim_end().lines().count() == 1);
            assert_eq!(Told::read(&line), Some(told));
        }
        for line in ["", "hello", "{\"told\":\"over\"}", "{\"told\":\"lies\"}"] {
            assert_eq!(Told::read(line), None, "{line}");
        }
    }
}
