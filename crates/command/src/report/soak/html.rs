//! How a soak stands, as a page that a browser reloads by itself. It looks like the report of a
//! run, has no script, and fetches nothing but itself.
//!
//! It answers in this order: has anything failed; how far is it; what failed, and how is it
//! reproduced; how did the last rounds differ; how does each lane stand; does a heap get worse with
//! age.

use std::iter::once;
use std::time::Duration;

use maud::{Markup, Render as _, html};

use super::{Phase, Stage, Watched, charts, idle, name, ops, percents, row, tenths, whole};
use crate::report::html::contents::Book;
use crate::report::html::page::{Activity, SCRIPT, STYLE, document, missing, note, prose};
use crate::report::html::table::Table;
use crate::report::lane_row;
use crate::result::figures::{self, NONE};
use crate::result::subject;
use crate::soak::trend::Slope;
use crate::soak::{Aging, Snapshot};

/// How often a browser reloads it, in seconds.
pub const REFRESH_S: u32 = 5;

/// More time than that, and a fiftieth of all rounds', is not what it takes to begin another round.
const BETWEEN_MIN: Duration = Duration::from_secs(1);

/// Draws it. While rounds are made the page has no script, since it is loaded again and again; once
/// the soak is over it has one, which shows values.
pub fn html(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let verdict = verdict(now);
    let banner = html! {
        header class={ "banner " (verdict) } {
            h1 { "gcstorm soak: " (headline(now)) }
            p { (progress(watched)) }
            @if now.standing.rounds > 0 {
                (lane_row::idle(&idle(now.header, now.standing), now.header.lanes.len()))
            }
        }
    };
    let mut sections = [
        ("Overview", glance(watched)),
        ("Recent rounds", charts::draw(watched)),
        ("Lanes", lanes(now)),
        ("Failures", failures(watched)),
        ("Ageing of heaps", aging(watched)),
    ];
    if now.standing.failures > 0 {
        sections[1..=3].rotate_right(1);
    }
    let subjects = charts::subjects(now);
    let series: Vec<(usize, &str)> = (0..).zip(subjects.iter().map(String::as_str)).collect();
    let (activity, footer) = match watched.phase {
        Phase::Over => (Activity::Script(SCRIPT), String::new()),
        Phase::Rounds | Phase::Ending => (
            Activity::Reload(REFRESH_S),
            format!(" A browser reloads this page every {REFRESH_S} seconds."),
        ),
    };
    let book = Book {
        banner,
        sections: &sections,
        chapters: &[],
        series: &series,
        footer: html! { "As of " (figures::utc(now.unix_ms)) "." (footer) },
    };
    let title = format!("{verdict} – gcstorm soak");
    document(&title, STYLE, activity, &book.render())
}

/// One of the words for which the style sheet has colours.
fn verdict(now: &Snapshot<'_>) -> &'static str {
    let standing = now.standing;
    match (standing.failures, standing.vacuous()) {
        (0, 0) => "held",
        (0, _) => "vacuous",
        _ => "violated",
    }
}

fn headline(now: &Snapshot<'_>) -> String {
    match now.standing.rounds {
        0 => "the first round is under way".to_owned(),
        _ => super::outcome(now.standing),
    }
}

/// How long it has run, and how much time is left.
fn progress(watched: &Watched<'_>) -> String {
    let now = watched.now;
    let gone = whole(now.elapsed);
    match watched.phase {
        Phase::Rounds if now.left.is_zero() => format!("{gone} gone; the last round is under way."),
        Phase::Rounds => format!("{gone} gone, {} left.", whole(now.left)),
        Phase::Ending => format!("{gone} gone; interrupted, the last round is under way."),
        Phase::Over if now.elapsed.as_secs() == 0 => "Over within a second.".to_owned(),
        Phase::Over => over(now.elapsed, watched.between),
    }
}

/// How long a soak took, of which more than one session may have been a part.
fn over(elapsed: Duration, between: Option<Duration>) -> String {
    let Some(between) = between else {
        return format!("This session is over after {}.", whole(elapsed));
    };
    let all = format!(
        "All rounds together took {}, with judging them.",
        whole(elapsed)
    );
    match between > BETWEEN_MIN + elapsed / 50 {
        false => all,
        true => format!(
            "{all} In between, {} went by without one: it was interrupted or killed and resumed, or the \
             machine stood still.",
            whole(between)
        ),
    }
}

fn glance(watched: &Watched<'_>) -> Markup {
    let now = watched.now;
    let beat = watched.lately.beat().filter(|_| now.current.is_some());
    let resident = beat.map(|beat| beat.rss_bytes).filter(|bytes| *bytes > 0);
    let shard = now.header.shard;
    let or_none = |figure: Option<String>| figure.unwrap_or(NONE.to_owned());
    html! {
        dl {
            @if watched.phase != Phase::Over {
                dt { "under way" } dd { (or_none(under_way(now))) }
            }
            dt { "operations" } dd { (figures::count(ops(now))) }
            @if watched.phase != Phase::Over {
                dt { "pace" } dd { (or_none(watched.lately.rate().map(figures::rate))) }
                dt { "live objects" } dd { (or_none(beat.and_then(|it| it.live).map(figures::count))) }
                dt { "unreclaimed" }
                dd { (or_none(beat.and_then(|it| it.unreclaimed).map(figures::count))) }
                dt { "resident" } dd { (or_none(resident.map(figures::bytes))) }
            }
            dt { "a round" } dd { (figures::span(now.header.round_ms.saturating_mul(1_000_000))) }
            dt { "seed" } dd { (now.header.seed) }
            @if shard.of > 1 { dt { "shard" } dd { (shard.index) "/" (shard.of) } }
            dt { "gcstorm" }
            dd {
                (now.header.version)
                @if !now.header.commit.is_empty() { ", commit " (now.header.commit) }
            }
        }
    }
}

fn under_way(now: &Snapshot<'_>) -> Option<String> {
    let (round, _) = now.current?;
    let how_far = match Stage::of(now)? {
        Stage::Starting => "starting".to_owned(),
        Stage::Judging => "judging".to_owned(),
        Stage::Running(ms) => {
            let all = figures::span(now.header.round_ms.saturating_mul(1_000_000));
            format!("{} of {all}", tenths(ms))
        }
    };
    let lane = name(&now.header.lanes[round.lane]);
    Some(format!(
        "round {}: {lane}, {how_far}",
        figures::count(round.number)
    ))
}

fn lanes(now: &Snapshot<'_>) -> Markup {
    let all = std::iter::zip(&now.header.lanes, &now.standing.lanes);
    lane_row::drawn(all.map(|(lane, stands)| row(lane, stands)))
}

fn failures(watched: &Watched<'_>) -> Markup {
    let all = watched.now.standing.failures;
    let earlier = all.saturating_sub(watched.failures.len() as u64);
    html! {
        @if all == 0 { (missing("None.")) }
        @if earlier > 0 {
            @let earlier = figures::several(earlier, "earlier failure is", "earlier failures are");
            (missing(&format!("{earlier} in the journal.")))
        }
        @if !watched.failures.is_empty() {
            ul.lead {
                @for failed in watched.failures.iter().rev() {
                    li {
                        "round " (figures::count(failed.round)) ": " (failed.lane) " "
                        b { (failed.came) } ": " (prose(&failed.how))
                        br; code { (failed.reproduce) }
                    }
                }
            }
        }
    }
}

fn aging(watched: &Watched<'_>) -> Markup {
    let ages = watched.ages.iter().map(|age| (age, age.aging.drifts()));
    let known = ages.filter(|(_, drifts)| drifts.iter().any(|drift| drift.slope.is_some()));
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return missing("Too few rounds so far to tell.");
    }
    let what = Aging::default().drifts().map(|drift| drift.what);
    let mut table = Table::new(once("heap").chain(what));
    for (age, drifts) in known {
        let cells = drifts.map(|drift| slope(drift.slope, drift.is_worse));
        table.row(&subject(&age.heap, age.fault.as_deref()), cells);
    }
    let how = "The change from round to round on one and the same heap, with its 99.9 % confidence \
                interval; of memory in the second half of a heap's rounds. An exclamation mark stands \
                before what certainly gets worse. For memory this means: it grows by more than a heap may \
                fill in that time, and the growth does not slow down.";
    html! { (table) (note(how)) }
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
    use crate::report::html::page::tests::{EVIL, assert_tame};
    use crate::report::soak::sample::{Sample, header, record};
    use crate::result::Outcome;

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
            "<th>churn on gil WITH PLANTED FAULT cell-lost</th><td data-h=\"rounds\">6</td><td data-h=\"held\">5</td>",
            "round 28: churn on gil WITH PLANTED FAULT cell-lost <b>violated</b>",
            "<code>gcstorm run churn --seed 28</code>",
            "<th>gil</th><td data-h=\"resident memory\">! +0.0",
            "content=\"5\"",
        ] {
            assert!(page.contains(words), "no {words} in:\n{page}");
        }
        for title in ["the last minute", "throughput", "p99.9", "resident memory"] {
            assert!(page.contains(&format!("<h4>{title}</h4>")), "{title}");
        }
        for wrong in [
            "http:", "https:", "NaN", "url(h", "src=", "@import", "<script",
        ] {
            assert!(!page.contains(wrong), "{wrong} in:\n{page}");
        }
        assert!(page.len() < 100_000, "{}", page.len());
    }

    /// Goal: lanes without a round are named at the top, folded if they are many.
    #[test]
    fn lanes_without_a_round_are_named_first() {
        let mut sample = Sample::begun(header("churn", "cell-lost"));
        let mut held = record(0, Outcome::Held);
        held.lane = 1;
        sample.standing.add(&held);
        let (banner, rest) = page(&sample).split_once("</header>").map_or_else(
            || panic!("no banner"),
            |(banner, rest)| (banner.to_owned(), rest.to_owned()),
        );
        assert!(
            banner.contains("<p>1 of 2 lanes had no round: churn on gil.</p>"),
            "{banner}"
        );
        assert!(!rest.contains("churn on gil<"), "{rest}");
        let lane = sample.header.lanes[0].clone();
        sample.header.lanes.extend(vec![lane; 6]);
        sample.standing.lanes.resize_with(8, Default::default);
        let folded = "<details><summary>7 of 8 lanes had no round</summary><p>churn on gil, ";
        assert!(page(&sample).contains(folded));
    }

    /// Goal: before the first round the page says what is missing, draws no picture, and has no rows of
    /// zeros.
    #[test]
    fn begins_with_nothing() {
        let sample = Sample::begun(header("churn", "cell-lost"));
        let page = page(&sample);
        assert!(page.contains("<header class=\"banner held\">"));
        assert!(page.contains("the first round is under way") && !page.contains("<figure>"));
        assert_eq!(page.matches("class=\"missing\"").count(), 4, "{page}");
        assert!(!page.contains("data-h=\"rounds\""), "{page}");
    }

    /// Goal: whatever a journal calls a workload, a heap or a failure, it stays text.
    #[test]
    fn escapes_everything() {
        let mut header = header(EVIL, EVIL);
        header.lanes[0].heap = EVIL.to_owned();
        let mut sample = Sample::full(header);
        sample.failures[0].how = EVIL.to_owned();
        sample.failures[0].reproduce = EVIL.to_owned();
        let page = page(&sample);
        assert_tame(&page, 0);
    }

    /// Goal: of a soak that is over it is said what its time is the time of, and whether it stood still in
    /// between.
    #[test]
    fn times_are_called_by_their_names() {
        let told = |between| over(Duration::from_secs(171), between);
        assert_eq!(told(None), "This session is over after 2 min 51 s.");
        let whole = "All rounds together took 2 min 51 s, with judging them.";
        assert_eq!(told(Some(Duration::from_secs(3))), whole);
        let stopped = told(Some(Duration::from_secs(40)));
        assert!(
            stopped.starts_with(&format!("{whole} In between, 40 s went by")),
            "{stopped}"
        );
    }
}
