//! Starts the process of a trial, waits for it, and classifies how it ended.

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
use crate::cli::reproduce::quoted;
use crate::clock::Clock;
use crate::fuzz::catalogue::Danger;
use crate::fuzz::matrix::{Ending, Lane, Row, Trial, Tried};

/// How often a running trial is checked for its time limit and for interruption.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The time limit of a trial whose fault may hang it: a hundred times what it takes without the fault.
const HANG_LIMIT: Duration = Duration::from_secs(5);

/// About how many surveys at pauses a run has in the lane with pauses: enough to see a fault well before
/// the end.
const PAUSES: u64 = 16;

/// Makes trials.
#[derive(Debug)]
pub(super) struct Bench {
    program: PathBuf,
    limit: Duration,
    interrupted: Arc<AtomicBool>,
}

/// How a process ended.
struct EndedProcess {
    /// `None` if it was killed at its time limit.
    status: Option<ExitStatus>,
    out: String,
    err: String,
}

impl Bench {
    /// Trials run this program; none takes longer than `limit`.
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

    /// Makes one trial; `None` if it was interrupted.
    pub(super) fn try_out(&self, row: &Row<'_>, trial: Trial) -> Option<Tried> {
        let clock = Clock::get();
        let start = clock.now();
        let words = words(row, trial.lane, trial.seed);
        let limit = match row.danger() {
            // It is expected to hang, so waiting for longer shows nothing.
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

    fn run(&self, words: &[String], limit: Duration) -> std::io::Result<EndedProcess> {
        let mut child = Command::new(&self.program)
            .arg("attempt")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            // Nothing is sent: the channel closes when the process has closed its output.
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
            Ok(EndedProcess {
                status: (!is_hung).then_some(status),
                out: out.join().unwrap_or_default(),
                err: err.join().unwrap_or_default(),
            })
        })
    }
}

/// Kills a process that may have ended by itself meanwhile.
fn kill(child: &mut Child) -> std::io::Result<()> {
    match child.kill() {
        Err(error) if error.kind() != std::io::ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
}

/// Reads a stream to its end.
fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read before an error is kept.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ending(ended: &EndedProcess) -> Ending {
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

/// The arguments of a trial: those of `run`.
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

/// The command line that repeats a trial as a `run`, with all its output.
pub(super) fn line(program: &str, row: &Row<'_>, lane: Lane, seed: u64) -> String {
    let mut line = vec![program.to_owned(), "run".to_owned()];
    line.extend(words(row, lane, seed));
    quoted(&line)
}
