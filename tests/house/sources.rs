//! The sources as text: files by the path of their module, and the `use` lines in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The path of a module below its crate's root: `["run", "steps"]`. The crates share no room.
pub(crate) type Module = Vec<String>;

/// The directory of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of every source file, without comments and without the module of tests at its end, by
/// module. Files that hold nothing but tests are left out.
pub(crate) fn modules() -> BTreeMap<Module, String> {
    let mut modules = BTreeMap::new();
    for sources in ["crates/core/src", "crates/command/src"] {
        read_below(&root().join(sources), &Vec::new(), &mut modules);
    }
    assert!(modules.len() > 100, "the sources were found");
    modules
}

fn read_below(directory: &Path, at: &Module, modules: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.expect("a name that is text").to_owned();
        let mut module = at.clone();
        if path.is_dir() {
            module.push(name);
            read_below(&path, &module, modules);
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests" {
            if name != "mod" {
                module.push(name);
            }
            let text = std::fs::read_to_string(&path).expect("a source that is text");
            modules.insert(module, stripped(&text));
        }
    }
}

/// The text without line comments, up to the module of tests.
pub(crate) fn stripped(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next();
    let lines = text.unwrap_or_default().lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// One name that a `use` line brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// As it is written, split at `::`.
    pub(crate) path: Vec<String>,
    /// Whether it is passed on: `pub use`.
    pub(crate) is_passed_on: bool,
}

/// All names that the `use` lines of a text bring in.
pub(crate) fn imports(text: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    for statement in text.split(';') {
        let Some(at) = find_use(statement) else {
            continue;
        };
        let is_passed_on = statement[..at].trim_end().ends_with("pub")
            || statement[..at].trim_end().ends_with(')');
        for path in expanded(statement[at + "use ".len()..].trim()) {
            let path = path.split(" as ").next().unwrap_or_default();
            let path = path.split("::").map(|part| part.trim().to_owned());
            let path = path.collect();
            imports.push(Import { path, is_passed_on });
        }
    }
    imports
}

/// Where `use ` begins a statement, after its visibility if it has one.
fn find_use(statement: &str) -> Option<usize> {
    let at = statement.rfind("use ")?;
    let line = statement[..at].rsplit('\n').next().unwrap_or_default();
    let visibility = line.trim();
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(at)
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.to_owned()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let mut branches = vec![String::new()];
    let mut depth = 0;
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match branches.last_mut() {
            Some(last) if c != ',' || depth > 0 => last.push(c),
            _ => branches.push(String::new()),
        }
    }
    let branches = branches.iter().map(|branch| branch.trim());
    let branches = branches.filter(|branch| !branch.is_empty());
    branches
        .flat_map(expanded)
        .map(|branch| format!("{prefix}{branch}"))
        .collect()
}

/// Goal: what the other tests rest on reads the forms that `use` lines have.
#[test]
fn imports_are_read() {
    let text = "use a::b;\npub(crate) use super::{c, d::{e as f, self}};\nfn use_it() {}\n";
    let read: Vec<_> = imports(text)
        .into_iter()
        .map(|import| (import.path.join("::"), import.is_passed_on))
        .collect();
    let expected = [
        ("a::b", false),
        ("super::c", true),
        ("super::d::e", true),
        ("super::d::self", true),
    ];
    assert_eq!(
        read,
        expected.map(|(path, passed)| (path.to_owned(), passed))
    );
}
