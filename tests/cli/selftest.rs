//! `selftest`: that it sees what is caught and what is missed, and what it leaves behind.
//!
//! Only of rows that a build without optimisation tries in a second or two; the whole of it is for
//! `.ci/run`.

use gcstorm::check;
use gcstorm::fuzz::catalogue::{self, Likelihood, Planted};
use gcstorm::fuzz::matrix::RowStanding;
use gcstorm::report::matrix::Matrix;

use std::process::Stdio;

use crate::harness::{Done, Place};

/// Operations that take too long here.
const TOO_MANY: u64 = 10_000_000;

fn matrix(place: &Place, path: &str) -> Matrix {
    let text = std::fs::read_to_string(place.path().join(path)).expect("a matrix");
    serde_json::from_str(&text).expect("a matrix that parses")
}

/// Goal: faults that are caught make rows in every format, and the program ends well.
#[test]
fn caught_faults_are_shown() {
    let place = Place::new();
    let line = "selftest --fault len-off-by-one --fault addition-lost --heap gil --seeds 2";
    let done = place.run(&format!("{line} --out o --json j")).code(0);
    done.says("len-off-by-one  gil   churn     2/2    2/2  length")
        .says("addition-lost   gil   counter   2/2    2/2  counter")
        .says("without a fault: 4 seeds, no check fired")
        .says("2 rows, and 2 without a fault: all as expected")
        .warns("matrix: o");
    let matrix = matrix(&place, "o/selftest.json");
    assert_eq!((matrix.rows.len(), matrix.sound.len()), (2, 2));
    assert_eq!(matrix.count(RowStanding::Failed), 0);
    assert!(!matrix.interrupted);
    let read = |path: &str| std::fs::read_to_string(place.path().join(path)).expect("a file");
    assert_eq!(read("j"), read("o/selftest.json"));
    assert!(read("o/selftest.md").contains("| len-off-by-one | gil | churn | always | 2/2 |"));
    assert!(read("o/selftest.html").contains("<td>length</td>"));
    assert_eq!(place.files().len(), 4, "no temporary file is left");
}

/// Goal: no check can be taken away unnoticed: without it, a fault that it alone must catch is
/// missed, and its row is named.
#[test]
fn every_check_is_missed() {
    for check in &check::ALL {
        let is_quick = |one: &&Planted| one.shows.iter().all(|show| show.ops < TOO_MANY);
        let alone =
            |one: &&Planted| one.likelihood == Likelihood::Certain && one.caught_by == [check.name];
        let mut faults = catalogue::ALL.iter().filter(alone);
        // The catalogue's own test sees that there is one; the long ones are for `.ci/run`.
        let Some(fault) = faults.find(is_quick) else {
            continue;
        };
        let place = Place::new();
        let (name, fault) = (check.name, fault.fault);
        let line = format!("selftest --fault {fault} --seeds 1 --out o --without-check {name}");
        let done = place.run(&line).code(1);
        done.says(&format!("not as expected: {fault} in gil"))
            .says(&format!("the verdicts of {name} were ignored"))
            .says("reproduce: gcstorm run ");
        let matrix = matrix(&place, "o/selftest.json");
        assert_eq!(matrix.rows[0].standing, RowStanding::Failed, "{name}");
    }
}

/// Goal: a heap of somebody else's program is tried in the runs that show its fault, and if no
/// check sees that, it is said so.
#[test]
fn a_heap_of_ones_own_is_tried() {
    let place = Place::new();
    let line = "selftest --heap arc --seeds 2 --out";
    let done = place.run_own_heap(&format!("{line} o")).code(0);
    done.says("all as expected");
    let matrix = matrix(&place, "o/selftest.json");
    let mut rows = matrix.rows.iter();
    let row = rows.find(|row| row.fault.as_deref() == Some("len-off-by-one"));
    let end = &row.expect("a row").lanes["end"];
    assert_eq!((end.tried, end.caught, end.fired["length"]), (2, 2, 2));
    let blind = format!("{line} b --without-check length");
    let done = place.run_own_heap(&blind).code(1);
    done.says("not as expected: len-off-by-one in arc");
}

/// Goal: a fault that ends the process, or keeps it from ending, is caught where that is expected.
#[test]
fn lost_processes_are_counted() {
    // A million links take their time on a busy machine, and of these trials none hangs.
    for (fault, limit, lost) in [
        ("recursive-release", "1h", (1, 0)),
        ("drop-request-kept", "60s", (0, 1)),
    ] {
        let place = Place::new();
        let line = format!("selftest --fault {fault} --seeds 1 --time-limit {limit} --out o");
        place.run(&line).code(0);
        let matrix = matrix(&place, "o/selftest.json");
        let mut rows = matrix.rows.iter();
        let row = rows.find(|row| row.fault.as_deref() == Some(fault));
        let end = &row.expect("a row").lanes["end"];
        assert_eq!((end.crashed, end.hung), lost, "{fault}");
    }
}

/// Goal: what cannot be tried is refused with a hint, before anything is.
#[test]
fn wrong_names_are_refused() {
    let place = Place::new();
    for (line, words) in [
        (
            "selftest --fault set-keep-old",
            "did you mean `set-keeps-old`",
        ),
        ("selftest --heap gill", "did you mean `gil`"),
        ("selftest --without-check weakk", "did you mean `weak`"),
        (
            "selftest --heap racy --fault addition-lost",
            "nothing to try",
        ),
        ("selftest --seeds 0", "must be at least 1"),
    ] {
        place.run(line).code(2).warns(words);
    }
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// Goal: results that cannot be written are said so before an hour has passed.
#[test]
fn an_unwritable_directory_is_refused() {
    let place = Place::new();
    place.write("file", "");
    place
        .run("selftest --fault addition-lost --seeds 1 --out file/below")
        .code(2)
        .warns("failed to keep results in file/below");
}

/// Goal: a signal ends it, and what there is is shown and written.
#[test]
fn an_interrupted_matrix_is_written() {
    let place = Place::new();
    let line = "selftest --fault addition-lost --seeds 100000 --jobs 1 --out o";
    let mut command = place.command(line);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let children = format!("/proc/{0}/task", child.id());
    let has_trial = || {
        let tasks = std::fs::read_dir(&children).into_iter().flatten().flatten();
        let of = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children"));
        tasks
            .filter_map(|task| of(task).ok())
            .any(|ids| !ids.trim().is_empty())
    };
    while !has_trial() {
        assert!(child.try_wait().expect("it can be waited for").is_none());
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill is there").success());
    let done = Done::from(child.wait_with_output().expect("it ends")).code(130);
    done.says("not tried to the end");
    assert!(matrix(&place, "o/selftest.json").interrupted);
}

/// Goal: how many faults there are, and what is to catch them, is in the guide as `list faults` has it.
#[test]
fn the_guide_counts_the_faults() {
    let done = Place::new().run("list faults").code(0);
    let words: Vec<&str> = done.out.split_whitespace().collect();
    let text = words.join(" ");
    let count = |what: &str| text.matches(what).count();
    let nothing = count("; caught by nothing");
    let (certain, usually) = (
        count("; caught by ") - nothing,
        count("; usually caught by "),
    );
    let (models, soak) = (count("; shown by models"), count("; shown by `soak`"));
    let all = certain + usually + models + soak + nothing;
    let guide = std::fs::read_to_string("docs/src/faults.md").expect("the guide");
    let guide = guide.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        format!(
            "Of the {all} faults {certain} must be caught by runs on every seed, and {usually}"
        ),
        format!("{models} show too seldom in runs"),
        format!("{soak} is a leak so slow that only a soak shows it, and {nothing} must be caught"),
    ] {
        assert!(guide.contains(&said), "{said}");
    }
}

/// Goal: what only models show is named as far as it can be planted in the heaps that were tried.
#[test]
fn only_what_can_be_planted_is_named() {
    let place = Place::new();
    let line = "selftest --fault edges-counted-once --fault trust-hint --fault plain-set --seeds 1";
    place.run(&format!("{line} --heap gil --out o")).code(0);
    let known = place.run("list faults").code(0).out;
    let tried = |path: &str| matrix(&place, path).by_model;
    assert_eq!(tried("o/selftest.json"), Vec::<String>::new());
    let line = "selftest --fault free-at-once --fault plain-set --fault quiet-first --seeds 1";
    place.run(&format!("{line} --heap lock-free --out p"));
    let named = tried("p/selftest.json");
    assert!(named.iter().any(|name| name == "plain-set"), "{named:?}");
    for name in named {
        assert!(known.contains(&name), "`list faults` does not know {name}");
    }
}
