//! A child, seen from inside: whether this process is one, what ties it to its parent, and how it
//! reports its progress.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Signal, getpid, kill_process, set_parent_process_death_signal};

use super::Request;
use crate::cli::interrupt;
use crate::cli::usage::Usage;
use crate::soak::Told;

/// Set in the environment of a child.
pub(super) const VARIABLE: &str = "GCSTORM_INSIDE";

/// Whether this process is a child.
pub(in crate::cli) fn is_inside() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A flag that ends the run of this command early: set by a signal, or in a child by its parent.
/// From now on a child ends with its parent.
pub(in crate::cli) fn interrupted() -> Result<Arc<AtomicBool>, Usage> {
    if !is_inside() {
        return interrupt::flag();
    }
    let (flag, _) = asked()?;
    Ok(flag)
}

/// What the parent of this process asks for: a flag that is set when the run is to end early, and
/// all other requests. From now on this process ends with its parent.
pub(in crate::cli) fn asked() -> Result<(Arc<AtomicBool>, Receiver<Request>), Usage> {
    let flag = interrupt::deaf()?;
    let is_stopping = Arc::clone(&flag);
    let (want, wanted) = channel();
    obey(move |request| match request {
        // Relaxed: it only asks the run to stop.
        Request::Stop => is_stopping.store(true, Relaxed),
        // After the last run nobody receives.
        request => want.send(request).unwrap_or_default(),
    })?;
    Ok((flag, wanted))
}

/// Calls `on_request` for each request on standard input, and ends the process with its parent.
fn obey(mut on_request: impl FnMut(Request) + Send + 'static) -> Result<(), Usage> {
    // Where the system cannot do that, the closed pipe ends this process.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let listen = move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for request in lines.filter_map(|line| Request::read(&line)) {
            on_request(request);
        }
        // No process is left to receive a result. An orderly exit might wait for a lock that
        // another thread never releases.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    let listening = std::thread::Builder::new()
        .name("gcstorm-parent".to_owned())
        .spawn(listen);
    listening
        .map(drop)
        .map_err(|error| Usage::new(format!("failed to listen to the parent process: {error}")))
}

/// Sends a line to the parent.
pub(in crate::cli) fn tell(told: &Told) {
    let Ok(line) = told.line() else { return };
    let mut out = io::stdout().lock();
    // If nobody listens this process is about to be killed.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
