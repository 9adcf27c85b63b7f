//! A soak: rounds with fresh seeds, for hours, of which nothing is lost.
//!
//! A *lane* is a workload on a heap, with a fault or without. A *round* is one run of a lane with a seed
//! of its own. Which round comes when is a function of the soak's seed alone ([`Agenda`]), so a soak
//! that was interrupted goes on as if it had not been, and many machines share the rounds of one by
//! their numbers. What became of each round is one [`Record`], and all that a soak needs to go on is in
//! its [`Journal`]: a header and one record a round, each written and synced before the next begins.
//! [`Standing`] sums them up, and [`trend`] tells a slow leak from noise.

mod agenda;
mod journal;
mod record;
mod standing;
pub mod trend;

pub use agenda::{Agenda, Lane, Round, Shard};
pub use journal::{Contents, Header, Journal, JournalError};
pub use record::{Came, Record};
pub use standing::{LaneStanding, Standing};
