//! Runs a program in an interpreter of its own, and says how that ended.
//!
//! The interpreter may die, hang, or say what the program never said. None of that is an error
//! here: it is what came of the run. The process leads a group of its own, so a Ctrl-C at the
//! terminal does not reach it; the system kills it when the thread that started it ends, so that it
//! outlives nobody.
//!
//! To end the run early it is sent `SIGINT`, as the program expects. If it makes no progress for too
//! long, it is sent `SIGUSR1`, upon which `faulthandler` writes the stacks of all threads to standard
//! error, and is killed after that.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::interpreter;
use super::streams::Streams;
use crate::clock::{Clock, Stamp};
use crate::evidence::LastReport;
use crate::memory::resident_bytes;
use crate::run::{Observer, Options, Patience, Progress};

/// Reads the program from standard input and runs it under the name by which it is kept.
const START: &str = "import sys; \
    exec(compile(sys.stdin.buffer.read(), 'program.py', 'exec', dont_inherit=True), globals())";
/// How often the process is looked at while it says nothing.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a process that was asked to stop may take until it makes its next step.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long the stacks of all threads are waited for; they are written by a signal handler.
const STACKS_PATIENCE: Duration = Duration::from_secs(2);
/// How long what a process has written is read after its end, in case another one keeps it open.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How much is shown of a line that is none of the program's, in bytes.
const RUBBISH_SHOWN: usize = 100;

/// What came of it.
#[derive(Debug)]
pub(super) struct Ran {
    /// What the program reported, in lines.
    pub(super) report: String,
    pub(super) end: End,
    /// The last progress that was reported.
    pub(super) heard: Option<LastReport>,
    /// The end of what was written to standard error.
    pub(super) said: String,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The report is complete.
    Reported,
    /// The process ended before that, in this way.
    Died(String),
    /// It made no progress for too long, and was killed so long after its start.
    Hung(Duration),
}

/// The interpreter while it runs. It is killed when this is dropped.
struct Running {
    process: Child,
    streams: Streams,
    started: Stamp,
    patience: Option<Patience>,
    /// Whether it was asked to stop.
    is_asked: bool,
    /// Whether it was sent the signal for that.
    is_told: bool,
    report: String,
    heard: Option<LastReport>,
    /// Operations, surveys and other steps by the last report.
    done: (u64, u64, u64),
    /// Changes whenever it makes progress.
    steps: u64,
}

/// Runs the program in the interpreter at this path.
///
/// # Errors
///
/// The process cannot be started.
pub(super) fn run(
    executable: &Path,
    program: String,
    options: &Options,
    observer: &dyn Observer,
) -> io::Result<Ran> {
    let mut running = Running::start(executable, program, options)?;
    let end = running.watch(options, observer)?;
    let said = match end {
        End::Hung(_) => running.stacks(),
        _ => running.streams.said_within(LAST_WORDS),
    };
    Ok(Ran {
        report: std::mem::take(&mut running.report),
        end,
        heard: running.heard,
        said,
    })
}

impl Running {
    fn start(executable: &Path, program: String, options: &Options) -> io::Result<Self> {
        let mut command = interpreter::command(executable);
        command
            .args(["-X", "faulthandler", "-c", START, "--report", "/dev/stdout"])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let patience = |limit| Patience::with(process.id(), limit);
        let patience = options.patience.map(patience);
        let streams = Streams::of(&mut process, program)?;
        Ok(Self {
            process,
            streams,
            started: Clock::get().now(),
            patience,
            is_asked: false,
            is_told: false,
            report: String::new(),
            heard: None,
            done: (0, 0, 0),
            steps: 0,
        })
    }

    /// Waits until the report is complete, the process has ended, or hangs.
    fn watch(&mut self, options: &Options, observer: &dyn Observer) -> io::Result<End> {
        loop {
            let ended = self.process.try_wait()?;
            // What was reported before it ended may still be on its way.
            let timeout = ended.map_or(LOOK_EVERY, |_| LAST_WORDS);
            match (self.streams.next(timeout), ended) {
                (Ok(line), _) => {
                    if let Some(end) = self.hear(&line, observer) {
                        return Ok(end);
                    }
                }
                (Err(_), Some(status)) => return Ok(End::Died(self.how(status))),
                (Err(RecvTimeoutError::Disconnected), None) => std::thread::sleep(LOOK_EVERY),
                (Err(RecvTimeoutError::Timeout), None) => {}
            }
            if options.interrupt.load(Relaxed) {
                self.ask_to_stop();
            }
            if self.patience.as_mut().is_some_and(Patience::is_over) {
                return Ok(End::Hung(Clock::get().since(self.started)));
            }
        }
    }

    /// Takes a line of the report. Returns how the run ended, if it has.
    fn hear(&mut self, line: &[u8], observer: &dyn Observer) -> Option<End> {
        let Ok(told) = serde_json::from_slice::<Told>(line) else {
            let shown = String::from_utf8_lossy(&line[..line.len().min(RUBBISH_SHOWN)]);
            let why = format!("it reported what the program does not report: {shown:?}");
            return Some(End::Died(why));
        };
        match told {
            Told::Progress(heard) => self.progress(heard, observer),
            _ => self.steps = self.steps.wrapping_add(1),
        }
        // Text, since it could be read.
        self.report += &String::from_utf8_lossy(line);
        self.report.push('\n');
        if let Some(patience) = &mut self.patience {
            patience.progress(self.steps);
        }
        matches!(told, Told::Done(_)).then_some(End::Reported)
    }

    fn progress(&mut self, heard: Heard, observer: &dyn Observer) {
        self.heard = Some(LastReport {
            elapsed_ns: heard.elapsed_ns,
            ops: heard.ops,
            settling_ns: None,
        });
        let done = (heard.ops, heard.surveys, heard.steps);
        if std::mem::replace(&mut self.done, done) != done {
            self.steps = self.steps.wrapping_add(1);
        }
        observer.progress(Progress {
            elapsed: Duration::from_nanos(heard.elapsed_ns),
            ops: heard.ops,
            surveys: heard.surveys,
            steps: self.steps,
            rss_bytes: resident_bytes(self.process.id()),
            ..Progress::default()
        });
    }

    fn ask_to_stop(&mut self) {
        if !std::mem::replace(&mut self.is_asked, true)
            && let Some(patience) = &mut self.patience
        {
            patience.shorten(STOP_PATIENCE);
        }
        // Before its first report the program does not listen to signals, and would die of this one.
        if !self.report.is_empty() && !std::mem::replace(&mut self.is_told, true) {
            self.signal(Signal::INT);
        }
    }

    fn signal(&self, signal: Signal) {
        // May have ended just now.
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }

    /// How it ended without a complete report.
    fn how(&self, status: ExitStatus) -> String {
        let how = match status.signal() {
            Some(signal) => format!("the interpreter was killed by signal {signal}"),
            None => format!("the interpreter ended without a result ({status})"),
        };
        match reason(&self.streams.said_within(LAST_WORDS)) {
            Some(reason) => format!("{how}: {reason}"),
            None if status.signal() == Some(Signal::KILL.as_raw()) => {
                format!("{how}, which is what the system does when it has no more memory")
            }
            None => how,
        }
    }

    /// The stacks of all threads of a process that hangs.
    fn stacks(&mut self) -> String {
        self.signal(Signal::USR1);
        let said = self.streams.said_within(STACKS_PATIENCE);
        self.kill();
        said
    }

    fn kill(&mut self) {
        // Nobody else gets its number before it has been waited for.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        let _ = self.process.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

/// Why a process ended, by what it wrote to standard error: what `faulthandler` or the interpreter
/// calls fatal, or else the last line, which is that of the exception.
fn reason(said: &str) -> Option<&str> {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let fatal = lines().find(|line| line.starts_with("Fatal Python error"));
    fatal.or_else(|| lines().next_back())
}

/// One line of the report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Progress(Heard),
    Interpreter(IgnoredAny),
    Started(IgnoredAny),
    Survey(IgnoredAny),
    Panicked(IgnoredAny),
    OutOfMemory(IgnoredAny),
    /// The last one.
    Done(IgnoredAny),
}

/// How far the program is.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Heard {
    ops: u64,
    elapsed_ns: u64,
    #[serde(default)]
    surveys: u64,
    /// Parts of work other than operations, as of surveys.
    #[serde(default)]
    steps: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: of what a dying interpreter writes, the line that says why is told.
    #[test]
    fn the_reason_is_found() {
        let fault = "Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  \
                     File \"program.py\", line 3 in f\n";
        for (said, why) in [
            (fault, Some("Fatal Python error: Segmentation fault")),
            (
                "Traceback (most recent call last):\n  File\nMemoryError\n",
                Some("MemoryError"),
            ),
            ("\n", None),
        ] {
            assert_eq!(reason(said), why);
        }
    }
}
