//! What the process of a stint tells the soak: one line of JSON at a time.
//!
//! ```text
//! {"told":"beat","elapsed_ms":250,"ops":123456,…}
//! {"told":"over","came":"judged","outcome":"held","found":{…}}
//! ```
//!
//! It says how far it is some times a second, and what its round came to once that is over, and then waits
//! to be told to make the next one.

use serde::{Deserialize, Serialize};

use super::{Beat, Came, Found};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// How far the round is.
    Beat(Beat),
    /// The round is over.
    Over(Box<Over>),
}

/// What a round came to, as its process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Over {
    /// In a word.
    #[serde(flatten)]
    pub came: Came,
    /// In figures.
    pub found: Found,
}

impl Told {
    /// The line, with its end.
    ///
    /// # Errors
    ///
    /// None that could come from what is here; JSON has one.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// What a line says; `None` for what somebody else wrote there, such as a heap that prints.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Outcome;

    /// Goal: what one process says the other understands, and nothing else.
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
