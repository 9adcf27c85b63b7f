//! The process that makes the rounds of a stint, seen from the soak: a heap that crashes, hangs or eats
//! memory ends its process and not the soak.
//!
//! It is this program again (see `stint`), in a process group of its own, so that a Ctrl-C at the terminal
//! ends the soak after the round and does not end the round. It makes a round for each line on its
//! standard input, and ends itself when that is closed, which it is as soon as the soak is no more.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli::isolate;
use crate::cli::patience::Patience;
use crate::clock::{Clock, Stamp};
use crate::soak::{Beat, Came, Found, Over, Told};

/// How often the process is looked at: what it eats within is the most that a limit of memory is exceeded
/// by.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How much of the end of what it says on standard error is kept, in bytes.
const SAID_MAX: usize = 8 << 10;

/// What a round may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until it counts as hung.
    pub(super) time: Duration,
    /// Resident memory, in bytes.
    pub(super) rss_bytes: u64,
}

/// What became of a round.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) came: Came,
    pub(super) found: Found,
    /// How far it was seen to be.
    pub(super) last_seen: Option<Beat>,
    /// What its threads were at when it was ended.
    pub(super) stacks: Option<String>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Ended {
    /// Whether its process is no more.
    pub(super) fn is_lost(&self) -> bool {
        !matches!(self.came, Came::Judged { .. })
    }
}

/// A process that makes rounds.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    told: Receiver<Told>,
    said: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts this program with these arguments.
    pub(super) fn start(words: &[String]) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(words)
            // One process of its own is enough.
            .env(isolate::INSIDE, "1")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(out), Some(err)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(std::io::Error::other("the process has no streams"));
        };
        let (tell, told) = channel();
        let listen = move || {
            // What is not read as a line of ours was printed by the heap.
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            let told = lines.filter_map(|line| Told::read(&line));
            told.map(|told| tell.send(told)).all(|sent| sent.is_ok())
        };
        std::thread::Builder::new().spawn(listen)?;
        let said = std::thread::Builder::new().spawn(move || last_of(err))?;
        Ok(Self {
            child,
            input,
            told,
            said: Some(said),
        })
    }

    /// Has it make its next round. `tick` is called many times a second with how far it is.
    pub(super) fn round(
        &mut self,
        limits: Limits,
        mut tick: impl FnMut(Option<Beat>),
    ) -> std::io::Result<Ended> {
        let clock = Clock::get();
        let start = clock.now();
        // If it is no more, that is found out below.
        let _ = self.input.write_all(b"\n");
        let mut patience = Patience::with(self.child.id(), limits.time);
        let mut seen = None;
        let mut rss_bytes_peak = 0;
        loop {
            tick(seen);
            match self.told.recv_timeout(LOOK_EVERY) {
                Ok(Told::Beat(beat)) => seen = Some(beat),
                Ok(Told::Over(over)) => {
                    let Over { came, mut found } = *over;
                    found.rss_bytes_peak = found.rss_bytes_peak.max(rss_bytes_peak);
                    found.rss_bytes_after = rss_bytes(self.child.id());
                    return Ok(Ended {
                        came,
                        found,
                        last_seen: None,
                        stacks: None,
                        took: clock.since(start),
                    });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let how = how(self.child.wait()?);
                    return Ok(lost(Came::Crashed { how }, seen, start));
                }
            }
            let rss_bytes = rss_bytes(self.child.id());
            rss_bytes_peak = rss_bytes_peak.max(rss_bytes);
            if rss_bytes > limits.rss_bytes {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(lost(Came::OutOfMemory { rss_bytes }, seen, start));
            }
            if patience.is_over() {
                let elapsed = clock.since(start);
                let stacks = stacks(self.child.id());
                self.child.kill()?;
                self.child.wait()?;
                let after_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                return Ok(Ended {
                    stacks,
                    ..lost(Came::Hung { after_ms }, seen, start)
                });
            }
        }
    }

    /// Ends it, if it has not ended, and returns the last of what it said on standard error.
    pub(super) fn end(mut self) -> String {
        // Either may fail because it is no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let said = self.said.take().and_then(|said| said.join().ok());
        said.unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lost(came: Came, last_seen: Option<Beat>, start: Stamp) -> Ended {
    let seen = last_seen.unwrap_or_default();
    Ended {
        came,
        found: Found {
            rss_bytes_peak: seen.rss_bytes,
            ..Found::default()
        },
        last_seen,
        stacks: None,
        took: Clock::get().since(start),
    }
}

fn how(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("it was killed by signal {signal}"),
        None => format!("it ended without a result ({status})"),
    }
}

/// Resident memory of a process, in bytes; 0 where the system does not tell.
fn rss_bytes(pid: u32) -> u64 {
    let process = i32::try_from(pid)
        .ok()
        .and_then(|pid| procfs::process::Process::new(pid).ok());
    let statm = process.and_then(|process| process.statm().ok());
    statm.map_or(0, |statm| statm.resident * procfs::page_size())
}

/// What the threads of a process are at, where a debugger is there to ask.
fn stacks(pid: u32) -> Option<String> {
    let output = Command::new("gdb")
        .args(["--batch", "--nx", "-ex", "thread apply all bt 30", "-p"])
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = String::from_utf8_lossy(&output.ok()?.stdout).into_owned();
    text.contains("Thread").then_some(text)
}

/// The end of a stream: what is said last matters most.
fn last_of(stream: impl Read) -> String {
    let mut last = VecDeque::with_capacity(SAID_MAX);
    let mut stream = BufReader::new(stream);
    // What cannot be read was not said.
    while let Ok(bytes) = stream.fill_buf() {
        if bytes.is_empty() {
            break;
        }
        last.extend(bytes);
        let length = bytes.len();
        stream.consume(length);
        let surplus = last.len().saturating_sub(SAID_MAX);
        last.drain(..surplus);
    }
    String::from_utf8_lossy(last.make_contiguous()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: of what is said without end the end is kept, and no more.
    #[test]
    fn the_end_is_kept() {
        let long = "x".repeat(100_000) + "the end";
        let last = last_of(long.as_bytes());
        assert!(last.len() == SAID_MAX && last.ends_with("xthe end"));
        assert_eq!(last_of("short".as_bytes()), "short");
    }
}
