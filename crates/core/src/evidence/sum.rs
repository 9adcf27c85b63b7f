//! Sums of packed distributions, without any loss.
//!
//! A distribution in memory is a quarter of a million bytes, most of them zero, and adding up the
//! rounds of a thousand machines takes hundreds of thousands of distributions. So a sum has only
//! the counts that are not zero, in the order of their times, and another is added by merging the
//! two sorted lists.

use std::cmp::Ordering;

use super::latency::Latency;
use super::packed::{Count, Packed, Room};

/// How many distinct times there are within one power of two.
const HALF: u64 = 1024;

/// A sum of distributions.
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
    /// Adds a packed distribution.
    ///
    /// # Errors
    ///
    /// It is not a histogram, or has another form or range; then nothing was added.
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
        // The counts are copied, not swapped: the buffer has the capacity of the largest of all
        // sums.
        self.counts.clear();
        self.counts.reserve_exact(sum.len());
        self.counts.extend_from_slice(sum);
        Ok(())
    }

    /// The sum packed; `None` if a count is too large for that form.
    pub fn pack(&self) -> Option<Packed> {
        Packed::from_counts(&self.counts)
    }

    /// The sum as a distribution.
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

/// The least time that is counted at an index, in nanoseconds.
pub(crate) fn time_of(index: u32) -> u64 {
    let (power, place) = (u64::from(index) / HALF, u64::from(index) % HALF);
    match power {
        0 => place,
        _ => (place + HALF) << (power - 1),
    }
}

/// The index at which a time is counted.
pub(crate) fn index_of(nanos: u64) -> u32 {
    // Only the leading bits count, as many as `HALF` has.
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
            // A distribution in memory keeps its exact maximum beside the counts, which the packed
            // form does not have.
            let expected = Latency::decode(&expected.encode().expect("it is written"));
            prop_assert_eq!(again.unpack(), expected);
            prop_assert_eq!(again.unpack(), Ok(sum.latency()));
        }

        /// Goal: every time has its own index, whatever else was counted.
        #[test]
        fn places_are_those_of_the_form(index in 0..33 * 1024_u32) {
            prop_assert_eq!(index_of(time_of(index)), index);
            prop_assert_eq!(index_of(time_of(index + 1) - 1), index);
        }
    }

    /// Goal: a text that is not a histogram of this form adds nothing.
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
