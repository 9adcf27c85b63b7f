//! The matrix of `selftest`: its data, and one output format in each file.

mod html;
mod markdown;
mod table;

pub use html::html;
pub use markdown::markdown;
pub use table::table as matrix_table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fuzz::catalogue::{Danger, Likelihood, Planted};
use crate::fuzz::matrix::{Expect, LaneScore, Row, RowStanding, Schedule, Score, Verified};
use crate::median;
use crate::result::{Tool, figures};
use crate::run::HostFacts;

/// The version of the matrix's file format. Within one version, fields are only ever added.
pub const MATRIX_SCHEMA: u32 = 1;

/// Every planted fault, and what caught it: what `selftest.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// [`MATRIX_SCHEMA`]
    pub schema: u32,
    /// The program that made it.
    pub tool: Tool,
    /// The machine on which it was made.
    pub host: HostFacts,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// A check whose verdicts were ignored, to see which faults only that check catches.
    pub without_check: Option<String>,
    /// The faults, each on a heap under a workload.
    pub rows: Vec<MatrixRow>,
    /// The same runs without a fault.
    pub sound: Vec<MatrixRow>,
    /// Faults that no workload shows, but models or random programs do, by name.
    pub by_model: Vec<String>,
    /// Faults that only a soak can find, by name.
    #[serde(default)]
    pub by_soak: Vec<String>,
}

/// One row: a fault on a heap under a workload, or the same run without a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixRow {
    /// The fault; `None` if nothing was planted.
    pub fault: Option<String>,
    /// What it changes.
    pub change: Option<String>,
    /// The heap.
    pub heap: String,
    /// The workload.
    pub workload: String,
    /// Parameters that were set.
    pub parameters: BTreeMap<String, String>,
    /// Operations of a trial, at most.
    pub ops: u64,
    /// How often a named check should fire: `always`, `usually`, `never`.
    pub expected: String,
    /// The named checks; one of them must fire.
    pub caught_by: Vec<String>,
    /// What the fault may do to the process: `crash` or `hang`. If that happens, it counts as
    /// caught.
    pub danger: Option<String>,
    /// The published bug that the fault reproduces, and where to read about it.
    pub history: Option<(String, String)>,
    /// The scores of the trials, by when they were verified: `end`, `every`.
    pub lanes: BTreeMap<String, LaneScore>,
    /// Whether the row is as expected.
    pub standing: RowStanding,
    /// What is not as expected.
    pub why: Option<String>,
    /// A command that repeats a trial; one that is not as expected, if there is any.
    pub reproduce: String,
}

impl Matrix {
    /// The matrix of a schedule. `reproduce` makes the command that repeats a row's trial on a
    /// seed.
    pub fn new(
        schedule: &Schedule<'_>,
        catalogue: &[Planted],
        tool: Tool,
        reproduce: impl Fn(&Row<'_>, Verified, u64) -> String,
    ) -> Self {
        let (mut rows, mut sound) = (Vec::new(), Vec::new());
        for (number, score, standing) in schedule.standings() {
            let row = &schedule.rows()[number];
            let drawn = draw(row, &score, standing, &reproduce);
            if row.fault.is_some() {
                &mut rows
            } else {
                &mut sound
            }
            .push(drawn);
        }
        let only_by = |likelihood: Likelihood| {
            let entries = catalogue
                .iter()
                .filter(move |entry| entry.likelihood == likelihood);
            entries.map(|entry| entry.fault.name().to_owned()).collect()
        };
        Self {
            schema: MATRIX_SCHEMA,
            tool,
            host: HostFacts::here(),
            elapsed_ns: 0,
            interrupted: false,
            without_check: None,
            rows,
            sound,
            by_model: only_by(Likelihood::ModelOnly),
            by_soak: only_by(Likelihood::SoakOnly),
        }
    }

    /// Every row, those without a fault last.
    pub fn all(&self) -> impl Iterator<Item = &MatrixRow> {
        self.rows.iter().chain(&self.sound)
    }

    /// How many rows have this standing.
    pub fn count(&self, standing: RowStanding) -> usize {
        self.all().filter(|row| row.standing == standing).count()
    }

    /// How many seeds were tried without a fault.
    fn sound_seeds(&self) -> u64 {
        let ends = self
            .sound
            .iter()
            .filter_map(|row| row.lanes.get(Verified::End.name()));
        ends.map(|end| end.tried).sum()
    }

    /// The conclusion, in a sentence.
    fn conclusion(&self) -> String {
        let planted = figures::several(self.rows.len() as u64, "row", "rows");
        let all = format!("{planted}, and {} without a fault", self.sound.len());
        let (failed, untried) = (
            self.count(RowStanding::Failed),
            self.count(RowStanding::Untried),
        );
        match (failed, untried) {
            (0, 0) => format!("{all}: all as expected"),
            (_, 0) => format!("{all}: {failed} not as expected"),
            (0, _) => format!("{all}: {untried} not tried to the end, the others as expected"),
            _ => format!("{all}: {failed} not as expected, {untried} not tried to the end"),
        }
    }
}

impl MatrixRow {
    fn lane(&self, lane: Verified) -> Option<&LaneScore> {
        self.lanes.get(lane.name())
    }

    fn end(&self) -> Option<&LaneScore> {
        self.lane(Verified::End)
    }

    /// The fault's name, or `none`.
    fn name(&self) -> &str {
        self.fault.as_deref().unwrap_or("none")
    }

    /// The workload, with the parameters that were set.
    fn run(&self) -> String {
        let set = self.parameters.iter();
        let set = set.map(|(key, value)| format!(" -D {key}={value}"));
        set.fold(self.workload.clone(), |run, set| run + &set)
    }
}

fn draw(
    row: &Row<'_>,
    score: &Score,
    standing: RowStanding,
    reproduce: impl Fn(&Row<'_>, Verified, u64) -> String,
) -> MatrixRow {
    let odd = score.lanes.iter().find_map(|(lane, score)| {
        let seed = score.odd_seeds.first()?;
        Some((*lane, *seed))
    });
    let (lane, seed) = odd.unwrap_or((Verified::End, 1));
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let bug = row.fault.and_then(|planted| planted.bug);
    MatrixRow {
        fault: row.fault.map(|planted| planted.fault.name().to_owned()),
        change: row.fault.map(|planted| planted.fault.change().to_owned()),
        heap: row.heap.to_owned(),
        workload: row.show.workload.to_owned(),
        parameters: row.show.parameters.iter().map(owned).collect(),
        ops: row.show.ops,
        expected: row.expect.name().to_owned(),
        caught_by: row
            .caught_by()
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        danger: row.danger().map(|danger| {
            let name = match danger {
                Danger::Crash => "crash",
                Danger::Hang => "hang",
            };
            name.to_owned()
        }),
        history: bug.map(|bug| (bug.what.to_owned(), bug.link.to_owned())),
        lanes: score
            .lanes
            .iter()
            .map(|(lane, score)| (lane.name().to_owned(), score.clone()))
            .collect(),
        standing,
        why: (standing == RowStanding::Failed).then(|| why(row, score)),
        reproduce: reproduce(row, lane, seed),
    }
}

/// Says how the trials differ from what is expected.
fn why(row: &Row<'_>, score: &Score) -> String {
    let mut named: Vec<&str> = row.caught_by().to_vec();
    match row.danger() {
        Some(Danger::Crash) => named.push("a crash"),
        Some(Danger::Hang) => named.push("a hang"),
        None => {}
    }
    let named = named.join(" or ");
    let told = |(lane, score): &(Verified, LaneScore)| {
        let (tried, caught) = (score.tried, score.caught);
        let what = match row.expect {
            Expect::Always | Expect::Usually if *lane == Verified::End => {
                format!("caught by {named} on {caught} of {tried} seeds")
            }
            Expect::Always | Expect::Usually if score.failed == 0 => return None,
            Expect::Always | Expect::Usually => String::new(),
            Expect::Nothing if score.odd_seeds.is_empty() => return None,
            Expect::Nothing => {
                let odd = score.odd_seeds.len();
                format!(
                    "a check fired or the run failed on {} of {tried} seeds ({})",
                    odd,
                    lane.name()
                )
            }
        };
        let named = row.caught_by().iter().map(|name| (*name).to_owned());
        let named: Vec<String> = named.collect();
        let first = score
            .foremost(&named)
            .map(|name| format!("first was {name}"));
        let trouble = score.trouble.clone();
        let parts = [Some(what), first, trouble].into_iter().flatten();
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        Some(parts.join("; "))
    };
    let told: Vec<String> = score.lanes.iter().filter_map(told).collect();
    told.join("; ")
}

/// A share of trials: `19/20`.
fn share(part: u64, whole: u64) -> String {
    format!("{part}/{whole}")
}

/// The trials of a lane, as `caught/tried`. For a row in which no check may fire, the first number
/// is that of the seeds on which something did.
fn tally(row: &MatrixRow, lane: Verified) -> Option<String> {
    let score = row.lane(lane)?;
    let part = if row.expected == Expect::Nothing.name() {
        score.odd_seeds.len() as u64
    } else {
        score.caught
    };
    Some(share(part, score.tried))
}

/// How long a trial takes in one lane: the median over the rows that were tried in both lanes.
fn cost(matrix: &Matrix, lane: Verified) -> Option<u64> {
    let rows = matrix
        .all()
        .filter(|row| row.lanes.len() == Verified::ALL.len());
    median::of_sample(rows.filter_map(|row| row.lane(lane)?.wall_ns_median))
}

/// How many trials in one lane caught their fault, and how many there were, over the rows that were
/// tried in both lanes.
fn caught(matrix: &Matrix, lane: Verified) -> (u64, u64) {
    let is_caught = |row: &&MatrixRow| row.expected != Expect::Nothing.name();
    let with_fault = matrix.rows.iter().filter(is_caught);
    let scores = with_fault
        .filter(|row| row.lanes.len() == Verified::ALL.len())
        .filter_map(|row| row.lane(lane));
    scores.fold((0, 0), |sum, score| {
        (sum.0 + score.caught, sum.1 + score.tried)
    })
}

/// The result of one lane, in a sentence.
fn lane_sentence(matrix: &Matrix, lane: Verified) -> Option<String> {
    let (caught, tried) = caught(matrix, lane);
    let cost = figures::nanos(cost(matrix, lane)?);
    let what = match lane {
        Verified::End => "verified at the end only",
        Verified::Every => "verified at pauses too",
    };
    Some(format!(
        "{what}: {caught} of {tried} trials caught their fault, at {cost} a trial"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::matrix::{Depth, Tried, rows};
    use crate::heap::Fault;
    use crate::report::Detail;
    use crate::sample::{CATALOGUE, caught, missed};

    /// The matrix of a schedule with two seeds. On the second, a fault that must always be caught
    /// is missed.
    pub(super) fn matrix() -> Matrix {
        let depth = Depth {
            seeds: 2,
            every: 1,
            long: 2,
            sound: 2,
            from: 1,
        };
        let rows = rows(CATALOGUE, &[("gil", Fault::ALL.to_vec())], |_, _| true);
        let mut schedule = Schedule::new(rows, depth, None);
        while let Some(trial) = schedule.next_trial() {
            let ending = match schedule.rows()[trial.row].expect {
                Expect::Always if trial.seed == 2 => missed(),
                Expect::Always | Expect::Usually => caught("weak"),
                Expect::Nothing => missed(),
            };
            schedule.report(Tried {
                trial,
                ending,
                wall_ns: 2_000_000,
            });
        }
        let tool = Tool {
            name: "gcstorm".to_owned(),
            version: "1.2.3".to_owned(),
            commit: String::new(),
            dirty: None,
        };
        let line = |row: &Row<'_>, lane: Verified, seed| {
            format!("again {} {} {seed}", row.name(), lane.name())
        };
        Matrix::new(&schedule, CATALOGUE, tool, line)
    }

    /// Goal: the page for a terminal names what is not as expected, and the command that repeats
    /// it.
    #[test]
    fn the_table_says_it_all() {
        let plain =
            |detail| anstream::adapter::strip_str(&matrix_table(&matrix(), detail)).to_string();
        let short = plain(Detail::Verdict);
        let text = plain(Detail::Page);
        assert!(
            text.ends_with(&short) && short.len() < text.len() / 2,
            "{short}"
        );
        snapbox::assert_data_eq!(
            text,
            snapbox::str![[r#"
fault       heap  workload  end  every  first  ops  time
trust-hint  gil   counter   1/2    1/1  weak   1 k  5 ns
trust-hint  gil   counter   2/2    1/1  weak   1 k  5 ns
trust-hint  gil   counter   0/2    0/1  –        –     –

without a fault: 2 seeds, no check fired
verified at the end only: 3 of 4 trials caught their fault, at 2 ms a trial
verified at pauses too: 2 of 2 trials caught their fault, at 2 ms a trial
only `fuzz` or models show: trust-hint
not as expected: trust-hint in gil under counter: caught by weak on 1 of 2
    seeds; first was weak
reproduce: again trust-hint end 2
3 rows, and 1 without a fault: 1 not as expected

"#]]
        );
    }

    /// Goal: each format holds every row, and the matrix survives JSON.
    #[test]
    fn all_formats_hold_all_rows() {
        let matrix = matrix();
        let rows = matrix.all().count();
        let page = markdown(&matrix);
        assert_eq!(page.matches("| gil | counter |").count(), rows, "{page}");
        assert!(page.contains("| trust-hint | gil | counter | always | 1/2 | 1/1 | weak |"));
        let page = html(&matrix);
        assert_eq!(page.matches("<td>gil</td>").count(), rows, "{page}");
        assert!(page.contains("<tr class=\"violated\">") && page.contains("<svg"));
        let text = serde_json::to_string(&matrix).expect("it serializes");
        let again: Matrix = serde_json::from_str(&text).expect("it parses");
        assert_eq!(again, matrix);
    }
}
