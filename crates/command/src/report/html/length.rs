//! How much of each workload a page has. One of many workloads is first of all an overview: it has
//! fewer pictures of each, and those with fewer points, so that it stays small.

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Length {
    /// The pictures that tell most.
    Brief,
    /// Everything.
    Whole,
}

/// As many results have all their pictures on one page. A result takes some twenty kilobytes then.
const WHOLE_MAX: usize = 12;

impl Length {
    /// For a page of so many results.
    pub(super) fn of(results: usize) -> Self {
        match results {
            ..=WHOLE_MAX => Self::Whole,
            _ => Self::Brief,
        }
    }

    /// How many points a curve over time may have in a picture of so many.
    pub(super) fn points(self, curves: usize) -> usize {
        match self {
            Self::Brief => 32,
            Self::Whole => (600 / curves.max(1)).clamp(60, 200),
        }
    }

    /// How many rows the table behind such a picture has.
    pub(super) fn table_rows(self) -> usize {
        match self {
            Self::Brief => 5,
            Self::Whole => 20,
        }
    }
}
