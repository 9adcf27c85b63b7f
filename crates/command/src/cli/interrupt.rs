//! Signals that ask the program to end: the first ends the run, whose results are judged and
//! written; one that comes a second later or more ends the program at once.
//!
//! `timeout` of coreutils and many schedulers send a signal to the program and then to its process
//! group, so the program gets it twice. Nobody who wants it to end at once minds a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::iterator::Signals;

use super::exit::Exit;
use super::usage::Usage;

/// A signal that comes this soon after the first counts as the same one.
const SAME: Duration = Duration::from_secs(1);

/// The signals that end a run: Ctrl-C, `kill`, and a terminal that is closed, unless `nohup` told
/// the program to ignore that one.
fn signals() -> impl Iterator<Item = i32> {
    let all = [SIGINT, SIGTERM, SIGHUP].into_iter();
    all.filter(|&signal| !(signal == SIGHUP && is_ignored(signal)))
}

/// From now on a write beyond the greatest allowed file size (`ulimit -f`) fails, so that it can be
/// reported, and no longer ends the program.
pub(super) fn outlive_full_files() {
    // If that cannot be set up, such a write ends the program as before.
    let _ = register(SIGXFSZ, Arc::default());
}

/// Whether this process ignores a signal, as whoever started it asked.
pub(super) fn is_ignored(signal: i32) -> bool {
    // A bit for each signal, the first one lowest: proc_pid_status(5).
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    ignored.is_some_and(|bits| bits & (1 << (signal - 1)) != 0)
}

/// A flag that these signals set from now on.
pub(super) fn flag() -> Result<Arc<AtomicBool>, Usage> {
    let flag = Arc::default();
    listen(&flag).map_err(|error| Usage::new(format!("failed to listen for signals: {error}")))?;
    Ok(flag)
}

/// A flag that nothing sets: from now on these signals are ignored, since another process decides
/// when this one ends. Schedulers send signals to all processes of a job at once; if this process
/// ended by itself, the round that the other waits for would be lost.
pub(super) fn deaf() -> Result<Arc<AtomicBool>, Usage> {
    for signal in signals() {
        register(signal, Arc::default())
            .map_err(|error| Usage::new(format!("failed to ignore signals: {error}")))?;
    }
    Ok(Arc::default())
}

fn listen(flag: &Arc<AtomicBool>) -> std::io::Result<()> {
    let code = i32::from(Exit::Interrupted.code());
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in signals() {
        register_conditional_shutdown(signal, code, Arc::clone(&is_second))?;
        register(signal, Arc::clone(flag))?;
    }
    // The time begins when this thread sees the first signal, so on a busy machine it is longer,
    // never shorter.
    let mut arrived = Signals::new(signals())?;
    let wait = move || {
        if arrived.forever().next().is_some() {
            std::thread::sleep(SAME);
            // Relaxed: it hands nothing else on.
            is_second.store(true, Relaxed);
        }
    };
    let thread = std::thread::Builder::new().name("gcstorm-signals".to_owned());
    thread.spawn(wait).map(drop)
}
