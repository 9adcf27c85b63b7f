//! Which interpreter ran a plan, as it said of itself while it ran it.

use serde::{Deserialize, Serialize};

/// An interpreter, and how it was set up. What an older one cannot say is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InterpreterFacts {
    /// As in `cpython`.
    pub implementation: String,
    /// The version, the build and the compiler.
    pub version: String,
    /// The file that was run.
    pub executable: String,
    /// The options that it was configured with when it was built.
    pub build: String,
    /// Whether its build can do without the global lock.
    pub free_threaded_build: bool,
    /// Whether the global lock was on.
    pub gil_enabled: bool,
    /// Whether it compiled hot code to machine code.
    pub jit: bool,
    /// How long a thread waits for the global lock before it asks for it, in nanoseconds.
    pub switch_interval_ns: u64,
    /// The thresholds of the collector, youngest generation first.
    pub gc_thresholds: Vec<u64>,
    /// How many objects the collector was told to ignore.
    pub gc_frozen: u64,
}

impl InterpreterFacts {
    /// What it is, in a few words.
    pub fn about(&self) -> String {
        let release = self.version.split_whitespace().next().unwrap_or("?");
        let lock = match (self.free_threaded_build, self.gil_enabled) {
            (_, false) => "without the lock",
            (true, true) => "a free-threaded build with the lock on",
            (false, true) => "with the lock",
        };
        let jit = match self.jit {
            true => ", with its JIT compiler",
            false => "",
        };
        format!("CPython {release}, {lock}{jit}")
    }

    /// The second number of its version.
    pub fn minor(&self) -> Option<u32> {
        self.version.split('.').nth(1)?.parse().ok()
    }

    /// How it was set up, in a sentence.
    pub fn details(&self) -> String {
        let thresholds: Vec<String> = self.gc_thresholds.iter().map(u64::to_string).collect();
        let jit = match self.jit {
            true => "on",
            false => "off",
        };
        format!(
            "{}; {}; configured with {}; JIT {jit}, switch interval {} ms, gc thresholds {}, {} frozen",
            self.executable,
            self.version,
            match self.build.as_str() {
                "" => "nothing",
                options => options,
            },
            self.switch_interval_ns as f64 / 1e6,
            thresholds.join(" "),
            self.gc_frozen,
        )
    }
}
