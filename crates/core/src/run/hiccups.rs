//! Delays that the machine imposes on every thread, measured by a thread that only sleeps and
//! records how much later than it asked for it wakes up.
//!
//! The idea is jHiccup's (Gil Tene). A thousand times a second is often enough to meet every delay
//! that lasts for milliseconds, and takes some thousandths of one processor.

use std::time::Duration;

use crate::clock::Clock;
use crate::evidence::Latency;

/// How long the thread asks to sleep.
const NAP: Duration = Duration::from_millis(1);

/// Sleeps again and again until `is_over`. Returns how late each wake-up was while `is_on`, in
/// nanoseconds.
pub(super) fn probe(is_on: impl Fn() -> bool, is_over: impl Fn() -> bool) -> Latency {
    let clock = Clock::get();
    let mut late = Latency::default();
    while !is_over() {
        let was_on = is_on();
        let start = clock.now();
        std::thread::sleep(NAP);
        let slept = clock.since(start);
        if was_on {
            let nanos = slept.saturating_sub(NAP).as_nanos();
            late.record(u64::try_from(nanos).unwrap_or(u64::MAX));
        }
    }
    late
}
