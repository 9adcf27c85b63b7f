//! Silences panics of a heap under test while programs are tried: shrinking tries thousands, and
//! the finding is reported once, when it is small.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

thread_local! {
    static IS_TRYING: Cell<bool> = const { Cell::new(false) };
}

/// The message of the first panic on another thread than those that try something.
static STRAY: Mutex<Option<String>> = Mutex::new(None);

/// From now on, panics [while something is tried](while_trying) print nothing, and others are
/// [remembered](take_stray).
pub(super) fn panics_of_heaps() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if IS_TRYING.get() {
            return;
        }
        let message = panic.payload_as_str().unwrap_or("it did not say why");
        let mut stray = STRAY.lock().unwrap_or_else(PoisonError::into_inner);
        stray.get_or_insert_with(|| message.to_owned());
        drop(stray);
        loud(panic);
    }));
}

/// What a thread said that panicked since this was last asked, other than one that tries something:
/// a mutator's, which the run reports itself, or one that the heap has for itself.
pub(super) fn take_stray() -> Option<String> {
    STRAY.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Tries something that may panic; its panics print nothing on this thread.
pub(super) fn while_trying<T>(attempt: impl FnOnce() -> T) -> T {
    IS_TRYING.set(true);
    let result = attempt();
    IS_TRYING.set(false);
    result
}
