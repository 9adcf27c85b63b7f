//! A program whose heaps treat their process as no heap should. The tests of the command run it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "heaps under test may print"
)]

use std::io::Write as _;
use std::process::{Command, ExitCode, abort, exit};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use gcstorm::heap::counted::open_gil;
use gcstorm::run::Registry;

/// What a heap does when it is opened for a run.
const RUDE: [(&str, fn()); 5] = [
    ("exits-2", || exit(2)),
    ("exits-101", || exit(101)),
    ("mutters", mutter),
    ("floods", flood),
    ("leaves-a-process", leave_a_process),
];

fn main() -> ExitCode {
    let heaps = RUDE.into_iter().fold(Registry::builtin(), |heaps, rude| {
        let (name, act) = rude;
        heaps.with(name, "not for use", move |config| {
            if is_for_a_run() {
                act();
            }
            Ok(open_gil(config))
        })
    });
    gcstorm::cli::main(heaps)
}

/// Whether this process makes runs, and has opened a heap already to ask what it can do.
fn is_for_a_run() -> bool {
    static IS_ASKED: AtomicBool = AtomicBool::new(false);
    std::env::var_os("GCSTORM_INSIDE").is_some() && IS_ASKED.swap(true, Relaxed)
}

/// Prints all the time, and never ends a line.
fn mutter() {
    let mutter = || {
        loop {
            print!("x");
            std::io::stdout().flush().expect("somebody reads");
            std::thread::sleep(Duration::from_micros(100));
        }
    };
    let thread = std::thread::Builder::new().spawn(mutter);
    thread.map(drop).expect("a thread");
}

/// Prints more than any pipe holds.
fn flood() {
    for _ in 0..4096 {
        eprintln!("{}", "flood".repeat(100));
    }
}

/// Dies, and leaves behind a process that holds standard error open, and leaves a file if it lives
/// on.
fn leave_a_process() {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", "sleep 30; echo > survived"]);
    shell.spawn().expect("a shell");
    abort();
}
