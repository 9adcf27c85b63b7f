//! A soak: rounds with fresh seeds, for hours, of which nothing is lost.
//!
//! A *lane* is a workload on a heap, with a fault or without. A *round* is one run of a lane with a seed
//! of its own. Rounds come in *stints*: several of one lane after each other, in one process and on one
//! heap, so that a heap is seen to grow old, and one that takes its process down takes a stint along and
//! not the soak. Which round comes when is a function of the soak's seed alone ([`Agenda`]), so a soak
//! that was interrupted goes on as if it had not been, and many machines share the stints of one by
//! their numbers. What became of each round is one [`Record`], and all that a soak needs to go on is in
//! its [`Journal`]: a header and one record a round, each written and synced before the next begins.
//! [`Standing`] sums them up, [`trend`] tells a slow leak from noise, and a [`Snapshot`] is what is shown
//! of all that while it goes on, with [`Lately`] for the last minute.

mod agenda;
mod journal;
mod lately;
mod record;
mod snapshot;
mod standing;
mod told;
pub mod trend;

pub use agenda::{Agenda, Lane, Round, Shard};
pub use journal::{Contents, Header, Journal, JournalError, read};
pub use lately::Lately;
pub use record::{Beat, Came, Found, Record};
pub use snapshot::Snapshot;
pub use standing::{Aging, Drift, Growth, LaneStanding, Recent, Standing};
pub use told::{Over, Told};
