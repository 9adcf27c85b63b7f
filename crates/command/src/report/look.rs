//! How something is shown: how much of it, and in how many columns.

use serde::{Deserialize, Serialize};

/// How much of a result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Detail {
    /// The verdict, and how to reproduce it if it is not a good one.
    Verdict,
    /// What a reader needs: a summary of what held, and the page of what did not.
    Page,
    /// The page with parameters, threads, counters and surveys.
    Everything,
}

/// How wide text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// Nobody knows, as in a file: sentences fill eighty columns, and tables are as wide as they are.
    #[default]
    Unknown,
    /// The columns of a terminal.
    Columns(usize),
}

/// Narrower terminals are written to as if they had this many columns: one cell of a table and its
/// name need them.
const COLUMNS_MIN: usize = 24;
/// How wide sentences are where nothing is known.
const SENTENCE: usize = 80;

impl Width {
    /// The columns of a sentence.
    pub(super) fn sentence(self) -> usize {
        self.table().unwrap_or(SENTENCE)
    }

    /// The columns of a table, if there is a limit.
    pub(super) fn table(self) -> Option<usize> {
        match self {
            Self::Unknown => None,
            Self::Columns(columns) => Some(columns.max(COLUMNS_MIN)),
        }
    }
}

/// How much is shown, and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How much.
    pub detail: Detail,
    /// How wide.
    pub width: Width,
}

impl From<Detail> for Look {
    fn from(detail: Detail) -> Self {
        let width = Width::Unknown;
        Self { detail, width }
    }
}
