//! `fuzz` and `replay`: what is found is kept, and fails in the same way whenever it is run again.

use std::process::{Command, Stdio};

use crate::harness::{Done, Place};

/// The one case below a directory.
fn kept(place: &Place) -> String {
    let cases: Vec<_> = place
        .files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "case"))
        .collect();
    let [case] = &cases[..] else {
        panic!("not one case: {cases:?}");
    };
    case.to_string_lossy().into_owned()
}

/// Goal: a fault is found, shrunk, shown and kept; the kept case fails in the same way each time,
/// and without the fault, or on another heap, it holds.
#[test]
fn what_is_found_is_kept() {
    let place = Place::new();
    let line = "fuzz --heap gil --fault set-keeps-old --cases 20000 --seed 2";
    let done = place.run(line).code(1);
    let done = done
        .says("failed completeness: at the end: object")
        .says(" (turn ")
        .says("shrunk from")
        .says("     1  m0 ")
        .says("  m0 set r")
        .says("gil WITH PLANTED FAULT set-keeps-old steps seed 2:")
        .says("1 failure; shrinking took ")
        .warns("reproduce: gcstorm replay reports/failures/completeness-gil-set-keeps-old-");
    let case = kept(&place);
    assert!(done.err.contains(&case), "{}", done.err);
    let text = std::fs::read_to_string(place.path().join(&case)).expect("a case");
    for line in [
        "gcstorm-case 1",
        "heap gil",
        "fault set-keeps-old",
        "check completeness",
    ] {
        assert!(text.lines().any(|it| it == line), "no {line:?} in {text}");
    }
    let replayed = || place.run(&format!("replay {case}")).code(1).out;
    let first = replayed();
    assert!(
        first.contains("trace ") && first.contains("completeness"),
        "{first}"
    );
    assert!((0..5).all(|_| replayed() == first));
    place
        .run(&format!("replay {case} -v"))
        .code(1)
        .says("  m0 set r")
        .says("end  object");
    place
        .run(&format!("replay {case} --fault none"))
        .code(0)
        .says("held on gil")
        .says("the case expects completeness");
    let fault = "--fault none --heap lock-free --heap racy";
    place
        .run(&format!("replay {case} {fault}"))
        .code(0)
        .says("held on lock-free")
        .says("held on racy");
    // The same seed finds the same, and keeps it under the same name.
    place.run(line).code(1);
    assert_eq!(kept(&place), case);
}

/// Goal: what the page shows as a case is the whole file, with the heap; and a later hunt that finds
/// nothing, in the same directory, says that the case is there.
#[test]
fn pages_tell_of_all_that_is_kept() {
    let place = Place::new();
    let line = "fuzz --heap gil --fault set-keeps-old --cases 20000 --seed 2";
    place.run(line).code(1);
    let case = kept(&place);
    let page = || std::fs::read_to_string(place.path().join("reports/failures/report.html"));
    let text = std::fs::read_to_string(place.path().join(&case)).expect("a case");
    let program = text.split_once("# ").expect("a comment").0;
    assert!(
        program.contains("heap gil\nfault set-keeps-old\n"),
        "{program}"
    );
    assert!(page().expect("a page").contains(program));
    place
        .run("fuzz --heap gil --cases 50 --seed 9")
        .code(0)
        .warns("note: 1 case of earlier hunts in reports/failures");
    assert_eq!(kept(&place), case);
    let page = page().expect("a page");
    assert!(page.contains("50 programs, none failed"), "{page}");
    assert!(page.contains(&format!("gcstorm replay {case}")), "{page}");
}

/// Goal: what is kept of a heap that reclaims no cycles fails again on that heap, and is not skipped
/// there since shrinking closed a cycle.
#[test]
fn what_is_kept_is_within_the_heap() {
    let place = Place::new();
    let line = "fuzz --heap arc --fault walk-skips-edge --seed 4 --cases 20000";
    place.run_own_heap(line).code(1);
    let case = kept(&place);
    place.run_own_heap(&format!("replay {case}")).code(1);
}

/// Goal: where nothing is wrong, that is said, with how much was tried, and nothing is kept.
#[test]
fn nothing_is_found_where_nothing_is() {
    let place = Place::new();
    place
        .run("fuzz --cases 300 --seed 9 -v")
        .code(0)
        .says("gil steps seed 9: 300 programs of")
        .says("lock-free steps seed 9: 300 programs of")
        .says("none failed")
        .says("append ");
    place
        .run("fuzz --cases 20 --seed 9 --schedule free --ops 20")
        .code(0)
        .says("gil free seed 9: 20 programs of")
        .says("lock-free free seed 9: 20 programs of");
    let [page] = &place.files()[..] else {
        panic!("more than a page: {:?}", place.files());
    };
    let page = std::fs::read_to_string(place.path().join(page)).expect("a page");
    assert!(
        page.contains("<h1>gcstorm fuzz: 40 programs, none failed</h1>"),
        "{page}"
    );
}

/// Goal: programs can be written, and other programs can read what was found.
#[test]
fn results_can_be_read() {
    let place = Place::new();
    let line =
        "fuzz --heap lock-free --fault registers-kept --seed 3 --json - --out kept --junit f.xml";
    let done = place.run(line).code(1).warns("failed completeness");
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    let hunt = &json[0];
    assert_eq!(hunt["heap"], "lock-free");
    assert_eq!(hunt["fault"], "registers-kept");
    assert_eq!(hunt["seed"], 3);
    assert_eq!(hunt["seed_text"], "3");
    let failure = &hunt["failures"][0];
    assert_eq!(failure["check"], "completeness");
    let text = failure["case"].as_str().expect("a case");
    let path = kept(&place);
    assert_eq!(hunt["kept"][0], path);
    let kept = std::fs::read_to_string(place.path().join(path)).expect("a case");
    let program = |text: &str| {
        let lines = text.lines().skip_while(|line| !line.is_empty());
        let turns = lines.filter(|line| !line.starts_with('#'));
        turns.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(program(text), program(&kept));
    let junit = std::fs::read_to_string(place.path().join("f.xml")).expect("it is written");
    for words in [
        "<testsuite name=\"fuzz on lock-free WITH PLANTED FAULT registers-kept, seed 3\" tests=\"2\" failures=\"1\" errors=\"0\"",
        "<testcase name=\"programs\"",
        "<testcase name=\"completeness-lock-free-registers-kept-",
        "\nreproduce: gcstorm replay kept/completeness-lock-free-registers-kept-",
    ] {
        assert!(junit.contains(words), "{words} in {junit}");
    }
}

/// Goal: a case that is run on free threads is repeated until it fails; if it does not, that has an
/// exit code of its own, and what is said names how often it was tried.
#[test]
fn what_does_not_fail_again_is_not_reproduced() {
    let place = Place::new();
    let case = |check: &str| {
        format!(
            "gcstorm-case 1\nheap gil\nschedule free\nseed 1\n{check}capacity 4\nroots 1\n\
             mutator a registers 1\nmutator b registers 1\n\na alloc r0 leaf\nb alloc r0 leaf\n"
        )
    };
    place.write("quiet.case", &case(""));
    place.write("loud.case", &case("check premature\n"));
    place
        .run("replay quiet.case --times 3")
        .code(0)
        .warns("up to 3 runs, until one fails\n")
        .says("in 3 runs");
    place
        .run("replay loud.case --times 3")
        .code(6)
        .says("held on gil (in 3 runs): nothing is wrong; the case expects premature");
    // On another heap nobody has promised that it fails.
    place
        .run("replay loud.case --times 3 --heap lock-free")
        .code(0);
}

/// Goal: what cannot be done is said before anything runs, with the place where there is one.
#[test]
fn what_cannot_be_done_is_refused() {
    let place = Place::new();
    let header =
        "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 4\nroots 0\nmutator a registers 1\n";
    place.write("wrong.case", &format!("{header}\na apend r0 r0\n"));
    let controlled = header.replace("steps", "pct 0,1,1");
    place.write("pct.case", &format!("{controlled}\na clear r0\n"));
    place.write("heap.case", &header.replace("seed 1", "heap gill\nseed 1"));
    for (line, words) in [
        ("replay wrong.case", "wrong.case:8:3"),
        ("replay wrong.case", "did you mean `append`?"),
        ("replay missing.case", "failed to read missing.case"),
        ("replay heap.case", "unknown heap `gill`"),
        ("replay pct.case", "needs a model checker"),
        ("fuzz --schedule pct", "needs a model checker"),
        ("fuzz --schedule dfs", "--cfg shuttle"),
        ("fuzz --cases 5 --duration 1s", "cannot be used with"),
        ("fuzz --cases 0", "invalid value '0'"),
        (
            "fuzz --fault get-without-incremnt",
            "did you mean `get-without-increment`?",
        ),
        (
            "fuzz --heap racy --fault set-keeps-old",
            "cannot be planted in racy",
        ),
        (
            "fuzz --out wrong.case",
            "failed to keep results in wrong.case",
        ),
    ] {
        place.run(line).code(2).warns(words);
    }
}

/// Goal: a hunt that is interrupted says how far it came, and has its own exit code.
#[test]
fn an_interrupted_hunt_ends_well() {
    let place = Place::new();
    let child = place
        .command("fuzz --heap gil --duration 1h --seed 1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    // Until it listens for the signal: its directory is made right before.
    while !place.path().join("reports/failures").exists() {
        std::thread::yield_now();
    }
    let kill = || {
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.expect("kill is there").success());
    };
    kill();
    let done = Done::from(child.wait_with_output().expect("it ends"));
    done.code(130).says("none failed");
}
