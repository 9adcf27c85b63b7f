//! The figures of several results beside each other: which are compared, and which count for nothing.

use super::Member;
use super::headline::{About, Headline, Wanted};
use crate::result::{Outcome, RunResult, figures};

/// A figure beside that of another result.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beside {
    /// The figure; `None` if it is not known, or counts for nothing.
    pub(super) figure: Option<String>,
    /// Why it counts for nothing, or why its ratio does not say which is better.
    pub(super) why: Option<&'static str>,
    /// As a multiple of the first that held, if both runs held.
    pub(super) ratio: Option<String>,
    /// `better` or `worse`, if it differs from that by a tenth or more.
    pub(super) word: Option<&'static str>,
}

/// `figure` as a multiple of the first member's: `×1.85`.
fn ratio(figure: Option<f64>, first: Option<f64>) -> Option<String> {
    let (figure, first) = (figure?, first.filter(|first| *first > 0.0)?);
    let ratio = figure / first;
    Some(match ratio {
        ..0.000_5 => "×<0.001".to_owned(),
        ..0.1 => format!("×{ratio:.3}"),
        ..9.995 => format!("×{ratio:.2}"),
        ..99.95 => format!("×{ratio:.1}"),
        _ => format!("×{}", figures::short(ratio)),
    })
}

/// How far a figure must lie from another before it is called better or worse. Single runs differ
/// by less than this from one to the next; `compare` judges several.
const REMARKABLE: f64 = 1.1;

/// Why a run that was violated, crashed or hung shows no speed.
const BROKEN: &str = "no speed is shown of a run that was violated, crashed or hung";
/// Why a ratio is not called better or worse.
const NOISY: &str = "the machine was noisy, so this is not called better or worse";

/// One figure of every member, each beside that of the first whose run held. A run that did not
/// hold did something else, and has no ratio; one that is broken has no speed.
pub(super) fn row(headline: &Headline, members: &[Member<'_>]) -> Vec<Beside> {
    let figure = |member: &Member<'_>| (headline.of)(member.result);
    let base = base(members);
    let first = base.and_then(figure);
    let cells = members.iter().map(|member| {
        let Member { number, result, .. } = *member;
        if headline.about == About::Speed && result.verdict.is_broken() {
            return Beside {
                figure: None,
                why: Some(BROKEN),
                ratio: None,
                word: None,
            };
        }
        let own = figure(member);
        let other = base.filter(|base| base.number != number && result.verdict == Outcome::Held);
        let (own_held, first) = (
            own.filter(|_| other.is_some()),
            first.filter(|_| other.is_some()),
        );
        let is_noisy = |result: &RunResult| result.noisy == Some(true);
        let is_doubtful = other.is_some_and(|base| is_noisy(result) || is_noisy(base.result));
        let word = own_held.zip(first);
        let word = word.and_then(|(own, first)| headline.wanted.word(own, first));
        Beside {
            figure: own.map(headline.show),
            why: (is_doubtful && word.is_some()).then_some(NOISY),
            ratio: ratio(own_held, first),
            word: word.filter(|_| !is_doubtful),
        }
    });
    cells.collect()
}

/// The member with which others are compared: the first whose run held.
pub(super) fn base<'m, 'a>(members: &'m [Member<'a>]) -> Option<&'m Member<'a>> {
    let mut members = members.iter();
    members.find(|member| member.result.verdict == Outcome::Held)
}

impl Wanted {
    fn word(self, own: f64, first: f64) -> Option<&'static str> {
        let (more, less) = match self {
            Self::More => ("better", "worse"),
            Self::Less => ("worse", "better"),
            Self::Neither => return None,
        };
        match own / first {
            _ if first <= 0.0 => None,
            REMARKABLE.. => Some(more),
            ratio if ratio <= 1.0 / REMARKABLE => Some(less),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::headline::HEADLINES;
    use super::*;
    use crate::sample;

    /// Goal: ratios keep three digits at any size, and there is none to nothing.
    #[test]
    fn ratios_read_well() {
        let cases = [
            (Some(1.0), Some(2.0), Some("×0.50")),
            (Some(1.0), Some(50.0), Some("×0.020")),
            (Some(1.0), Some(1e6), Some("×<0.001")),
            (Some(123.4), Some(1.0), Some("×123")),
            (Some(4e6), Some(1.0), Some("×4 M")),
            (Some(1.0), Some(0.0), None),
            (None, Some(1.0), None),
        ];
        for (figure, first, text) in cases {
            assert_eq!(ratio(figure, first).as_deref(), text);
        }
    }

    fn members<'a>(results: [(&str, &'a RunResult); 3]) -> Vec<Member<'a>> {
        let numbered = results.into_iter().zip(0..);
        let member = |((label, result), number): ((&str, &'a RunResult), usize)| Member {
            label: label.to_owned(),
            result,
            number,
        };
        numbered.map(member).collect()
    }

    /// A run whose operations are `factor` times as many.
    fn run(factor: f64) -> RunResult {
        let mut result = sample::result("gil");
        for op in result.ops.values_mut() {
            op.per_second *= factor;
        }
        result
    }

    /// Goal: a run on a noisy machine, or beside one, has a ratio that is not called better or
    /// worse, and says why; elsewhere it is called so.
    #[test]
    fn noise_is_not_called_better() {
        let (base, better) = (run(1.0), run(2.0));
        let mut noisy = run(2.0);
        noisy.noisy = Some(true);
        let operations = &HEADLINES[0];
        let of = |results| row(operations, &members(results));
        let cells = of([("a", &base), ("b", &better), ("c", &noisy)]);
        let ratios = cells
            .iter()
            .map(|it| (it.ratio.as_deref(), it.word, it.why));
        let expected = [
            (None, None, None),
            (Some("×2.00"), Some("better"), None),
            (Some("×2.00"), None, Some(NOISY)),
        ];
        assert!(ratios.eq(expected), "{cells:?}");
        let cells = of([("c", &noisy), ("a", &base), ("b", &better)]);
        assert!(cells.iter().all(|it| it.word.is_none()), "{cells:?}");
        let doubted = cells.iter().map(|it| it.why);
        // The last one differs by nothing that could be called so.
        assert!(doubted.eq([None, Some(NOISY), None]), "{cells:?}");
    }

    /// Goal: a broken run has no speed beside others, and nothing is compared with it; how much
    /// memory it took is shown.
    #[test]
    fn broken_runs_have_no_speed() {
        let broken = sample::violated("racy");
        let (one, other) = (run(1.0), run(2.0));
        let members = members([("racy", &broken), ("a", &one), ("b", &other)]);
        for headline in &HEADLINES {
            let cells = row(headline, &members);
            let is_speed = headline.about == About::Speed;
            let has_figure = (headline.of)(&broken).is_some() && !is_speed;
            assert_eq!(cells[0].figure.is_some(), has_figure, "{}", headline.name);
            assert_eq!(cells[0].why.is_some(), is_speed);
            assert_eq!((&cells[0].ratio, &cells[1].ratio), (&None, &None));
        }
        assert_eq!(row(&HEADLINES[0], &members)[2].word, Some("better"));
    }
}
