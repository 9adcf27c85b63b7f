//! Delays that the machine imposes on every thread, measured by a thread that only sleeps and
//! records how much later than it asked for it wakes up.
//!
//! The idea is jHiccup's (Gil Tene). A thousand times a second is often enough to meet every delay
//! that lasts for milliseconds, and takes some thousandths of one processor.

use std::time::Duration;

use super::host;
use super::stops::{NAP_NS, Nap};
use crate::clock::{Clock, Stamp};
use crate::evidence::Latency;
use crate::heap::pause::LONG_NS;

/// The thread reads how long it has waited for processors before every 16th nap, and after each nap
/// that was too long by a quarter: reading that costs more than all the rest.
const LOOK_EVERY: u64 = 16;
const LATE_NS: u64 = NAP_NS / 4;

/// What the probe saw.
#[derive(Debug, Default)]
pub(super) struct Probed {
    /// How late each wake-up was, in nanoseconds.
    pub(super) late: Latency,
    /// The beginning and end of each nap in which the process was stopped; these naps are not in
    /// `late`.
    pub(super) stops: Vec<(Stamp, Stamp)>,
}

/// Sleeps again and again until `is_over`. Returns what it saw while `is_on`.
pub(super) fn probe(is_on: impl Fn() -> bool, is_over: impl Fn() -> bool) -> Probed {
    let clock = Clock::get();
    let mut probed = Probed::default();
    let processors = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let (mut starved_ns, mut was_late) = (host::starved_ns(), false);
    for nap_number in 1_u64.. {
        if is_over() {
            break;
        }
        let was_on = is_on();
        if was_late || nap_number.is_multiple_of(LOOK_EVERY) {
            starved_ns = host::starved_ns();
        }
        let (ran_ns, system_ns) = (host::process_ran_ns(), host::system_ns());
        let start = clock.now();
        std::thread::sleep(Duration::from_nanos(NAP_NS));
        let end = clock.now();
        let late_ns = clock.nanos(start, end).saturating_sub(NAP_NS);
        was_late = late_ns >= LATE_NS;
        if !was_on {
            continue;
        }
        let nap = |waited_ns| Nap {
            slept_ns: clock.nanos(start, end),
            by_system_ns: host::system_ns().saturating_sub(system_ns),
            ran_ns: host::process_ran_ns().saturating_sub(ran_ns),
            waited_ns,
            processors,
        };
        if late_ns >= LONG_NS && nap(host::starved_ns().saturating_sub(starved_ns)).is_stop() {
            probed.stops.push((start, end));
        } else {
            probed.late.record(late_ns);
        }
    }
    probed
}
