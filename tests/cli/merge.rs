//! Merging: what many machines found is added up once, whatever is merged with what, and nothing is
//! added that does not belong.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use gcstorm::evidence::Latency;
use serde_json::Value;

use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until};

/// A sum as it was written.
fn text(place: &Place, directory: &str) -> String {
    let path = place.path().join(directory).join("merged.json");
    fs::read_to_string(path).expect("it was written")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

/// A soak in a directory of this name; its rounds are so short that it may be vacuous.
fn soak(place: &Place, words: &str, out: &str) {
    let line = format!("soak {words} --stint 1 --seed 5 --heap gil --out {out}");
    let done = place.run(&line);
    assert!(matches!(done.code, Some(0 | 3)), "{done:?}");
}

/// What is in a journal: rounds, and times by workload and operation.
fn recorded(place: &Place, out: &str) -> (u64, BTreeMap<(String, String), Latency>) {
    let (mut rounds, mut times) = (0, Vec::new());
    let path = place.path().join(out).join("journal");
    let contents = gcstorm::soak::read(&path, |record| {
        rounds += 1;
        times.push((record.lane, record.found.service));
    });
    let lanes = contents.expect("it is read").header.lanes;
    let mut all = BTreeMap::<_, Latency>::new();
    for (lane, service) in times {
        for (operation, packed) in service {
            let key = (lanes[lane].workload.clone(), operation);
            let own = all.entry(key).or_default();
            own.add(&packed.unpack().expect("it is its own"));
        }
    }
    (rounds, all)
}

/// Two shards of a soak, cut off after some rounds, of which the first has at least two.
fn soak_in_shards(place: &Place) {
    for (shard, out) in [("0/2", "s/a"), ("1/2", "s/b")] {
        let line = format!(
            "soak counter churn --round 50ms --stint 1 --seed 5 --heap gil --shard {shard} --out {out}"
        );
        let mut command = place.command(&line);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let lines = || {
            let journal = fs::read_to_string(place.path().join(out).join("journal"));
            journal.map_or(0, |text| text.lines().count())
        };
        wait_until("several rounds are written down", || lines() >= 2 + 4);
        signal(&child, "INT");
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
    }
    // Below one of them is cut off; on a busy machine there may be no other.
    while recorded(place, "s/a").0 < 2 {
        place.run("soak --resume s/a --budget 400ms");
    }
}

/// Goal: shards are added to the last sample, the same in any order, in groups, twice, and with
/// what was merged before or was cut off; and the shard that is missing is named.
#[test]
fn shards_are_added_once() {
    let place = Place::new();
    soak_in_shards(&place);
    let done = place.run("merge s/a s/b --out ab");
    let code = done.code.expect("it ends");
    done.says("counter on gil")
        .says(" of 2 parts on 2 lanes, ")
        .says("p99.9");
    let sum = json(&text(&place, "ab"));
    let (one, other) = (recorded(&place, "s/a"), recorded(&place, "s/b"));
    let lanes = sum["lanes"].as_array().expect("lanes");
    let rounds: u64 = lanes
        .iter()
        .filter_map(|lane| lane["rounds"].as_u64())
        .sum();
    assert_eq!(rounds, one.0 + other.0);
    let mut all = one.1;
    for (key, latency) in other.1 {
        all.entry(key).or_default().add(&latency);
    }
    let mut compared = 0;
    for lane in lanes {
        let workload = lane["lane"]["workload"].as_str().expect("a name");
        for (operation, latency) in lane["service"].as_object().expect("times") {
            let latency: Latency = serde_json::from_value(latency.clone()).expect("a histogram");
            assert_eq!(latency, all[&(workload.to_owned(), operation.clone())]);
            compared += 1;
        }
    }
    assert_eq!(compared, all.len());

    // One that is still being written to, copied somewhere else.
    let journal = fs::read(place.path().join("s/a/journal")).expect("it is there");
    let start = journal.len() - 100;
    fs::create_dir_all(place.path().join("early")).expect("a directory");
    fs::write(place.path().join("early/journal"), &journal[..start]).expect("it is written");
    for (number, paths) in [
        "s/b s/a",
        "s",
        "s/a/journal s/a s/b",
        "ab",
        "ab/merged.json s/b ab",
        "early s/b s/a",
        "s early",
        ".",
    ]
    .iter()
    .enumerate()
    {
        let out = format!("again-{number}");
        let done = place.run(&format!("merge {paths} --out {out}")).code(code);
        assert_eq!(
            done.err.contains("is incomplete and ignored"),
            paths.contains("early") || *paths == "."
        );
        assert_eq!(text(&place, &out), text(&place, "ab"), "{paths}");
    }
    let done = place.run("merge s/b --json - --out alone");
    assert_eq!(done.out, text(&place, "alone"));
    done.warns("of the 2 shards of seed 5, 1 is missing: 0");
    place
        .run("merge alone s/a --format markdown --out both")
        .code(code)
        .says("| counter on gil |");
    assert_eq!(text(&place, "both"), text(&place, "ab"));
}

/// Goal: of what failed the smallest and the fastest are kept, with the lines that do them again,
/// and as cases that can be replayed when the soaks are long gone.
#[test]
fn failures_are_kept() {
    let place = Place::new();
    for seed in [1, 2] {
        let line = format!(
            "soak churn --heap gil --fault get-without-increment --round 100ms --stint 1 --seed {seed} \
             --max-failures 2 --out s/{seed}"
        );
        place.run(&line).code(1);
    }
    let done = place.run("merge s --out m").code(1);
    let done = done.says("violated churn on gil WITH PLANTED FAULT get-without-increment: ");
    let done = done
        .says("smallest")
        .says("reproduce: gcstorm run churn --heap gil --seed ");
    let line = (done.err.lines())
        .find_map(|line| line.strip_prefix("reproduce: gcstorm "))
        .expect("a line that does it again")
        .to_owned();
    assert!(
        line.starts_with("replay m/failures/churn-gil-get-without-increment-"),
        "{line}"
    );
    let sum = json(&text(&place, "m"));
    let failed = sum["lanes"][0]["failures"].as_u64();
    assert_eq!(failed, Some(4));
    fs::remove_dir_all(place.path().join("s")).expect("it is gone");
    place.run("merge m --out again").code(1);
    assert_eq!(text(&place, "m"), text(&place, "again"));
    place.run(&line.replace(" m/", " again/")).code(1);
    // What lies there already is not touched, but for what a sum left there.
    place.write("again/failures/mine.case", "mine");
    place.write("again/failures/other-smallest.case", "theirs");
    place.run("merge m --out again").code(1);
    assert!(place.path().join("again/failures/mine.case").exists());
    assert!(
        !place
            .path()
            .join("again/failures/other-smallest.case")
            .exists()
    );

    let line = "soak chain --heap gil --fault recursive-release --round 1s --out crash";
    place.run(line).code(5);
    place
        .run("merge crash -q --out c")
        .code(5)
        .says("crashed chain on gil");
}

/// Goal: results of runs are added as well, each once.
#[test]
fn runs_are_added() {
    let place = Place::new();
    for seed in [1, 2] {
        let line = format!("run counter --rounds 1 --seed {seed} --out r/{seed}");
        place.run(&line).code(0);
    }
    let line = "run counter --rounds 1 --seed 3 --json r/3.json --out elsewhere";
    place.run(line).code(0);
    let done = place.run("merge r r/1 r/3.json elsewhere --out m").code(0);
    done.says("3 rounds of 3 parts on 1 lane, ");
    place
        .run("run counter --rounds 2 --seed 4 --out short")
        .code(0);
    let done = place.run("merge r short").code(2);
    done.warns("how runs of counter on gil are made differs: --rounds=1 in r/1/result.json, ");
}

/// Goal: what does not belong together is refused, by the names of both files and of what differs,
/// and what cannot be read with its place; nothing is left behind then.
#[test]
fn what_does_not_belong_is_refused() {
    let place = Place::new();
    soak(&place, "counter --round 20ms --budget 30ms", "a");
    soak(&place, "counter --round 30ms --budget 30ms", "long");
    soak(
        &place,
        "counter --round 20ms --budget 30ms --shard 0/3",
        "third",
    );
    soak(&place, "churn --round 20ms --budget 30ms", "churn");
    place
        .run("run counter --rounds 1 --seed 4 --out run")
        .code(0);
    let journal = fs::read_to_string(place.path().join("a/journal")).expect("it is there");
    let changed = |from: &str, to: &str| journal.replacen(from, to, 1);
    place.write("newer", &changed("gcstorm-soak 2", "gcstorm-soak 3"));
    place.write("damaged", &changed("\"seed\":5", "\"seed\":6"));
    place.write("nonsense", "nonsense");
    fs::create_dir(place.path().join("empty")).expect("a directory");
    place.run("merge a --out sum");
    let sum = text(&place, "sum");
    let page = fs::read_to_string(place.path().join("sum/report.html")).expect("a page");
    assert!(
        page.contains("<h1>gcstorm merge: ") && page.contains("counter on gil"),
        "{page}"
    );
    place.write("sum-newer", &sum.replace("\"schema\":1", "\"schema\":9"));
    place.write("sum-cut", &sum[..sum.len() / 2]);
    let before = place.files();
    for (paths, words) in [
        (
            "a long",
            "how rounds are made differs: --duration 20ms --timing sampled in a/journal, --duration 30ms \
             --timing sampled in long/journal",
        ),
        (
            "a third",
            "the number of shards of seed 5 differs: 1 in a/journal, 3 in third/journal",
        ),
        (
            "a churn",
            "which rounds seed 5 has differs: also counter on ",
        ),
        ("a churn", "also churn on "),
        ("a churn", "the options that decide are --heap"),
        ("sum churn", "in sum/merged.json, "),
        (
            "a run",
            "what made it differs: soak in a/journal, run in run/result.json",
        ),
        ("a run", "merge each kind by itself"),
        ("a long", "merge what was made with the same options"),
        ("a newer", "newer:1: this is not the journal"),
        ("a damaged", "damaged:2: "),
        ("a nonsense", "nonsense:1:"),
        ("sum-newer", "`merged` of version 9"),
        ("sum-cut", "sum-cut:1: not a readable sum"),
        ("empty", "there is nothing to merge in empty"),
        ("nowhere", "failed to read nowhere"),
    ] {
        let done: Done = place.run(&format!("merge {paths}")).code(2);
        done.warns(words);
    }
    assert_eq!(place.files(), before);
}

/// Goal: markup and commands in a journal stay text, in a table of Markdown as on a terminal.
#[test]
fn what_is_in_a_journal_stays_text() {
    let place = Place::new();
    fs::create_dir(place.path().join("a")).expect("a directory");
    place.write("a/journal", include_str!("inject.journal"));
    let done = place.run("merge a --format markdown --color always");
    assert!(matches!(done.code, Some(1 | 5)), "{done:?}");
    let mut is_code = false;
    for line in done.out.lines() {
        is_code ^= line.trim_start().starts_with("```");
        assert!(is_code || !line.contains("<img"), "{line}");
        assert!(!line.starts_with("## x"), "{line}");
        if line.starts_with('|') {
            let cells = line.replace("\\|", "").matches('|').count();
            assert!(matches!(cells, 8 | 9), "{line}");
        }
    }
    for page in [done, place.run("merge a --color always")] {
        for text in [page.out, page.err] {
            assert!(
                !text.contains("\u{1b}]") && !text.contains('\u{7}'),
                "{text}"
            );
        }
    }
}
