//! A soak: rounds with fresh seeds for hours, none of which is lost.
//!
//! A *lane* is a workload on a heap, with a planted fault or without. A *round* is one run of a
//! lane with a seed of its own. A *stint* is a series of rounds of one lane in one process and on
//! one heap: it shows how a heap changes with age, and a heap that ends its process ends only its
//! stint.
//!
//! Which round comes when is a function of the soak's seed alone ([`Agenda`]), and of where it went
//! on in longer stints, if it did ([`Era`], which the records after that have). So a soak can be
//! interrupted and continued with the same rounds, and many machines can share the stints of one
//! soak by their numbers. The outcome of a round is a [`Record`]. The [`Journal`] has a [`Header`]
//! and one record for each round, written and synced before the next round begins, and that is all
//! it takes to continue.
//!
//! [`Standing`] adds up the records, [`trend`] tells a slow leak from noise, a [`Snapshot`] is what
//! is shown of a soak under way, and [`Lately`] is its last minute.

mod agenda;
mod header;
mod journal;
mod lately;
mod record;
mod snapshot;
mod standing;
mod told;
pub mod trend;

pub use agenda::{Agenda, Era, Lane, Round, Shard};
pub use header::{Header, WEIGHT_MAX};
pub use journal::{JOURNAL, Journal, JournalError, JournalFacts, read};
pub use lately::Lately;
pub use record::{Beat, Came, Found, Record};
pub use snapshot::Snapshot;
pub use standing::{Aging, Drift, Growth, LaneStanding, Recent, Standing};
pub use told::{Made, Over, Told};
