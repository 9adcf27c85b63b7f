//! The outcome of a soak: a table of its lanes, and one of how heaps changed with age.

use super::{idle, outcome, percents, row};
use crate::report::Width;
use crate::report::columns::{Cell, Columns};
use crate::report::lane_row::{LaneRow, idle_lanes};
use crate::report::prose::wrapped;
use crate::report::style::{FAINT, WARNING, paint};
use crate::result::figures::NONE;
use crate::result::subject;
use crate::soak::{Drift, Header, Shard, Standing};

/// Both tables.
pub fn page(standing: &Standing, header: &Header, width: Width) -> String {
    let mut columns = Columns::of_figures(LaneRow::HEAD.len() - 1);
    columns.head(&LaneRow::HEAD);
    let lanes = header.lanes.iter().zip(&standing.lanes);
    for (lane, stands) in lanes.filter(|(_, stands)| stands.rounds > 0) {
        columns.row(row(lane, stands).cells().map(Cell::from));
    }
    format!(
        "{}\n{}{}",
        columns.draw(width),
        summary(standing, header, width),
        aging(standing, header, width)
    )
}

/// What came of the rounds, and which lanes had none.
fn summary(standing: &Standing, header: &Header, width: Width) -> String {
    let told = wrapped(width, "", 2, &outcome(standing));
    let idle = idle(header, standing);
    if idle.is_empty() {
        return told;
    }
    let lead = format!("{}: ", paint(WARNING, "note"));
    told + &wrapped(width, &lead, 6, &idle_lanes(&idle, header.lanes.len()))
}

/// The changes with age, with their intervals.
fn aging(standing: &Standing, header: &Header, width: Width) -> String {
    let mut columns = Columns::of_figures(3);
    columns.head(&["as heaps grow old", "a round", "from", "to"]);
    let (mut is_any, mut worse) = (false, String::new());
    for ((heap, fault), aging) in standing.aging(&header.lanes) {
        let drifts = aging.drifts();
        if drifts.iter().all(|drift| drift.slope.is_none()) {
            continue;
        }
        is_any = true;
        let subject = subject(heap, fault);
        columns.row([Cell::styled(FAINT, subject.clone())]);
        for drift in &drifts {
            let unknown = || [NONE, NONE, NONE].map(str::to_owned);
            let cells = drift.slope.map_or_else(unknown, percents);
            let name = Cell::from(format!("  {}", drift.what));
            columns.row([name].into_iter().chain(cells.map(Cell::from)));
            if drift.is_worse {
                worse += &wrapped(
                    width,
                    &format!("{}: ", paint(WARNING, "note")),
                    6,
                    &told(&subject, drift),
                );
            }
        }
    }
    if is_any {
        columns.draw(width) + &worse
    } else {
        let how = match header.stint_grows && header.shard == Shard::WHOLE {
            true => {
                "going on with `--resume` and a `--budget` longer than before makes more of them (it is \
                 that of the session, not of all)"
            }
            false => "a new soak with a longer `--stint` makes more of them",
        };
        let told = format!("as heaps grow old: too few rounds on one heap to tell; {how}");
        wrapped(width, "", 2, &told)
    }
}

/// A change for the worse, with the slope by which it was judged.
fn told(subject: &str, drift: &Drift) -> String {
    let what = drift.what;
    match (drift.beyond, drift.slope) {
        (Some(beyond), _) => {
            let [change, low, high] = percents(beyond);
            let all = drift.slope.map(|slope| {
                let [all, ..] = percents(slope);
                format!("of its {all} a round ")
            });
            let all = all.unwrap_or_default();
            format!(
                "{subject}: {what} grows with the age of the heap: {all}{change} ({low} to {high}) is more than \
                 it takes to fill up"
            )
        }
        (None, slope) => {
            let [change, low, high] = percents(slope.unwrap_or_default());
            format!(
                "{subject}: {what} changes with the age of the heap, by {change} a round ({low} to {high})"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::soak::sample::{Sample, header, record};
    use crate::result::Outcome;
    use crate::soak::trend::Slope;

    fn plain(sample: &Sample) -> String {
        let page = page(&sample.standing, &sample.header, Width::Unknown);
        console::strip_ansi_codes(&page).into_owned()
    }

    /// Goal: changes with age are shown for a heap with enough rounds, and not for one with six, where it
    /// is said how to get more.
    #[test]
    fn ageing_is_told() {
        let page = plain(&Sample::full(header("churn", "cell-lost")));
        let (lanes, ageing) = page.split_once("as heaps grow old").expect("it is there");
        assert!(lanes.contains("churn on gil WITH PLANTED FAULT cell-lost"));
        assert!(!ageing.contains("cell-lost"), "{ageing}");
        // 64 KiB a round, of some 91 MiB.
        let words: Vec<&str> = ageing.split_whitespace().collect();
        assert!(page.contains("resident memory"), "{page}");
        let memory = words
            .windows(3)
            .find(|words| words[..2] == ["resident", "memory"]);
        let slope: f64 = memory.expect("a row")[2].parse().expect("a share");
        assert!((0.06..0.08).contains(&slope), "{slope}");
        let page = plain(&Sample::begun(header("churn", "cell-lost")));
        assert!(
            page.contains("it is that of the\n  session, not of all)\n"),
            "{page}"
        );
    }

    /// Goal: the end of a soak shows how each thing changed with the age of a heap, and notes
    /// memory that keeps growing; a heap with too few rounds is left out.
    #[test]
    fn a_leak_is_noted() {
        let mut sample = Sample::begun(header("churn", "cell-lost"));
        for round in 0..60 {
            let mut record = record(round, Outcome::Held);
            (record.lane, record.since) = (0, 0);
            sample.standing.add(&record);
        }
        snapbox::assert_data_eq!(
            plain(&sample),
            snapbox::str![[r#"
lane          rounds  held  vacuous  failed  a second    p99.9   memory
churn on gil      60    60        0       0   206 k/s  1.56 µs  100 MiB

60 rounds, none failed
note: 1 of 2 lanes had no round: churn on gil WITH PLANTED FAULT cell-lost
as heaps grow old    a round      from        to
gil
  resident memory   +0.068 %  +0.068 %  +0.068 %
  allocated memory         –         –         –
  p99.9                    –         –         –
  throughput               –         –         –
note: gil: resident memory grows with the age of the heap: of its +0.068 % a
      round +0.059 % (+0.058 % to +0.060 %) is more than it takes to fill up

"#]]
        );
    }

    /// Goal: a leak is reported with the slope by which it was judged, not the one in the table.
    #[test]
    fn leaks_are_told_as_they_were_judged() {
        let slope = |per_unit| Slope {
            per_unit,
            low: per_unit / 2.0,
            high: per_unit * 2.0,
        };
        let mut drift = Drift {
            what: "allocated memory",
            slope: Some(slope(0.25)),
            beyond: Some(slope(0.125)),
            is_worse: true,
        };
        let judged = told("gil", &drift);
        assert!(
            judged.contains("allocated memory grows") && judged.contains("12.5"),
            "{judged}"
        );
        drift.beyond = None;
        let shown = told("gil", &drift);
        assert!(
            shown.contains("changes") && shown.contains("25.0"),
            "{shown}"
        );
    }
}
