//! The command line that repeats a run, complete and quoted for a shell.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use super::invocation;
use super::near;
use super::task::{RunTask, Series};
use super::values::{self, NO_FAULT, duration_text};
use crate::heap::Points;
use crate::run::{Budget, Callbacks, Options, Timing, Verify};

/// The command line of one run, with every option that is not at its default. If the run was on a
/// heap that earlier runs had used, the line repeats those as well.
pub(super) fn line(program: &str, task: &RunTask<'_>) -> String {
    let Some(Series { first_seed, .. }) = task.series else {
        return whole(program, &words(task));
    };
    let runs = task.plan.seed.wrapping_sub(first_seed) + 1;
    whole(program, &words_of(Series { first_seed, runs }, task))
}

/// The command line of all runs on the heap of this one, as the words that a process is started
/// with, without the program.
pub(super) fn words_of_series(task: &RunTask<'_>) -> Vec<OsString> {
    match task.series {
        Some(series) => words_of(series, task),
        None => words(task),
    }
}

fn words_of(series: Series, task: &RunTask<'_>) -> Vec<OsString> {
    let mut words = words_from(series.first_seed, task);
    if series.runs > 1 {
        words.extend(["--repeat".into(), series.runs.to_string().into()]);
        words.push("--same-heap".into());
    }
    words
}

/// A line for the shell that started this program, which starts it again with these words.
pub(super) fn command(program: &str, words: &[impl AsRef<OsStr>]) -> String {
    format!("{} {}", quoted(&invocation::words(program)), quoted(words))
}

/// The same of a run about which the words say everything: no profile is to add to them.
pub(super) fn whole(program: &str, words: &[impl AsRef<OsStr>]) -> String {
    let line = command(program, words);
    match near::path() {
        Some(_) => format!("{line} --profile {}", near::NO_PROFILE),
        None => line,
    }
}

/// Words as one line for a shell.
pub(super) fn quoted(words: &[impl AsRef<OsStr>]) -> String {
    let quoted: Vec<String> = words.iter().map(quote).collect();
    quoted.join(" ")
}

/// The command line of one run on a new heap, without the program.
fn words(task: &RunTask<'_>) -> Vec<OsString> {
    words_from(task.plan.seed, task)
}

/// The command line without the program's name, as a case keeps it; empty if some word is not text,
/// since a case is a text.
pub(super) fn again(task: &RunTask<'_>) -> Vec<String> {
    let words = words(task).into_iter();
    let words: Result<Vec<String>, OsString> = words.map(OsString::into_string).collect();
    words.unwrap_or_default()
}

fn words_from(seed: u64, task: &RunTask<'_>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["run".into()];
    words.extend_from_slice(&task.asked_as);
    words.extend_from_slice(&task.overrides_as);
    let mut option = |name: &str, value: String| words.extend([name.into(), value.into()]);
    option("--heap", task.heap.name.clone());
    option("--seed", seed.to_string());
    let Options {
        budget,
        verify,
        timing,
        switch_interval,
        fault,
        delays: _,
        fail_alloc,
        slow_collection,
        collect_every,
        history,
        gc_callbacks: _,
        patience: _,
        interrupt: _,
    } = &task.options;
    if let Some((name, value)) = until(*budget) {
        option(name, value);
    }
    if let Some(rate) = task.rate {
        option("--rate", values::rate_text(rate));
    }
    if let Verify::Every(ops) = verify {
        option("--verify", format!("every={ops}"));
    }
    match timing {
        Timing::Every => {}
        Timing::Sampled => option("--timing", "sampled".to_owned()),
        Timing::Off => option("--timing", "off".to_owned()),
    }
    if *switch_interval != Duration::from_millis(5) {
        option("--switch-interval", duration_text(*switch_interval));
    }
    if let Some(every) = collect_every {
        option("--collect-every", values::collect_every_text(*every));
    }
    if let Some(at) = fail_alloc {
        option("--fail-alloc", at.to_string());
    }
    if let Some(span) = slow_collection {
        option("--slow-collection", duration_text(*span));
    }
    if let Some(events) = history {
        option("--history", events.to_string());
    }
    if let Some(fault) = fault {
        option("--fault", fault.name().to_owned());
    } else if task.fault_is_waived {
        option("--fault", NO_FAULT.to_owned());
    }
    for require in &task.required {
        option(
            "--require",
            format!("{}>={}", require.counter, require.at_least),
        );
    }
    if let Some(limit) = task.time_limit {
        option("--time-limit", duration_text(limit));
    }
    words.extend(flags(&task.options));
    words
}

/// The options that may stand without a value.
fn flags(options: &Options) -> Vec<OsString> {
    let callbacks = match options.gc_callbacks {
        Callbacks::Used => Some("--gc-callbacks".into()),
        Callbacks::Unused => None,
    };
    let delays = options.delays.map(|points| match points {
        Points::ALL => "--delays".into(),
        points => format!("--delays={}", values::points_text(points)).into(),
    });
    callbacks.into_iter().chain(delays).collect()
}

/// The option that ends a run, and its value.
fn until(budget: Budget) -> Option<(&'static str, String)> {
    match budget {
        Budget::Workload => None,
        Budget::Duration(duration) => Some(("--duration", duration_text(duration))),
        Budget::Rounds(rounds) => Some(("--rounds", rounds.to_string())),
        Budget::Ops(ops) => Some(("--ops", ops.to_string())),
    }
}

/// A word as a shell reads it back. Words that are not text, or hold control characters, take the
/// form `$'…'`, which POSIX has since 2024 and the usual shells have had for long.
///
/// No library does this: `shell-words` and `shlex` also quote `key=value`, and take text only or
/// leave control characters as they are.
pub(super) fn quote(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => escaped(word.as_bytes()),
    }
}

/// Bytes as `$'…'`: octal escapes have three digits, so a digit that follows is not taken for one.
fn escaped(bytes: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for &byte in bytes {
        // Writing to a string cannot fail.
        let _ = match byte {
            b'\'' | b'\\' => write!(text, "\\{}", char::from(byte)),
            b' '..=b'~' => write!(text, "{}", char::from(byte)),
            _ => write!(text, "\\{byte:03o}"),
        };
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a word that is not text, or has control characters, is quoted such that a shell reads
    /// it back.
    #[test]
    fn quotes_bytes() {
        let cases: [(&[u8], &str); 3] = [
            (b"a\xff1.case", r"$'a\3771.case'"),
            (b"it's\x1b[2J", r"$'it\'s\033[2J'"),
            ("\u{9b}\\".as_bytes(), r"$'\302\233\\'"),
        ];
        for (word, quoted) in cases {
            assert_eq!(quote(OsStr::from_bytes(word)), quoted);
            let echoed = std::process::Command::new("bash")
                .args(["-c", &format!("printf %s {quoted}")])
                .output();
            if let Ok(echoed) = echoed {
                assert_eq!(echoed.stdout, word);
            }
        }
    }

    /// Goal: words that a shell would take apart are quoted, and no others are.
    #[test]
    fn quotes_what_needs_it() {
        let cases = [
            ("a=b", "a=b"),
            ("my file.toml", "'my file.toml'"),
            ("collections>=10", "'collections>=10'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ];
        for (word, quoted) in cases {
            assert_eq!(quote(word), quoted);
        }
    }
}
