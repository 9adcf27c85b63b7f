//! How many rounds a stint has, by default and where a soak goes on for longer than it was meant to.

use std::time::Duration;

use crate::soak::{Agenda, Era, Header, Lane};

/// The shortest turn of all lanes, if the budget has room for two: ten minutes age a heap enough to
/// show a leak of one object in 100,000.
const TURN_MS_MIN: u64 = 600_000;
/// The fewest rounds of a stint, if the budget has room for two turns: a trend takes several rounds
/// on one heap.
const STINT_MIN: u64 = 6;
/// The maximum number of turns in a long budget, so that stints grow with it: no lane waits longer
/// than an eighth of the budget for its turn.
const TURNS_MAX: u64 = 8;

/// The default number of rounds in a stint: many, but so few that every lane has at least two
/// turns.
pub(super) fn by(budget: Duration, lanes: &[Lane], round_ms: u64) -> u32 {
    let weights: u64 = lanes.iter().map(|lane| u64::from(lane.weight)).sum();
    let budget_ms = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
    let all_once_ms = weights.saturating_mul(round_ms).max(1);
    let turn_ms = (budget_ms / TURNS_MAX)
        .max(TURN_MS_MIN)
        .max(all_once_ms.saturating_mul(STINT_MIN))
        .min(budget_ms / 2);
    let stint = turn_ms / all_once_ms;
    u32::try_from(stint).unwrap_or(u32::MAX).max(1)
}

/// The era in which a soak goes on after its rounds before `next`, if this budget has room for
/// longer stints than it has now: in short ones no heap grows old. Not if their length was chosen,
/// and not in a shard: the others would have to make theirs longer at the same round.
pub(super) fn longer(budget: Duration, header: &Header, era: Era, next: u64) -> Option<Era> {
    if !header.stint_grows || header.shard.of > 1 {
        return None;
    }
    let stint = by(budget, &header.lanes, header.round_ms);
    let agenda = Agenda::new(header.seed, era, &header.lanes);
    (stint > era.stint).then(|| agenda.longer(next, stint))
}

/// How long it takes until each lane has had its turn, if this budget is shorter. Of a shard that
/// cannot be told: which turns are its own is for the seed to say.
pub(super) fn lacking(budget: Duration, header: &Header) -> Option<Duration> {
    let stint = u64::from(header.stint).saturating_mul(header.round_ms);
    let turns = header.lanes.iter().map(|lane| u64::from(lane.weight));
    let needed = Duration::from_millis(stint.saturating_mul(turns.sum()));
    (header.shard.of == 1 && budget < needed).then_some(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::soak::Shard;

    /// Goal: a budget that has no room for each lane is told how much would have; one that has is not, nor
    /// is that of a shard.
    #[test]
    fn too_short_a_budget_is_told() {
        let header = Header {
            stint: 2,
            round_ms: 5000,
            ..sample::header(vec![sample::lane(1), sample::lane(3)])
        };
        let seconds = Duration::from_secs;
        assert_eq!(lacking(seconds(39), &header), Some(seconds(40)));
        assert_eq!(lacking(seconds(40), &header), None);
        let shard = Shard { index: 0, of: 2 };
        assert_eq!(lacking(seconds(1), &Header { shard, ..header }), None);
    }

    /// Goal: only a longer budget makes stints longer, and neither a length that was chosen nor
    /// that of a shard changes.
    #[test]
    fn stints_grow_with_the_budget() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let lanes = vec![sample::lane(1); 2];
        let header = Header {
            stint: by(minutes(1), &lanes, 5000),
            round_ms: 5000,
            ..sample::header(lanes)
        };
        assert_eq!(header.stint, 3);
        let era = Era::first(header.stint);
        let next = |minutes_more, header: &Header, era, from| {
            longer(minutes(minutes_more), header, era, from)
        };
        assert_eq!(next(1, &header, era, 12), None);
        let hour = next(60, &header, era, 12).expect("an hour has room");
        assert_eq!((hour.from, hour.stints_before, hour.stint), (12, 4, 60));
        assert_eq!(next(60, &header, hour, 200), None);
        let night = next(600, &header, hour, 200).expect("ten hours have room for more");
        assert_eq!(
            (night.from, night.stints_before, night.stint),
            (200, 8, 450)
        );
        let chosen = Header {
            stint_grows: false,
            ..header.clone()
        };
        assert_eq!(next(60, &chosen, era, 12), None);
        let shared = Header {
            shard: Shard { index: 1, of: 2 },
            ..header
        };
        assert_eq!(next(60, &shared, era, 12), None);
    }
}
