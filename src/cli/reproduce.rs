//! The line that does a run again, whole and quoted, ready to paste.

use std::time::Duration;

use super::agenda::Task;
use super::values::{self, duration_text};
use crate::heap::Points;
use crate::run::{Budget, Options, Timing, Verify};

/// The command line of one run, with everything that is not a default, and with the runs before it if they
/// made its heap old.
pub(super) fn line(program: &str, task: &Task<'_>) -> String {
    let first = task.first_seed.unwrap_or(task.plan.seed);
    let mut words = words_from(first, program, task);
    let before = task.plan.seed.wrapping_sub(first);
    if before > 0 {
        words.extend(["--repeat".to_owned(), (before + 1).to_string()]);
        words.push("--same-heap".to_owned());
    }
    quoted(&words)
}

/// Words as one line for a shell.
pub(super) fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    quoted.join(" ")
}

/// The command line of one run on a new heap, as words that no shell has to take apart.
pub(super) fn words(program: &str, task: &Task<'_>) -> Vec<String> {
    words_from(task.plan.seed, program, task)
}

fn words_from(seed: u64, program: &str, task: &Task<'_>) -> Vec<String> {
    let mut words = vec![program.to_owned(), "run".to_owned()];
    words.extend_from_slice(&task.asked_as);
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    for (key, value) in &task.overrides {
        option("-D", format!("{key}={value}"));
    }
    option("--heap", task.heap.name.clone());
    option("--seed", seed.to_string());
    let Options {
        budget,
        verify,
        timing,
        switch_interval,
        fault,
        delays,
        fail_alloc,
        slow_collection,
        collect_every,
        history,
        interrupt: _,
    } = &task.options;
    match *budget {
        Budget::Workload => {}
        Budget::Duration(duration) => option("--duration", duration_text(duration)),
        Budget::Rounds(rounds) => option("--rounds", rounds.to_string()),
        Budget::Ops(ops) => option("--ops", ops.to_string()),
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
    }
    for require in &task.required {
        option(
            "--require",
            format!("{}>={}", require.counter, require.at_least),
        );
    }
    match *delays {
        None => {}
        Some(Points::ALL) => words.push("--delays".to_owned()),
        Some(points) => words.push(format!("--delays={}", values::points_text(points))),
    }
    words
}

/// A word as a POSIX shell reads it back.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what a shell would take apart is quoted, and nothing else is.
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
