//! Several results in one table: a line for each workload on each heap.

use std::collections::BTreeMap;

use super::columns::{Cell, Columns, Side};
use super::prose::wrapped;
use super::style::{ERROR, FAINT, STRONG, of_outcome, paint};
use crate::evidence::Latency;
use crate::result::figures::{self, NONE};
use crate::result::{Outcome, RunResult};

/// One workload on one heap.
#[derive(Debug, Clone)]
pub struct Line {
    /// The workload's name.
    pub workload: String,
    /// The heap's name.
    pub heap: String,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Ran {
        verdict: Outcome,
        per_second: f64,
        p99_9: Option<u64>,
        max: Option<u64>,
        /// `Some` if the run had a rate; the figure, if the rate was achieved.
        response_p99_9: Option<Option<u64>>,
        examined: u64,
    },
    Failed(String),
    Skipped(String),
    NotStarted,
}

impl Line {
    /// It ran.
    pub fn ran(result: &RunResult) -> Self {
        let all = sum(&result.evidence.service);
        let response = || sum(&result.evidence.response).quantile(0.999);
        let what = What::Ran {
            verdict: result.verdict,
            per_second: result.ops.values().map(|op| op.per_second).sum(),
            p99_9: all.quantile(0.999),
            max: (all.count() > 0).then(|| all.max()),
            response_p99_9: result.rate.as_ref().map(|_| response()),
            examined: result.examined(),
        };
        Self::of(&result.workload.name, &result.subject(), what)
    }

    /// The heap could not be opened.
    pub fn failed(workload: &str, heap: &str, why: &str) -> Self {
        Self::of(workload, heap, What::Failed(why.to_owned()))
    }

    /// The heap lacks an ability that the workload needs.
    pub fn skipped(workload: &str, heap: &str, why: &str) -> Self {
        Self::of(workload, heap, What::Skipped(why.to_owned()))
    }

    /// The command was interrupted before it.
    pub fn not_started(workload: &str, heap: &str) -> Self {
        Self::of(workload, heap, What::NotStarted)
    }

    fn of(workload: &str, heap: &str, what: What) -> Self {
        Self {
            workload: workload.to_owned(),
            heap: heap.to_owned(),
            what,
        }
    }

    fn is_paced(&self) -> bool {
        let What::Ran { response_p99_9, .. } = &self.what else {
            return false;
        };
        response_p99_9.is_some()
    }

    /// If any line has a rate, all have a column for response times.
    fn cells(&self, is_anywhere: bool) -> Vec<Cell> {
        let mut cells = vec![self.workload.as_str().into(), self.heap.as_str().into()];
        let none = || Cell::styled(FAINT, NONE);
        match &self.what {
            What::Ran {
                verdict,
                per_second,
                p99_9,
                max,
                response_p99_9,
                examined,
            } => {
                let time =
                    |time: &Option<u64>| time.map_or_else(none, |t| figures::nanos(t).into());
                cells.extend([
                    Cell::styled(of_outcome(*verdict), verdict.name()),
                    figures::short(*per_second).into(),
                    time(p99_9),
                    time(max),
                ]);
                if is_anywhere {
                    cells.push(time(&response_p99_9.flatten()));
                }
                cells.push(figures::count(*examined).into());
            }
            What::Failed(_) => cells.push(Cell::styled(ERROR, "crashed")),
            What::Skipped(_) => cells.push(Cell::styled(FAINT, "skipped")),
            What::NotStarted => cells.push(Cell::styled(FAINT, "not started")),
        }
        cells
    }
}

/// Draws the table, why some did not run, and one line with the number of each verdict.
pub fn summary(lines: &[Line]) -> String {
    let left = [Side::Left; 3];
    let is_paced = lines.iter().any(Line::is_paced);
    let mut heads = vec!["workload", "heap", "verdict", "ops/s", "p99.9", "max"];
    heads.extend(is_paced.then_some("response p99.9"));
    heads.push("examined");
    let right = vec![Side::Right; heads.len() - left.len()];
    let mut columns = Columns::new([&left[..], &right].concat());
    columns.head(&heads);
    for line in lines {
        columns.row(line.cells(is_paced));
    }
    let mut text = columns.draw();
    text.push('\n');
    for line in lines {
        let (word, why) = match &line.what {
            What::Failed(why) => ("crashed", why),
            What::Skipped(why) => ("skipped", why),
            What::Ran { .. } | What::NotStarted => continue,
        };
        let why = format!("{word}: {} on {}: {why}", line.workload, line.heap);
        text += &wrapped("", 4, &why);
    }
    text + &tally(lines)
}

/// All operations together.
fn sum(times: &BTreeMap<String, Latency>) -> Latency {
    let mut all = Latency::default();
    for latency in times.values() {
        all.add(latency);
    }
    all
}

fn tally(lines: &[Line]) -> String {
    let word = |line: &Line| match &line.what {
        What::Ran { verdict, .. } => verdict.name(),
        What::Failed(_) => "crashed",
        What::Skipped(_) => "skipped",
        What::NotStarted => "not started",
    };
    let words = [
        "held",
        "violated",
        "crashed",
        "hung",
        "vacuous",
        "interrupted",
        "skipped",
        "not started",
    ];
    let counts: Vec<String> = words
        .iter()
        .map(|known| {
            (
                lines.iter().filter(|line| word(line) == *known).count(),
                known,
            )
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let runs = figures::several(lines.len() as u64, "run", "runs");
    format!("{}: {}\n", paint(STRONG, &runs), counts.join(", "))
}
