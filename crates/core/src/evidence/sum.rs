//! Sums of packed distributions, without any loss.
//!
//! A distribution in memory is a quarter of a million bytes, most of them zero, and whoever adds up
//! the rounds of a thousand machines has hundreds of thousands. So a sum has the counts that are
//! not zero, in the order of their times, and another is added as sorted lists are merged.

use std::cmp::Ordering;

use super::latency::Latency;
use super::packed::{Count, Packed, Room};

/// How many times are told apart within one power of two.
const HALF: u64 = 1024;

/// A sum in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// In the order of times.
    counts: Vec<Count>,
}

impl From<&Latency> for Sum {
    fn from(latency: &Latency) -> Self {
        let recorded = latency.histogram().iter_recorded();
        let counts = recorded.map(|value| {
            let index = index_of(value.value_iterated_to());
            (index, value.count_at_value())
        });
        Self {
            counts: counts.collect(),
        }
    }
}

impl Sum {
    /// Adds what is packed there.
    ///
    /// # Errors
    ///
    /// It is none, or has another form or range; then nothing was added.
    pub fn add(&mut self, packed: &Packed, room: &mut Room) -> Result<(), String> {
        let (more, sum) = room.unpack(packed)?;
        sum.clear();
        let (mut own, mut more) = (self.counts.iter().peekable(), more.iter().peekable());
        while let (Some(&&(at, count)), Some(&&(at_more, count_more))) = (own.peek(), more.peek()) {
            sum.push(match at.cmp(&at_more) {
                Ordering::Less => (at, count),
                Ordering::Equal => (at, count.saturating_add(count_more)),
                Ordering::Greater => (at_more, count_more),
            });
            if at <= at_more {
                own.next();
            }
            if at_more <= at {
                more.next();
            }
        }
        sum.extend(own);
        sum.extend(more);
        // Copied and not swapped: the buffer is as large as the largest of all sums.
        self.counts.clear();
        self.counts.reserve_exact(sum.len());
        self.counts.extend_from_slice(sum);
        Ok(())
    }

    /// The sum packed; `None` if a count is too large for that form.
    pub fn pack(&self) -> Option<Packed> {
        Packed::from_counts(&self.counts)
    }

    /// The sum as a distribution of which one can ask more.
    pub fn latency(&self) -> Latency {
        let mut latency = Latency::default();
        for &(index, count) in &self.counts {
            latency.record_many(time_of(index), count);
        }
        latency
    }
}

impl Packed {
    /// Packs a distribution; `None` if one of its counts is too large for the packed form.
    pub fn of(latency: &Latency) -> Option<Self> {
        Sum::from(latency).pack()
    }
}

/// The least time that is counted there, in nanoseconds.
fn time_of(index: u32) -> u64 {
    let (power, place) = (u64::from(index) / HALF, u64::from(index) % HALF);
    match power {
        0 => place,
        _ => (place + HALF) << (power - 1),
    }
}

/// Where a time is counted.
fn index_of(nanos: u64) -> u32 {
    // Of the bits from the first on, as many as tell `HALF` from its double.
    let power = u64::from((nanos | HALF).ilog2() - HALF.ilog2());
    let index = HALF * power + (nanos >> power);
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::latency::LATENCY_NS_MAX;

    fn times() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let time = prop_oneof![0..5000_u64, 0..LATENCY_NS_MAX + 1000, Just(u64::MAX)];
        let count = prop_oneof![1..4_u64, 1..(1_u64 << 50)];
        prop::collection::vec((time, count), 0..20)
    }

    fn latency_of(times: &[(u64, u64)]) -> Latency {
        let mut latency = Latency::default();
        for (time, count) in times {
            latency.record_many(*time, *count);
        }
        latency
    }

    proptest! {
        /// Goal: a sum of packed distributions is the distribution of all that was recorded, to the
        /// last count, in memory and packed; and the other codec reads the same of it.
        #[test]
        fn loses_nothing(all in prop::collection::vec(times(), 0..5)) {
            let (mut sum, mut room) = (Sum::default(), Room::default());
            for times in &all {
                let packed = Packed::of(&latency_of(times)).expect("it is packed");
                sum.add(&packed, &mut room).expect("it is its own");
            }
            let expected = latency_of(&all.concat());
            prop_assert_eq!(&sum, &Sum::from(&expected));
            let again = sum.pack().expect("it is packed");
            // Its maximum is kept beside the counts, and is more than they tell once it was packed.
            let expected = Latency::decode(&expected.encode().expect("it is written"));
            prop_assert_eq!(again.unpack(), expected);
            prop_assert_eq!(again.unpack(), Ok(sum.latency()));
        }

        /// Goal: every time has its place, which does not depend on what else is there.
        #[test]
        fn places_are_those_of_the_form(index in 0..33 * 1024_u32) {
            prop_assert_eq!(index_of(time_of(index)), index);
            prop_assert_eq!(index_of(time_of(index + 1) - 1), index);
        }
    }

    /// Goal: what is no histogram of ours adds nothing.
    #[test]
    fn what_is_refused_adds_nothing() {
        let (mut sum, mut room) = (Sum::default(), Room::default());
        let own = Packed::of(&latency_of(&[(70, 3)])).expect("it is packed");
        sum.add(&own, &mut room).expect("it is its own");
        let before = sum.clone();
        let bad: Packed = serde_json::from_str("\"HISTFAAA\"").expect("it is text");
        assert!(sum.add(&bad, &mut room).is_err());
        assert_eq!(sum, before);
    }
}
