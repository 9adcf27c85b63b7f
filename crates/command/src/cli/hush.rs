//! Silences panics of a heap under test while programs are tried: shrinking tries thousands, and
//! the finding is reported once, when it is small.

use std::cell::Cell;

thread_local! {
    static IS_TRYING: Cell<bool> = const { Cell::new(false) };
}

/// From now on, panics [while something is tried](while_trying) print nothing.
pub(super) fn panics_of_heaps() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_TRYING.get() {
            loud(panic);
        }
    }));
}

/// Tries something that may panic; its panics print nothing on this thread.
pub(super) fn while_trying<T>(attempt: impl FnOnce() -> T) -> T {
    IS_TRYING.set(true);
    let result = attempt();
    IS_TRYING.set(false);
    result
}
