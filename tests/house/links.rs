//! Links in the documentation lead to files that are there.

use std::path::{Path, PathBuf};

use super::sources::root;

/// What is written for people.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let directories = [root(), root().join("docs/src"), root().join("reports")];
    for directory in directories {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 5, "the documents were found");
    found
}

/// Links in a document that lead nowhere. Those to other hosts, and to places in the same document, are
/// left out.
fn broken(document: &Path, text: &str) -> Vec<String> {
    let directory = document.parent().expect("it is in a directory");
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|it| !it.contains("://") && !it.starts_with('#'));
    let is_broken = |target: &&str| {
        let file = target.split('#').next().unwrap_or_default();
        !directory.join(file).exists()
    };
    local
        .filter(is_broken)
        .map(|target| format!("{}: {target}", document.display()))
        .collect()
}

/// Goal: nobody follows a link to a file that was moved.
#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("it is text");
    let all = documents.iter().flat_map(|path| broken(path, &read(path)));
    assert_eq!(all.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Goal: a link that leads nowhere is seen.
#[test]
fn a_broken_link_is_seen() {
    let document = root().join("README.md");
    let text = "[here](Cargo.toml), [there](no/such.md#at-all), [far](https://docs.rs)";
    assert_eq!(broken(&document, text).len(), 1);
}
