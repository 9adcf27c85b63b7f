//! One interpreter: asked once what it is, and refused if it is no CPython that can run workloads.

#![expect(
    unsafe_code,
    reason = "what a process does before it becomes an interpreter cannot be said otherwise"
)]

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::evidence::InterpreterFacts;

/// The oldest version that the programs are written for.
const OLDEST: (u32, u32) = (3, 9);
/// How long an interpreter may take to say what it is: a hundred times what one takes that has to
/// be read from a disk first.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much is shown of what one says that fails, in characters.
const COMPLAINT_SHOWN: usize = 120;
/// Variables of the environment that change what an interpreter does start with this.
const PREFIX: &str = "PYTHON";
/// Those that it keeps: somebody may want to run with the lock or the compiler on or off, and the
/// result says which it was.
const KEPT: [&str; 2] = ["PYTHON_GIL", "PYTHON_JIT"];
/// Says in lines what it is. Python 2 can read it as well, and is told from what it says.
const QUESTION: &str = r#"
import sys
def say(*words):
    sys.stdout.write("gcstorm " + " ".join(map(str, words)) + "\n")
say("implementation", getattr(getattr(sys, "implementation", None), "name", "another"))
say("version", *sys.version_info[:3])
say("release", sys.version.split()[0])
say("executable", sys.executable)
try:
    import threading
    say("threads")
except ImportError:
    pass
if not getattr(sys, "_is_gil_enabled", lambda: True)():
    say("without-lock")
if sys.version_info >= (3, 13):
    import sysconfig
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        say("free-threaded")
"#;

/// A CPython that can run workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// The file to run: what a shim or a link leads to, as the interpreter says.
    pub(super) executable: PathBuf,
    /// Major, minor, patch.
    pub(super) version: (u32, u32, u32),
    /// The same as it says it, as in `3.15.0a2`.
    pub(super) release: String,
    /// Whether its build can do without the global lock.
    pub(super) free_threaded: bool,
    /// Whether it does without it, as it is started here.
    pub(super) without_lock: bool,
}

impl Interpreter {
    /// Asks the interpreter at this path.
    ///
    /// # Errors
    ///
    /// Why it cannot run workloads.
    pub(super) fn ask(path: &Path) -> Result<Self, String> {
        let mut command = command(path);
        let asked = command.args(["-c", QUESTION]).stdin(Stdio::null());
        let said = said(asked)?;
        let answers = || {
            said.lines()
                .filter_map(|line| line.strip_prefix("gcstorm "))
        };
        let says = |word| answers().any(|line| line == word);
        let answer = |key: &str| {
            let mut values = answers().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            values.next()
        };
        let implementation = answer("implementation").ok_or("it is no Python")?;
        let mut numbers = answer("version")
            .unwrap_or_default()
            .split(' ')
            .map(|number| number.parse().unwrap_or(0));
        let mut number = || numbers.next().unwrap_or(0);
        let version = (number(), number(), number());
        let release = answer("release").unwrap_or_default().to_owned();
        if (version.0, version.1) < OLDEST {
            let (major, minor) = OLDEST;
            return Err(format!(
                "it is Python {release}, and at least {major}.{minor} is needed"
            ));
        }
        if implementation != "cpython" {
            return Err(format!("it is {implementation}, and no CPython"));
        }
        if !says("threads") {
            return Err("it was built without threads".to_owned());
        }
        Ok(Self {
            executable: answer("executable")
                .filter(|path| !path.is_empty())
                .map_or_else(|| path.to_owned(), PathBuf::from),
            version,
            release,
            free_threaded: says("free-threaded"),
            without_lock: says("without-lock"),
        })
    }

    /// What it is, in a few words.
    pub(super) fn about(&self) -> String {
        let facts = InterpreterFacts {
            version: self.release.clone(),
            free_threaded_build: self.free_threaded,
            gil_enabled: !self.without_lock,
            ..InterpreterFacts::default()
        };
        facts.about()
    }
}

/// A command that starts the interpreter as it is: without what the environment sets for the
/// user's own programs, and without their packages. It ends with the thread that starts it.
pub(super) fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with(PREFIX) && !KEPT.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command.arg("-s");
    let parent = rustix::process::getpid();
    let follow = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before that.
        match rustix::process::getppid() == Some(parent) {
            true => Ok(()),
            false => Err(io::ErrorKind::NotConnected.into()),
        }
    };
    // SAFETY: between fork and exec the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(follow) };
    command
}

/// What the interpreter prints.
fn said(command: &mut Command) -> Result<String, String> {
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let streams = process.stdout.take().zip(process.stderr.take());
    let (mut out, mut err) = streams.ok_or("it has no output")?;
    let (tell, told) = channel();
    let read = move || {
        let (mut said, mut complaint) = (Vec::new(), Vec::new());
        // Few lines: neither pipe is ever full while the other is read.
        let _ = out.read_to_end(&mut said);
        let _ = err.read_to_end(&mut complaint);
        let _ = tell.send((said, complaint));
    };
    std::thread::Builder::new()
        .spawn(read)
        .map_err(|error| format!("it cannot be listened to: {error}"))?;
    let heard = told.recv_timeout(PATIENCE);
    if heard.is_err() {
        // It may have ended just now.
        let _ = process.kill();
    }
    let status = process
        .wait()
        .map_err(|error| format!("it cannot be waited for: {error}"))?;
    let (said, complaint) =
        heard.map_err(|_| format!("it did not say what it is within {} s", PATIENCE.as_secs()))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&said).into_owned());
    }
    let complaint = String::from_utf8_lossy(&complaint).into_owned();
    let mut lines = complaint.lines().map(str::trim);
    Err(match lines.find(|line| !line.is_empty()) {
        Some(line) => {
            let shown: String = line.chars().take(COMPLAINT_SHOWN).collect();
            format!("it failed: {shown}")
        }
        None => format!("it failed ({status})"),
    })
}
