//! Faults that can be planted in a Python program: a piece of text that a sound program does not have.

use crate::heap::Fault;

/// What can be planted.
pub(super) const ALL: &[Fault] = &[
    Fault::AppendLost,
    Fault::AppendOutOfOrder,
    Fault::TruncateOffByOne,
    Fault::AdditionLost,
    Fault::ReferenceKept,
    Fault::ExtraReference,
    Fault::WeakCleared,
    Fault::FinalizerRunTwice,
    Fault::FinalizerSkipped,
    Fault::CollectorNeverRuns,
    Fault::WalkSkipsRoot,
    Fault::InterpreterKilled,
    Fault::InterpreterHung,
];

/// What begins the end of every program.
const END: &str = "\nif __name__ == \"__main__\":\n";

/// The program with a fault in it.
pub(super) fn planted(sound: &str, fault: Fault) -> String {
    let (before, end) = sound.rsplit_once(END).unwrap_or((sound, ""));
    let faults = include_str!("runtime/faults.py");
    format!("{before}\n\n{faults}\n\nFAULT = \"{fault}\"\nplant(FAULT)\n{END}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each fault is in the text under its name, and none stands there that cannot be planted.
    #[test]
    fn each_has_its_function() {
        let text = include_str!("runtime/faults.py");
        for fault in ALL {
            let name = fault.name().replace('-', "_");
            assert!(text.contains(&format!("\ndef {name}():\n")), "{name}");
        }
    }
}
