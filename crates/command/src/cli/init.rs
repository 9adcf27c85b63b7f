//! `init`: writes a crate for a heap of one's own. It compiles and runs as it is, and the verdicts say
//! what is still to be written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::args::Init;
use super::exit::Exit;
use super::reproduce;
use super::store;
use super::terminal::Terminal;
use super::usage::Usage;
use super::welcome;
use crate::report::{Width, wrapped};
use crate::run::Registry;

/// Where the sources of this program were when it was built. They may be gone.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// The longest name of a heap, which stands in tables and names of files.
const NAME_MAX: usize = 40;

/// Names that mean something else on a command line, or whose package would be one of gcstorm's own.
const TAKEN: [&str; 4] = ["all", "command", "core", "none"];

/// The files of a crate and their texts, for a heap with mutators of its own.
const HEAP: Template = Template {
    state: "As it was written, every run is violated: the functions of the heap are still to be \
            filled in, and the\nfirst one that was called and is missing is named.",
    library: include_str!("../../templates/heap.rs"),
};
/// The same for counted pointers.
const POINTER: Template = Template {
    state: "As it was written, runs that make cycles are violated: `Arc` stands in for the pointer \
            under test, and\nleaves cycles behind.",
    library: include_str!("../../templates/pointer.rs"),
};
/// What both have.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../../templates/manifest.toml")),
    ("src/main.rs", include_str!("../../templates/main.rs")),
    (
        "tests/conformance.rs",
        include_str!("../../templates/conformance.rs"),
    ),
    ("gcstorm.toml", include_str!("../../templates/gcstorm.toml")),
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

/// What to expect of the first build: without it, minutes of it look like something that hangs.
const FIRST_BUILD: &str = "The first build compiles some 90 crates, which takes two to five minutes on two \
                           processors; after it a change takes seconds, and so do tests with `--release`, \
                           which use the same build.";

/// What is left to do where gcstorm comes from a repository elsewhere.
const NO_LOCK: &str = "the first build writes Cargo.lock: commit it, since the recipes for CI install with \
                       --locked";

/// What differs between kinds of heaps.
struct Template {
    state: &'static str,
    library: &'static str,
}

/// Writes a crate.
pub(super) fn init(program: &str, args: &Init, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let heap = args.heap.as_str();
    check_name(heap)?;
    let package = format!("gcstorm-{heap}");
    let directory = args.directory.clone();
    let directory = directory.unwrap_or_else(|| PathBuf::from(&package));
    let Source { dependency, lock } = Source::of(args.gcstorm.as_deref(), program, heap)?;
    let template = if args.pointer { POINTER } else { HEAP };
    let words = [
        ("@PACKAGE@", package.as_str()),
        ("@CRATE@", &package.replace('-', "_")),
        ("@HEAP@", heap),
        ("@GCSTORM@", &dependency),
        ("@STATE@", template.state),
        ("@FIRST_BUILD@", FIRST_BUILD),
    ];
    let filled = |text: &str| {
        let fill = |text: String, (word, with): &(&str, &str)| text.replace(word, with);
        words.iter().fold(text.to_owned(), fill)
    };
    let files = FILES.into_iter().chain([("src/lib.rs", template.library)]);
    let files = files.map(|(name, text)| (name, filled(text)));
    let has_lock = lock.is_some();
    let lock = lock.map(|lock| ("Cargo.lock", lock));
    let files: Vec<(&str, String)> = files.chain(lock).collect();
    if let Some((name, _)) = files.iter().find(|(name, _)| directory.join(name).exists()) {
        let path = directory.join(name);
        let usage = Usage::new(format!("there is a {} already", path.display()));
        return Err(usage.hint("name another directory after the options"));
    }
    for (name, text) in &files {
        let path = directory.join(name);
        write(&path, text).map_err(|error| {
            let why = store::why_no_directory(&directory, &error);
            let shown = directory.display();
            Usage::new(format!("failed to write {name} to {shown}: {why}"))
                .hint("name another directory after the options")
        })?;
    }
    terminal.data(&told(&directory, template.state));
    if !has_lock {
        terminal.remark(NO_LOCK);
    }
    Ok(Exit::Held)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    store::write_whole(path, text.as_bytes())
}

/// A name that may stand in the name of a package, in a table and on a command line, and that nothing
/// beside it has.
fn check_name(heap: &str) -> Result<(), Usage> {
    let wrong = |hint: String| {
        Err(Usage::new(format!("{heap:?} cannot be the name of a heap here")).hint(hint))
    };
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = heap.starts_with(|c: char| c.is_ascii_lowercase()) && heap.chars().all(is_word);
    if !is_name || heap.len() > NAME_MAX {
        return wrong(format!(
            "it is a lower-case letter, then lower-case letters, digits and `-`, {NAME_MAX} at most"
        ));
    }
    if TAKEN.contains(&heap) || Registry::builtin().get(heap).is_some() {
        return wrong("gcstorm itself has something of that name".to_owned());
    }
    Ok(())
}

/// Where the crate finds gcstorm.
struct Source {
    /// As a value of TOML.
    dependency: String,
    /// The versions with which gcstorm is tested. cargo adds the crate itself, and leaves out what only
    /// gcstorm's own tests need. Of a repository elsewhere they are not known.
    lock: Option<String>,
}

impl Source {
    fn of(asked: Option<&str>, program: &str, heap: &str) -> Result<Self, Usage> {
        let missing = |shown: &str| {
            Usage::new(format!("gcstorm's sources are not in {shown}")).hint(format!(
                "say where they are: {program} init --heap {heap} --gcstorm DIR, or the URL of a git \
                 repository"
            ))
        };
        let directory = match asked {
            Some(url) if url.contains("://") || url.starts_with("git@") => {
                return Ok(Self {
                    dependency: format!("{{ git = {} }}", toml::Value::from(url)),
                    lock: None,
                });
            }
            Some(directory) => directory,
            None => SOURCES,
        };
        let found = fs::canonicalize(directory).ok();
        let found = found.filter(|found| is_gcstorm(found));
        match found.as_deref().and_then(Path::to_str) {
            Some(path) => Ok(Self {
                dependency: format!("{{ path = {} }}", toml::Value::from(path)),
                lock: fs::read_to_string(Path::new(path).join("Cargo.lock")).ok(),
            }),
            None => Err(missing(directory)),
        }
    }
}

fn is_gcstorm(directory: &Path) -> bool {
    let manifest = fs::read_to_string(directory.join("Cargo.toml"));
    manifest.is_ok_and(|text| text.contains("name = \"gcstorm\""))
}

/// What was written, and what to do with it.
fn told(directory: &Path, state: &str) -> String {
    let shown = reproduce::quote(directory);
    let enter = format!("cd {shown}");
    let next = [
        (enter, "the crate; src/lib.rs is the file to write"),
        (
            "cargo run --release -- run --profile quick".to_owned(),
            "every workload on it",
        ),
        (
            "cargo test --release".to_owned(),
            "the same in short, and random programs",
        ),
    ];
    let text = format!("wrote {shown}. {} {FIRST_BUILD}", state.replace('\n', " "));
    format!(
        "{}\n{}",
        wrapped(Width::Unknown, "", 0, &text),
        welcome::rows(&next)
    )
}
