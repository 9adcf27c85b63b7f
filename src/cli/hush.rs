//! Panics of a heap under test are findings, one of thousands of programs that are tried while one is
//! shrunk: they are told when it is small, and not each time.

use std::cell::Cell;

thread_local! {
    static IS_TRYING: Cell<bool> = const { Cell::new(false) };
}

/// From now on, what panics [while something is tried](while_trying) does so in silence.
pub(super) fn panics_of_heaps() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_TRYING.get() {
            loud(panic);
        }
    }));
}

/// Tries something.
pub(super) fn while_trying<T>(attempt: impl FnOnce() -> T) -> T {
    IS_TRYING.set(true);
    let result = attempt();
    IS_TRYING.set(false);
    result
}
