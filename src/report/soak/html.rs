//! How a soak stands, as a page that a browser loads again by itself: it looks like the report of a run,
//! has no script, and fetches nothing but itself.
//!
//! It answers in this order: has anything failed; how far is it; how did the last rounds differ; what is
//! there of each lane; what failed, and how is it done again; does a heap grow worse with age.

use std::fmt::Write as _;

use super::{Phase, Stage, Watched, charts, name, ops, percents, row, tenths, whole};
use crate::report::figures::{self, NONE};
use crate::report::html::STYLE;
use crate::report::html::markup::{Table, escaped, missing};
use crate::report::lane_row::LaneRow;
use crate::report::subject;
use crate::soak::Snapshot;
use crate::soak::trend::Slope;

/// How often a browser loads it again, in seconds.
pub const REFRESH_S: u32 = 5;

/// Draws it.
pub fn html(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let verdict = verdict(now);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"refresh\" content=\"{REFRESH_S}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{verdict} – gcstorm soak</title>\n<style>\n{STYLE}</style></head><body>\n"
    );
    let _ = write!(
        page,
        "<header class=\"banner {verdict}\"><h1>gcstorm soak: {}</h1>\n<p>{}</p></header>\n",
        escaped(&headline(now)),
        escaped(&far(watched))
    );
    page += &glance(watched);
    page += "<h3>The last while</h3>\n";
    page += &charts::draw(watched);
    page += "<div class=\"lanes\"><h3>Lanes</h3>\n";
    page += &lanes(now);
    page += "</div>\n<h3>Failures</h3>\n";
    page += &failures(watched);
    page += "<h3>As heaps grow old</h3>\n";
    page += &aging(watched);
    let _ = write!(
        page,
        "<footer>As of {}. A browser loads this again every {REFRESH_S} seconds.</footer>\n\
         </body></html>\n",
        figures::utc(now.unix_ms)
    );
    page
}

/// In one of the words that the style sheet has colours for.
fn verdict(now: &Snapshot<'_>) -> &'static str {
    let standing = now.standing;
    match (standing.failures, standing.vacuous()) {
        (0, 0) => "held",
        (0, _) => "vacuous",
        _ => "violated",
    }
}

fn headline(now: &Snapshot<'_>) -> String {
    let standing = now.standing;
    let rounds = figures::several(standing.rounds, "round", "rounds");
    let mut parts = Vec::new();
    for (count, what) in [
        (standing.failures, "failed"),
        (standing.vacuous(), "vacuous"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", figures::count(count)));
        }
    }
    match (standing.rounds, parts.is_empty()) {
        (0, _) => "the first round is under way".to_owned(),
        (_, true) => format!("{rounds}, none failed"),
        (_, false) => format!("{rounds}, {}", parts.join(", ")),
    }
}

/// How far it is.
fn far(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let gone = whole(now.elapsed);
    match watched.phase {
        Phase::Rounds if now.left.is_zero() => format!("{gone} gone; the last round is under way."),
        Phase::Rounds => format!("{gone} gone, {} left.", whole(now.left)),
        Phase::Ending => format!("{gone} gone; interrupted, the last round is under way."),
        Phase::Over => format!("Over after {gone}."),
    }
}

fn glance(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let beat = watched.lately.beat().filter(|_| now.current.is_some());
    let count = |count: Option<u64>| count.map_or_else(|| NONE.to_owned(), figures::count);
    let rate = watched.lately.rate();
    let resident = beat.map(|beat| beat.rss_bytes).filter(|bytes| *bytes > 0);
    let rows = [
        ("under way", under_way(now)),
        ("operations", figures::count(ops(now))),
        ("pace", rate.map_or_else(|| NONE.to_owned(), figures::rate)),
        ("live objects", count(beat.and_then(|beat| beat.live))),
        ("unreclaimed", count(beat.and_then(|beat| beat.unreclaimed))),
        (
            "resident",
            resident.map_or_else(|| NONE.to_owned(), figures::bytes),
        ),
        ("seed", now.header.seed.to_string()),
        ("shard", shard(now)),
    ];
    let mut text = String::from("<dl>");
    for (what, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(text, "<dt>{what}</dt><dd>{}</dd>", escaped(value));
    }
    text + "</dl>\n"
}

fn under_way(now: &Snapshot<'_>) -> String {
    let (Some((round, _)), Some(stage)) = (now.current, Stage::of(now)) else {
        return NONE.to_owned();
    };
    let how_far = match stage {
        Stage::Starting => "starting".to_owned(),
        Stage::Judging => "judging".to_owned(),
        Stage::Running(ms) => {
            let all = figures::span(now.header.round_ms.saturating_mul(1_000_000));
            format!("{} of {all}", tenths(ms))
        }
    };
    let lane = name(&now.header.lanes[round.lane]);
    format!("round {}: {lane}, {how_far}", figures::count(round.number))
}

fn shard(now: &Snapshot<'_>) -> String {
    let shard = now.header.shard;
    match shard.of {
        1 => String::new(),
        of => format!("{}/{of}", shard.index),
    }
}

fn lanes(now: &Snapshot<'_>) -> String {
    let mut table = Table::new(LaneRow::HEAD.map(str::to_owned));
    for (lane, stands) in std::iter::zip(&now.header.lanes, &now.standing.lanes) {
        table.row(row(lane, stands).cells());
    }
    table.draw() + "\n"
}

fn failures(watched: &Watched<'_>) -> String {
    let standing = watched.now.standing;
    if standing.failures == 0 {
        return missing("None.");
    }
    let mut text = String::new();
    let shown = watched.failures.len() as u64;
    if shown < standing.failures {
        let others = figures::several(standing.failures - shown, "failure", "failures");
        text += &missing(&format!("{others} before those are in the journal."));
    }
    text += "<ul>\n";
    for failed in watched.failures.iter().rev() {
        let _ = writeln!(
            text,
            "<li>round {}: {} <b>{}</b>: {}<br><code>{}</code></li>",
            figures::count(failed.round),
            escaped(&failed.lane),
            escaped(failed.came),
            escaped(&failed.how),
            escaped(&failed.reproduce)
        );
    }
    text + "</ul>\n"
}

fn aging(watched: &Watched<'_>) -> String {
    let known = watched.ages.iter().filter(|age| {
        let drifts = age.aging.drifts();
        drifts.iter().any(|drift| drift.slope.is_some())
    });
    let head = crate::soak::Aging::default()
        .drifts()
        .map(|drift| drift.what);
    let head = std::iter::once("heap").chain(head);
    let mut table = Table::new(head.map(str::to_owned));
    let mut rows = 0;
    for age in known {
        rows += 1;
        let drifts = age.aging.drifts();
        let cells = drifts.map(|drift| slope(drift.slope, drift.is_worse));
        let name = subject(&age.heap, age.fault.as_deref());
        table.row(std::iter::once(name).chain(cells));
    }
    if rows == 0 {
        return missing("Too few rounds so far to tell.");
    }
    let note = "Change from round to round on one and the same heap, of memory in the second half of its \
                rounds, with the interval that holds it in all but one case of a thousand. What is surely \
                worse is marked with an exclamation mark: of memory that is what grows by more than a heap \
                may fill in its time, and does not slow down.";
    format!("{}\n{}", table.draw(), missing(note))
}

fn slope(slope: Option<Slope>, is_worse: bool) -> String {
    let Some(slope) = slope else {
        return NONE.to_owned();
    };
    let mark = if is_worse { "! " } else { "" };
    let [change, low, high] = percents(slope);
    format!("{mark}{change} ({low} to {high})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::soak::sample::{Sample, header};

    fn page(sample: &Sample) -> String {
        let now = sample.snapshot(100);
        html(&sample.watched(&now))
    }

    /// Goal: all of it is there, nothing is fetched from anywhere, and there is no script.
    #[test]
    fn says_how_it_stands() {
        let page = page(&Sample::full(header("churn", "cell-lost")));
        for words in [
            "<header class=\"banner violated\"><h1>gcstorm soak: 30 rounds, 1 failed, 1 vacuous</h1>",
            "<p>1 min 40 s gone, 7 h 58 min left.</p>",
            "round 30: churn on gil WITH PLANTED FAULT cell-lost, 4.9 s of 5 s",
            "<dt>live objects</dt><dd>1,950,001</dd>",
            "<th scope=\"row\">churn on gil WITH PLANTED FAULT cell-lost</th><td>6</td><td>5</td>",
            "round 28: churn on gil WITH PLANTED FAULT cell-lost <b>violated</b>",
            "<code>gcstorm run churn --seed 28</code>",
            "<th scope=\"row\">gil</th><td>! +0.0",
            "content=\"5\"",
        ] {
            assert!(page.contains(words), "no {words} in:\n{page}");
        }
        for title in ["the last minute", "throughput", "p99.9", "resident memory"] {
            assert!(page.contains(&format!("<h4>{title}</h4>")), "{title}");
        }
        for wrong in [
            "http:", "https:", "NaN", "url(", "src=", "@import", "<script",
        ] {
            assert!(!page.contains(wrong), "{wrong} in:\n{page}");
        }
        assert!(page.len() < 100_000, "{}", page.len());
    }

    /// Goal: before the first round it says what is not there yet and draws nothing.
    #[test]
    fn begins_with_nothing() {
        let page = page(&Sample::begun(header("churn", "cell-lost")));
        assert!(page.contains("<header class=\"banner held\">"));
        assert!(page.contains("the first round is under way") && !page.contains("<figure>"));
        assert_eq!(page.matches("class=\"missing\"").count(), 3, "{page}");
    }

    /// Goal: whatever a workload or a failure is called, it stays text.
    #[test]
    fn escapes_everything() {
        let evil = "<script>alert('1')</script>\" onload=\"x";
        let mut sample = Sample::full(header(evil, evil));
        sample.failures[0].how = evil.to_owned();
        sample.failures[0].reproduce = evil.to_owned();
        let page = page(&sample);
        assert!(!page.contains("<script") && !page.contains("\" onload"));
    }
}
