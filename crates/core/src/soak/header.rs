//! What a soak is: its lanes, and how their rounds are made.

use serde::{Deserialize, Serialize};

use super::{Lane, Shard};
use crate::result::ProfileRef;

/// The longest round, in milliseconds: a year, which is the longest duration that an option takes.
const ROUND_MS_MAX: u64 = 366 * 86_400_000;
/// The largest weight of a lane. All weights together are how many stints a turn of the table has.
pub const WEIGHT_MAX: u32 = 1000;
/// The values that the option `--timing` of rounds may have.
const TIMINGS: [&str; 3] = ["every", "sampled", "off"];

/// What a soak is: its lanes, and how their rounds are made. The first record of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that began it.
    pub version: String,
    /// The commit that it was built from; empty if unknown.
    #[serde(default)]
    pub commit: String,
    /// The seed that determines all its rounds.
    pub seed: u64,
    /// What it runs.
    pub lanes: Vec<Lane>,
    /// Which part of the rounds it makes.
    pub shard: Shard,
    /// How long a round lasts, in milliseconds.
    pub round_ms: u64,
    /// How many rounds one process makes on one heap, in the soak's first era.
    pub stint: u32,
    /// Whether that follows from the budget, and not from `--stint`: then a longer budget, with
    /// which the soak goes on, makes it longer.
    #[serde(default)]
    pub stint_grows: bool,
    /// Further options on the command line of each round: `--timing`, and which operations are
    /// timed; then parameters of all workloads, each `-D` and `key=value`.
    pub options: Vec<String>,
    /// The profile that completed the command line, if one did.
    #[serde(default)]
    pub profile: Option<ProfileRef>,
}

impl Header {
    /// Checks a header that was read, since it may not have been written by a soak.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which lane.
    pub fn check(&self) -> Result<(), String> {
        if self.lanes.is_empty() {
            return Err("the soak has no lanes".to_owned());
        }
        for (number, lane) in self.lanes.iter().enumerate() {
            if !(1..=WEIGHT_MAX).contains(&lane.weight) {
                let subject = lane
                    .fault
                    .as_deref()
                    .map_or(String::new(), |fault| format!(" with {fault}"));
                return Err(format!(
                    "lane {number} ({} on {}{subject}) has weight {}, and a weight is from 1 to {WEIGHT_MAX}",
                    lane.workload, lane.heap, lane.weight
                ));
            }
        }
        let Shard { index, of } = self.shard;
        if index >= of {
            return Err(format!("there is no shard {index}/{of}"));
        }
        if !(1..=ROUND_MS_MAX).contains(&self.round_ms) {
            return Err(format!("a round cannot last {} ms", self.round_ms));
        }
        if self.stint == 0 {
            return Err("a stint has at least one round".to_owned());
        }
        let is_parameter = |pair: &[String]| match pair {
            [name, value] => name == "-D" && value.contains('='),
            _ => false,
        };
        match self.options.as_slice() {
            [name, timing, parameters @ ..]
                if name == "--timing"
                    && TIMINGS.contains(&timing.as_str())
                    && parameters.chunks(2).all(is_parameter) =>
            {
                Ok(())
            }
            options => Err(format!("a round has no options `{}`", options.join(" "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: a header that no soak can have is refused, with what is wrong in it.
    #[test]
    fn impossible_headers_are_refused() {
        let header = || sample::header(vec![sample::lane(1); 2]);
        assert_eq!(header().check(), Ok(()));
        type Damage = fn(&mut Header);
        let mut with_parameter = header();
        (with_parameter.options).extend(["-D".to_owned(), "threads=3".to_owned()]);
        assert_eq!(with_parameter.check(), Ok(()));
        let cases: [(Damage, &str); 10] = [
            (|it| it.lanes.clear(), "no lanes"),
            (
                |it| it.lanes[1].weight = 0,
                "lane 1 (churn on gil) has weight 0",
            ),
            (
                |it| it.lanes[0].weight = 1001,
                "lane 0 (churn on gil) has weight 1001",
            ),
            (|it| it.shard.of = 0, "0/0"),
            (|it| it.shard.index = 1, "1/1"),
            (|it| it.round_ms = u64::MAX, "cannot last"),
            (|it| it.stint = 0, "at least one round"),
            (|it| it.options.truncate(1), "no options `--timing`"),
            (
                |it| it.options[0] = "--out".to_owned(),
                "no options `--out off`",
            ),
            (
                |it| it.options.push("-D".to_owned()),
                "no options `--timing off -D`",
            ),
        ];
        for (damage, words) in cases {
            let mut damaged = header();
            damage(&mut damaged);
            let what = damaged.check().expect_err(words);
            assert!(what.contains(words), "{what}");
        }
    }
}
