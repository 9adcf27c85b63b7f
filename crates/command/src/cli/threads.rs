//! Whether the system can start the threads that a run needs.
//!
//! Limits of the system (`ulimit -u`, a container's limit of processes) are known only by trying.

use std::io;
use std::sync::Mutex;
use std::thread::{Builder, scope};

use super::usage::Usage;

/// Refuses a command that needs `count` threads at a time if the system cannot start them.
pub(super) fn refuse_too_many(count: usize) -> Result<(), Usage> {
    start(count).map_err(|error| {
        let message = format!("no thread could be started: {count} are needed at a time: {error}");
        Usage::new(message)
            .hint("use fewer threads, or raise the limit of processes (`ulimit -u`, `pids.max`)")
    })
}

/// Starts `count` threads at a time, which then end.
fn start(count: usize) -> io::Result<()> {
    // Each waits for the gate to open, so none ends before the last has started.
    let gate = Mutex::new(());
    scope(|scope| {
        let shut = gate.lock();
        let started = (0..count).try_for_each(|_| {
            let thread = Builder::new().spawn_scoped(scope, || drop(gate.lock()))?;
            drop(thread);
            Ok(())
        });
        drop(shut);
        started
    })
}
