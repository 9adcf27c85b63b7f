//! Makes parts: from the records of a journal, and from the result of a run.

use std::collections::BTreeMap;

use super::failure::{Extremes, FailureKind, Occurrence};
use super::{How, LaneKey, LaneSum, Lost, Merged, Part, PartKey};
use crate::digest::Digest;
use crate::evidence::{Packed, Room, Sum};
use crate::report::compare::asked;
use crate::result::{Outcome, RunResult, Seed, subject};
use crate::soak::{Aging, Came, Found, Header, Record, Standing};

/// Service times of one operation. A single histogram stays packed, since there is nothing to add
/// it to.
#[derive(Debug)]
enum Times {
    Once(Packed),
    Several(Sum),
}

/// The sums of a lane while its records are read.
#[derive(Debug, Default)]
struct Adding {
    rounds: u64,
    held: u64,
    vacuous: u64,
    interrupted: u64,
    failed: BTreeMap<How, u64>,
    ops: u64,
    elapsed_ns: u64,
    p99_9_ns_max: Option<u64>,
    rss_bytes_peak: u64,
    service: BTreeMap<String, Times>,
}

impl Adding {
    /// Adds a round, and returns how it failed, if it did.
    fn add(
        &mut self,
        came: &Came,
        found: &mut Found,
        room: &mut Room,
    ) -> Result<Option<How>, String> {
        self.rounds += 1;
        let lost = match came {
            Came::OutOfMemory { .. } => Some(Lost::OutOfMemory),
            came => match came.outcome() {
                Outcome::Held => {
                    self.held += 1;
                    None
                }
                Outcome::Vacuous => {
                    self.vacuous += 1;
                    None
                }
                Outcome::Interrupted => {
                    self.interrupted += 1;
                    None
                }
                Outcome::Violated => Some(Lost::Violated),
                Outcome::Crashed => Some(Lost::Crashed),
                Outcome::Hung => Some(Lost::Hung),
            },
        };
        self.ops = self.ops.saturating_add(found.ops);
        self.elapsed_ns = self.elapsed_ns.saturating_add(found.elapsed_ns);
        self.p99_9_ns_max = self.p99_9_ns_max.max(found.p99_9_ns);
        self.rss_bytes_peak = self.rss_bytes_peak.max(found.rss_bytes_peak);
        for (kind, packed) in std::mem::take(&mut found.service) {
            self.time(kind, packed, room)?;
        }
        let violated = std::mem::take(&mut found.violated);
        let how = lost.map(|lost| How { lost, violated });
        if let Some(how) = &how {
            *self.failed.entry(how.clone()).or_default() += 1;
        }
        Ok(how)
    }

    fn time(&mut self, kind: String, packed: Packed, room: &mut Room) -> Result<(), String> {
        let wrong = |kind: &str, what| format!("the times of {kind}: {what}");
        match self.service.get_mut(&kind) {
            None => {
                self.service.insert(kind, Times::Once(packed));
            }
            Some(Times::Several(sum)) => {
                sum.add(&packed, room).map_err(|what| wrong(&kind, what))?;
            }
            Some(times) => {
                let mut sum = Sum::default();
                if let Times::Once(first) = &*times {
                    sum.add(first, room).map_err(|what| wrong(&kind, what))?;
                }
                sum.add(&packed, room).map_err(|what| wrong(&kind, what))?;
                *times = Times::Several(sum);
            }
        }
        Ok(())
    }

    fn finish(self, lane: LaneKey) -> Result<LaneSum, String> {
        let mut service = BTreeMap::new();
        for (kind, times) in self.service {
            let packed = match times {
                Times::Once(packed) => packed,
                Times::Several(sum) => (sum.pack())
                    .ok_or_else(|| format!("the times of {kind} are too many to be written"))?,
            };
            service.insert(kind, packed);
        }
        Ok(LaneSum {
            lane,
            rounds: self.rounds,
            held: self.held,
            vacuous: self.vacuous,
            interrupted: self.interrupted,
            failed: self.failed.into_iter().collect(),
            ops: self.ops,
            elapsed_ns: self.elapsed_ns,
            p99_9_ns_max: self.p99_9_ns_max,
            rss_bytes_peak: self.rss_bytes_peak,
            service,
        })
    }
}

/// A part in the making, from the records of a journal. Lanes have only numbers until the end.
#[derive(Debug)]
pub struct Gathering {
    lanes: Vec<Adding>,
    failures: BTreeMap<(usize, How), Extremes>,
    standing: Standing,
    began: String,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            lanes: Vec::new(),
            failures: BTreeMap::new(),
            standing: Standing::of(0),
            began: String::new(),
        }
    }
}

impl Gathering {
    /// Adds the next record of the journal at `from`. `case` reads the text of a failure's case and
    /// its number of turns; it is called only if that failure may be kept.
    ///
    /// # Errors
    ///
    /// A histogram in it cannot be read, or `case` failed.
    pub fn add(
        &mut self,
        mut record: Record,
        from: &str,
        case: impl FnOnce(u64) -> Result<Option<(String, Option<u64>)>, String>,
        room: &mut Room,
    ) -> Result<(), String> {
        if self.lanes.is_empty() {
            self.began = began(&record);
        }
        if record.lane >= self.lanes.len() {
            self.lanes.resize_with(record.lane + 1, Adding::default);
        }
        self.standing.add(&record);
        let elapsed_ns = match record.came {
            Came::Judged { .. } => record.found.elapsed_ns,
            _ => record.took_ms.saturating_mul(1_000_000),
        };
        let failed = self.lanes[record.lane].add(&record.came, &mut record.found, room)?;
        let Some(how) = failed else {
            return Ok(());
        };
        let key = (record.lane, how);
        let known = self.failures.get_mut(&key);
        let mut occurrence = Occurrence {
            turns: record.found.turns,
            elapsed_ns,
            seed: Seed(record.seed),
            round: record.round,
            // `finish` sets the key.
            by: key_of_nobody(),
            from: from.to_owned(),
            note: match record.came {
                Came::Crashed { how } => how,
                _ => std::mem::take(&mut record.found.note),
            },
            reproduce: record.reproduce,
            case: None,
        };
        if known
            .as_ref()
            .is_none_or(|known| known.may_keep(&occurrence))
            && let Some((text, turns)) = case(record.round)?
        {
            (occurrence.case, occurrence.turns) = (Some(text), turns);
        }
        match known {
            Some(known) => known.add(occurrence),
            None => {
                self.failures.insert(key, Extremes::of(occurrence));
            }
        }
        Ok(())
    }

    /// The part that the journal makes; `header` is the journal's first line.
    ///
    /// # Errors
    ///
    /// There are more samples than can be written.
    pub fn finish(mut self, header: &Header) -> Result<Merged, String> {
        let mut merged = Merged::default();
        let key = PartKey::Soak {
            seed: Seed(header.seed),
            index: header.shard.index,
            of: header.shard.of,
            began: self.began,
        };
        for ((lane, how), mut extremes) in self.failures {
            let Some(lane) = header.lanes.get(lane) else {
                continue;
            };
            let kind = FailureKind {
                workload: lane.workload.clone(),
                heap: lane.heap.clone(),
                fault: lane.fault.clone(),
                how,
            };
            for occurrence in [&mut extremes.smallest, &mut extremes.fastest] {
                occurrence.by = key.clone();
            }
            merged.add_occurrence(kind.clone(), extremes.smallest);
            merged.add_occurrence(kind, extremes.fastest);
        }
        self.lanes.resize_with(header.lanes.len(), Adding::default);
        (self.standing.lanes).resize_with(header.lanes.len(), Default::default);
        let leaks = self.standing.aging(&header.lanes).into_iter();
        let leaks = leaks.filter(|(_, aging)| Aging::leaks(aging));
        let mut options = vec!["--duration".to_owned(), format!("{}ms", header.round_ms)];
        options.extend_from_slice(&header.options);
        let pairs = header
            .options
            .iter()
            .filter_map(|option| option.split_once('='));
        let parameters: BTreeMap<String, String> = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let mut lanes = Vec::new();
        for (lane, adding) in header.lanes.iter().zip(self.lanes) {
            let lane = LaneKey {
                workload: lane.workload.clone(),
                hash: lane.hash.clone(),
                parameters: parameters.clone(),
                heap: lane.heap.clone(),
                fault: lane.fault.clone(),
            };
            lanes.push(adding.finish(lane)?);
        }
        merged.add_part(Part {
            leaks: leaks
                .map(|((heap, fault), _)| subject(heap, fault))
                .collect(),
            key,
            version: header.version.clone(),
            commit: header.commit.clone(),
            options,
            agenda: agenda(header),
            lanes,
        });
        Ok(merged)
    }
}

/// A placeholder for the key of an occurrence until that of the journal is known.
fn key_of_nobody() -> PartKey {
    PartKey::Soak {
        seed: Seed(0),
        index: 0,
        of: 0,
        began: String::new(),
    }
}

/// A digest of the first round, including when it ended. It tells a soak from others of its seed.
fn began(first: &Record) -> String {
    let Record {
        round,
        ended_unix_ms,
        took_ms,
        found,
        ..
    } = first;
    let (ops, elapsed_ns) = (found.ops, found.elapsed_ns);
    Digest::of(&format!(
        "{round} {ended_unix_ms} {took_ms} {ops} {elapsed_ns}"
    ))
    .to_string()
}

/// A digest of which rounds come when, without the seed.
fn agenda(header: &Header) -> String {
    let lanes = serde_json::to_string(&header.lanes).unwrap_or_default();
    Digest::of(&format!("{} {lanes}", header.stint)).to_string()
}

/// The part that a run makes. `from` is the file that the result was read from; `case` is the text
/// of its case and the number of turns, if it has one.
///
/// # Errors
///
/// There are more samples than can be written.
pub fn of_run(
    result: &RunResult,
    from: &str,
    case: Option<(String, Option<u64>)>,
    room: &mut Room,
) -> Result<Merged, String> {
    let mut merged = Merged::default();
    let json = serde_json::to_string(result).map_err(|error| error.to_string())?;
    let key = PartKey::Run {
        seed: Seed(result.seed),
        digest: Digest::of(&json).to_string(),
    };
    let lane = LaneKey {
        workload: result.workload.name.clone(),
        hash: result.workload.hash.clone(),
        parameters: result.workload.parameters.clone(),
        heap: result.heap.clone(),
        fault: result.fault.clone(),
    };
    let outcome = result.verdict;
    let mut found = Found::of(result, None);
    let note = std::mem::take(&mut found.note);
    let mut adding = Adding::default();
    if let Some(how) = adding.add(&Came::Judged { outcome }, &mut found, room)? {
        let kind = FailureKind::on(&lane, &how);
        let (text, turns) = case.map_or((None, None), |(text, turns)| (Some(text), turns));
        let occurrence = Occurrence {
            turns,
            elapsed_ns: result.elapsed_ns,
            seed: Seed(result.seed),
            round: 0,
            by: key.clone(),
            from: from.to_owned(),
            note,
            reproduce: result.reproduce.clone(),
            case: text,
        };
        merged.add_occurrence(kind, occurrence);
    }
    let asked = asked(&result.reproduce).into_iter();
    merged.add_part(Part {
        key,
        version: result.tool.version.clone(),
        commit: result.tool.commit.clone(),
        options: asked
            .map(|(option, value)| format!("{option}={value}"))
            .collect(),
        agenda: String::new(),
        leaks: Vec::new(),
        lanes: vec![adding.finish(lane)?],
    });
    Ok(merged)
}
