//! This program, started again as a process of its own for work that may crash, hang or exhaust
//! memory, so that the command itself goes on.
//!
//! Every command that needs such a process starts it here, so one argument shows for all of them
//! why no process is left behind. A child's standard input is a pipe, and its parent holds the only
//! end that can be written to. The system closes that end however the parent ends, even by
//! `SIGKILL`; a thread of the child waits for that, and then kills the child ([`inside`]). Besides,
//! the child has the system kill it when the thread that started it ends (`PR_SET_PDEATHSIG`),
//! which reaches a child that is stopped as well, also before its program has begun; so that thread
//! has to wait for the child, as all callers do. A child leads a process group, and what a heap starts is in it and is killed with the
//! child; but where the system kills the child of a killed parent, it kills no other process.
//!
//! A line on that pipe is a [`Request`]: to make the next run or round, to do something with a case,
//! or to end the current run early. The text of a workload or a case goes there as well. Signals are for the parent alone: a
//! child has a process group of its own, so a Ctrl-C at the terminal does not reach it, and it ignores
//! `SIGINT`, `SIGTERM` and `SIGHUP`, which schedulers send to all processes of a job. Ctrl-Z is passed
//! on to it ([`together`]).
//!
//! A child reports its progress in lines ([`Told`]) on a pipe of their own, which it is started with
//! as its standard output; what it prints, on whichever stream, goes to its standard error.

#![expect(
    unsafe_code,
    reason = "a child is told by whom it is to be killed before its program begins"
)]

mod crash_scene;
mod debug_info;
pub(super) mod inside;
mod job;
mod last_words;
mod memory_map;
mod output;
mod registers;
mod stacks;
mod symbols;
mod together;
mod unwinder;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::io::ioctl_fionbio;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, set_parent_process_death_signal, waitid,
};
use serde::{Deserialize, Serialize};

use crate::evidence::{Crash, CrashDump};
use crate::run::Patience;
use crate::soak::Told;
pub(super) use job::CaseJob;
pub(super) use output::{ChildOutput, Printed};
use output::{PrintedEnd, read_reports};
use together::Together;

/// How often a child that reports nothing is checked.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the output of a child that has ended is read, in case another process keeps it open.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How often a child is checked whose output is closed, since it is about to end, or that is still to
/// read what it was sent.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A running child. It is killed when this is dropped, and what it has printed is copied.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    /// How it ended, once it has been waited for.
    status: Option<ExitStatus>,
    _together: Together,
    lifeline: ChildStdin,
    /// What it is still to be sent.
    unsent: Vec<u8>,
    told: Receiver<Told>,
    printed: PrintedEnd,
    /// What it said of a signal that ends it.
    crashed: Option<Box<CrashDump>>,
}

/// What a parent asks of a child.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// To take this for the text of the file that its command line names, and not to read it.
    Read(Option<String>),
    /// Its next run or round.
    Next,
    /// To do something with cases.
    Job(Box<CaseJob>),
    /// To end the current run early.
    Stop,
}

impl Request {
    /// The line that asks for it.
    fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Why a wait for a child is over.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Waited {
    /// It has reported the outcome of its run.
    Told(Told),
    /// It has ended.
    Exited(ExitStatus),
    /// It made no progress for too long.
    Hung,
    /// The caller does not want to wait any longer.
    CalledOff,
}

/// What the caller of a wait wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To wait on.
    WaitOn,
    /// To have the run end soon: the child is asked to stop, and counts as hung after this time
    /// without progress.
    EndWithin(Duration),
    /// To stop waiting.
    CallOff,
}

impl Child {
    /// Starts this program with these arguments.
    pub(super) fn start(words: &[impl AsRef<OsStr>], printed: Printed) -> io::Result<Self> {
        let mut command = Command::new(program()?);
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        command
            .args(words)
            .env(inside::VARIABLE, "1")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Where the system cannot do that, the closed pipe ends the child.
        let follow = || set_parent_process_death_signal(Some(Signal::KILL)).or(Ok(()));
        // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
        unsafe { command.pre_exec(follow) };
        let (mut process, together) = Together::start(&mut command)?;
        let streams = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (Some(lifeline), Some(out), Some(err)) = streams else {
            return Err(io::Error::other("the process has no streams"));
        };
        // A child that does not read must keep nobody waiting.
        ioctl_fionbio(&lifeline, true)?;
        let (tell, told) = channel();
        let mut child = Self {
            process,
            status: None,
            _together: together,
            lifeline,
            unsent: Vec::new(),
            told,
            printed: PrintedEnd::default(),
            crashed: None,
        };
        std::thread::Builder::new().spawn(move || read_reports(out, &tell))?;
        child.printed = PrintedEnd::of(err, printed)?;
        Ok(child)
    }

    /// Its process ID.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a request. What does not fit into the pipe is sent while it is waited for.
    pub(super) fn ask(&mut self, request: &Request) {
        let Ok(line) = request.line() else { return };
        self.unsent.extend_from_slice(line.as_bytes());
        self.send();
    }

    /// Sends it as much as it takes.
    fn send(&mut self) {
        while !self.unsent.is_empty() {
            match self.lifeline.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It has ended, and waiting for it shows that.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// The stacks of its threads, if there is a debugger.
    pub(super) fn stacks(&self) -> Option<String> {
        stacks::of(self.id())
    }

    /// Its next report; the error `Disconnected` once its output is closed.
    pub(super) fn hear(&mut self, timeout: Duration) -> Result<Told, RecvTimeoutError> {
        self.send();
        let timeout = match self.unsent.is_empty() {
            true => timeout,
            false => timeout.min(LOOK_AGAIN),
        };
        match self.told.recv_timeout(timeout) {
            Ok(Told::Crashed(dump)) => {
                self.crashed = Some(dump);
                Err(RecvTimeoutError::Timeout)
            }
            heard => heard,
        }
    }

    /// Where a signal ended it, if it could say so.
    pub(super) fn crash(&self) -> Option<Crash> {
        self.crashed.as_deref().map(symbols::crash)
    }

    /// From now on it says nothing of that: to find the names of a stack takes longer than many a run.
    pub(super) fn forget_crash(&mut self) {
        self.crashed = None;
    }

    /// Waits until it has reported the outcome of its run, has ended, or `patience` is over. `wish`
    /// is called many times a second, with the child's report if there is a new one. The child goes
    /// on unless it has ended.
    pub(super) fn wait(
        &mut self,
        patience: &mut Patience,
        mut wish: impl FnMut(Option<&Told>) -> Wish,
    ) -> io::Result<Waited> {
        let (mut is_asked, mut has_run) = (false, false);
        loop {
            let ended = self.ended()?;
            // Reports from before it ended may still be in the pipe, and a result may be large.
            let timeout = ended.map_or(LOOK_EVERY, |_| LAST_WORDS);
            let heard = match (self.hear(timeout), ended) {
                (Ok(told), _) => Some(told),
                (Err(_), Some(status)) => return Ok(Waited::Exited(status)),
                (Err(RecvTimeoutError::Timeout), None) => None,
                (Err(RecvTimeoutError::Disconnected), None) => {
                    std::thread::sleep(LOOK_AGAIN);
                    None
                }
            };
            match heard {
                Some(Told::Beat { steps, .. }) => patience.progress(steps),
                Some(Told::Ran) => {
                    has_run = true;
                    patience.end();
                }
                Some(outcome) => return Ok(Waited::Told(outcome)),
                None => {}
            }
            match wish(heard.as_ref()) {
                Wish::WaitOn => {}
                Wish::EndWithin(limit) => {
                    if !std::mem::replace(&mut is_asked, true) {
                        self.ask(&Request::Stop);
                        if !has_run {
                            patience.shorten(limit);
                        }
                    }
                }
                Wish::CallOff => return Ok(Waited::CalledOff),
            }
            if patience.is_over() {
                return Ok(Waited::Hung);
            }
        }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            if waitid(WaitId::Pid(Pid::from_child(&self.process)), look)?.is_some() {
                self.kill()?;
            }
        }
        Ok(self.status)
    }

    /// Ends it, if it has not ended by itself, and all processes of its group: those that a heap
    /// has started.
    pub(super) fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // The group has its process ID, which nobody else gets before it has been waited for.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        self.process.kill()?;
        let status = self.process.wait()?;
        self.status = Some(status);
        Ok(status)
    }

    /// Ends it, if it has not ended by itself. Returns what it left.
    pub(super) fn output(mut self) -> ChildOutput {
        // May fail where another process may not be ended, and then it is not waited for.
        let _ = self.kill();
        let printed = std::mem::take(&mut self.printed);
        ChildOutput {
            said: printed.read_within(LAST_WORDS),
            crash: self.crash(),
        }
    }
}

/// The file of this program. It may have been replaced or removed since the start, as a build does;
/// the link of the running process names the old file all the same.
pub(super) fn program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    match running.exists() {
        true => Ok(running.to_owned()),
        false => std::env::current_exe(),
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.kill();
        self.printed.read_within(LAST_WORDS);
    }
}
