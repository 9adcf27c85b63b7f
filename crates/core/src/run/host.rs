//! The machine a run happened on, for provenance.

use rustix::time::ClockId;
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockFacts};

/// What a result says about the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Processors this process may use.
    pub cpus: usize,
    /// The processor's own name; empty if the system does not report it.
    pub cpu_model: String,
    /// The kernel's version; empty if the system does not report it.
    pub kernel: String,
    /// The clock.
    pub clock: ClockFacts,
}

impl HostFacts {
    /// This machine.
    pub fn here() -> Self {
        let cpu_info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu_model = cpu_info.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == "model name").then(|| value.trim().to_owned())
        });
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_model: cpu_model.unwrap_or_default(),
            kernel: kernel.trim().to_owned(),
            clock: Clock::get().facts().clone(),
        }
    }
}

/// How long the calling thread has been ready to run while the system ran something else, in
/// nanoseconds since the thread began; 0 if the system does not report it.
pub(super) fn starved_ns() -> u64 {
    // Time on a processor, time waiting for one, and how often:
    // Documentation/scheduler/sched-stats.
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let waited = stat.split_whitespace().nth(1);
    waited.and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// How long the calling thread has run on a processor, in nanoseconds.
pub(super) fn ran_ns() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// How long all threads of the process have run on processors, in nanoseconds.
pub(super) fn process_ran_ns() -> u64 {
    read(ClockId::ProcessCPUTime)
}

/// The system's own clock, in nanoseconds.
pub(super) fn system_ns() -> u64 {
    read(ClockId::Monotonic)
}

fn read(clock: ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    let nanos = time
        .tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec);
    u64::try_from(nanos).unwrap_or(0)
}
