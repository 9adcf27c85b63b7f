//! How much worse a metric may get, by family.

use thiserror::Error;

use super::Family;

/// The default limit: 5 %.
const DEFAULT: f64 = 0.05;

/// How much worse each family may get, as a share; a family with `None` is shown but not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits(Vec<(Family, Option<f64>)>);

/// A text that is not a list of limits. Completes "invalid value: …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitsError {
    /// A limit is not a percentage.
    #[error("`{0}` is not a limit; expected a percentage such as 5% or 0.5%, or `off`")]
    Share(String),
    /// A name is not that of a family.
    #[error("no metrics are called `{0}`; expected one of {names}", names = names())]
    Family(String),
}

fn names() -> String {
    Family::ALL.map(Family::name).join(", ")
}

impl Default for Limits {
    fn default() -> Self {
        Self::all(Some(DEFAULT))
    }
}

impl Limits {
    /// The same limit for all families.
    pub fn all(limit: Option<f64>) -> Self {
        Self(Family::ALL.map(|family| (family, limit)).to_vec())
    }

    /// Reads limits such as `5%`, `throughput=5%,p99=10%` or `5%,memory=off`. A limit without a
    /// name is for all families, and replaces those before it. A family without any limit gets 5 %.
    ///
    /// # Errors
    ///
    /// The first part of the text that cannot be read.
    pub fn parse(text: &str) -> Result<Self, LimitsError> {
        let mut limits = Self::default();
        for part in text.split(',').map(str::trim) {
            let Some((name, limit)) = part.split_once('=') else {
                limits = Self::all(share(part)?);
                continue;
            };
            let family = Family::ALL.into_iter().find(|family| family.name() == name);
            let family = family.ok_or_else(|| LimitsError::Family(name.to_owned()))?;
            let limit = share(limit)?;
            for (known, value) in &mut limits.0 {
                if *known == family {
                    *value = limit;
                }
            }
        }
        Ok(limits)
    }

    /// How much worse this family may get; `None` if it is not judged.
    pub fn of(&self, family: Family) -> Option<f64> {
        let mut limits = self.0.iter();
        limits.find(|(known, _)| *known == family)?.1
    }
}

fn share(text: &str) -> Result<Option<f64>, LimitsError> {
    if text == "off" {
        return Ok(None);
    }
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    let share = number.filter(|percent| (0.0..=1000.0).contains(percent));
    share
        .map(|percent| Some(percent / 100.0))
        .ok_or_else(|| LimitsError::Share(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: limits for all, some and no families are read, and other texts are refused.
    #[test]
    fn reads_limits() {
        let of = |text: &str, family| Limits::parse(text).expect("limits").of(family);
        assert_eq!(of("7%", Family::P99), Some(0.07));
        assert_eq!(
            of("throughput=2.5%,p99=10%", Family::Throughput),
            Some(0.025)
        );
        assert_eq!(of("throughput=2.5%,p99=10%", Family::Memory), Some(DEFAULT));
        assert_eq!(of("20%,memory=off", Family::Memory), None);
        assert_eq!(of("20%,memory=off", Family::Pause), Some(0.2));
        for text in ["", "5", "-1%", "p99", "p98=5%", "p99=", "x%", "2000%"] {
            assert!(Limits::parse(text).is_err(), "{text}");
        }
    }
}
