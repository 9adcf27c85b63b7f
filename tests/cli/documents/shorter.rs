//! Commands of hours and seconds, cut down to what a test has time for.
//!
//! What is counted is the same on any machine, and what is timed is not: so a duration becomes a number of
//! operations, or of programs, wherever that is possible.

/// The line with options in place of those that make it long. What it exits with if all goes well tells how
/// far that may go.
pub(super) fn shortened(line: &str, exits: &[i32]) -> String {
    let (command, rest) = line.split_at(end(line));
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let has = |option: &str| line.split_whitespace().any(|word| word.starts_with(option));
    match words.get(1).copied() {
        Some(command @ ("run" | "duel")) => {
            let all = command == "run" && words.get(2).is_none_or(|word| word.starts_with("--"));
            let counted = ["--ops", "--rounds", "--case"].into_iter().any(has);
            if exits.contains(&1) && !has("--fault") && !counted {
                // Threads must meet for that, and nobody knows after how many operations they do.
                replace(&mut words, "--duration", None);
                words.extend(["--duration", "2s"]);
            } else if has("--rate") {
                replace(&mut words, "--duration", Some("300ms"));
            } else if !counted {
                replace(&mut words, "--duration", None);
                words.extend(if all {
                    ["--duration", "50ms"]
                } else {
                    ["--ops", "300000"]
                });
            }
        }
        Some("fuzz") if !has("--fault") && !has("--cases") => {
            replace(&mut words, "--duration", None);
            words.extend(["--cases", "200"]);
        }
        Some("soak") => {
            replace(&mut words, "--budget", None);
            words.extend(["--budget", "1ms"]);
            if !has("--resume") {
                words.extend(["--round", "300ms"]);
            }
            // Another test may be there.
            replace(&mut words, "--serve", Some("127.0.0.1:0"));
        }
        Some("tour") => words.extend(["--duration", "2s"]),
        Some("selftest") if has("--quick") && !has("--fault") => {
            words.extend(["--fault", "set-keeps-old"]);
        }
        Some("selftest") if !has("--quick") => words.extend(["--seeds", "1"]),
        _ => {}
    }
    format!("{} {rest}", words.join(" "))
}

/// The value of an option that is there becomes this one; with none, the option goes.
fn replace<'w>(words: &mut Vec<&'w str>, option: &str, value: Option<&'w str>) {
    let Some(at) = words.iter().position(|word| *word == option) else {
        return;
    };
    match value {
        Some(value) => words[at + 1] = value,
        None => drop(words.drain(at..at + 2)),
    }
}

/// A line that runs nothing: its words are looked at, and its help is printed.
pub(super) fn only_looked_at(line: &str) -> String {
    format!("{} --help", line[..end(line)].trim_end())
}

/// Where a pipe, a redirection or another command begins, which stays as it is.
fn end(line: &str) -> usize {
    let mut is_quoted = false;
    let ends = |letter: char| {
        is_quoted ^= letter == '\'';
        !is_quoted && ";|>&".contains(letter)
    };
    line.find(ends).unwrap_or(line.len())
}

/// Goal: hours become a moment, and nothing else changes.
#[test]
fn hours_become_a_moment() {
    for (line, short) in [
        (
            "gcstorm run a --duration 5s -v",
            "gcstorm run a -v --ops 300000 ",
        ),
        (
            "gcstorm run --heap x",
            "gcstorm run --heap x --duration 50ms ",
        ),
        ("gcstorm run a --rounds 1", "gcstorm run a --rounds 1 "),
        (
            "gcstorm soak --budget 8h",
            "gcstorm soak --budget 1ms --round 300ms ",
        ),
        (
            "gcstorm soak --resume d",
            "gcstorm soak --resume d --budget 1ms ",
        ),
        ("gcstorm header > a.h", "gcstorm header > a.h"),
        (
            "gcstorm fuzz --cases 9 'a>1'",
            "gcstorm fuzz --cases 9 'a>1' ",
        ),
        ("gcstorm replay a | grep b", "gcstorm replay a | grep b"),
    ] {
        assert_eq!(shortened(line, &[0]), short);
    }
    let short = "gcstorm run a --heap racy --duration 2s ";
    assert_eq!(
        shortened("gcstorm run a --duration 5s --heap racy", &[1]),
        short
    );
}
