//! Comparisons, as their users meet them.

use gcstorm::result::{Outcome, RunResult};

use crate::harness::Place;

/// One thread, which nothing holds up.
const ALONE: &str = r#"
summary = "one thread and its list"
[objects]
list = "list"
[limits]
live_objects = 1000
[[threads]]
name = "writer"
loop = [
  { op = "append-new", list = "list", times = 10 },
  { op = "truncate-front", list = "list", leave = 5 },
]
"#;

/// Eight runs of a short workload, in `base`, and their results.
fn base(place: &Place) -> Vec<RunResult> {
    place.write("alone.toml", ALONE);
    let line = "run alone.toml --heap gil --ops 2000 --seed 11 --repeat 8 --out base -q";
    place.run(line).code(0);
    let result = |seed| place.result(&format!("base/alone-gil-{seed}/result.json"));
    (11..19).map(result).collect()
}

/// Writes results as `run --json` does.
fn write(place: &Place, name: &str, results: &[RunResult]) {
    place.write(
        name,
        &serde_json::to_string(results).expect("it serializes"),
    );
}

/// The same runs, changed.
fn changed(results: &[RunResult], change: impl Fn(&mut RunResult)) -> Vec<RunResult> {
    let mut results = results.to_vec();
    results.iter_mut().for_each(change);
    results
}

/// Goal: runs against themselves show no difference; half as fast is a regression that is named,
/// with a line to do it again and exit code 4, unless so much is allowed; and twice as fast is
/// better.
#[test]
fn slower_runs_are_found() {
    let place = Place::new();
    let base = base(&place);
    place
        .run("compare base base")
        .code(0)
        .says("no regression in ")
        .says("alone on gil: 8 runs");
    write(
        &place,
        "slow.json",
        &changed(&base, |result| result.elapsed_ns *= 1000),
    );
    let done = place.run("compare base slow.json").code(4);
    let done = done
        .says("regression: throughput of alone on gil: ")
        .says("REGRESSION");
    done.says("reproduce: gcstorm run alone.toml --heap gil --seed 11 --ops 2000\n");
    let done = place
        .run("compare base slow.json --format markdown")
        .code(4);
    done.says("| throughput | ").says("**REGRESSION**");
    place
        .run("compare base slow.json --max-regression throughput=99.99%")
        .code(0);
    place
        .run("compare base slow.json --max-regression 10%,throughput=off")
        .code(0);
    place
        .run("compare slow.json base --max-regression 5%,pause=off")
        .code(0)
        .says("better");

    let by_cargo = changed(&base, |result| {
        let line = result.reproduce.trim_start_matches("gcstorm");
        result.reproduce = format!("cargo run --release --{line}");
    });
    write(&place, "by-cargo.json", &by_cargo);
    place.run("compare base by-cargo.json").code(0);

    place
        .run("compare base slow.json --json c.json -q")
        .code(4)
        .says("regression: ");
    let text = std::fs::read_to_string(place.path().join("c.json")).expect("a comparison");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["groups"][0]["metrics"][0]["verdict"], "regression");
    assert_eq!(json["groups"][0]["runs_base"], 8);
}

/// Goal: too few runs say nothing, once how many it takes, and nothing good by their exit code.
#[test]
fn few_runs_say_so() {
    let place = Place::new();
    let base = base(&place);
    write(&place, "few.json", &base[..3]);
    let slow = changed(&base[..3], |result| result.elapsed_ns *= 1000);
    write(&place, "slow.json", &slow);
    let done = place.run("compare few.json slow.json").code(3);
    let advice = "not enough runs: it takes at least 8 runs of each side";
    let done = done.says(advice).says("`run --repeat 8`");
    assert_eq!(done.out.lines().count(), 4, "{}", done.out);
    let markdown = "compare few.json slow.json --format markdown";
    let done = place.run(markdown).code(3);
    assert!(!done.out.contains("| throughput"), "{}", done.out);
    // Seven can tell of so few metrics, and eight of all that one workload has.
    write(&place, "eight.json", &base);
    place.run("compare eight.json eight.json").code(0);
}

/// Goal: what does not belong together is refused by name, with exit code 2.
#[test]
fn strangers_are_refused() {
    type Change = fn(&mut RunResult);
    let place = Place::new();
    let base = base(&place);
    let cases: [(&str, Change); 8] = [
        ("the text of the workload differs", |r| {
            r.workload.hash = "0".to_owned()
        }),
        ("a parameter differs: rounds=1", |r| {
            r.workload.parameters = [("rounds".to_owned(), "2".to_owned())].into();
        }),
        ("the heap differs: gil in the base, lock-free", |r| {
            r.heap = "lock-free".to_owned()
        }),
        ("the planted fault differs: none", |r| {
            r.fault = Some("len-off-by-one".to_owned())
        }),
        ("alone on gil is in the base and not", |r| {
            r.workload.name = "other".to_owned()
        }),
        ("is hung: only runs that held", |r| {
            r.verdict = Outcome::Hung
        }),
        ("--timing differs: none in the base, off in the new", |r| {
            r.reproduce += " --timing off";
        }),
        ("--ops differs: 2000 in the base, 3000 in the new", |r| {
            r.reproduce = r.reproduce.replace("2000", "3000");
        }),
    ];
    let settled = changed(&base, |r| {
        r.workload.parameters = [("rounds".to_owned(), "1".to_owned())].into();
    });
    write(&place, "base.json", &settled);
    for (expected, change) in cases {
        let new = changed(&settled, change);
        write(&place, "new.json", &new);
        let done = place.run("compare base.json new.json").code(2);
        done.warns("cannot compare: ").warns(expected);
    }
    let twice = [&settled[..], &settled[..1]].concat();
    write(&place, "new.json", &twice);
    let done = place.run("compare base.json new.json").code(2);
    done.warns("the run of seed 11 is in the new twice");

    place.write("broken.json", "{\"schema\": 1}");
    place
        .run("compare base broken.json")
        .code(2)
        .warns("broken.json:1:13: this is not a result");
    write(&place, "new.json", &changed(&settled, |r| r.schema = 2));
    place
        .run("compare base new.json")
        .code(2)
        .warns("new.json is a result of version 2");
    place
        .run("compare base nowhere")
        .code(2)
        .warns("failed to read nowhere");
    std::fs::create_dir(place.path().join("empty")).expect("a directory");
    place
        .run("compare base empty")
        .code(2)
        .warns("there is no result.json in empty");
    let slip = "compare base base --max-regression p98=5%";
    place.run(slip).code(2).warns("no metrics are called `p98`");
}

/// Goal: repeated runs have seeds of their own that follow the first, and take turns.
#[test]
fn runs_are_repeated() {
    let place = Place::new();
    place.write("alone.toml", ALONE);
    let line =
        "run alone.toml --heap gil --heap lock-free --ops 200 --seed 5 --repeat 2 --json all.json";
    place
        .run(&format!("{line} --out o"))
        .code(0)
        .says("4 runs: 4 held");
    let text = std::fs::read_to_string(place.path().join("all.json")).expect("results");
    let results: Vec<RunResult> = serde_json::from_str(&text).expect("they parse");
    let order: Vec<_> = results.iter().map(|r| (r.heap.as_str(), r.seed)).collect();
    assert_eq!(
        order,
        [("gil", 5), ("lock-free", 5), ("gil", 6), ("lock-free", 6)]
    );
    assert_eq!(
        results[3].reproduce,
        "gcstorm run alone.toml --heap lock-free --seed 6 --ops 200"
    );
}
