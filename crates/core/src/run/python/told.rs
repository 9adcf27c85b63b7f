//! What the program reports: one JSON object a line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::calls::Noted;
use super::reading::Reading;
use crate::evidence::history::Element;
use crate::evidence::timeline::Timeline;
use crate::evidence::{Anomalies, Ended, Evidence, Latency, Moment, ProducerFacts};
use crate::heap::Caps;
use crate::plan::Plan;
use crate::run::Options;

/// How far samples of the timeline lie apart at first.
const SAMPLE_NS: u64 = 100_000_000;

/// What CPython can do. The rules of finalizers are its own (PEP 442), but what dies by its count is
/// finalized before weak references to it are cleared. After two collections no garbage is left.
pub(crate) const CAPS: Caps = Caps {
    weak_survives: true,
    ..Caps::ALL
};

/// One line of a report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Interpreter(IgnoredAny),
    Started(u64),
    Progress(ToldProgress),
    Survey(Box<ToldSurvey>),
    Panicked(ToldPanic),
    OutOfMemory(ToldPanic),
    Done(Box<ToldDone>),
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldProgress {
    pub(super) elapsed_ns: u64,
    pub(super) ops: u64,
    pub(super) rss_bytes: u64,
    pub(super) collections: u64,
}

#[derive(Debug, Deserialize)]
struct ToldPanic {
    mutator: String,
    #[serde(default)]
    message: String,
}

/// What a mutator hands over: its next number, how often it ran each region, what it counted, and what
/// it knows of the lengths of lists.
pub(super) type HandedOver = (u64, Vec<u64>, Vec<i64>, BTreeMap<String, Value>);

/// Times, and how often each was measured.
#[derive(Debug, Deserialize)]
pub(super) struct ToldTimes(Vec<u64>, Vec<u64>);

impl From<ToldTimes> for Latency {
    fn from(ToldTimes(times, counts): ToldTimes) -> Self {
        let mut latency = Self::default();
        for (time, count) in times.into_iter().zip(counts) {
            latency.record_many(time, count);
        }
        latency
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldSurvey {
    pub(super) moment: Moment,
    pub(super) elapsed_ns: u64,
    pub(super) unsettled: Option<u64>,
    pub(super) living: u64,
    pub(super) reachable: u64,
    pub(super) references: u64,
    pub(super) unreachable: Anomalies,
    pub(super) premature: Anomalies,
    pub(super) miscounted: Anomalies,
    pub(super) undercounted: Anomalies,
    pub(super) counts_compared: u64,
    pub(super) finalized: u64,
    pub(super) stray_finalizations: Anomalies,
    /// Objects with a finalizer that live, and those of them whose finalizer has run.
    pub(super) finalizable: u64,
    pub(super) finalizable_ran: u64,
    pub(super) weak_tried: u64,
    pub(super) miscleared: Anomalies,
    pub(super) mutators: Vec<HandedOver>,
    pub(super) lists: Vec<ToldList>,
    pub(super) counters: Vec<ToldCounter>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldList {
    pub(super) object: usize,
    pub(super) len: u64,
    pub(super) elements: u64,
    pub(super) producers: Vec<ProducerFacts>,
    pub(super) contents: Option<Vec<Option<Element>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldCounter {
    pub(super) object: usize,
    pub(super) value: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldDone {
    interrupted: bool,
    pub(super) elapsed_ns: u64,
    pub(super) surveys_made: u64,
    pub(super) collections: u64,
    pub(super) full_collections: u64,
    pub(super) cycles_freed: u64,
    pub(super) rss_bytes_peak: u64,
    pub(super) service: BTreeMap<String, ToldTimes>,
    pub(super) response: BTreeMap<String, ToldTimes>,
    /// How late a thread was that wanted to run once in a millisecond.
    pub(super) late: Option<ToldTimes>,
    /// How long collections took, if `gc.callbacks` were used.
    pub(super) pauses: Option<ToldTimes>,
    pub(super) clock_overhead_ns: f64,
    pub(super) history: Option<Vec<Noted>>,
    pub(super) mutators: Vec<ToldMutator>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToldMutator {
    pub(super) elapsed_ns: u64,
    pub(super) rounds: u64,
    pub(super) state: HandedOver,
    pub(super) forced: u64,
    /// Upgrades that went the wrong way, by what the mutator itself held.
    pub(super) weak_wrong: Anomalies,
    pub(super) others_ops: u64,
    pub(super) gap_ops: u64,
    pub(super) gap_ns: u64,
    pub(super) gap_ran_ns: u64,
    pub(super) gap_starved_ns: u64,
}

/// The evidence of a run, from its report. If the report has no end, the run says that it died: who
/// watched the process knows how.
///
/// # Errors
///
/// A line that is none of a report's, in words.
pub(crate) fn evidence(
    name: &str,
    plan: &Plan,
    options: &Options,
    report: &str,
) -> Result<Evidence, String> {
    let reading = Reading::new(plan, options)?;
    let died = Ended::Died {
        how: "its report has no end".to_owned(),
    };
    let fault = options.fault.map(|fault| fault.name().to_owned());
    let mut evidence = Evidence::of_lost(name, CAPS, fault, died);
    evidence.timeline = Timeline::new(SAMPLE_NS);
    let mut broke = None;
    for (number, line) in report.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let shown: String = line.chars().take(80).collect();
            let at = number + 1;
            format!("line {at} of the report cannot be read: {error}: {shown}")
        })?;
        match line {
            Line::Interpreter(_) => {}
            Line::Started(unix_ms) => evidence.started_unix_ms = unix_ms,
            Line::Progress(told) => reading.progress(&told, &mut evidence),
            Line::Survey(told) => {
                evidence.surveys.push(reading.survey(*told)?);
                evidence.surveys_made += 1;
            }
            Line::Panicked(ToldPanic { mutator, message }) => {
                broke.get_or_insert(Ended::Panicked { mutator, message });
            }
            Line::OutOfMemory(ToldPanic { mutator, .. }) => {
                broke.get_or_insert(Ended::OutOfMemory { mutator });
            }
            Line::Done(told) => {
                evidence.heard = None;
                evidence.ended = match told.interrupted {
                    true => Ended::Interrupted,
                    false => Ended::Done,
                };
                reading.done(*told, &mut evidence)?;
            }
        }
    }
    if let Some(broke) = broke {
        evidence.ended = broke;
    }
    Ok(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::python::draws::tests::shipped;

    /// Goal: of a report without an end, what was surveyed before counts; a line that is none of a
    /// report's is shown.
    #[test]
    fn a_lost_report_counts_as_far_as_it_goes() {
        let plan = shipped().remove(1);
        let nothing = r#"{"count":0,"first":[]}"#;
        let survey = format!(
            r#"{{"survey":{{"moment":"pause","elapsed_ns":5,"unsettled":3,"living":1,"reachable":1,
            "references":3,"unreachable":{nothing},"premature":{nothing},"miscounted":{nothing},
            "undercounted":{nothing},"counts_compared":1,"finalized":0,
            "stray_finalizations":{nothing},"finalizable":0,"finalizable_ran":0,"weak_tried":0,
            "miscleared":{nothing},"mutators":[[0,[700],[],{{}}],[1,[300],[],{{}}]],"lists":[],
            "counters":[{{"object":0,"value":999}}]}}}}"#
        )
        .replace('\n', "");
        let report = format!("{{\"started\":17}}\n{survey}\n");
        let told = |report: &str| evidence("python", &plan, &Options::default(), report);
        let lost = told(&report).expect("it can be read");
        assert!(matches!(lost.ended, Ended::Died { .. }), "{:?}", lost.ended);
        let survey = &lost.surveys[0];
        assert_eq!((survey.born, survey.dead, survey.ops), (1, 0, 1000));
        let counter = &survey.counters[0];
        assert_eq!(
            (counter.value, counter.additions, counter.sum),
            (999, 1000, 1000)
        );
        let refused = told("{\"started\":17}\nhello\n").expect_err("it is none");
        assert!(
            refused.contains("line 2") && refused.contains("hello"),
            "{refused}"
        );
    }
}
