//! The last minute of a soak, second by second, from the progress of its rounds.
//!
//! For each second it has the operations that were reported in it, and for how long mutators ran
//! meanwhile. The time in which a process starts or a result is judged does not count, so it does
//! not show as a dip in the rate. A round that ends before it reports any progress counts in the
//! second in which it ends.

use std::collections::VecDeque;

use super::{Beat, Snapshot, Standing};

/// How many seconds are kept.
const SECONDS: usize = 90;
/// The current rate is that of this many seconds, so that it does not flicker.
const NOW: u64 = 3;

/// What was done in one second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Second {
    number: u64,
    ops: u64,
    ran_ns: u64,
}

/// Operations done, and the time in which they were done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Done {
    ops: u64,
    ran_ns: u64,
}

impl Done {
    /// What all rounds that are over have done.
    fn of(standing: &Standing) -> Self {
        Self {
            ops: standing.ops(),
            ran_ns: standing.elapsed_ns(),
        }
    }

    fn beyond(self, other: Self) -> Self {
        Self {
            ops: self.ops.saturating_sub(other.ops),
            ran_ns: self.ran_ns.saturating_sub(other.ran_ns),
        }
    }
}

/// The last minute of a soak.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lately {
    /// The seconds in which something was done, oldest first.
    seconds: VecDeque<Second>,
    /// How many rounds are over, and what they did; `None` before the first snapshot.
    over: Option<(u64, Done)>,
    /// The number of the round under way, and what it has done.
    under_way: (u64, Done),
    beat: Option<Beat>,
    round_ended_unix_ms: Option<u64>,
}

impl Lately {
    /// Takes note of a snapshot. This should be called a few times a second, and after each round.
    pub fn note(&mut self, now: &Snapshot<'_>) {
        let second = now.elapsed.as_secs();
        let (rounds, over) = (now.standing.rounds, Done::of(now.standing));
        if let Some((before, done)) = self.over.replace((rounds, over))
            && rounds > before
        {
            let (_, seen) = std::mem::take(&mut self.under_way);
            self.add(second, over.beyond(done).beyond(seen));
            self.round_ended_unix_ms = Some(now.unix_ms);
        }
        let Some((round, Some(beat))) = now.current else {
            return;
        };
        // When its time is over the round is judged, and does no operations.
        let ran_ms = beat.elapsed_ms.min(now.header.round_ms);
        let done = Done {
            ops: beat.ops,
            ran_ns: ran_ms.saturating_mul(1_000_000),
        };
        let seen = match self.under_way {
            (number, seen) if number == round.number => seen,
            _ => Done::default(),
        };
        self.add(second, done.beyond(seen));
        self.under_way = (round.number, done);
        self.beat = Some(beat);
    }

    fn add(&mut self, number: u64, done: Done) {
        match self.seconds.back_mut() {
            Some(last) if last.number == number => {
                last.ops += done.ops;
                last.ran_ns += done.ran_ns;
            }
            _ if done.ran_ns == 0 => {}
            _ => {
                if self.seconds.len() == SECONDS {
                    self.seconds.pop_front();
                }
                let Done { ops, ran_ns } = done;
                self.seconds.push_back(Second {
                    number,
                    ops,
                    ran_ns,
                });
            }
        }
    }

    /// Operations a second in the `count` seconds before `now` (in seconds since the soak began),
    /// oldest first; `None` where nothing ran.
    pub fn rates(&self, now: u64, count: usize) -> Vec<Option<f64>> {
        let mut rates = vec![None; count];
        for second in &self.seconds {
            let ago = now.checked_sub(second.number).filter(|ago| *ago > 0);
            let place = ago.and_then(|ago| count.checked_sub(usize::try_from(ago).ok()?));
            if let Some(place) = place {
                rates[place] = rate(second.ops, second.ran_ns);
            }
        }
        rates
    }

    /// The current number of operations a second, or the last one if nothing runs.
    pub fn rate(&self) -> Option<f64> {
        let last = self.seconds.back()?.number;
        let seconds = self.seconds.iter().rev();
        let seconds = seconds.take_while(|second| second.number + NOW > last);
        let (ops, ran_ns) = seconds.fold((0, 0), |(ops, ran_ns), second| {
            (ops + second.ops, ran_ns + second.ran_ns)
        });
        rate(ops, ran_ns)
    }

    /// The last progress that a round reported.
    pub fn beat(&self) -> Option<Beat> {
        self.beat
    }

    /// When the last round ended, in milliseconds since 1970.
    pub fn round_ended_unix_ms(&self) -> Option<u64> {
        self.round_ended_unix_ms
    }
}

fn rate(ops: u64, ran_ns: u64) -> Option<f64> {
    (ran_ns > 0).then(|| ops as f64 * 1e9 / ran_ns as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sample;
    use crate::soak::{Era, Header, Round};

    /// Notes what the rounds that are over did (operations, milliseconds), and the progress of the
    /// one under way (its number, milliseconds, operations).
    fn note(lately: &mut Lately, at_ms: u64, over: (u64, u64), current: Option<(u64, u64, u64)>) {
        let header = Header {
            round_ms: 2000,
            ..sample::header(Vec::new())
        };
        let mut standing = Standing::of(1);
        // In these tests more operations mean more rounds.
        standing.rounds = over.0;
        standing.lanes[0].ops = over.0;
        standing.lanes[0].elapsed_ns = over.1 * 1_000_000;
        let current = current.map(|(number, elapsed_ms, ops)| {
            let round = Round {
                number,
                stint: number,
                lane: 0,
                seed: 1,
                era: Era::first(1),
            };
            let beat = Beat {
                elapsed_ms,
                ops,
                ..Beat::default()
            };
            (round, Some(beat))
        });
        lately.note(&Snapshot {
            header: &header,
            standing: &standing,
            current,
            elapsed: Duration::from_millis(at_ms),
            left: Duration::ZERO,
            unix_ms: 0,
        });
    }

    /// Goal: each operation counts once, in the second in which it was seen, over the time in which
    /// mutators ran; those before the first snapshot do not count, and judging is no dip.
    #[test]
    fn operations_count_once() {
        let mut lately = Lately::default();
        note(&mut lately, 100, (70_000, 9000), None);
        assert_eq!(lately.rate(), None);
        note(&mut lately, 900, (70_000, 9000), Some((5, 500, 1000)));
        note(&mut lately, 1900, (70_000, 9000), Some((5, 1500, 2000)));
        // Its time is over, and it is being judged.
        note(&mut lately, 2900, (70_000, 9000), Some((5, 2400, 3000)));
        note(&mut lately, 3900, (70_000, 9000), Some((5, 3400, 3000)));
        let rates = [Some(2000.0), Some(1000.0), Some(2000.0), None];
        assert_eq!(lately.rates(4, 4), rates);
        // It did a few more than it had said.
        note(&mut lately, 4500, (73_200, 11_100), None);
        assert_eq!(lately.rates(5, 1), [Some(2000.0)]);
        note(&mut lately, 5500, (73_200, 11_100), Some((6, 500, 100)));
        assert_eq!(lately.rates(6, 1), [Some(200.0)]);
        assert_eq!(lately.rates(500, 60), vec![None; 60]);
        let rate = lately.rate().expect("something ran");
        assert!((rate - 500.0).abs() < 1e-9, "{rate}");
    }

    /// Goal: rounds that end before they report progress count, and a round that is lost takes no
    /// operations away.
    #[test]
    fn short_and_lost_rounds_count() {
        let mut lately = Lately::default();
        for round in 0..=20 {
            note(&mut lately, 50 * round, (round * 100, round * 20), None);
        }
        assert_eq!(lately.rate(), Some(5000.0));
        note(&mut lately, 1500, (2000, 400), Some((21, 500, 700)));
        note(&mut lately, 1700, (2000, 400), Some((22, 100, 100)));
        assert_eq!(lately.rates(2, 1), [Some(900.0 / 0.62)]);
    }

    /// Goal: however long a soak is, a minute and a half of it is kept.
    #[test]
    fn is_bounded() {
        let mut lately = Lately::default();
        for second in 0..1000 {
            note(
                &mut lately,
                second * 1000,
                (second * 7, second * 1000),
                None,
            );
        }
        assert_eq!(lately.seconds.len(), SECONDS);
        let rates = lately.rates(1000, 200);
        assert_eq!(rates.iter().flatten().count(), SECONDS);
    }
}
