//! `duel`: runs two builds in turns, and tells whether the new one is worse.
//!
//! Measured one after the other, a machine that becomes slower meanwhile counts against the second
//! build. Here they take turns, with the same seed in each pair, and who goes first changes from pair to
//! pair: base, new, new, base. Each turn is a process of that build, so neither knows of the other. The
//! judgement is that of `compare`, on the results that both leave. Two builds of a library are run by this
//! program.

mod builds;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::{Arg, ArgMatches};

use super::agenda::fresh_seed;
use super::args::{Compare, Duel};
use super::command_line;
use super::compare;
use super::exit::Exit;
use super::json_target::JsonTarget;
use super::store::Store;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{interrupt, near, progress, reproduce, store, typed};
use crate::report::{Detail, shown};
use crate::result::figures;
use builds::Build;

/// Runs both builds, and compares them. `words` are the arguments of `run` that were given.
pub(super) fn duel(
    program: &str,
    args: &Duel,
    words: &[OsString],
    terminal: &mut Terminal,
) -> Result<Exit, Usage> {
    if args.run.same_heap {
        return Err(Usage::new("the runs of a duel cannot be on the same heap")
            .hint("each is a process of its own: leave out --same-heap"));
    }
    let builds = builds::both([&args.base, &args.new])?;
    let words = words_for(&builds[0], args, words)?;
    JsonTarget::of(args.run.json.as_deref())?;
    let interrupted = interrupt::flag()?;
    let directory = store::prepare_directory(args.run.out.as_deref(), "duel-")?;
    let pairs = usize::try_from(args.run.repeat).unwrap_or(usize::MAX);
    let claim = |side: &str| Store::claim(Some(&directory.join(side)), pairs);
    // Held until the end, so that no other command writes there.
    let stores = [claim("base")?, claim("new")?];
    let [base, new] = stores.each_ref().map(|store| store.directory().to_owned());
    if builds[0].is_same_as(&builds[1]) {
        terminal
            .warning("base and new are the same file, or copies: a build is compared with itself");
    }
    let [base_build, new_build] = builds;
    let side = |name, build, directory: &Path| Side {
        name,
        build,
        directory: directory.to_owned(),
    };
    let turns = Turns {
        sides: [
            side("base", base_build, &base),
            side("new", new_build, &new),
        ],
        words: &words,
        seed: args.run.seed.unwrap_or_else(fresh_seed),
        pairs: args.run.repeat,
    };
    let stopped = turns.take(&interrupted, terminal);
    let again = [Path::new("compare"), &base, &new];
    let again = reproduce::command(program, &again);
    let exit = match stopped {
        Some(exit) => exit,
        None => compare::compare(
            &Compare {
                base,
                new,
                max_regression: args.max_regression.clone(),
                format: args.format,
                json: args.run.json.clone(),
            },
            terminal,
        )?,
    };
    terminal.remark(&format!("results: {}", directory.display()));
    if stopped.is_none_or(|exit| exit == Exit::Interrupted) {
        terminal.remark(&format!("compare again: {again}"));
    }
    Ok(exit)
}

/// The arguments of `run` among those that were given, but for what differs from turn to turn.
pub(super) fn words(matches: &ArgMatches) -> Vec<OsString> {
    let root = command_line::all();
    let run = root.find_subcommand("run").into_iter();
    let run = run.flat_map(clap::Command::get_arguments);
    let is_same = |arg: &&Arg| !["seed", "repeat", "out", "json"].contains(&arg.get_id().as_str());
    let given = matches.subcommand().map(|(_, given)| given);
    given.map_or_else(Vec::new, |given| typed::words(given, run.filter(is_same)))
}

/// The arguments of each run. Two libraries are the heaps, so no others are named.
fn words_for(base: &Build, args: &Duel, words: &[OsString]) -> Result<Vec<OsString>, Usage> {
    let names_heap = |word: &&OsString| word.to_string_lossy().starts_with("--heap=");
    if base.heap.is_none() {
        return Ok(words.to_vec());
    }
    if !args.run.heaps.is_empty() && !args.run.are_heaps_of_profile {
        return Err(Usage::new("a duel of two libraries takes no --heap").hint(
            "each library is the heap of its runs; a text for it stands behind it: ./old.so:TEXT",
        ));
    }
    Ok(words
        .iter()
        .filter(|word| !names_heap(word))
        .cloned()
        .collect())
}

/// One of the two builds.
struct Side {
    name: &'static str,
    build: Build,
    /// Where its results are.
    directory: PathBuf,
}

impl Side {
    /// Where its result in a pair is.
    fn of_pair(&self, pair: u64) -> PathBuf {
        self.directory.join(pair.to_string())
    }
}

/// All turns of a duel.
struct Turns<'a> {
    sides: [Side; 2],
    /// The arguments of each run, but for its seed and where its results are.
    words: &'a [OsString],
    /// The seed of the first pair.
    seed: u64,
    pairs: u64,
}

impl Turns<'_> {
    /// Takes all turns; returns why they ended early, if they did.
    fn take(&self, interrupted: &AtomicBool, terminal: &mut Terminal) -> Option<Exit> {
        let bar = progress::counting("turn", self.pairs * 2, terminal.detail());
        for pair in 0..self.pairs {
            let [base, new] = &self.sides;
            let order = if pair % 2 == 0 {
                [base, new]
            } else {
                [new, base]
            };
            for side in order {
                if interrupted.load(Relaxed) {
                    bar.finish_and_clear();
                    return Some(Exit::Interrupted);
                }
                let seed = self.seed.wrapping_add(pair);
                bar.set_message(format!("{}, seed {seed}", side.name));
                let came = self.turn(side, pair, seed);
                bar.inc(1);
                let stops = bar.suspend(|| told(side, (pair, seed), came, terminal));
                if let Some(exit) = stops {
                    bar.finish_and_clear();
                    return Some(exit);
                }
            }
        }
        bar.finish_and_clear();
        let runs = figures::several(self.pairs, "run", "runs");
        terminal.remark(&format!("{runs} of each build, from seed {}", self.seed));
        None
    }

    fn turn(&self, side: &Side, pair: u64, seed: u64) -> std::io::Result<Output> {
        let Build { program, heap, .. } = &side.build;
        // A build may be a script that runs the program elsewhere.
        let out = std::path::absolute(side.of_pair(pair))?;
        let mut command = Command::new(program);
        if let Some(heap) = heap {
            // This program, by the name by which it was called.
            command
                .arg0(std::env::args_os().next().unwrap_or_default())
                .arg("run")
                .arg("--heap")
                .arg(heap);
        } else {
            command.arg("run");
        }
        command
            .args(self.words)
            .args(["--quiet", "--seed", &seed.to_string(), "--out"])
            .arg(out)
            // What is asked of both stands on the command line, and not in a file.
            .env(near::PROFILE, near::NO_PROFILE)
            // That cargo has started this program says nothing of those.
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null())
            .output()
    }
}

/// Tells what a turn came to; returns the exit code if no other is to follow.
fn told(
    side: &Side,
    (pair, seed): (u64, u64),
    came: std::io::Result<Output>,
    terminal: &mut Terminal,
) -> Option<Exit> {
    let output = match came {
        Ok(output) => output,
        Err(error) => {
            let file = side.build.program.display();
            terminal.error(&format!("failed to start {file}: {error}"));
            return Some(Exit::Usage);
        }
    };
    let said = [output.stdout, output.stderr].map(|said| {
        let said = String::from_utf8_lossy(&said).into_owned();
        shown(said.trim_end()).into_owned()
    });
    let said = said.iter().filter(|said| !said.is_empty());
    let said = said.map(String::as_str).collect::<Vec<_>>().join("\n");
    let (exit, how) = match output.status.code() {
        Some(0 | 3) if !side.of_pair(pair).exists() => {
            let file = side.build.program.display();
            terminal.error(&format!(
                "{file} does not seem to be a gcstorm program: `run --out DIR` left nothing there"
            ));
            if !said.is_empty() {
                terminal.message(&said);
            }
            return Some(Exit::Usage);
        }
        Some(0 | 3) => {
            if terminal.detail() == Detail::Everything {
                terminal.message(&format!("{}, seed {seed}: {said}", side.name));
            }
            return None;
        }
        Some(130) => return Some(Exit::Interrupted),
        Some(1) => (Exit::Violated, "violated a check"),
        Some(2) => (Exit::Usage, "could not be run"),
        _ => (Exit::Crashed, "crashed or hung"),
    };
    terminal.error(&format!(
        "the {} build {how} ({}), so there is nothing to compare",
        side.name, output.status
    ));
    terminal.message(&said);
    Some(exit)
}
