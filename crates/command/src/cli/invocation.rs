//! How this program was started, so that the command lines that it prints can be pasted into the
//! shell that started it: by its name, by a path, or by `cargo run`.
//!
//! `cargo run` leaves the program no word of what was typed. What it does leave is the package in the
//! environment and, beside the program, what that was built from; the rest is in the path.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The words that start this program again in the same directory. `program` is its name.
pub(super) fn words(program: &str) -> Vec<OsString> {
    let start = Start::of_this_process();
    start.map_or_else(|| vec![program.into()], |start| start.words(program))
}

/// What a process knows of its own start.
#[derive(Debug)]
struct Start {
    /// The program, as it was typed.
    typed: PathBuf,
    /// Its file, without links.
    file: PathBuf,
    directory: PathBuf,
    /// The directory of the package and the package's name, if cargo started it.
    package: Option<(PathBuf, String)>,
    /// Where shells look for programs.
    search: OsString,
}

impl Start {
    fn of_this_process() -> Option<Self> {
        let typed = PathBuf::from(std::env::args_os().next()?);
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        Some(Self {
            file: std::fs::canonicalize(&typed).ok()?,
            typed,
            directory: std::env::current_dir().ok()?,
            package: manifest.zip(std::env::var("CARGO_PKG_NAME").ok()),
            search: std::env::var_os("PATH").unwrap_or_default(),
        })
    }

    fn words(&self, program: &str) -> Vec<OsString> {
        let is_path = self.typed.components().count() > 1;
        // Who embeds the command line may have another name for it.
        if !is_path || self.typed.file_stem() != Some(OsStr::new(program)) {
            return vec![program.into()];
        }
        if let Some(words) = self.cargo_run(program) {
            return words;
        }
        let found = std::env::split_paths(&self.search).map(|place| place.join(program));
        let found = found.filter_map(|path| path.canonicalize().ok()).next();
        match found {
            Some(found) if found == self.file => vec![program.into()],
            _ => vec![self.typed.clone().into()],
        }
    }

    /// `cargo run … --`, if cargo has built the program from the package that it started.
    fn cargo_run(&self, program: &str) -> Option<Vec<OsString>> {
        let (manifest, package) = self.package.as_ref()?;
        let sources = std::fs::read_to_string(self.file.with_extension("d")).ok()?;
        if !sources.contains(&manifest.to_str()?.replace(' ', r"\ ")) {
            return None;
        }
        let place = self.file.parent()?;
        let is_example = place.file_name()? == "examples";
        let profile = if is_example { place.parent()? } else { place };
        let mut words: Vec<OsString> = vec!["cargo".into(), "run".into()];
        match profile.file_name()?.to_str()? {
            "debug" => {}
            "release" => words.push("--release".into()),
            name => words.extend(["--profile".into(), name.into()]),
        }
        // Below the target directory, or below that of another kind of machine.
        let above = profile.parent()?;
        if !above.join("CACHEDIR.TAG").exists() {
            words.extend(["--target".into(), above.file_name()?.to_owned()]);
        }
        if is_example {
            words.extend(["--example".into(), program.into()]);
        } else if program != package || has_several_programs(manifest) {
            words.extend(["--bin".into(), program.into()]);
        }
        let mut around = self.directory.ancestors();
        let nearest = around.find(|place| place.join("Cargo.toml").exists());
        if nearest != Some(manifest) {
            let shown = manifest.strip_prefix(&self.directory).unwrap_or(manifest);
            words.extend(["--manifest-path".into(), shown.join("Cargo.toml").into()]);
        }
        words.push("--".into());
        Some(words)
    }
}

/// Whether `cargo run` has to be told which program is meant.
fn has_several_programs(manifest: &Path) -> bool {
    let text = std::fs::read_to_string(manifest.join("Cargo.toml")).unwrap_or_default();
    manifest.join("src/bin").is_dir() || text.matches("[[bin]]").count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package in which cargo has built `storm` in these places, and what a start of it knows.
    fn built(root: &Path, file: &str, directory: &str) -> Start {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("a directory");
        std::fs::create_dir_all(root.join("a b/below")).expect("a directory");
        std::fs::write(root.join("target/CACHEDIR.TAG"), "").expect("a file");
        std::fs::write(root.join("a b/Cargo.toml"), "").expect("a file");
        std::fs::write(&file, "").expect("a file");
        let package = root.join("a b");
        let source = package.display().to_string().replace(' ', r"\ ");
        let sources = format!("storm: {source}/src/main.rs\n");
        std::fs::write(file.with_extension("d"), sources).expect("a file");
        Start {
            typed: file.clone(),
            file,
            directory: root.join(directory),
            package: Some((package, "storm".to_owned())),
            search: OsString::new(),
        }
    }

    fn line(start: &Start) -> String {
        let words = start.words("storm");
        let words = words.iter().map(|word| word.to_string_lossy());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Goal: after `cargo run`, a line runs the same program of the same package in the same profile,
    /// wherever it is built and from wherever it was started.
    #[test]
    fn cargo_runs_it_again() {
        for (file, directory, expected) in [
            ("target/debug/storm", "a b", "cargo run --"),
            (
                "target/release/storm",
                "a b/below",
                "cargo run --release --",
            ),
            ("target/dist/storm", "a b", "cargo run --profile dist --"),
            (
                "target/riscv64-linux/release/storm",
                "a b",
                "cargo run --release --target riscv64-linux --",
            ),
            (
                "target/release/examples/storm",
                "a b",
                "cargo run --release --example storm --",
            ),
            (
                "target/debug/storm",
                "",
                "cargo run --manifest-path a b/Cargo.toml --",
            ),
        ] {
            let root = tempfile::tempdir().expect("a directory");
            let start = built(root.path(), file, directory);
            assert_eq!(line(&start), expected);
        }
        let root = tempfile::tempdir().expect("a directory");
        let start = built(root.path(), "target/debug/storm", "a b");
        std::fs::create_dir_all(root.path().join("a b/src/bin")).expect("a directory");
        assert_eq!(line(&start), "cargo run --bin storm --");
    }

    /// Goal: what cargo did not start from its own package is named by its path, or by its name if
    /// the shell finds it.
    #[test]
    fn others_are_named_as_they_were_typed() {
        let root = tempfile::tempdir().expect("a directory");
        let start = built(root.path(), "target/debug/storm", "a b");
        let path = start.typed.display().to_string();
        let strange = Start {
            package: Some((root.path().join("other"), "other".to_owned())),
            ..built(root.path(), "target/debug/storm", "a b")
        };
        assert_eq!(line(&strange), path);
        let by_hand = Start {
            package: None,
            search: root.path().join("target/debug").into(),
            ..start
        };
        assert_eq!(line(&by_hand), "storm");
        let typed = PathBuf::from("storm");
        assert_eq!(line(&Start { typed, ..by_hand }), "storm");
    }
}
