//! A seed in JSON: a number, and a string of its decimal digits.
//!
//! Seeds go up to 2^64 - 1, and many programs that read JSON and write it again round numbers above
//! 2^53. The string survives that, so it takes precedence if both are present.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A seed. In JSON it becomes the fields `seed` and `seed_text` of the struct that it is flattened
/// into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Fields", try_from = "Fields")]
pub struct Seed(pub u64);

#[derive(Serialize, Deserialize)]
struct Fields {
    seed: Number,
    #[serde(default)]
    seed_text: String,
}

impl From<Seed> for Fields {
    fn from(Seed(seed): Seed) -> Self {
        Self {
            seed: seed.into(),
            seed_text: seed.to_string(),
        }
    }
}

impl TryFrom<Fields> for Seed {
    type Error = String;

    fn try_from(Fields { seed, seed_text }: Fields) -> Result<Self, String> {
        let seed_of_text = seed_text.parse().ok();
        let read = seed_of_text.or(seed.as_u64());
        read.map(Self)
            .ok_or_else(|| format!("{seed} is not a seed"))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
