//! Ctrl-C, and a polite `kill`: the first ends the run, which is judged and written; the second ends
//! the program at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

use super::exit::Exit;
use super::usage::Usage;

/// A flag that the signals set from now on.
pub(super) fn flag() -> Result<Arc<AtomicBool>, Usage> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        listen(signal, &flag)
            .map_err(|error| Usage::new(format!("failed to listen for signals: {error}")))?;
    }
    Ok(flag)
}

/// A flag that nothing sets: the same signals are passed over from now on, since another process decides when
/// this one ends. Schedulers send them to all processes of a job at once, and whoever gets them there first
/// must not cut short what the other is about to wait for.
pub(super) fn deaf() -> Result<Arc<AtomicBool>, Usage> {
    for signal in [SIGINT, SIGTERM] {
        register(signal, Arc::default())
            .map_err(|error| Usage::new(format!("failed to pass over signals: {error}")))?;
    }
    Ok(Arc::default())
}

fn listen(signal: i32, flag: &Arc<AtomicBool>) -> std::io::Result<()> {
    // In this order: the first signal finds the flag unset and sets it, the second finds it set.
    let code = i32::from(Exit::Interrupted.code());
    register_conditional_shutdown(signal, code, Arc::clone(flag))?;
    register(signal, Arc::clone(flag))?;
    Ok(())
}
