//! How often what does not fail each time is tried, and for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Stamp};
use crate::result::figures;

/// How often by default.
const TIMES: u64 = 1000;
/// How long where the number of runs is not given: a run may take long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Until it fails, but not more often than this, and not longer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Tries {
    pub(super) times: u64,
    patience: Option<Duration>,
}

impl Tries {
    /// So often, if it is given.
    pub(super) fn of(times: Option<u64>) -> Self {
        Self {
            times: times.unwrap_or(TIMES),
            patience: times.is_none().then_some(PATIENCE),
        }
    }

    /// What is going to be done, in words.
    pub(super) fn announced(self) -> String {
        let times = runs(self.times);
        match self.patience {
            None => format!("up to {times}, until one fails"),
            Some(patience) => format!(
                "up to {times}, until one fails or {} s are over; --times N for another number",
                patience.as_secs()
            ),
        }
    }

    /// If there is no time for another after `done` runs, says so.
    pub(super) fn stopped(self, began: Stamp, done: u64) -> Option<String> {
        let patience = self.patience.filter(|_| done < self.times)?;
        let is_over = Clock::get().since(began) >= patience;
        is_over.then(|| {
            format!(
                "stopped after {} s and {}; --times {} goes on longer",
                patience.as_secs(),
                runs(done),
                self.times
            )
        })
    }
}

pub(super) fn runs(number: u64) -> String {
    figures::several(number, "run", "runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: who gives the number of runs waits for all of them; who does not waits for so long, is told
    /// before and after, and not told of an end that all runs had reached.
    #[test]
    fn patience_ends_where_no_number_is_given() {
        let began = Clock::get().now();
        let given = Tries::of(Some(7));
        assert_eq!(given.announced(), "up to 7 runs, until one fails");
        assert_eq!(given.stopped(began, 1), None);
        let open = Tries::of(None);
        assert_eq!(open.stopped(began, 1), None);
        assert!(open.announced().contains("or 30 s are over"));
        let at_once = Tries {
            patience: Some(Duration::ZERO),
            ..open
        };
        let told = at_once.stopped(began, 1).expect("it is over");
        assert_eq!(
            told,
            "stopped after 0 s and 1 run; --times 1000 goes on longer"
        );
        assert_eq!(at_once.stopped(began, 1000), None);
    }
}
