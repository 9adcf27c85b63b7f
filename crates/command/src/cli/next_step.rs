//! What to do next about a heap that crashed: the command line that does the same under a debugger,
//! in one process.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::near;
use super::reproduce::quoted;

/// What a reader cannot guess.
const HINT: &str =
    "      AddressSanitizer stops at the first bad access: \"When it crashes\" in the guide\n";

/// The line, and a hint. `words` are those of the command that crashed, without the program.
pub(super) fn after_crash(words: &[impl AsRef<OsStr>]) -> String {
    let mut all: Vec<OsString> = ["gdb", "-ex", "run", "-ex", "bt", "--args"]
        .map(OsString::from)
        .into();
    all.push(program().into());
    let mut own = words.iter().map(AsRef::as_ref);
    while let Some(word) = own.next() {
        // Such limits are for processes that can be ended.
        if word == "--time-limit" {
            let _ = own.next();
        } else {
            all.push(word.to_owned());
        }
    }
    all.extend(["--isolate", "no"].map(OsString::from));
    if near::path().is_some() {
        all.extend(["--profile", near::NO_PROFILE].map(OsString::from));
    }
    format!("next: {}\n{HINT}", quoted(&all))
}

/// The file of this program, which no shell has to find.
fn program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let below = program.strip_prefix(here).map(PathBuf::from);
    below.unwrap_or(program)
}
