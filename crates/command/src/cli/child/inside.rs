//! A child, seen from inside: whether this process is one, what ties it to its parent, and how it
//! reports its progress.

use std::any::Any;
use std::fs::File;
use std::io::{self, BufRead as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};

use rustix::process::{PTracer, Signal, getpid, kill_process, kill_process_group, set_ptracer};

use super::output::MARK;
use super::{Request, last_words};
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::cli::usage::Usage;
use crate::soak::Told;

/// Where a child writes its reports: what was its standard output. The heap under test may print,
/// without a newline or in the middle of a report, and may close what it did not open.
static REPORTS: OnceLock<File> = OnceLock::new();

/// Set in the environment of a child.
pub(super) const VARIABLE: &str = "GCSTORM_INSIDE";

/// Whether this process is a child.
pub(in crate::cli) fn is_inside() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What the parent of this process asks for: a flag that is set when the run is to end early, and
/// all other requests. From now on this process ends with its parent.
pub(in crate::cli) fn asked() -> Result<(Arc<AtomicBool>, Receiver<Request>), Usage> {
    keep_reports_apart()
        .map_err(|error| Usage::new(format!("failed to set up reports to the parent: {error}")))?;
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
    // Started through `/proc/self/exe`, this process is named `exe`. If it cannot be renamed, only
    // lists of processes show the wrong name.
    if let Some(program) = std::env::args_os().next().as_deref() {
        let name = Path::new(program).file_name().unwrap_or(program);
        let _ = std::fs::write("/proc/self/comm", name.as_bytes());
    }
    // A debugger that the parent starts is no ancestor of this process, so where the system is
    // strict (Yama), it may attach only if it is allowed to. Elsewhere this fails.
    let _ = set_ptracer(PTracer::Any);
    let listen = move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for request in lines.filter_map(|line| Request::read(&line)) {
            on_request(request);
        }
        // No process is left to receive a result. An orderly exit might wait for a lock that
        // another thread never releases. This process leads its group; if it did not, the first
        // call would fail.
        let _ = kill_process_group(getpid(), Signal::KILL);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    let listening = std::thread::Builder::new()
        .name("gcstorm-parent".to_owned())
        .spawn(listen);
    listening
        .map(drop)
        .map_err(|error| Usage::new(format!("failed to listen to the parent process: {error}")))
}

/// From now on reports alone go to what was standard output, and what is printed goes to standard
/// error.
fn keep_reports_apart() -> io::Result<()> {
    let reports = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    last_words::speak(reports.as_raw_fd());
    // Set once, since a process takes on the work of a child once.
    let _ = REPORTS.set(reports.into());
    Ok(())
}

/// What is printed from now on has nothing to do with what was printed before.
pub(in crate::cli) fn mark() {
    // Nothing is lost if that fails but the mark. Not through the lock of the library, which a heap may
    // never give back.
    let _ = rustix::io::write(io::stderr(), &[MARK]);
}

/// Sends a report to the parent.
pub(in crate::cli) fn tell(told: &Told) {
    let (Ok(line), Some(mut reports)) = (told.line(), REPORTS.get()) else {
        return;
    };
    // In one piece, so that reports of several threads do not mix. If nobody listens this process
    // is about to be killed.
    let _ = reports.write_all(line.as_bytes());
}

/// Does the work of a child. Tells the parent why, if that is refused or panics: an exit code would
/// not do, since the heap under test may exit with any.
pub(in crate::cli) fn telling_why(
    work: impl FnOnce() -> Result<Exit, Usage>,
) -> Result<Exit, Usage> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(exit)) => Ok(exit),
        Ok(Err(usage)) => {
            let why = usage.first_line();
            tell(&Told::Refused { why });
            Err(usage)
        }
        Err(panic) => {
            let message = message_of(&*panic);
            tell(&Told::Panicked { message });
            resume_unwind(panic)
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it did not say why").to_owned()
}
