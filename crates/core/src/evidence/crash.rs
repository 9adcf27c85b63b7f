//! Where a process was when a signal ended it.

use serde::{Deserialize, Serialize};

/// What a process says of itself when a signal ends it: addresses, which its parent names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashDump {
    /// The signal's number.
    pub signal: i32,
    /// Why it came, by the system's number.
    pub code: i32,
    /// The address that was accessed, if the signal is about one.
    pub address: u64,
    /// The name of the thread.
    pub thread: String,
    /// Addresses of code, the innermost first.
    pub frames: Vec<u64>,
    /// The mappings that these are in, as `/proc/self/maps` has them; each byte is a letter.
    pub maps: String,
}

/// Where a process was when a signal ended it, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// The signal, and why it came.
    pub signal: String,
    /// The name of the thread, which is that of its mutator, if it is one.
    pub thread: String,
    /// The operation of the mutator that was under way, if the stack tells.
    pub op: Option<String>,
    /// The calls, the innermost first.
    pub frames: Vec<CrashFrame>,
    /// What a reader should know of the stack, such as that there are no symbols.
    pub note: Option<String>,
}

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashFrame {
    /// The name of the function; empty if it is unknown.
    pub function: String,
    /// File and line, or else the mapped file and the address in it.
    pub place: String,
}

impl CrashFrame {
    /// Whether it is a call within the harness, where nobody looks for the mistake of a heap. Without
    /// all of the debugger's information a function has no path, but its file has.
    pub fn is_harness(&self) -> bool {
        let here = file!().trim_end_matches("evidence/crash.rs");
        ["run", "fuzz", "heap/owned"].iter().any(|part| {
            let module = format!("gcstorm_core::{}::", part.replace('/', "::"));
            self.function.contains(&module) || self.place.contains(&format!("{here}{part}/"))
        })
    }
}
