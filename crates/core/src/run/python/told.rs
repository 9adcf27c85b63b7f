//! What the program reports, line by line, as evidence.

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::evidence::timeline::{Sample, Timeline};
use crate::evidence::{
    Anomalies, CounterFacts, Ended, Evidence, LastReport, ListFacts, ListTally, Moment,
    MutatorEvidence, ProducerFacts, Survey, Tally,
};
use crate::heap::{Caps, Census, Stats};
use crate::plan::Plan;
use crate::run::Options;

use super::block::Parts;
use super::counts::Counts;
use super::draws::Draws;
use super::lower::{Group, draws_of, group_of, groups, region_ops, stride};

/// How far samples of the timeline lie apart at first.
const SAMPLE_NS: u64 = 100_000_000;

/// What CPython can do: the rules of finalizers are its own (PEP 442).
pub(crate) const CAPS: Caps = Caps {
    one_per_process: true,
    ..Caps::ALL
};

/// One line of a report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Interpreter(serde_json::Value),
    Started(u64),
    Progress(ToldProgress),
    Survey(Box<ToldSurvey>),
    Panicked(ToldPanic),
    OutOfMemory(ToldPanic),
    Done(ToldDone),
}

#[derive(Debug, Deserialize)]
struct ToldProgress {
    elapsed_ns: u64,
    ops: u64,
    rss_bytes: u64,
    collections: u64,
}

#[derive(Debug, Deserialize)]
struct ToldPanic {
    mutator: String,
    #[serde(default)]
    message: String,
}

/// What a mutator hands over: its next number, how often it ran each region, what it counted.
type HandedOver = (u64, Vec<u64>, Vec<i64>);

#[derive(Debug, Deserialize)]
struct ToldSurvey {
    moment: Moment,
    elapsed_ns: u64,
    unsettled: Option<u64>,
    living: u64,
    reachable: u64,
    references: u64,
    unreachable: Anomalies,
    premature: Anomalies,
    miscounted: Anomalies,
    undercounted: Anomalies,
    counts_compared: u64,
    finalized: u64,
    stray_finalizations: Anomalies,
    mutators: Vec<HandedOver>,
    lists: Vec<ToldList>,
    counters: Vec<ToldCounter>,
}

#[derive(Debug, Deserialize)]
struct ToldList {
    object: usize,
    len: u64,
    elements: u64,
    producers: Vec<ProducerFacts>,
}

#[derive(Debug, Deserialize)]
struct ToldCounter {
    object: usize,
    value: i64,
}

#[derive(Debug, Deserialize)]
struct ToldDone {
    interrupted: bool,
    elapsed_ns: u64,
    surveys_made: u64,
    collections: u64,
    full_collections: u64,
    cycles_freed: u64,
    rss_bytes_peak: u64,
    mutators: Vec<ToldMutator>,
}

#[derive(Debug, Deserialize)]
struct ToldMutator {
    elapsed_ns: u64,
    rounds: u64,
    n: u64,
    regions: Vec<u64>,
    tallies: Vec<i64>,
    others_ops: u64,
    gap_ops: u64,
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
    let (mut broke, mut done) = (None, false);
    for (number, line) in report.lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let shown: String = line.chars().take(80).collect();
            format!(
                "line {} of the report cannot be read: {error}: {shown}",
                number + 1
            )
        })?;
        match line {
            Line::Interpreter(_) => {}
            Line::Started(unix_ms) => evidence.started_unix_ms = unix_ms,
            Line::Progress(told) => reading.progress(told, &mut evidence),
            Line::Survey(told) => {
                evidence.surveys.push(reading.survey(*told));
                evidence.surveys_made += 1;
            }
            Line::Panicked(ToldPanic { mutator, message }) => {
                broke.get_or_insert(Ended::Panicked { mutator, message });
            }
            Line::OutOfMemory(ToldPanic { mutator, .. }) => {
                broke.get_or_insert(Ended::OutOfMemory { mutator });
            }
            Line::Done(told) => {
                let interrupted = told.interrupted;
                reading.done(told, &mut evidence);
                evidence.ended = if interrupted {
                    Ended::Interrupted
                } else {
                    Ended::Done
                };
                done = true;
            }
        }
    }
    let whole = done && broke.is_none();
    if let Some(broke) = broke {
        evidence.ended = broke;
    }
    if whole {
        evidence.heard = None;
    }
    Ok(evidence)
}

/// What is needed to read a report.
struct Reading<'a> {
    plan: &'a Plan,
    groups: BTreeMap<usize, Group<'a>>,
    region_ops: u64,
    draws: Vec<Draws>,
}

impl<'a> Reading<'a> {
    fn new(plan: &'a Plan, options: &Options) -> Result<Self, String> {
        let region_ops = region_ops(plan, options);
        let draws = (0..).zip(&plan.mutators);
        Ok(Self {
            plan,
            groups: groups(plan, region_ops).map_err(|defect| defect.to_string())?,
            region_ops,
            draws: draws
                .map(|(number, mutator)| draws_of(plan, mutator, number, options))
                .collect(),
        })
    }

    fn progress(&self, told: ToldProgress, evidence: &mut Evidence) {
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

    fn counts(&self, number: usize, regions: &[u64]) -> Counts {
        let mutator = &self.plan.mutators[number];
        let parts = Parts::of(&mutator.setup, &mutator.body, self.region_ops);
        Counts::of(mutator, &parts, &self.draws[number], regions)
    }

    /// How many objects a mutator has made whose next one has this number.
    fn born(&self, number: usize, next: u64) -> u64 {
        (next - (number as u64).min(next)) / stride(self.plan)
    }

    fn tally(&self, number: usize, regions: &[u64], values: &[i64]) -> Tally {
        let counts = self.counts(number, regions);
        let mut tally = Tally {
            ops: counts.ops,
            setup_ops: counts.setup_ops,
            counters: counts.counters,
            ..Tally::default()
        };
        let group = &self.groups[&group_of(self.plan, number)];
        for ((_, what), &value) in group.tallies.iter().zip(values) {
            fill(&mut tally, what, value.max(0).cast_unsigned());
        }
        tally
    }

    fn survey(&self, told: ToldSurvey) -> Survey {
        let mutators = (told.mutators.iter().enumerate())
            .map(|(number, (_, regions, values))| self.tally(number, regions, values));
        let tallies: Vec<Tally> = mutators.collect();
        let ops = tallies.iter().flat_map(|tally| tally.ops.values()).sum();
        let born: Vec<u64> = (told.mutators.iter().enumerate())
            .map(|(number, (next, ..))| self.born(number, *next))
            .collect();
        let all_born = born.iter().sum::<u64>() + self.plan.objects.len() as u64;
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
        Survey {
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
            census: Some(Census {
                living: told.living,
                ..Census::default()
            }),
            lists: lists
                .map(|list| list_facts(list, &tallies, &born))
                .collect(),
            counters,
            ..Survey::new(told.moment, ops)
        }
    }

    fn done(&self, told: ToldDone, evidence: &mut Evidence) {
        evidence.elapsed_ns = told.elapsed_ns;
        evidence.surveys_made = told.surveys_made;
        evidence.rss_bytes_peak = evidence.rss_bytes_peak.max(told.rss_bytes_peak);
        evidence.stats = Stats {
            collections: Some(told.collections),
            full_collections: Some(told.full_collections),
            cycles_freed: Some(told.cycles_freed),
            ..Stats::default()
        };
        let before_surveys = evidence
            .surveys
            .iter()
            .filter_map(|survey| survey.unsettled);
        evidence.live_peak = before_surveys.max().unwrap_or(0);
        let mutators = told.mutators.into_iter().enumerate();
        evidence.mutators = mutators
            .map(|(number, told)| MutatorEvidence {
                name: self.plan.mutators[number].name.clone(),
                elapsed_ns: told.elapsed_ns,
                load: None,
                rounds: told.rounds,
                others_ops: told.others_ops,
                gap_ops_max: told.gap_ops,
                gap_ns: 0,
                gap_starved_ns: 0,
                gap_ran_ns: None,
                forced_collections: 0,
                refused: 0,
                tally: self.tally(number, &told.regions, &told.tallies),
            })
            .collect();
    }
}

/// What one of the program's variables counted.
fn fill(tally: &mut Tally, what: &str, value: u64) {
    match what.split('.').collect::<Vec<_>>()[..] {
        ["peeks", "found"] => tally.peeks.found = value,
        ["weak", "upgraded"] => tally.weak.upgraded = value,
        ["weak", "lost"] => tally.weak.lost = value,
        ["lists", object, field] => {
            let list = tally.lists.entry(object.parse().unwrap_or(0)).or_default();
            match field {
                "appended" => list.appended = value,
                "refused" => list.refused = value,
                "popped" => list.popped = value,
                "replaced" => list.replaced = value,
                "truncation_asked" => list.truncation_asked = value,
                "len_reads" => list.len_reads = value,
                "len_max" => list.len_max = value,
                "noted" => list.noted = value,
                _ => {}
            }
        }
        _ => {}
    }
}

fn list_facts(told: ToldList, tallies: &[Tally], born: &[u64]) -> ListFacts {
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
        model_len: None,
        producers: producers.collect(),
        contents: None,
    }
}
