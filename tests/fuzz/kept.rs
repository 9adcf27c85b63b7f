//! The cases in `tests/cases`. A file that `fuzz` or a failing run has kept becomes a permanent
//! test by being copied there.
//!
//! What was wrong is fixed by now, or was a planted fault, so the case holds on every heap. If the
//! file names a fault, the case fails with that fault, by the check that the file names, and leaves
//! the same trace each time.

use std::path::{Path, PathBuf};

use gcstorm::fuzz::{by_steps, on_threads};
use gcstorm::plan::{Case, Schedule};
use gcstorm::run::{Entry, Registry};

fn kept() -> Vec<(PathBuf, Case)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let files = std::fs::read_dir(directory).expect("the directory is there");
    let mut files: Vec<PathBuf> = files
        .map(|file| file.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|it| it == "case"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let case = Case::parse(&path.to_string_lossy(), &text);
        (path, case.unwrap_or_else(|error| panic!("{error}")))
    };
    files.into_iter().map(read).collect()
}

/// The heaps that can do what the case asks for; none of them is broken on purpose.
fn able<'r>(registry: &'r Registry, case: &Case) -> impl Iterator<Item = &'r Entry> {
    let needs = case.plan().needs();
    let sound = registry.entries().iter().filter(|entry| entry.is_default);
    sound.filter(move |entry| needs.missing_from(&entry.caps()).is_empty())
}

/// Goal: every kept case holds on every sound heap, on one thread and, if it was kept so, on
/// several.
#[test]
fn kept_cases_hold() {
    let registry = Registry::builtin();
    let kept = kept();
    assert!(!kept.is_empty(), "there are none");
    for (path, case) in &kept {
        let mut tried = 0;
        for heap in able(&registry, case) {
            let (_, finding) = by_steps(heap, None, case).expect("the heap opens");
            assert_eq!(finding, None, "{} on {}", path.display(), heap.name);
            if case.schedule != Schedule::Steps {
                for _ in 0..10 {
                    let finding = on_threads(heap, None, case).expect("the heap opens");
                    assert_eq!(finding, None, "{} on {}", path.display(), heap.name);
                }
            }
            tried += 1;
        }
        assert!(tried > 0, "{} was tried on nothing", path.display());
    }
}

/// Goal: a kept case with a planted fault fails by the check that it names, in the same way each
/// time.
#[test]
fn kept_faults_are_caught() {
    let registry = Registry::builtin();
    let mut caught = 0;
    for (path, case) in &kept() {
        let (Some(fault), Some(heap)) = (case.fault, &case.heap) else {
            continue;
        };
        if case.schedule != Schedule::Steps {
            continue;
        }
        let path = path.display();
        let heap = registry.get(heap).expect("the heap is there");
        let mut digests = Vec::new();
        for _ in 0..100 {
            let (trace, finding) = by_steps(heap, Some(fault), case).expect("the heap opens");
            let finding = finding.unwrap_or_else(|| panic!("{path} does not fail"));
            assert_eq!(Some(finding.check), case.check.as_deref(), "{path}");
            digests.push(trace.digest());
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "{path} left different traces");
        caught += 1;
    }
    assert!(caught > 0, "there are none");
}
