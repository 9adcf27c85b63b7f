//! README and guide: what they tell a reader to type does what they say.
//!
//! A command is run if it stands in a block of `sh`, or behind `$ ` in one of `console`, and begins with
//! `gcstorm` or `cargo run`; `cp` and `cc` are run as well, since later commands need what they make. The
//! commands of a document are run in its order, in a directory of its own. A command exits with 0, or with
//! what stands behind it: `# exit 1`, `# exit 0 or 4`. A block below `<!-- not run: REASON -->` is not run, nor
//! what needs an interpreter or the adapters; its options are still looked at.

mod blocks;
mod described;
mod shorter;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Done, Place};

use blocks::{Block, blocks};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and the pages of the guide.
fn documents() -> Vec<PathBuf> {
    let pages = std::fs::read_dir(root().join("docs/src")).expect("a directory");
    let pages = pages.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = pages.chain([root().join("README.md")]).collect();
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

fn read(document: &Path) -> String {
    std::fs::read_to_string(document).expect("it is text")
}

/// A directory as a reader has it: a clone, with a collector of his own in C, and with two builds, which
/// are the same.
fn clone() -> Place {
    let place = Place::new();
    let link = |of: PathBuf, name: &str| {
        std::os::unix::fs::symlink(of, place.path().join(name)).expect("a link");
    };
    for name in ["examples", "tests", "workloads"] {
        link(root().join(name), name);
    }
    for name in ["old", "new"] {
        link(env!("CARGO_BIN_EXE_gcstorm").into(), name);
    }
    let source = root().join("examples/c/refcount.c");
    std::fs::copy(source, place.path().join("mine.c")).expect("a copy");
    place
}

/// What a shell makes of a line in this directory, where `gcstorm` is the program of this build.
fn typed(place: &Place, line: &str) -> Done {
    let program = Path::new(env!("CARGO_BIN_EXE_gcstorm"));
    let beside = program.parent().expect("it is in a directory").display();
    let path = std::env::var("PATH").expect("a path");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(place.path())
        .env("PATH", format!("{beside}:{path}"))
        .env_remove("GITHUB_STEP_SUMMARY")
        .stdin(Stdio::null());
    Done::from(shell.output().expect("a shell starts"))
}

/// The line without cargo: `cargo run --release -- WORDS` is `gcstorm WORDS`. The adapters are another
/// program, which is not built here; the own heap of the guide is that of examples/own_heap.rs.
fn without_cargo(place: &Place, line: &str, document: &Path) -> String {
    let Some((cargo, words)) = line.split_once(" -- ") else {
        return line.to_owned();
    };
    if !cargo.starts_with("cargo run") {
        return line.to_owned();
    }
    let tutorial = document.ends_with("your-collector.md");
    if !tutorial && !cargo.contains("--example own_heap") {
        return format!("gcstorm {words}");
    }
    let words = words.replace("--heap mine", "--heap arc");
    let program = place.example("own_heap", "");
    format!("{} {words}", Path::new(program.get_program()).display())
}

/// Runs the commands of a document, one after the other; what is wrong with them.
fn wrong_with(document: &Path) -> Vec<String> {
    let place = clone();
    let mut is_cut_short = false;
    let mut wrong = Vec::new();
    for block in blocks(&read(document)) {
        for command in block.commands() {
            let whole = without_cargo(&place, &command.line, document);
            let (line, mut exits) = if block.is_run(&command) {
                (shorter::shortened(&whole, &command.exits), command.exits)
            } else {
                (shorter::only_looked_at(&whole), vec![0])
            };
            // A run that was cut short may not come to do what is required of it, and whatever is said
            // of its result afterwards says so as well.
            is_cut_short |= line.split_whitespace().ne(whole.split_whitespace());
            if is_cut_short && exits.contains(&0) {
                exits.push(3);
            }
            let done = typed(&place, &line);
            if done.code.is_none_or(|code| !exits.contains(&code)) {
                let at = format!("{}:{}", document.display(), command.number);
                let code = done.code;
                let said = format!("{}\n{}", done.out, done.err);
                wrong.push(format!(
                    "{at}: {code:?} is not in {exits:?}: {line}\n{said}"
                ));
            }
        }
    }
    wrong
}

/// Goal: every command of README and guide that can be run exits as the text says.
#[test]
fn commands_do_what_the_text_says() {
    let documents = documents();
    let lines = documents.iter().map(|document| read(document));
    let lines: usize = lines
        .map(|text| blocks(&text).iter().flat_map(Block::commands).count())
        .sum();
    assert!(lines > 50, "only {lines} commands were found");
    // Two at a time, since most of them have two threads.
    let (one, other): (Vec<_>, Vec<_>) = documents
        .iter()
        .enumerate()
        .partition(|(number, _)| number % 2 == 0);
    let all = |documents: Vec<(usize, &PathBuf)>| -> Vec<String> {
        let wrong = documents
            .into_iter()
            .map(|(_, document)| wrong_with(document));
        wrong.flatten().collect()
    };
    let mut wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| all(other));
        let one = all(one);
        [one, other.join().expect("it ends")].concat()
    });
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Goal: a command that exits in another way than the text says is seen, and so is one with an option
/// that nobody knows, also if it is not run.
#[test]
fn a_wrong_command_is_seen() {
    let place = Place::new();
    for (text, wrong) in [
        ("```sh\ngcstorm run cuonter   # exit 2\n```\n", 0),
        ("```sh\ngcstorm run cuonter\n```\n", 1),
        (
            "```console\n$ gcstorm list checks # exit 1: not so\n```\n",
            1,
        ),
        (
            "<!-- not run: long -->\n```sh\ngcstorm soak --bugdet 8h\n```\n",
            1,
        ),
        (
            "<!-- not run: long -->\n```sh\ngcstorm soak --budget 8h\n```\n",
            0,
        ),
    ] {
        place.write("page.md", text);
        let found = wrong_with(&place.path().join("page.md"));
        assert_eq!(found.len(), wrong, "{text}\n{found:?}");
    }
}

/// Goal: every block says what is in it, so that no command hides in one that is not looked at, and few
/// commands are not run.
#[test]
fn every_block_is_of_a_known_kind() {
    let mut passed_over = Vec::new();
    for document in documents() {
        let text = read(&document);
        for block in blocks(&text) {
            let known = [
                "c",
                "console",
                "dockerfile",
                "rust",
                "rust,ignore",
                "sh",
                "text",
            ];
            let known = known.iter().chain(&["toml", "yaml"]);
            let mut known = known.filter(|kind| **kind == block.kind);
            let place = format!("{}:{}", document.display(), block.number);
            assert!(
                known.next().is_some(),
                "{place}: a block of {:?}",
                block.kind
            );
            if block.not_run.is_some() {
                passed_over.push(place);
            }
        }
        let hidden =
            |line: &&str| line.starts_with("    gcstorm ") || line.starts_with("    cargo ");
        let hidden: Vec<_> = text.lines().filter(hidden).collect();
        assert!(hidden.is_empty(), "{}: {hidden:?}", document.display());
    }
    assert!(passed_over.len() <= 6, "{passed_over:?}");
    let readme = read(&root().join("README.md")).lines().count();
    assert!(readme <= 200, "{readme} lines of README");
}

/// Goal: what README and guide quote of programs is what is compiled, and run as a test, in the example,
/// in the tests of pointers and in an adapter; and the version of proptest that is named is the one that
/// is used.
#[test]
fn programs_are_quoted() {
    let unindented = |text: &str| {
        let lines = text.lines().map(str::trim_start);
        lines.collect::<Vec<_>>().join("\n")
    };
    let sources = [
        include_str!("../../examples/own_heap.rs"),
        include_str!("../outside/arcs.rs"),
        include_str!("../../adapters/src/arc_mutex.rs"),
    ];
    let sources = sources.map(unindented);
    let mut quoted = 0;
    for document in documents() {
        for block in blocks(&read(&document)) {
            let text = unindented(&block.text());
            let found = sources.iter().any(|source| source.contains(&text));
            quoted += usize::from(block.kind == "rust");
            assert!(
                found || block.kind != "rust",
                "{}: {text}",
                document.display()
            );
        }
    }
    assert!(quoted >= 5, "{quoted} were found");
    let manifest = include_str!("../../Cargo.toml");
    let version = manifest.split("proptest = { version = \"").nth(1);
    let version = version.and_then(|rest| rest.split_once(".0\""));
    let (version, _) = version.expect("a version of proptest");
    let named = format!("[proptest](https://docs.rs/proptest)\n{version} or any later 1.x");
    let page = include_str!("../../docs/src/fuzz.md");
    assert!(page.contains(&named), "{named}");
}
