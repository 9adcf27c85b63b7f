//! How much worse a metric may get, by family.

use thiserror::Error;

use super::Family;

/// The default: 5 %.
const DEFAULT: f64 = 0.05;

/// How much worse each family may get, as a share; with `None` it is shown but not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits(Vec<(Family, Option<f64>)>);

/// A text that is not a limit. Completes "invalid value: …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitsError {
    /// Not a percentage.
    #[error("`{0}` is not a share: 5%, 0.5% or `off`")]
    Share(String),
    /// Not a family of metrics.
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
    /// The same for all.
    pub fn all(limit: Option<f64>) -> Self {
        Self(Family::ALL.map(|family| (family, limit)).to_vec())
    }

    /// Reads `5%`, `throughput=5%,p99=10%`, `5%,memory=off`: a share alone is for all families, and a family
    /// that is not named keeps 5 %.
    ///
    /// # Errors
    ///
    /// The part of the text that is no limit.
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

    /// How much worse this family may get.
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

    /// Goal: limits for all, for some, and for none are told from what is neither.
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
