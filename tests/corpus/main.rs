//! What the fuzz targets call, fed with what is kept in `fuzz/corpus`: no fuzzer is needed to see
//! that what one found stays fixed.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a library of its own, too")]
mod entry;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gcstorm::plan::Case;
use gcstorm::workload::{Color, Workload};

type Entry = fn(&[u8]);

/// Every target, by name.
const TARGETS: &[(&str, Entry)] = &[
    ("case", entry::case),
    ("result", entry::result),
    ("steps", entry::steps),
    ("workload", entry::workload),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn stems(folder: &Path) -> BTreeSet<String> {
    let stem = |path: PathBuf| {
        path.file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    files(folder).into_iter().map(stem).collect()
}

/// Goal: every input of the corpus is survived, and each target has some.
#[test]
fn the_corpus_is_survived() {
    for (target, entry) in TARGETS {
        let inputs = files(&folder("corpus").join(target));
        assert!(!inputs.is_empty(), "{target}");
        for input in inputs {
            eprintln!("{}", input.display());
            entry(&fs::read(&input).expect("an input"));
        }
    }
}

/// Goal: the corpus is worth having: what it says it is can be read.
#[test]
fn the_corpus_can_be_read() {
    for input in files(&folder("corpus/case")) {
        let text = fs::read_to_string(&input).expect("text");
        Case::parse(&input.to_string_lossy(), &text).expect("a case");
    }
    for input in files(&folder("corpus/result")) {
        let text = fs::read_to_string(&input).expect("text");
        let result: Result<gcstorm::result::RunResult, _> = serde_json::from_str(&text);
        result.unwrap_or_else(|error| panic!("{input:?}: {error}"));
    }
}

/// Goal: the targets that are named, written, fed and tested are the same.
#[test]
fn targets_are_complete() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems(&folder("fuzz_targets")), known);
    assert_eq!(stems(&folder("corpus")), known);
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let targets = manifest["bin"].as_array().expect("targets").iter();
    let named: BTreeSet<String> = targets
        .map(|target| {
            let name = target["name"].as_str().expect("a name");
            let path = target["path"].as_str().expect("a path");
            assert_eq!(path, format!("fuzz_targets/{name}.rs"));
            name.to_owned()
        })
        .collect();
    assert_eq!(named, known);
}

/// A workload of one group of threads that do this.
fn workload(threads: &str) -> String {
    format!(
        "summary = \"x\"\n[objects]\nlist = \"list\"\n[limits]\nlive_objects = 1000\n\
         [[threads]]\nname = \"t\"\n{threads}\n"
    )
}

fn case(header: &str, turns: &str) -> String {
    format!(
        "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 268435456\nroots 65535\n{header}\n\n{turns}"
    )
}

/// Goal: what is far too large is refused in few words, or costs no more than its own length. (Each
/// of these took minutes, or gigabytes.)
#[test]
fn what_is_absurd_costs_little() {
    let page = "x".repeat(4 << 20);
    let mutators = |registers: u32| -> String {
        let lines = (0..1000).map(|number| format!("mutator m{number} registers {registers}\n"));
        lines.collect()
    };
    let steps = "{ op = \"safepoint\" }, ".repeat(2000);
    let refused = [
        Workload::parse("w", &format!("summary = \"{page}\"\n{page} = 1")).err(),
        Workload::parse("w", &workload(&format!("loop = [ {{ op = \"{page}\" }} ]"))).err(),
        Workload::parse("w", &workload(&format!("count = 1024\nloop = [ {steps} ]"))).err(),
        Case::parse("c", &case("mutator m registers 1", &format!("m {page}\n"))).err(),
        Case::parse(
            "c",
            &case("mutator m registers 1", &format!("{page} peek r0\n")),
        )
        .err(),
        Case::parse("c", &case(&mutators(65_536), "")).err(),
        Case::parse("c", &page).err(),
    ];
    for (number, complaint) in refused.into_iter().enumerate() {
        let complaint = complaint.unwrap_or_else(|| panic!("number {number} is refused"));
        assert!(
            complaint.render(Color::Plain).len() < 10_000,
            "number {number}"
        );
    }
    // Every turn works on a register that was never written, by the last of many mutators.
    let turns = "m999 copy r1 r2\n".repeat(100_000);
    let held: String = (0..65_536).map(|slot| format!(" r{slot}=l")).collect();
    for text in [
        case(&mutators(3), &turns),
        case(
            &format!("shared l list\nmutator m registers 65536 holds{held}"),
            "",
        ),
    ] {
        entry::case(text.as_bytes());
        Case::parse("c", &text).expect("it is large, and in order");
    }
}
