//! Links in the documentation lead to files that are there, and to headings that are in them; and the guide's
//! table of contents leads to all of its pages.

use std::path::{Path, PathBuf};

use super::sources::root;

/// What is written for people.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let directories = ["", "docs/src", "reports", "reports/cluster", "workloads"];
    for directory in directories {
        for entry in std::fs::read_dir(root().join(directory)).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20, "the documents were found");
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is text")
}

/// What a heading is called in a link, as GitHub and mdBook make it of its words.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// Whether a document has a heading of that name. Lines in blocks of code are no headings.
fn has_heading(text: &str, wanted: &str) -> bool {
    let outside = text.split("\n```").step_by(2);
    let mut lines = outside.flat_map(str::lines);
    lines.any(|line| line.starts_with('#') && anchor(line) == wanted)
}

/// Links in a document that lead nowhere. Those to other hosts are left out.
fn broken(document: &Path, text: &str) -> Vec<String> {
    let directory = document.parent().expect("it is in a directory");
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|it| !it.contains("://"));
    let is_broken = |target: &&str| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        if file.is_empty() {
            return !has_heading(text, heading);
        }
        let file = directory.join(file);
        !file.exists() || !heading.is_empty() && !has_heading(&read(&file), heading)
    };
    local
        .filter(is_broken)
        .map(|target| format!("{}: {target}", document.display()))
        .collect()
}

/// Goal: nobody follows a link to a file that was moved, or to a heading that was changed.
#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let all = documents.iter().flat_map(|path| broken(path, &read(path)));
    assert_eq!(all.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Goal: a link that leads nowhere is seen.
#[test]
fn a_broken_link_is_seen() {
    let document = root().join("README.md");
    let sound = "[here](Cargo.toml), [far](https://docs.rs), [there](ARCHITECTURE.md#architecture)";
    assert!(broken(&document, sound).is_empty());
    let bad = "# A heading\n[a](no/such.md#at-all) [b](ARCHITECTURE.md#no) [c](#b-heading) [d](#a-heading)";
    assert_eq!(broken(&document, bad).len(), 3);
}

/// Goal: no page of the guide is missing in its table of contents.
#[test]
fn the_contents_have_every_page() {
    let contents = read(&root().join("docs/src/SUMMARY.md"));
    let pages = documents();
    let pages = pages
        .iter()
        .filter(|path| path.starts_with(root().join("docs/src")));
    let names = pages.map(|path| path.file_name().expect("a name").to_string_lossy());
    let missing: Vec<_> = names
        .filter(|name| name != "SUMMARY.md" && !contents.contains(&format!("({name})")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Files that people read or that are built, below the directory.
fn texts(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What cargo, git and fuzzers leave is none of it.
        let is_left = ["target", ".git", "corpus", "failures"].contains(&name.as_ref());
        if path.is_dir() && !path.is_symlink() && !is_left {
            texts(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Whether a merge was left half done in this text.
fn is_half_merged(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
}

/// Goal: no file has the marks of a merge that was not resolved, which a compiler sees in code, and nobody
/// in prose.
#[test]
fn nothing_is_half_merged() {
    let mut all = Vec::new();
    texts(&root(), &mut all);
    assert!(all.len() > 500, "the files were found");
    let half = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|it| is_half_merged(&it));
    let half: Vec<_> = all.into_iter().filter(half).collect();
    assert_eq!(half, Vec::<PathBuf>::new());
    assert!(is_half_merged(&format!(
        "words\n{} HEAD\nmore",
        "<".repeat(7)
    )));
}
