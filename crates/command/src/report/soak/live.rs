//! The current state of a soak, as a few lines that a terminal updates in place.

use console::{measure_text_width, truncate_str};

use super::sparkline::sparkline;
use super::{Phase, Stage, Watched, name, ops, tenths, whole};
use crate::report::prose::one_line;
use crate::report::style::{ERROR, FAINT, STRONG, WARNING, paint};
use crate::result::figures::{self, NONE};
use crate::soak::Snapshot;

/// How wide the names of the lines are.
const NAMES: usize = 8;
/// The throughput is drawn for so many seconds, if there is room.
const SECONDS: usize = 60;
/// How long the bar of the round under way is, if there is room.
const BAR: usize = 24;

/// The lines, each ended by a line break and narrower than `columns`.
pub fn live(watched: &Watched<'_>, columns: usize) -> String {
    let width = columns.saturating_sub(1);
    let room = width.saturating_sub(NAMES);
    let now = watched.now;
    let lines = [
        ("rounds", rounds(now)),
        ("pace", pace(watched, room)),
        ("p99.9", latency(now)),
        ("heap", heap(watched)),
        ("now", under_way(now, room)),
        ("time", time(watched)),
    ];
    let line = |(name, text): (&str, String)| {
        let name = paint(FAINT, &format!("{name:<NAMES$}"));
        match width {
            0 => "\n".to_owned(),
            _ => format!("{}\n", truncate_str(&format!("{name}{text}"), width, "…")),
        }
    };
    lines.map(line).concat()
}

fn rounds(now: &Snapshot<'_>) -> String {
    let standing = now.standing;
    let several = |count: u64, what: &str, style| match count {
        0 => format!("none {what}"),
        _ => paint(style, &format!("{} {what}", figures::count(count))),
    };
    format!(
        "{} over, {}, {}, {} operations",
        figures::count(standing.rounds),
        several(standing.failures, "failed", ERROR),
        several(standing.vacuous(), "vacuous", WARNING),
        figures::short(ops(now) as f64),
    )
}

fn pace(watched: &Watched<'_>, room: usize) -> String {
    let rate = watched.lately.rate();
    let rate = rate.map_or_else(|| NONE.to_owned(), figures::rate);
    let rate = format!("{rate:<10}");
    let seconds = room.saturating_sub(rate.chars().count()).min(SECONDS);
    let now = watched.now.elapsed.as_secs();
    let line = sparkline(&watched.lately.rates(now, seconds));
    format!("{}{}", paint(STRONG, &rate), line.trim_end())
}

fn latency(now: &Snapshot<'_>) -> String {
    let show = |nanos: Option<u64>| nanos.map_or_else(|| NONE.to_owned(), figures::nanos);
    let last = now.standing.recent.back().and_then(|last| last.p99_9_ns);
    format!(
        "{} in the last round, {} at worst",
        show(last),
        show(now.standing.p99_9_ns_max())
    )
}

fn heap(watched: &Watched<'_>) -> String {
    let Some(beat) = watched.lately.beat() else {
        return NONE.to_owned();
    };
    let objects = [(beat.live, "live"), (beat.unreclaimed, "unreclaimed")];
    let objects = objects.iter().filter_map(|(count, what)| {
        let count = figures::count((*count)?);
        Some(format!("{count} {what}"))
    });
    let resident = (beat.rss_bytes > 0).then(|| figures::bytes(beat.rss_bytes) + " resident");
    objects.chain(resident).collect::<Vec<_>>().join(", ")
}

fn under_way(now: &Snapshot<'_>, room: usize) -> String {
    let (Some((round, _)), Some(stage)) = (now.current, Stage::of(now)) else {
        return NONE.to_owned();
    };
    // A workload may be called as its file is, and that may hold anything.
    let lane = name(&now.header.lanes[round.lane]);
    let lane = one_line(&lane);
    let what = format!("round {}: {lane}", figures::count(round.number));
    let ms = |ms: u64| figures::span(ms.saturating_mul(1_000_000));
    let (done_ms, how_far) = match stage {
        Stage::Starting => return format!("{what}, starting"),
        Stage::Judging => return format!("{what}, judging"),
        Stage::Running(done_ms) => {
            let all = ms(now.header.round_ms);
            (done_ms, format!("{} of {all}", tenths(done_ms)))
        }
    };
    let taken = measure_text_width(&what) + how_far.chars().count() + 2;
    let bar = bar(
        done_ms,
        now.header.round_ms,
        room.saturating_sub(taken).min(BAR),
    );
    format!("{what} {bar} {how_far}")
}

/// A bar of this length, filled in proportion.
fn bar(done: u64, all: u64, length: usize) -> String {
    let full = u128::from(done.min(all)) * length as u128 / u128::from(all.max(1));
    let full = usize::try_from(full).unwrap_or(length);
    format!(
        "{}{}",
        "━".repeat(full),
        paint(FAINT, &"─".repeat(length - full))
    )
}

fn time(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let gone = format!("{} gone", whole(now.elapsed));
    match watched.phase {
        Phase::Ending => {
            let text = "interrupted: this round is the last; again to end at once";
            format!("{gone}, {}", paint(WARNING, text))
        }
        Phase::Over => gone,
        Phase::Rounds if now.left.is_zero() => format!("{gone}, the round under way is the last"),
        Phase::Rounds => format!("{gone}, {} left", whole(now.left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::soak::sample::{Sample, header};
    use crate::soak::Beat;

    fn plain(sample: &Sample, columns: usize) -> String {
        let now = sample.snapshot(100);
        let text = live(&sample.watched(&now), columns);
        anstream::adapter::strip_str(&text).to_string()
    }

    /// Goal: everything is shown at a usual width.
    #[test]
    fn says_how_it_stands() {
        let text = plain(&Sample::full(header("churn", "cell-lost")), 80);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "rounds  30 over, 1 failed, 1 vacuous, 40.2 M operations"
        );
        assert!(
            lines[1].starts_with("pace    3.90 M/s  ▄▄") && lines[1].ends_with('█'),
            "{}",
            lines[1]
        );
        assert_eq!(
            &lines[2..],
            [
                "p99.9   1.53 µs in the last round, 1.53 µs at worst",
                "heap    1,950,001 live, 12 unreclaimed, 134 MiB resident",
                "now     round 30: churn on gil WITH PLANTED FAULT cell-lost ━━━━━─ 4.9 s of 5 s",
                "time    1 min 40 s gone, 7 h 58 min left",
            ]
        );
    }

    /// Goal: every line is narrower than the terminal, whatever its width and whatever lanes are
    /// called, and the number of lines is always the same.
    #[test]
    fn fits() {
        for name in [
            "churn",
            "数据/ワークロード\n\u{1b}[31mred.toml",
            &"long/".repeat(60),
        ] {
            for sample in [
                Sample::begun(header(name, "cell-lost")),
                Sample::full(header(name, "cell-lost")),
            ] {
                for columns in [0, 1, 7, 20, 40, 80, 120, 500] {
                    let text = plain(&sample, columns);
                    assert_eq!(text.lines().count(), 6, "{text}");
                    for line in text.lines() {
                        let width = measure_text_width(line);
                        assert!(width < columns.max(1), "{width} of {columns}: {line}");
                    }
                }
            }
        }
    }

    /// Goal: each stage of a round and of a soak is named.
    #[test]
    fn stages_have_names() {
        let mut sample = Sample::begun(header("churn", "cell-lost"));
        assert!(plain(&sample, 80).contains("cell-lost, starting\n"));
        sample.beat = Some(Beat {
            elapsed_ms: 5000,
            ..Beat::default()
        });
        assert!(plain(&sample, 80).contains("cell-lost, judging\n"));
        let now = sample.snapshot(3);
        let ending = Watched {
            phase: Phase::Ending,
            ..sample.watched(&now)
        };
        assert!(live(&ending, 120).contains("interrupted: this round is the last"));
    }

    /// Goal: the bar has its length whatever the progress is, also beyond the whole and of nothing.
    #[test]
    fn bars_are_as_long() {
        for (done, all, text) in [
            (0, 5, "────"),
            (1, 4, "━───"),
            (9, 4, "━━━━"),
            (0, 0, "────"),
        ] {
            let bar = bar(done, all, 4);
            assert_eq!(anstream::adapter::strip_str(&bar).to_string(), text);
        }
    }
}
