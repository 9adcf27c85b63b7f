//! `tour`: shows in half a minute what the program does. It makes the very runs that it names, by
//! the same commands, and tells what they found.
//!
//! What a tour finds is known: two heaps hold, the third has no lock and must be caught, and so must
//! the fault that is planted. So the commands exit with 1, and the tour with 0 if all of that was seen.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use clap::Parser as _;

use super::args::Tour;
use super::command_line::{Command, CommandLine};
use super::exit::Exit;
use super::stored;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{fuzz, perform, reproduce, store, values, welcome};
use crate::report::{Collected, Detail, STRONG, paint, summary, wrapped};
use crate::result::{Outcome, RunResult};
use crate::run::Registry;

/// Must hold.
const SOUND: [&str; 2] = ["gil", "lock-free"];
/// Must be caught.
const BROKEN: &str = "racy";
/// The fault that is planted. A few random programs find it, and four operations are left of the one
/// that did.
const FAULT: &str = "edges-counted-once";

/// Shows what the program does.
pub(super) fn tour(
    registry: &Registry,
    program: &str,
    args: &Tour,
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    let directory = store::prepare_directory(args.out.as_deref(), "tour-")?;
    let mut tour = Stations {
        registry,
        program,
        directory: &directory,
        terminal,
    };
    let exit = tour.heaps(args.duration)?;
    if exit != Exit::Held {
        return Ok(exit);
    }
    let exit = tour.fault()?;
    if exit != Exit::Held {
        return Ok(exit);
    }
    tour.page();
    if args.open {
        tour.open();
    }
    tour.farewell();
    Ok(Exit::Held)
}

/// What a run came to that it should not have, and the exit code for that.
fn surprise(result: &RunResult) -> Option<(String, Exit)> {
    let (heap, came) = (&result.heap, result.verdict);
    if heap != BROKEN {
        let why = format!("{heap} is {}, and should have held", came.name());
        return (came != Outcome::Held).then(|| (why, came.into()));
    }
    let is_caught = !matches!(
        came,
        Outcome::Held | Outcome::Vacuous | Outcome::Interrupted
    );
    let why =
        format!("{heap} was not caught: threads race only where there are several processors");
    (!is_caught).then_some((why, Exit::Vacuous))
}

/// What one tour shows.
struct Stations<'a> {
    registry: &'a Registry,
    program: &'a str,
    directory: &'a Path,
    terminal: &'a mut Terminal,
}

impl Stations<'_> {
    /// Three heaps, of which one is wrong.
    fn heaps(&mut self, duration: Duration) -> Result<Exit, Usage> {
        let duration = values::duration_text(duration);
        let about = format!(
            "One thread appends to a shared list and cuts off its front, another reads its length: \
             under a global lock (gil), without any lock (lock-free), and with that lock taken away \
             (racy), which must be caught. Each takes {duration} at most.",
        );
        self.headed("1. Three heaps", &about);
        let heaps = SOUND.into_iter().chain([BROKEN]);
        let mut words = words("run shared-list");
        words.extend(heaps.flat_map(|heap| ["--heap".into(), heap.into()]));
        words.extend(["--duration".into(), duration.into()]);
        words.extend(["--quiet".into(), "--out".into(), self.directory.into()]);
        let Command::Run(mut run) = self.read(&words) else {
            unreachable!("the words begin with `run`")
        };
        let (registry, program) = (self.registry, self.program);
        let quietly = |terminal: &mut Terminal| perform::run(registry, program, &mut run, terminal);
        let came = self.terminal.with_detail(Detail::Verdict, quietly)?;
        if matches!(came, Exit::Interrupted | Exit::Usage) {
            return Ok(came);
        }
        let results = stored::results(&[self.directory.to_owned()])?;
        let collected = Collected {
            results: results.into_iter().map(|(_, result)| result).collect(),
            absent: Vec::new(),
        };
        self.say(&format!(
            "\n{}\n",
            summary(&collected, self.terminal.look().width)
        ));
        let mut exit = Exit::Held;
        for (why, unexpected) in collected.results.iter().filter_map(surprise) {
            self.terminal.error(&why);
            exit = exit.and(unexpected);
        }
        Ok(exit)
    }

    /// A planted fault that random programs find.
    fn fault(&mut self) -> Result<Exit, Usage> {
        self.headed(
            "2. A fault, caught and shrunk",
            "A fault is planted in the collector of gil: it counts two references from one object to \
             another as one, so it never frees a cycle with such a pair. Random programs are stepped \
             through beside an exact model until one fails, and that is shrunk to what it takes.",
        );
        let mut words = words("fuzz --heap gil --seed 1 --cases 5000 --shrink-budget 10s --fault");
        words.extend([FAULT.into(), "--out".into()]);
        words.push(self.directory.join("failures").into());
        let Command::Fuzz(args) = self.read(&words) else {
            unreachable!("the words begin with `fuzz`")
        };
        let came = fuzz::fuzz(self.registry, self.program, &args, self.terminal)?;
        Ok(match came {
            Exit::Violated => Exit::Held,
            Exit::Held => {
                self.terminal.error("the planted fault was not caught");
                Exit::Vacuous
            }
            other => other,
        })
    }

    fn page(&mut self) {
        self.say("\n");
        self.headed(
            "3. The page",
            "The three heaps side by side, with how long every kind of operation took:",
        );
        let page = reproduce::quote(self.directory.join("report.html"));
        self.say(&format!("    {page}\n\n"));
    }

    /// Opens the page. Where that cannot be done, its path has been said.
    fn open(&mut self) {
        let opener = match cfg!(target_os = "macos") {
            true => "open",
            false => "xdg-open",
        };
        let opened = Process::new(opener)
            .arg(self.directory.join("report.html"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let why = match opened {
            Ok(status) if status.success() => return,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let text = format!("the page was not opened: {opener}: {why}");
        self.terminal.warning(&text);
    }

    fn farewell(&mut self) {
        self.headed(
            "What next",
            "All was as it should be: two heaps held, racy and the planted fault were caught. So the \
             tour exits with 0. The two commands above exit with 1, since they caught something.",
        );
        let next = [
            ("run --heap gil --heap lock-free", "every workload on both"),
            ("list workloads", "what they do"),
            ("init --heap mine", "a crate for a heap of your own"),
        ];
        let line = |line: &str| reproduce::command(self.program, &words(line));
        let text = welcome::rows(&next.map(|(words, about)| (line(words), about)));
        self.say(&text);
    }

    /// Shows a command line, and reads it as it would be read if it was typed.
    fn read(&mut self, words: &[OsString]) -> Command {
        let line = reproduce::command(self.program, words);
        self.say(&format!("    {line}\n\n"));
        let program = OsString::from(self.program);
        let read = CommandLine::try_parse_from([&program].into_iter().chain(words));
        read.expect("the command lines of a tour are right").command
    }

    fn headed(&mut self, title: &str, text: &str) {
        let title = paint(STRONG, title);
        self.say(&format!(
            "{title}\n{}\n",
            wrapped(self.terminal.look().width, "", 0, text)
        ));
    }

    fn say(&mut self, text: &str) {
        if self.terminal.detail() != Detail::Verdict {
            self.terminal.data(text);
        }
    }
}

/// The words of a command, without the program.
fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// Goal: a tour on which something is not as it should be does not exit with 0.
    #[test]
    fn surprises_are_told() {
        for (heap, came, code) in [
            ("gil", Outcome::Held, None),
            ("gil", Outcome::Violated, Some(1)),
            ("lock-free", Outcome::Vacuous, Some(3)),
            ("lock-free", Outcome::Hung, Some(5)),
            (BROKEN, Outcome::Violated, None),
            (BROKEN, Outcome::Crashed, None),
            (BROKEN, Outcome::Held, Some(3)),
            (BROKEN, Outcome::Vacuous, Some(3)),
        ] {
            let mut result = sample::result(heap);
            result.verdict = came;
            let told = surprise(&result).map(|(_, exit)| exit.code());
            assert_eq!(told, code, "{heap} is {}", came.name());
        }
    }
}
