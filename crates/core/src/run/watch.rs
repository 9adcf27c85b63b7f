//! Which stopwatch a mutator has. It is chosen once a run, and matched once a batch.

use super::Timing;
use super::paced::Paced;
use super::slow::SlowOps;
use super::stopwatch::{Every, Off, Sampled, Stopwatch};
use crate::plan::Pace;

/// The stopwatch of one mutator.
#[derive(Debug)]
pub(super) enum Watch {
    /// Times nothing.
    Off(Off),
    /// Times every operation.
    Every(Every),
    /// Times one operation in [`SAMPLE_EVERY`].
    Sampled(Sampled),
    /// Times operations that have a time at which they are due.
    Paced(Box<Paced>),
}

impl Watch {
    /// A stopwatch that has not started, for a mutator with or without a rate.
    pub(super) fn new(timing: Timing, pace: Option<Pace>) -> Self {
        match timing {
            _ if pace.is_some() => Self::Paced(Box::new(Paced::new())),
            Timing::Every => Self::Every(Every::new(SlowOps::new(true))),
            Timing::Sampled => Self::Sampled(Sampled::new()),
            Timing::Off => Self::Off(Off),
        }
    }

    /// The stopwatch behind a trait object, for code outside the hot loop.
    pub(super) fn as_dyn(&mut self) -> &mut dyn Stopwatch {
        match self {
            Self::Off(off) => off,
            Self::Every(every) => every,
            Self::Sampled(sampled) => sampled,
            Self::Paced(paced) => &mut **paced,
        }
    }
}
