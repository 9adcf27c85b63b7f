//! The first minutes with the program: without a command, `tour`, and the crate that `init` writes.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use gcstorm::result::Outcome;

use crate::harness::{Done, Place};

/// Goal: without a command it says what it is, and three commands to begin with that are understood.
#[test]
fn without_a_command_it_says_how_to_begin() {
    let place = Place::new();
    let done = place.run("").code(2);
    assert_eq!(done.out, "");
    let commands: Vec<&str> = (done.err.lines())
        .filter_map(|line| line.strip_prefix("    gcstorm "))
        .filter_map(|line| line.split("   ").next())
        .collect();
    assert_eq!(commands.len(), 3, "{}", done.err);
    for command in commands {
        place.run(&format!("{command} --help")).code(0);
    }
    assert!(place.files().is_empty());
}

/// Goal: a tour runs three heaps, catches the one that is wrong and a planted fault, leaves a page and
/// a case that fails when it is replayed, and exits with 0 for that, or with 3 if the machine was too
/// busy for one of them to show something.
#[test]
fn a_tour_shows_what_it_found() {
    let place = Place::new();
    // What would open the page.
    let opener = place.path().join("bin/xdg-open");
    std::fs::create_dir(place.path().join("bin")).expect("a directory");
    place.write("bin/xdg-open", "#!/bin/sh\necho \"$@\" > opened\n");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(opener, all).expect("it is ours");
    let mut command = place.command("tour --duration 2s --out t --open");
    command.env("PATH", place.path().join("bin"));
    let done = Done::from(command.output().expect("it starts"));
    let opened = std::fs::read_to_string(place.path().join("opened")).expect("it was opened");
    assert_eq!(opened, "t/report.html\n");
    let done = done
        .says("gcstorm run shared-list --heap gil --heap lock-free --heap racy")
        .says("--fault edges-counted-once")
        .says("m0 store r0 1 r0")
        .says("t/report.html");
    let files = place.files();
    let result = |heap: &str| {
        let below = |path: &&Path| path.starts_with("t") && path.ends_with("result.json");
        let mut paths = files.iter().map(|path| path.as_path()).filter(below);
        let named = paths.find(|path| path.to_string_lossy().contains(&format!("-list-{heap}-")));
        place.result(&named.expect("a result").to_string_lossy())
    };
    let verdicts = ["gil", "lock-free", "racy"].map(|heap| result(heap).verdict);
    let is_sound = |verdict: &Outcome| matches!(verdict, Outcome::Held | Outcome::Vacuous);
    assert!(verdicts[..2].iter().all(is_sound), "{verdicts:?}");
    let done = match verdicts {
        [Outcome::Held, Outcome::Held, Outcome::Violated] => done.code(0),
        _ => done.code(3),
    };
    assert!(place.path().join("t/report.html").is_file());
    let replay = (done.err.lines())
        .find_map(|line| line.strip_prefix("reproduce: gcstorm replay t/failures/"))
        .expect("a case");
    place.run(&format!("replay t/failures/{replay}")).code(1);
    place.run("tour --out t").code(2).warns("other results");
}

/// The commands of cargo on a crate that was written, offline, which only works with the versions of the
/// `Cargo.lock` that was written with it, and in the directory where all else is built: what other builds
/// have made is not built again.
fn cargo(krate: &Path, words: &[&str]) -> Done {
    let target = Path::new(env!("CARGO_BIN_EXE_gcstorm")).ancestors().nth(2);
    let mut command = Command::new(env!("CARGO"));
    command
        .args(&words[..1])
        .args([
            "--offline",
            "--quiet",
            "--config",
            "profile.dev.opt-level=0",
            "--config",
            "profile.dev.package.gcstorm-core.opt-level=0",
        ])
        .args(&words[1..])
        .env("CARGO_TARGET_DIR", target.expect("a directory"))
        .current_dir(krate);
    Done::from(command.output().expect("cargo starts"))
}

/// Fails unless building it compiles as many crates as it is said to.
fn assert_few_crates(krate: &Path) {
    let tree = [
        "tree",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--no-dedupe",
    ];
    let tree = cargo(krate, &tree).code(0).out;
    let built: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(" (").next())
        .collect();
    assert!(
        (80..100).contains(&built.len()),
        "{}: {built:?}",
        built.len()
    );
}

/// Takes the comment signs away from all functions that the template does not announce, and announces
/// them.
fn announce_all(library: &Path) {
    let text = std::fs::read_to_string(library).expect("it is there");
    let (written, rest) = text
        .split_once("    // // ")
        .expect("parts that are commented out");
    let rest = format!("    // // {rest}");
    let rest = rest.lines().map(|line| match line.strip_prefix("    //") {
        Some("") => String::new(),
        Some(code) => format!("   {code}"),
        None => line.to_owned(),
    });
    let rest: Vec<String> = rest.collect();
    let all =
        "lists: true,\n    globals: true,\n    counters: true,\n    weak: true,\n    ..Caps::NONE";
    let written = written.replace("..Caps::NONE", all);
    let text = format!("{written}{}\n", rest.join("\n"));
    std::fs::write(library, text).expect("it is ours");
}

/// Goal: both kinds of crates that `init` writes compile without a warning, and run; what is still to
/// be written is what the verdict says, also in its tests; the lines to reproduce can be pasted; and the
/// functions that are commented out compile.
#[test]
fn a_crate_that_was_written_runs_and_fails_honestly() {
    let place = Place::new();
    let sources = env!("CARGO_MANIFEST_DIR");
    let init = format!("init --gcstorm {sources} --heap");
    place
        .run(&format!("{init} mine"))
        .code(0)
        .says("cd gcstorm-mine")
        .says("some 90 crates");
    let krate = place.path().join("gcstorm-mine");
    let done = cargo(
        &krate,
        &["run", "--", "run", "cycles", "--duration", "200ms"],
    )
    .code(1);
    assert!(!done.err.contains("warning: "), "{}", done.err);
    let done = done
        .says("`settle` is not written yet")
        .says("cycles on mine");
    assert!(!done.out.contains("on gil"), "gcstorm.toml names one heap");
    // What counts is not lost among checks that had nothing to look at.
    assert!(!done.out.contains("\nrefcounts "), "{}", done.out);
    let reproduce = "reproduce: cargo run -- run cycles --heap mine --seed ";
    let line = done.out.lines().find(|line| line.starts_with(reproduce));
    let line = line.unwrap_or_else(|| panic!("no {reproduce:?} in {}", done.out));
    let words: Vec<&str> = line.split(' ').skip(2).collect();
    cargo(&krate, &words)
        .code(1)
        .says("`settle` is not written yet");
    let quiet = ["run", "--", "run", "cycles", "--ops", "2000", "-q"];
    cargo(&krate, &quiet)
        .code(1)
        .says("the heap says of itself: `alloc` is not written yet (src/lib.rs:");
    assert_few_crates(&krate);
    let done = cargo(&krate, &["test", "--test", "conformance"]).code(101);
    done.says("`settle` is not written yet").says("4 failed");
    announce_all(&krate.join("src/lib.rs"));
    let done = cargo(
        &krate,
        &["run", "--", "run", "shared-list", "--ops", "2000"],
    )
    .code(1);
    assert!(!done.err.contains("warning: "), "{}", done.err);
    done.says("shared-list on mine");

    place.run(&format!("{init} counted --pointer own")).code(0);
    let krate = place.path().join("own");
    let leaking = ["run", "--", "run", "tangles", "--ops", "20000"];
    let done = cargo(&krate, &leaking)
        .code(1)
        .says("violated: completeness");
    assert!(!done.err.contains("warning: "), "{}", done.err);
    for krate in ["gcstorm-mine", "own"] {
        let mut fmt = Command::new(env!("CARGO"));
        let fmt = fmt
            .args(["fmt", "--check"])
            .current_dir(place.path().join(krate));
        Done::from(fmt.output().expect("cargo starts")).code(0);
    }
}

/// Goal: nothing is overwritten, and names and sources that cannot be right are refused.
#[test]
fn init_refuses_what_it_cannot_do() {
    let place = Place::new();
    for (line, words) in [
        ("init --heap Mine", "cannot be the name of a heap"),
        (
            "init --heap mine --gcstorm nowhere",
            "gcstorm's sources are not in nowhere",
        ),
        (
            "init --heap racy",
            "gcstorm itself has something of that name",
        ),
        ("init", "--heap"),
    ] {
        place.run(line).code(2).warns(words);
    }
    assert!(place.files().is_empty());
    place.write("README.md", "mine");
    let line = "init --heap mine --gcstorm https://example.org/gcstorm.git";
    place
        .run(&format!("{line} ."))
        .code(2)
        .warns("README.md already");
    assert_eq!(place.files().len(), 1);
    place.run(&format!("{line} a")).code(0);
    let manifest = std::fs::read_to_string(place.path().join("a/Cargo.toml")).expect("it is there");
    let dependency = "gcstorm = { git = \"https://example.org/gcstorm.git\" }\n";
    assert!(manifest.contains(dependency), "{manifest}");
}
