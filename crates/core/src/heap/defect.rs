//! Defects: broken invariants that a heap recognises in itself. They are data that goes into the
//! evidence, never panics.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// How many defects are kept in full; the rest are only counted.
const SAMPLES: usize = 8;

/// One broken invariant, as the heap under test met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Defect {
    /// A reference was followed to a cell that holds another object now, or none.
    #[error(
        "use after free: a reference to cell {cell}, incarnation {expected}, \
         met incarnation {found}"
    )]
    Stale {
        /// The cell's number.
        cell: u32,
        /// The incarnation that the reference was made for.
        expected: u32,
        /// The incarnation that the cell is in; even if it is free.
        found: u32,
    },
    /// A count went below zero.
    #[error("count underflow: cell {cell} was released once too often")]
    Underflow {
        /// The cell's number.
        cell: u32,
    },
    /// The poison of a free cell was gone when the cell was handed out again.
    #[error("write after free: cell {cell} held {found:#x} in place of the poison")]
    Spoiled {
        /// The cell's number.
        cell: u32,
        /// What was found there.
        found: u64,
    },
    /// The free list handed out a cell that is in use.
    #[error("the free list handed out cell {cell}, which is in use")]
    InUse {
        /// The cell's number.
        cell: u32,
    },
    /// A mutator panicked.
    #[error("panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// Any other defect, described by the heap.
    #[error("{message}")]
    Other {
        /// What happened.
        message: String,
    },
}

/// How often each kind of defect was met, and the first few in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectCounts {
    /// References recognised as stale.
    pub stale: u64,
    /// Counts that went below zero.
    pub underflow: u64,
    /// Freed cells that were written to.
    pub spoiled: u64,
    /// Living cells handed out again.
    pub in_use: u64,
    /// The rest.
    pub other: u64,
    /// The first few, in the order in which they were met.
    pub first: Vec<Defect>,
}

impl DefectCounts {
    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.stale + self.underflow + self.spoiled + self.in_use + self.other
    }
}

/// Where a heap notes its defects. While there are none, a look costs one relaxed load.
#[derive(Debug, Default)]
pub struct DefectLog {
    met: AtomicU64,
    counts: Mutex<DefectCounts>,
}

impl DefectLog {
    /// Notes a defect.
    #[cold]
    pub fn note(&self, defect: Defect) {
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *match defect {
            Defect::Stale { .. } => &mut counts.stale,
            Defect::Underflow { .. } => &mut counts.underflow,
            Defect::Spoiled { .. } => &mut counts.spoiled,
            Defect::InUse { .. } => &mut counts.in_use,
            Defect::Panicked { .. } | Defect::Other { .. } => &mut counts.other,
        } += 1;
        if counts.first.len() < SAMPLES {
            counts.first.push(defect);
        }
        // Pairs with the relaxed load in `check`, which may see it late: that delays the report
        // only.
        self.met.fetch_add(1, Ordering::Relaxed);
    }

    /// The first defect met so far, as an error.
    #[inline]
    pub fn check(&self) -> Result<(), Defect> {
        if self.met.load(Ordering::Relaxed) == 0 {
            Ok(())
        } else {
            self.first()
        }
    }

    #[cold]
    fn first(&self) -> Result<(), Defect> {
        self.counts().first.into_iter().next().map_or(Ok(()), Err)
    }

    /// A copy of what was noted.
    pub fn counts(&self) -> DefectCounts {
        self.counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}
