//! A round in a process of its own, so that a heap which crashes, hangs or eats memory ends its round and
//! not the soak.
//!
//! The process is this program again with the round's `run`. It is in a process group of its own, so a
//! Ctrl-C at the terminal ends the soak after the round and does not end the round; and it ends itself
//! when its standard input is closed, which it is as soon as the soak is no more ([`end_with_parent`]).

use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::cli::isolate;
use crate::clock::{Clock, Stamp};
use crate::report::RunResult;
use crate::soak::Came;

/// Set in a process that is to end with the one that started it.
const ENDS_WITH_PARENT: &str = "GCSTORM_ENDS_WITH_PARENT";
/// How often the process is looked at: what it eats within is the most that a limit of memory is exceeded
/// by, and a round is seen to be over so much later at most.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a round may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until it counts as hung.
    pub(super) time: Duration,
    /// Resident memory, in bytes.
    pub(super) rss_bytes: u64,
}

/// What became of a process.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its result, if it left one.
    pub(super) result: Option<Box<RunResult>>,
    /// What it came to, if it left none.
    pub(super) lost: Option<Came>,
    /// The most resident memory seen, in bytes.
    pub(super) rss_bytes_peak: u64,
    /// What it said on standard error, from the end of it.
    pub(super) said: String,
    /// What its threads were at when it was ended.
    pub(super) stacks: Option<String>,
    /// How long it took.
    pub(super) took: Duration,
}

/// Runs this program with these arguments.
pub(super) fn run(words: &[String], limits: Limits) -> std::io::Result<Ended> {
    let clock = Clock::get();
    let start = clock.now();
    let mut child = Command::new(std::env::current_exe()?)
        .args(words)
        .env(ENDS_WITH_PARENT, "1")
        // One process of its own is enough.
        .env(isolate::INSIDE, "1")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Held open for as long as the process is wanted.
    let _lifeline = child.stdin.take();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let out = scope.spawn(|| all_of(out));
        let err = scope.spawn(|| all_of(err));
        let watched = watch(&mut child, limits, start);
        if watched.is_err() {
            // Or its streams would never end.
            let _ = child.kill();
        }
        let (out, err) = (
            out.join().unwrap_or_default(),
            err.join().unwrap_or_default(),
        );
        let mut ended = watched?;
        ended.said = tail(&String::from_utf8_lossy(&err)).to_owned();
        ended.result = serde_json::from_slice(&out).ok();
        if ended.result.is_some() {
            ended.lost = None;
        }
        ended.took = clock.since(start);
        Ok(ended)
    })
}

fn watch(child: &mut Child, limits: Limits, start: Stamp) -> std::io::Result<Ended> {
    let clock = Clock::get();
    let mut ended = Ended {
        result: None,
        lost: None,
        rss_bytes_peak: 0,
        said: String::new(),
        stacks: None,
        took: Duration::ZERO,
    };
    loop {
        if let Some(status) = child.try_wait()? {
            ended.lost = Some(Came::Crashed { how: how(status) });
            return Ok(ended);
        }
        let rss_bytes = rss_bytes(child.id());
        ended.rss_bytes_peak = ended.rss_bytes_peak.max(rss_bytes);
        let elapsed = clock.since(start);
        let came = if rss_bytes > limits.rss_bytes {
            Some(Came::OutOfMemory { rss_bytes })
        } else if elapsed > limits.time {
            ended.stacks = stacks(child.id());
            let after_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            Some(Came::Hung { after_ms })
        } else {
            None
        };
        if came.is_some() {
            child.kill()?;
            child.wait()?;
            ended.lost = came;
            return Ok(ended);
        }
        std::thread::sleep(LOOK_EVERY);
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

fn all_of(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What cannot be read was not said.
        let _ = stream.read_to_end(&mut bytes);
    }
    bytes
}

/// The end of a text: what is said last matters most.
fn tail(text: &str) -> &str {
    const KEPT: usize = 8 << 10;
    let mut from = text.len().saturating_sub(KEPT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Ends this process as soon as the one that started it is no more, if it asked for that.
pub(in crate::cli) fn end_with_parent() {
    if std::env::var_os(ENDS_WITH_PARENT).is_none() {
        return;
    }
    let waiting = std::thread::Builder::new().spawn(|| {
        let mut byte = [0];
        // Nothing is ever written to it: this returns when the other end is closed.
        while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
        #[expect(clippy::exit, reason = "nobody is left to hand a result to")]
        std::process::exit(130)
    });
    // Without it the round ends by itself, a little later.
    drop(waiting);
}

/// The directory that rounds write into, relative to the soak's own.
pub(super) fn scratch(directory: &Path) -> std::path::PathBuf {
    directory.join("round")
}
