//! A report is read beside the plan: what a mutator did follows from its program, from what was drawn,
//! and from how often it ran each region.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::ClockFacts;
use crate::evidence::timeline::{Sample, Timeline};
use crate::evidence::{
    Anomalies, CounterFacts, Ended, Evidence, LastReport, ListFacts, ListTally, Load,
    MutatorEvidence, ProducerFacts, Survey, Tally,
};
use crate::heap::{Census, Stats};
use crate::plan::{Plan, Timetable};
use crate::run::Options;

use super::block::Parts;
use super::calls;
use super::counts::Counts;
use super::draws::Draws;
use super::groups::{Group, group_of, stride};
use super::lower::{groups, region_ops};
use super::tables::draws_of;
use super::told::{
    CAPS, HandedOver, Line, ToldDone, ToldList, ToldMutator, ToldPanic, ToldProgress, ToldSurvey,
};

/// What its pauses are called: how late a thread was that only slept, and collections.
const LATE: &str = "wake_up";
const COLLECT: &str = "collect";

/// How many scheduled starts are counted at most.
const STARTS_MAX: usize = 1 << 24;

/// How far samples of the timeline lie apart at first.
const SAMPLE_NS: u64 = 100_000_000;

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

/// What is needed to read a report.
pub(super) struct Reading<'a> {
    plan: &'a Plan,
    options: &'a Options,
    groups: BTreeMap<usize, Group>,
    draws: Vec<Draws>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(plan: &'a Plan, options: &'a Options) -> Result<Self, String> {
        let draws = (0..).zip(&plan.mutators);
        let draws = draws.map(|(number, mutator)| draws_of(plan, mutator, number, options));
        Ok(Self {
            plan,
            options,
            groups: groups(plan, options).map_err(|defect| defect.to_string())?,
            draws: draws.collect(),
        })
    }

    pub(super) fn progress(&self, told: &ToldProgress, evidence: &mut Evidence) {
        evidence.heard = Some(LastReport {
            elapsed_ns: told.elapsed_ns,
            ops: told.ops,
            settling_ns: None,
        });
        evidence.rss_bytes_peak = evidence.rss_bytes_peak.max(told.rss_bytes);
        evidence.timeline.push(Sample {
            at_ns: told.elapsed_ns,
            ops: told.ops,
            rss_bytes: told.rss_bytes,
            collections: told.collections,
            ..Sample::default()
        });
    }

    /// How many objects a mutator has made whose next one has this number.
    fn born(&self, number: usize, next: u64) -> u64 {
        next.saturating_sub(number as u64) / stride(self.plan)
    }

    /// What a mutator did. What its variables counted stands in the tally under their paths.
    fn tally(&self, number: usize, told: &HandedOver) -> Result<Tally, String> {
        let (_, regions, values, books) = told;
        let mutator = &self.plan.mutators[number];
        let length = region_ops(self.plan, self.options);
        let parts = Parts::of(&mutator.setup, &mutator.body, length);
        let counts = Counts::of(mutator, &parts, &self.draws[number], regions);
        let mut tally = as_json(&Tally {
            ops: counts.ops,
            setup_ops: counts.setup_ops,
            counters: counts.counters,
            ..Tally::default()
        })?;
        let group = &self.groups[&group_of(self.plan, number)];
        for ((_, what), value) in group.tallies.iter().zip(values) {
            let value = Value::from(*value);
            match what.split('.').collect::<Vec<_>>()[..] {
                ["lists", object, field] => list(&mut tally, object)?[field] = value,
                [part, field] => tally[part][field] = value,
                // Not a part of a tally, but needed beside it.
                [FINALIZABLE] => {}
                _ => tally[what.as_str()] = value,
            }
        }
        for (object, book) in books {
            for (name, field) in book.as_object().into_iter().flatten() {
                list(&mut tally, object)?[name.as_str()] = field.clone();
            }
        }
        serde_json::from_value(tally).map_err(|error| format!("a tally cannot be read: {error}"))
    }

    /// How many objects with a finalizer a mutator made.
    fn finalizable(&self, number: usize, values: &[i64]) -> u64 {
        let group = &self.groups[&group_of(self.plan, number)];
        let mut counted = group.tallies.iter().zip(values);
        let found = counted.find(|((_, what), _)| what == FINALIZABLE);
        found.map_or(0, |(_, value)| value.cast_unsigned())
    }

    pub(super) fn survey(&self, told: ToldSurvey) -> Result<Survey, String> {
        let mutators = || told.mutators.iter().enumerate();
        let tallies = mutators().map(|(number, state)| self.tally(number, state));
        let tallies = tallies.collect::<Result<Vec<Tally>, String>>()?;
        let ops = tallies.iter().flat_map(|tally| tally.ops.values()).sum();
        let born: Vec<u64> = mutators()
            .map(|(number, it)| self.born(number, it.0))
            .collect();
        let all_born = born.iter().sum::<u64>() + self.plan.objects.len() as u64;
        let made = mutators()
            .map(|(number, it)| self.finalizable(number, &it.2))
            .sum();
        let unfinalized_deaths = unfinalized(&told, made);
        let counters = told.counters.into_iter().map(|counter| {
            let of = tallies
                .iter()
                .filter_map(|it| it.counters.get(&counter.object));
            CounterFacts {
                object: counter.object,
                value: counter.value,
                additions: of.clone().map(|tally| tally.additions).sum(),
                sum: of.fold(0, |sum, tally| sum.wrapping_add(tally.sum)),
            }
        });
        let counters = counters.collect();
        let lists = told.lists.into_iter();
        let lists = lists
            .map(|list| self.list_facts(list, &tallies, &born))
            .collect();
        Ok(Survey {
            elapsed_ns: told.elapsed_ns,
            born: all_born,
            dead: all_born.saturating_sub(told.living),
            unsettled: told.unsettled,
            reachable: told.reachable,
            references: told.references,
            unreachable: told.unreachable,
            premature: told.premature,
            miscounted: told.miscounted,
            undercounted: told.undercounted,
            counts_compared: told.counts_compared,
            finalized: told.finalized,
            stray_finalizations: told.stray_finalizations,
            unfinalized_deaths,
            weak_tried: told.weak_tried,
            miscleared: told.miscleared,
            census: Some(Census {
                living: told.living,
                ..Census::default()
            }),
            lists,
            counters,
            ..Survey::new(told.moment, ops)
        })
    }

    fn list_facts(&self, told: ToldList, tallies: &[Tally], born: &[u64]) -> ListFacts {
        let of = || {
            tallies
                .iter()
                .filter_map(|tally| tally.lists.get(&told.object))
        };
        let sum = |pick: fn(&ListTally) -> u64| of().map(pick).sum();
        let producers = told.producers.into_iter().map(|producer| ProducerFacts {
            born: born.get(producer.producer as usize).copied().unwrap_or(0),
            ..producer
        });
        let model_len = match self.plan.objects[told.object].usage.writers[..] {
            [writer] => {
                let tally = tallies[writer as usize].lists.get(&told.object);
                Some(tally.map_or(0, ListTally::model_len))
            }
            _ => None,
        };
        ListFacts {
            object: told.object,
            len: told.len,
            elements: told.elements,
            missing: 0,
            appended: sum(|tally| tally.appended),
            refused: sum(|tally| tally.refused),
            popped: sum(|tally| tally.popped),
            popped_again: Anomalies::default(),
            truncation_asked: sum(|tally| tally.truncation_asked),
            left_behind: Anomalies::default(),
            model_len,
            producers: producers.collect(),
            contents: told.contents,
        }
    }

    pub(super) fn done(&self, told: ToldDone, evidence: &mut Evidence) -> Result<(), String> {
        evidence.elapsed_ns = told.elapsed_ns;
        evidence.surveys_made = told.surveys_made;
        evidence.rss_bytes_peak = evidence.rss_bytes_peak.max(told.rss_bytes_peak);
        evidence.stats = Stats {
            collections: Some(told.collections),
            full_collections: Some(told.full_collections),
            cycles_freed: Some(told.cycles_freed),
            ..Stats::default()
        };
        let before_surveys = evidence.surveys.iter();
        let before_surveys = before_surveys.filter_map(|survey| survey.unsettled);
        evidence.live_peak = before_surveys.max().unwrap_or(0);
        let kinds = told.service.into_iter();
        evidence.service = kinds.map(|(kind, times)| (kind, times.into())).collect();
        let kinds = told.response.into_iter();
        evidence.response = kinds.map(|(kind, times)| (kind, times.into())).collect();
        let pauses = [(LATE, told.late), (COLLECT, told.pauses)].into_iter();
        evidence.pauses = pauses
            .filter_map(|(cause, times)| Some((cause.to_owned(), times?.into())))
            .collect();
        evidence.clock = ClockFacts {
            source: "perf_counter_ns".to_owned(),
            cost_ns: told.clock_overhead_ns,
            precision_ns: 1,
        };
        let noted = self.options.history.zip(told.history);
        let untold = self.groups.values().any(|group| group.untold);
        evidence.history =
            noted.map(|(limit, noted)| calls::recorded(self.plan, limit, noted, untold));
        let mutators = told.mutators.into_iter().enumerate();
        let mutators = mutators.map(|(number, told)| self.mutator(number, told));
        evidence.mutators = mutators.collect::<Result<_, String>>()?;
        if evidence.rate().is_some_and(|rate| rate.saturated) {
            evidence.response.clear();
        }
        Ok(())
    }

    fn mutator(&self, number: usize, told: ToldMutator) -> Result<MutatorEvidence, String> {
        let plan = &self.plan.mutators[number];
        let mut tally = self.tally(number, &told.state)?;
        // Whatever was upgraded was compared with what had been downgraded.
        tally.weak.judged = tally.weak.upgraded + told.weak_wrong.count;
        tally.weak.wrong = told.weak_wrong;
        let load = plan.pace.map(|pace| {
            let seat = u32::try_from(number).unwrap_or(u32::MAX);
            let mut table = Timetable::new(pace, self.plan.seed, seat);
            let starts = std::iter::from_fn(|| Some(table.draw())).take(STARTS_MAX);
            let due = starts.take_while(|&at| at < told.elapsed_ns).count() as u64;
            let done = tally.ops.values().sum::<u64>() - tally.setup_ops.values().sum::<u64>();
            Load {
                due: due.max(done),
                done,
            }
        });
        Ok(MutatorEvidence {
            name: plan.name.clone(),
            elapsed_ns: told.elapsed_ns,
            load,
            rounds: told.rounds,
            others_ops: told.others_ops,
            interleavings: Some(told.interleavings),
            gap_ops_max: told.gap_ops,
            gap_ns: told.gap_ns,
            gap_starved_ns: told.gap_starved_ns,
            gap_ran_ns: Some(told.gap_ran_ns),
            forced_collections: told.forced,
            refused: 0,
            tally,
        })
    }
}

/// What a variable is called that counts objects with finalizers.
const FINALIZABLE: &str = "finalizable";

/// What a tally says of a list.
fn list<'t>(tally: &'t mut Value, object: &str) -> Result<&'t mut Value, String> {
    let list = &mut tally["lists"][object];
    if list.is_null() {
        *list = as_json(&ListTally::default())?;
    }
    Ok(list)
}

/// Objects that died although their finalizer had not run: those that were made and do not live, less
/// the finalizers that ran on objects that do not live.
fn unfinalized(told: &ToldSurvey, made: u64) -> Anomalies {
    let died = made.saturating_sub(told.finalizable);
    let ran = told.finalized.saturating_sub(told.finalizable_ran);
    let missed = died.saturating_sub(ran);
    let text = format!("{missed} objects died although their finalizers had not run");
    Anomalies {
        count: missed,
        first: Vec::from_iter((missed > 0).then_some(text)),
    }
}

fn as_json(value: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::python::tests::shipped;

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
