//! Running the command in a directory of its own.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gcstorm::result::RunResult;
use tempfile::TempDir;

/// A directory in which the command runs.
pub(crate) struct Place(TempDir);

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command, ready to start; words are split at blanks. A run that names no heap is on `gil`
    /// alone, so that it leaves one result.
    pub(crate) fn command(&self, line: &str) -> Command {
        let one_heap = line.starts_with("run") && !line.contains("--heap");
        let mut command = self.command_as_is(line);
        if one_heap && !line.contains("--help") {
            command.args(["--heap", "gil"]);
        }
        command
    }

    /// The command with these words and no others, called by its name as if it was installed.
    pub(crate) fn command_as_is(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gcstorm"));
        command
            .arg0("gcstorm")
            .args(line.split_whitespace())
            .current_dir(self.path())
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    /// Runs a program of somebody else's, with a heap of its own: examples/own_heap.rs.
    pub(crate) fn run_own_heap(&self, line: &str) -> Done {
        let mut command = self.example("own_heap", line);
        Done::from(command.output().expect("the program starts"))
    }

    /// A program with heaps of its own, ready to start. Cargo does not build it for this test by
    /// itself. What it needs is built already, with the profile of the tests.
    pub(crate) fn example(&self, name: &str, line: &str) -> Command {
        let gcstorm = Path::new(env!("CARGO_BIN_EXE_gcstorm"));
        let profile = gcstorm.parent().expect("it is in a directory");
        let target = profile.parent().expect("that is in another");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--example", name, "--profile", "test"])
            .args(["--offline", "--quiet", "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        Done::from(built.expect("cargo starts")).code(0);
        let mut command = Command::new(profile.join("examples").join(name));
        command
            .arg0(name)
            .args(line.split_whitespace())
            .current_dir(self.path());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Done {
        Done::from(self.command(line).output().expect("the command starts"))
    }

    /// Removes a directory of results: no other run may write to it.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_dir_all(self.path().join(name)).expect("a directory");
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    pub(crate) fn result(&self, path: &str) -> RunResult {
        let text = std::fs::read_to_string(self.path().join(path)).expect("a result");
        serde_json::from_str(&text).expect("a result that parses")
    }

    /// Every file below, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    found.push(path.strip_prefix(self.path()).expect("below").to_owned());
                }
            }
        }
        found.sort();
        found
    }
}

impl Done {
    /// Expects this exit code; shows everything if it is another.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Expects these words on standard output.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.out.contains(words), "no {words:?} in:\n{}", self.out);
        self
    }

    /// Expects these words on standard error.
    #[track_caller]
    pub(crate) fn warns(self, words: &str) -> Self {
        assert!(self.err.contains(words), "no {words:?} in:\n{}", self.err);
        self
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}
