//! What the machine takes from everybody: a thread that does nothing but sleep, and looks how much
//! later it woke up than it had asked for.
//!
//! The idea is jHiccup's (Gil Tene). A thousand times a second is often enough to meet whatever lasts
//! for milliseconds, and takes some thousandths of one processor.

use std::time::Duration;

use crate::clock::Clock;
use crate::evidence::Latency;

/// How long it asks to sleep.
const NAP: Duration = Duration::from_millis(1);

/// Sleeps until `is_over`. Returns how late it woke up, each time while `is_on`, in nanoseconds.
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
