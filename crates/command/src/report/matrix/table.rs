//! The matrix for a terminal.

use std::fmt::Write as _;

use super::{Matrix, MatrixRow, lane_sentence, tally};
use crate::fuzz::matrix::{LaneScore, RowStanding, Verified};
use crate::report::columns::{Cell, Columns, Side};
use crate::report::prose::wrapped;
use crate::report::style::{ERROR, FAINT, STRONG, WARNING, paint};
use crate::report::{Detail, Look, Width};
use crate::result::figures::{self, NONE};

/// Draws the rows, then what is not as expected with the commands that repeat it, then the
/// conclusion. [`Detail::Verdict`] leaves out the rows.
pub fn table(matrix: &Matrix, look: impl Into<Look>) -> String {
    let Look { detail, width } = look.into();
    let mut text = match detail {
        Detail::Verdict => String::new(),
        _ => rows(matrix, width),
    };
    for row in matrix
        .all()
        .filter(|row| row.standing == RowStanding::Failed)
    {
        let lead = format!("{}: ", paint(ERROR, "not as expected"));
        let why = row.why.as_deref().unwrap_or_default();
        let said = format!("{} in {} under {}: {why}", row.name(), row.heap, row.run());
        text += &wrapped(width, &lead, 4, &said);
        let _ = writeln!(text, "reproduce: {}", row.reproduce);
    }
    let _ = writeln!(text, "{}", paint(STRONG, &matrix.conclusion()));
    text
}

fn rows(matrix: &Matrix, width: Width) -> String {
    let mut columns = Columns::new([
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Left,
        Side::Right,
        Side::Right,
    ]);
    columns.head(&[
        "fault", "heap", "workload", "end", "every", "first", "ops", "time",
    ]);
    for row in &matrix.rows {
        columns.row(cells(row));
    }
    let mut text = columns.draw(width);
    text.push('\n');
    text += &sound(matrix);
    for sentence in Verified::ALL
        .iter()
        .filter_map(|&lane| lane_sentence(matrix, lane))
    {
        text += &wrapped(width, "", 2, &sentence);
    }
    if !matrix.by_soak.is_empty() {
        text += &wrapped(width, "only a soak shows: ", 2, &matrix.by_soak.join(", "));
    }
    if !matrix.by_model.is_empty() {
        text += &wrapped(
            width,
            "only `fuzz` or models show: ",
            2,
            &matrix.by_model.join(", "),
        );
    }
    if let Some(check) = &matrix.without_check {
        let lead = format!("{}: ", paint(WARNING, "note"));
        text += &wrapped(
            width,
            &lead,
            6,
            &format!("the verdicts of {check} were ignored"),
        );
    }
    text
}

fn cells(row: &MatrixRow) -> Vec<Cell> {
    let none = || Cell::styled(FAINT, NONE);
    let end = row.end();
    let figure = |pick: fn(&LaneScore) -> Option<u64>, show: fn(u64) -> String| {
        end.and_then(pick)
            .map_or_else(none, |value| show(value).into())
    };
    let share = |lane| {
        let style = match row.standing {
            RowStanding::Failed => ERROR,
            RowStanding::Untried => FAINT,
            RowStanding::Met => anstyle::Style::new(),
        };
        tally(row, lane).map_or_else(none, |text| Cell::styled(style, text))
    };
    vec![
        row.name().into(),
        row.heap.as_str().into(),
        row.workload.as_str().into(),
        share(Verified::End),
        share(Verified::Every),
        end.and_then(|end| end.foremost(&row.caught_by))
            .map_or_else(none, Cell::from),
        figure(|end| end.ops_median, |ops| figures::short(ops as f64)),
        figure(|end| end.ns_median, figures::nanos),
    ]
}

/// What fired in the runs without a fault, in one line.
fn sound(matrix: &Matrix) -> String {
    let raised = matrix.sound.iter().flat_map(|row| row.lanes.values());
    let raised: usize = raised.map(|score| score.odd_seeds.len()).sum();
    let seeds = figures::several(matrix.sound_seeds(), "seed", "seeds");
    let what = match raised {
        0 => "no check fired".to_owned(),
        raised => format!("a check fired or the run failed in {raised} trials"),
    };
    format!("without a fault: {seeds}, {what}\n")
}
