//! What a heap does to its process while programs are tried on it: that is found like anything else,
//! shrunk, kept and found again, and the command goes on.

use std::process::Stdio;

use gcstorm::plan::Case;
use gcstorm::result::Outcome;

use crate::children::{inhabitants, signal_all, state, ticks};
use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until};

/// Runs heaps of `rude_heaps.rs`.
fn rude(place: &Place, line: &str) -> Done {
    let mut command = place.example("rude_heaps", line);
    Done::from(command.output().expect("the program starts"))
}

/// The cases that are kept.
fn cases(place: &Place) -> Vec<String> {
    let files = place.files().into_iter();
    let cases = files.filter(|path| path.extension().is_some_and(|it| it == "case"));
    cases
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

/// The case of a text that is kept.
fn case(place: &Place, path: &str) -> Case {
    let text = std::fs::read_to_string(place.path().join(path)).expect("a case");
    Case::parse(path, &text).expect("a case")
}

/// The line that reproduces what was found, without the program's name.
fn reproduce(done: &Done) -> String {
    let line = (done.err.lines()).find_map(|line| line.strip_prefix("reproduce: rude_heaps "));
    line.expect("a line that reproduces it").to_owned()
}

/// Goal: whatever ends the process of a heap is found, with its last words, and shrunk to almost
/// nothing; the case is kept, and the line that is told fails in the same way.
#[test]
fn what_ends_a_process_is_found() {
    for (heap, check, words) in [
        ("copy-aborts", "crashed", "it was killed by signal 6"),
        (
            "copy-exits",
            "crashed",
            "it ended without a result (exit status: 0)",
        ),
        ("copy-overflows", "crashed", "has overflowed its stack"),
        (
            "copy-fills-memory",
            "crashed",
            "signal 6: memory allocation of 72 bytes failed",
        ),
        ("copy-panics", "crashed", "the heap panicked: a copy"),
        (
            "copy-panics-beside",
            "crashed",
            "a thread of the heap panicked: beside a copy",
        ),
        ("copy-hangs", "hung", "it did not come to an end within 1"),
        ("opens-never", "crashed", "it was killed by signal 6"),
    ] {
        let place = Place::new();
        let line = format!("fuzz --heap {heap} --cases 500 --seed 1 --jobs 1 --time-limit 1s");
        let done = rude(&place, &line).code(5).says(words).says("1 failure");
        let kept = cases(&place);
        let [kept] = &kept[..] else {
            panic!("{heap}: {kept:?}");
        };
        let case = case(&place, kept);
        assert_eq!(case.check.as_deref(), Some(check), "{heap}");
        assert!(case.all_turns().count() <= 2, "{heap}: {case}");
        let again = format!("{} --time-limit 1s", reproduce(&done));
        rude(&place, &again).code(5).says(words);
    }
}

/// Goal: races of a heap with threads of its own process are found as well, and replayed until they
/// end it.
#[test]
fn a_process_is_lost_on_threads() {
    let place = Place::new();
    let line = "fuzz --heap copy-aborts --schedule free --cases 50 --seed 1 --max-failures 1";
    let done = rude(&place, line).code(5).says("killed by signal 6");
    let again = rude(&place, &reproduce(&done)).code(5);
    again.says("in run 1, its process was lost");
}

/// Goal: the hunt goes on after a process is lost, and counts what was lost.
#[test]
fn the_hunt_goes_on() {
    let place = Place::new();
    let line = "fuzz --heap copy-aborts --cases 9 --seed 1 --max-failures 9 --json -";
    let done = rude(&place, line).code(5);
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(json[0]["cases"], 9);
    let lost = json[0]["crashed"].as_u64().expect("a number");
    assert!(lost > 1, "{}", done.out);
    assert!(done.err.contains(&format!("({lost} crashed)")), "{done:?}");
    // A heap after it has its turn as well.
    let line = "fuzz --heap copy-aborts --heap gil --cases 9 --seed 1";
    rude(&place, line)
        .code(5)
        .says("gil steps seed 1: 9 programs");
}

/// Goal: the program that is being tried is in a file already, so that it is there when nobody is
/// left to write it; it is a case, and hangs when it is replayed.
#[test]
fn a_case_is_kept_before_it_is_tried() {
    let place = Place::new();
    let line = "fuzz --heap copy-hangs --seed 1 --jobs 1 --time-limit 1h";
    let mut command = place.example("rude_heaps", line);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut parent = command.spawn().expect("it starts");
    let is_whole = |path: &String| {
        let text = std::fs::read_to_string(place.path().join(path)).unwrap_or_default();
        text.contains("\n# program 1\n")
    };
    wait_until("the program that hangs is kept", || {
        cases(&place).iter().any(is_whole)
    });
    signal(&parent, "KILL");
    parent.wait().expect("it ends");
    let kept = cases(&place);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(case(&place, &kept[0]).all_turns().count() > 2);
    let line = format!("replay {} --time-limit 300ms", kept[0]);
    rude(&place, &line).code(5).says("hung: it did not come");
}

/// Goal: what is tried in the process of the command itself is found there, and may end it.
#[test]
fn the_command_may_be_lost_on_request() {
    let place = Place::new();
    let line = "--cases 9 --seed 1 --isolate no --out o";
    rude(&place, &format!("fuzz --heap copy-panics {line}"))
        .code(5)
        .says("the heap panicked: a copy too many");
    let lost = rude(&place, &format!("fuzz --heap copy-aborts {line}"));
    assert_eq!(lost.code, None, "{lost:?}");
    let case = &cases(&place)[0];
    rude(&place, &format!("replay {case} --isolate no")).code(5);
    let line = format!("replay {case} --heap copy-aborts");
    rude(&place, &line).code(5).says("its process was lost");
    let lost = rude(&place, &format!("{line} --isolate no"));
    assert_eq!(lost.code, None, "{lost:?}");
}

/// Goal: a heap that ends whatever process opens it takes no command with it: its abilities are
/// listed as none, a run of it crashes, and so does each trial.
#[test]
fn a_heap_is_asked_elsewhere() {
    let place = Place::new();
    rude(&place, "list heaps").code(0).says("opens-never");
    rude(&place, "run counter --rounds 1 --heap opens-never --out o").code(5);
    assert_eq!(place.result("o/result.json").verdict, Outcome::Crashed);
    let line = "selftest --heap opens-never --fault walk-skips-root --seeds 1 --out s";
    let done = rude(&place, line).code(1).says("walk-skips-root");
    done.warns("trials whose process was lost: s/lost");
    let mut lost = cases(&place);
    lost.retain(|path| path.starts_with("s/lost/"));
    let again = rude(&place, &format!("replay {}", lost[0])).code(5);
    again.says("killed by signal 6");
}

/// Goal: what an earlier program printed is not why a later one ended the process.
#[test]
fn old_words_explain_nothing() {
    let place = Place::new();
    let line = "fuzz --heap copy-warns-then-aborts --cases 64 --seed 1 --jobs 1 --json -";
    let done = rude(&place, line).code(5);
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    let text = &json[0]["failures"][0]["text"];
    assert_eq!(text, "crashed: it was killed by signal 6");
}

/// Goal: a process that is lost while it has nothing to do is told plainly, and the last program that it
/// had tried is kept.
#[test]
fn a_process_may_be_lost_between_programs() {
    let place = Place::new();
    let line = "fuzz --heap gil --isolate yes --seed 1 --jobs 1 --duration 1h --json f --out o";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let parent = command.spawn().expect("it starts");
    let id = parent.id().to_string();
    let child = || inhabitants(&place).into_iter().find(|one| *one != id);
    wait_until("it tries programs", || !cases(&place).is_empty());
    signal(&parent, "STOP");
    wait_until("it is stopped", || state(&id) == 'T');
    let first = child().expect("there is one");
    // It finishes what it was asked to do.
    let (mut ran, mut idle) = (0, 0);
    wait_until("its child has nothing to do", || {
        let is_idle = state(&first) == 'S' && std::mem::replace(&mut ran, ticks(&first)) == ran;
        idle = if is_idle { idle + 1 } else { 0 };
        idle > 9
    });
    signal_all("KILL", std::slice::from_ref(&first));
    signal(&parent, "CONT");
    wait_until("there is another", || {
        child().is_some_and(|another| another != first)
    });
    signal(&parent, "TERM");
    let done = Done::from(parent.wait_with_output().expect("it ends")).code(5);
    done.warns("was lost between two of them");
    let json = std::fs::read_to_string(place.path().join("f")).expect("it is written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["lost_idle"][0], "it was killed by signal 9");
    let kept = cases(&place);
    assert!(
        kept.len() == 1 && kept[0].starts_with("o/crashed-gil-"),
        "{kept:?}"
    );
}

/// Goal: how to repeat a run is in a file while it lasts, and no longer.
#[test]
fn a_run_is_kept_before_it_is_made() {
    let place = Place::new();
    let running = |directory: &str| format!("{directory}/running.case");
    let line = "run counter --heap gil --seed 7 --duration 1h --out o --isolate no";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut parent = command.spawn().expect("it starts");
    let kept = || std::fs::read_to_string(place.path().join(running("o")));
    wait_until("it is kept", || kept().is_ok_and(|text| !text.is_empty()));
    signal(&parent, "KILL");
    parent.wait().expect("it ends");
    let case = case(&place, &running("o"));
    assert_eq!((case.heap.as_deref(), case.seed), (Some("gil"), 7));
    assert!(
        case.again
            .starts_with(&["run".to_owned(), "counter".to_owned()])
    );
    place
        .run("run counter --heap gil --rounds 1 --out p")
        .code(0);
    assert!(!place.path().join(running("p")).exists());
}

/// Goal: a panic on a thread that the heap has for itself is how a run ended.
#[test]
fn a_panic_beside_a_run_is_told() {
    let place = Place::new();
    place.write("two.case", COPIES);
    let line = "run --case two.case --heap copy-panics-beside --out o";
    rude(&place, line).code(5).says("beside a copy");
    assert_eq!(place.result("o/result.json").verdict, Outcome::Crashed);
}

/// Two copies by one mutator.
const COPIES: &str = "gcstorm-case 1\nschedule free\nseed 3\ncapacity 64\nroots 0\n\
    mutator m registers 2\n\nm alloc r0 leaf\nm copy r1 r0\nm copy r1 r0\n";

/// Goal: the steps of a case are in another process as well; one that is lost there is told.
#[test]
fn steps_are_taken_elsewhere() {
    let place = Place::new();
    place.write("two.case", COPIES);
    rude(
        &place,
        "run --case two.case --heap copy-aborts --heap gil --out o",
    )
    .code(5)
    .says("copy-aborts in steps: violated: crashed: it was killed by signal 6")
    .says("gil in steps: 3 turns as they should be");
    place.remove("o");
    rude(&place, "run --case two.case --heap mutters --out o")
        .code(0)
        .says("3 turns as they should be");
}
