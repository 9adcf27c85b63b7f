//! Starting a trial's process, waiting for it, and understanding how it ended.

use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::cli::exit::Exit;
use crate::cli::patience::Patience;
use crate::cli::reproduce::quote;
use crate::clock::Clock;
use crate::fuzz::catalogue::Danger;
use crate::fuzz::matrix::{Ending, Lane, Row, Trial, Tried};

/// How often a trial that goes on is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a run may take of which it is known that it may not end: a hundred times what it takes
/// without its fault.
const HANG_LIMIT: Duration = Duration::from_secs(5);

/// How many times a run is looked at in the lane that pauses, about: often enough to be in the way of
/// races, and to see a fault well before the end.
const PAUSES: u64 = 16;

/// Where trials are made.
#[derive(Debug)]
pub(super) struct Bench {
    program: PathBuf,
    limit: Duration,
    interrupted: Arc<AtomicBool>,
}

/// How a process ended.
struct Ended {
    /// `None` if it had to be killed.
    status: Option<ExitStatus>,
    out: String,
    err: String,
}

impl Bench {
    /// Trials by this very program, none longer than `limit`.
    pub(super) fn new(limit: Duration, interrupted: &Arc<AtomicBool>) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            limit,
            interrupted: Arc::clone(interrupted),
        })
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }

    /// Makes one trial; `None` if it was interrupted, and shows nothing.
    pub(super) fn try_out(&self, row: &Row<'_>, trial: Trial) -> Option<Tried> {
        let clock = Clock::get();
        let start = clock.now();
        let words = words(row, trial.lane, trial.seed);
        let limit = match row.danger() {
            // It is expected: nobody need wait for long.
            Some(Danger::Hang) => self.limit.min(HANG_LIMIT),
            Some(Danger::Crash) | None => self.limit,
        };
        let ended = self.run(&words, limit);
        let wall = clock.since(start);
        if self.is_interrupted() {
            return None;
        }
        let ending = match ended {
            Ok(ended) => ending(&ended),
            Err(error) => Ending::Failed(format!("failed to start it: {error}")),
        };
        Some(Tried {
            trial,
            ending,
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
        })
    }

    fn run(&self, words: &[String], limit: Duration) -> std::io::Result<Ended> {
        let mut child = Command::new(&self.program)
            .arg("attempt")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            // Nothing is sent: the channel is closed when there is nothing more to read.
            let (sender, closed) = channel::<()>();
            let out = scope.spawn(move || {
                let _sender = sender;
                text(out)
            });
            let err = scope.spawn(move || text(err));
            let mut patience = Patience::with(child.id(), limit);
            let mut is_hung = false;
            while closed.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                is_hung = patience.is_over();
                if is_hung || self.is_interrupted() {
                    kill(&mut child)?;
                    break;
                }
            }
            let status = child.wait()?;
            Ok(Ended {
                status: (!is_hung).then_some(status),
                out: out.join().unwrap_or_default(),
                err: err.join().unwrap_or_default(),
            })
        })
    }
}

/// Ends a process that may have ended by itself just now.
fn kill(child: &mut Child) -> std::io::Result<()> {
    match child.kill() {
        Err(error) if error.kind() != std::io::ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
}

/// All that a stream has to say.
fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What cannot be read was not said.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ending(ended: &Ended) -> Ending {
    let Some(status) = ended.status else {
        return Ending::Hung;
    };
    let said = ended.err.lines().find(|line| !line.is_empty());
    let said = said.unwrap_or("it said nothing");
    if let Some(signal) = status.signal() {
        return Ending::Crashed(format!("killed by signal {signal}: {said}"));
    }
    match status.code() {
        Some(code) if code == i32::from(Exit::Usage.code()) => Ending::Failed(said.to_owned()),
        Some(0) => match serde_json::from_str(&ended.out) {
            Ok(sighting) => Ending::Judged(sighting),
            Err(error) => Ending::Failed(format!("its sighting cannot be read: {error}")),
        },
        code => Ending::Crashed(format!("exit {}: {said}", code.unwrap_or(-1))),
    }
}

/// The arguments of a trial, which are those of `run`.
fn words(row: &Row<'_>, lane: Lane, seed: u64) -> Vec<String> {
    let mut words = vec![row.show.workload.to_owned()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    for (key, value) in row.show.parameters {
        option("-D", format!("{key}={value}"));
    }
    option("--heap", row.heap.to_owned());
    option("--seed", seed.to_string());
    option("--ops", row.show.ops.to_string());
    if lane == Lane::Every {
        let ops = (row.show.ops / PAUSES).max(1);
        option("--verify", format!("every={ops}"));
    }
    option("--timing", "off".to_owned());
    if let Some(planted) = row.fault {
        option("--fault", planted.fault.name().to_owned());
    }
    if let Some(ops) = row.show.collect_every {
        words.extend(["--collect-every".to_owned(), ops.to_string()]);
    }
    if let Some(events) = row.show.history {
        words.extend(["--history".to_owned(), events.to_string()]);
    }
    if row.show.delays {
        words.push("--delays".to_owned());
    }
    words
}

/// The line that makes a trial again, as a run with all that a run shows.
pub(super) fn line(program: &str, row: &Row<'_>, lane: Lane, seed: u64) -> String {
    let words = words(row, lane, seed);
    let quoted = words.iter().map(|word| quote(word));
    [quote(program), "run".to_owned()]
        .into_iter()
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}
