//! What a newcomer gets wrong, by kinds: each is refused with exit code 2, and with words that lead on.

use std::fs;

use crate::harness::{Done, Place};

/// Fails unless each line is refused with its words, and nothing is left behind.
fn are_refused(place: &Place, cases: &[(&str, &str)]) {
    let before = place.files();
    for (line, words) in cases {
        let done = Done::from(place.command_as_is(line).output().expect("it starts"));
        let done = done.code(2).warns(words);
        assert_eq!(done.out, "", "{line} prints no data");
        assert_eq!(place.files(), before, "{line} leaves nothing");
    }
}

/// Goal: who mixes up commands, workloads, heaps and options is told what the word is.
#[test]
fn words_in_the_wrong_place_are_recognised() {
    let place = Place::new();
    place.write("libmine.so", "");
    place.write("mine.toml", "");
    let cases = [
        (
            "counter",
            "`counter` is a workload, as in `gcstorm run counter`",
        ),
        (
            "gil run counter",
            "`gil` is a heap, as in `gcstorm run --heap gil`",
        ),
        ("fuzz counter", "`counter` is a workload"),
        ("run gil", "that is a heap: name it with --heap gil"),
        (
            "run counter --heap churn",
            "that is a workload: it stands alone, as in `run churn",
        ),
        (
            "run counter --heap libmine.so",
            "a shared library is named with a slash: ./libmine.so",
        ),
        ("run mine", "there is a mine.toml"),
        (
            "run counter --budget 5s",
            "`--budget` is an option of `soak`",
        ),
        ("run counter --cases 5", "`--cases` is an option of `fuzz`"),
        (
            "soak counter --ops 5",
            "`--ops` is an option of `run`, `fuzz`",
        ),
        (
            "list",
            "<WHAT> is one of heaps, workloads, ops, counters, checks, faults, profiles",
        ),
        (
            "soak counter --duration 0",
            "invalid value '0' for '--duration <TIME>'",
        ),
        (
            "soak counter --budget 0",
            "invalid value '0' for '--budget <TIME>'",
        ),
    ];
    are_refused(&place, &cases);
    let done = place.run("run counter --budget 5s");
    assert_eq!(done.err.matches("tip:").count(), 1, "{}", done.err);
    assert!(!done.err.contains("--quiet"), "{}", done.err);
}

/// Goal: numbers that are negative, too large or no whole numbers are refused as what they are.
#[test]
fn wrong_numbers_are_recognised() {
    let place = Place::new();
    let cases = [
        (
            "run counter --threads -1",
            "'-1' for '--threads <N>': must be at least 1",
        ),
        ("run counter --ops -5", "must be at least 1"),
        (
            "run counter --rounds 99999999999999999999",
            "must be at most 18446744073709551615",
        ),
        (
            "run counter --ops 1e6",
            "not a whole number, as 2000000 or 2_000_000 is",
        ),
        (
            "run counter --threads 1000000",
            "must be from 1 to 64, not 1000000",
        ),
        ("run counter --duration 1e9s", "write it as 250ms, 30s"),
        ("run counter --rate -3", "must be at least 1"),
        ("run counter --collect-every -3", "must be at least 1"),
    ];
    are_refused(&place, &cases);
}

/// Goal: a file that is not there, is a directory, or is no text is refused as what it is, and what is
/// beside it is offered.
#[test]
fn wrong_files_are_recognised() {
    let place = Place::new();
    let counter = gcstorm::workload::Workload::named("counter").expect("it is there");
    place.write("mine.toml", counter.text());
    place.write("found.case", "");
    fs::create_dir_all(place.path().join("dir.so")).expect("a directory");
    fs::create_dir_all(place.path().join("old")).expect("a directory");
    place.write("old/result.json", "");
    place.write("program", "");
    let latin = place.path().join("latin.toml");
    fs::write(latin, b"summary = \"x\"\n# gr\xfc\xdfe\n").expect("a file");
    let cases = [
        (
            "run mnie.toml",
            "failed to read mnie.toml: No such file or directory (os error 2)\nhelp: did you mean `mine.toml`?",
        ),
        (
            "check elsewhere.toml",
            "help: there are `latin.toml`, `mine.toml`",
        ),
        ("replay fuond.case", "did you mean `found.case`?"),
        ("run --case other.case", "there are `found.case`"),
        ("report olld", "did you mean `old`?"),
        (
            "run latin.toml",
            "it is no text in UTF-8, from line 2, column 5 on",
        ),
        ("run counter --heap ./dir.so", "it is a directory"),
        ("run counter --heap gil,", "a heap has no name in \"gil,\""),
        (
            "run counter --heap python:",
            "an interpreter is named like this: python:3.13",
        ),
        (
            "duel program program",
            "program is no program: it may not be executed",
        ),
        (
            "man --out program",
            "program: it is a file, not a directory",
        ),
        ("init --heap mine program", "it is a file, not a directory"),
        (
            "run counter --json no/such.json",
            "failed to write no/such.json: No such file or directory (os error 2)\n",
        ),
    ];
    are_refused(&place, &cases);
}

/// Goal: a workload with a byte order mark, line ends of Windows or tabs is read, and what is wrong in
/// one is told where an editor shows it.
#[test]
fn texts_of_other_editors_are_read() {
    let place = Place::new();
    let counter = gcstorm::workload::Workload::named("counter").expect("it is there");
    let windows = format!("\u{feff}{}", counter.text().replace('\n', "\r\n"));
    place.write("windows.toml", &windows);
    place.write("tabs.toml", &counter.text().replace("  ", "\t"));
    place
        .run("check windows.toml tabs.toml")
        .code(0)
        .says("ok  windows.toml");
    place.write("wrong.toml", "\u{feff}sumary = 1\r\nabout = 1\r\n");
    let done = place
        .run("check wrong.toml")
        .code(2)
        .warns("wrong.toml:1:1");
    done.warns("wrong.toml:2:9");
}

/// Goal: a word that is not UTF-8 is shown as a shell takes it, and one of any length is not shown whole.
#[test]
fn words_that_nobody_typed_are_survived() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let mut command = place.command_as_is("run counter --heap");
    command.arg(std::ffi::OsStr::from_bytes(b"./a\xff.so"));
    let done = Done::from(command.output().expect("it starts")).code(2);
    done.warns("this is not UTF-8: $'./a\\377.so'");
    let mut command = place.command_as_is("run counter --heap");
    command.arg("x".repeat(100_000));
    let done = Done::from(command.output().expect("it starts")).code(2);
    assert!(done.err.len() < 5000, "{} bytes", done.err.len());
    let mut command = place.command_as_is("list profiles");
    command.env("GCSTORM_PROFILE", "");
    Done::from(command.output().expect("it starts")).code(0);
}

/// Goal: results that are to go where there is no directory or no room are refused before anything runs,
/// or told so at the end without a word of files that are not there; what could be kept is.
#[test]
fn full_disks_are_told() {
    let place = Place::new();
    let run = "run counter --heap gil --rounds 1";
    let device = "failed to keep results in /dev/full: it is a device or a pipe, not a directory";
    let cases = [
        (&*format!("{run} --out /dev/full"), device),
        ("fuzz --heap gil --cases 5 --out /dev/full", device),
        (
            "soak counter --heap gil --budget 1s --out /dev/full",
            device,
        ),
        ("selftest --quick --out /dev/full", device),
    ];
    are_refused(&place, &cases);
    let no_room = "No space left on device (os error 28)";
    for (line, what, kept) in [
        (
            &*format!("{run} --out a --json /dev/full"),
            "failed to write the results as JSON",
            "a/result.json",
        ),
        (
            "fuzz --heap gil --cases 5 --out b --json /dev/full",
            "failed to write what was found as JSON",
            "b/report.html",
        ),
        (
            "fuzz --heap gil --cases 5 --out c --junit /dev/full",
            "failed to write /dev/full",
            "c/report.html",
        ),
    ] {
        place.run(line).code(2).warns(&format!("{what}: {no_room}"));
        assert!(place.path().join(kept).is_file(), "{line}: no {kept}");
    }
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("it is there");
    let mut command = place.command_as_is(&format!("{run} --out d"));
    command.stdout(full);
    let done = Done::from(command.output().expect("it starts")).code(2);
    done.warns("failed to write to standard output")
        .warns("results: d/report.html");
    place.result("d/result.json");
    // Files of half a kilobyte, which no result fits into.
    let program = env!("CARGO_BIN_EXE_gcstorm");
    let script = format!("ulimit -f 1; exec {program} {run} --out e");
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script]).current_dir(place.path());
    let done = Done::from(command.output().expect("it starts")).code(2);
    let done = done
        .says("held: no check was violated")
        .warns("failed to write a result to e");
    let done = done.warns("results that could be written: e\n");
    assert!(!done.err.contains("report.html"), "{}", done.err);
    assert!(!place.path().join("e/report.html").exists());
}

/// Goal: who goes on with a soak that is not there is told which there are.
#[test]
fn soaks_that_are_there_are_offered() {
    let place = Place::new();
    are_refused(
        &place,
        &[(
            "soak --resume nosuch",
            "there is no such directory\nhelp: name the directory that",
        )],
    );
    place.run("soak counter --heap gil --budget 100ms --round 50ms --out reports/soak-a");
    place.run("soak counter --heap gil --budget 100ms --round 50ms --out nightly");
    fs::create_dir(place.path().join("empty")).expect("a directory");
    place.write("file", "");
    let cases = [
        ("soak --resume nihgtly", "did you mean `nightly`?"),
        ("soak --resume soak-a", "did you mean `reports/soak-a`?"),
        ("soak --resume x", "there are `nightly`, `reports/soak-a`"),
        ("soak --resume empty", "it is a directory without a journal"),
        (
            "soak --resume file",
            "it is a file, not the directory of a soak",
        ),
    ];
    are_refused(&place, &cases);
}
