//! Cases: what a failing run leaves behind, and `run --case`.

use gcstorm::plan::Case;
use gcstorm::result::Outcome;

use crate::harness::{Done, Place};

/// A run that fails for certain, in some thousands of operations.
const FAILING: &str =
    "run tangles --heap gil --fault edges-counted-once --ops 6000 --seed 1 --timing off -q --out";

/// Mutators that share a counter, to which they only add.
const COUNTER: &str = "gcstorm-case 1\nschedule free\nseed 3\ncapacity 64\nroots 3\n\
    shared c counter\nmutator a registers 3 holds r0=c\nmutator b registers 3 holds r0=c\n\n\
    a alloc r1 list\na alloc r2 node\nstart\na append r1 r2\nb add r0 -3\na add r0 5\n\
    b alloc r1 node\n";

fn case_in(place: &Place, path: &str) -> Case {
    let text = std::fs::read_to_string(place.path().join(path)).expect("a case");
    Case::parse(path, &text).expect("it is in order")
}

/// Goal: a failing run leaves its turns, which fail again, with the fault that the case names.
#[test]
fn a_failing_run_leaves_a_case() {
    let place = Place::new();
    let done = place.run(&format!("{FAILING} o")).code(1);
    done.says("reproduce: gcstorm run tangles --heap gil --seed 1 --ops 6000 --timing off --fault")
        .says("reproduce: gcstorm replay o/failure.case\n");
    let (case, result) = (
        case_in(&place, "o/failure.case"),
        place.result("o/result.json"),
    );
    let ops: u64 = result.threads.iter().map(|thread| thread.ops).sum();
    assert_eq!(case.all_turns().count() as u64, ops);
    assert_eq!(case.check.as_deref(), Some("completeness"));
    assert_eq!(case.again[..4], ["run", "tangles", "--heap", "gil"]);
    let line = "run --case o/failure.case -q --out p";
    place
        .run(line)
        .code(1)
        .says("on gil WITH PLANTED FAULT edges-counted-once")
        .says("violated: completeness");
    place
        .run("run --case o/failure.case --heap lock-free --out q")
        .code(1)
        .says("lock-free WITH PLANTED FAULT edges-counted-once");
    let done = place.run("run --case o/failure.case --heap gil --fault none --out r -v");
    done.code(0)
        .says("reproduce: gcstorm run --case o/failure.case --heap gil --seed 1 --fault none\n");
    let line = "run --case o/failure.case --heap racy";
    place.run(line).code(2).warns("cannot be planted in racy");
    place
        .run("replay o/failure.case")
        .code(1)
        .says("completeness");
}

/// Goal: a path that is not text is one that can be pasted, wherever a line names it.
#[test]
fn odd_paths_can_be_pasted() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let directory = OsStr::from_bytes(b"a\xff b");
    let mut command = place.command(FAILING);
    let done = Done::from(command.arg(directory).output().expect("it starts")).code(1);
    let pasted = |done: &Done, command: &str| {
        let start = format!("reproduce: gcstorm {command}");
        let line = done.out.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("no {start:?} in {}", done.out));
        let program = env!("CARGO_BIN_EXE_gcstorm");
        let line = line.replacen("reproduce: gcstorm", program, 1);
        let mut again = std::process::Command::new("bash");
        again.args(["-c", &line]).current_dir(place.path());
        Done::from(again.output().expect("a shell"))
    };
    let replayed = pasted(&done, "replay ").code(1);
    replayed.says("failed on gil");
    let mut command = place.command_as_is("run --heap gil --out p --case");
    let case = std::path::Path::new(directory).join("failure.case");
    let done = Done::from(command.arg(case).output().expect("it starts")).code(1);
    pasted(&done, "run --case ").code(1).says("violated");
}

/// Goal: what turns cannot tell is left as a recipe, which is replayed by doing it again, as often as
/// is said before, and says so if it does not fail; several runs each have their own.
#[test]
fn what_turns_cannot_tell_is_a_recipe() {
    let place = Place::new();
    for (name, options) in [
        ("forced", "--collect-every 500"),
        ("looked-at", "--verify every=1000"),
        ("held-up", "--delays=read"),
        ("refused", "--fail-alloc 100"),
        ("long", "--switch-interval 1ms"),
    ] {
        place.run(&format!("{FAILING} {name} {options}")).code(1);
        let case = case_in(&place, &format!("{name}/failure.case"));
        assert!(case.is_recipe(), "{name}");
        let words = case.again.join(" ");
        assert!(words.contains(options), "{words}");
    }
    place
        .run("replay forced/failure.case")
        .code(1)
        .says("failed on gil WITH PLANTED FAULT");
    place
        .run("replay forced/failure.case --heap racy")
        .code(2)
        .warns("a recipe sets its own heap, fault and schedule");
    let line = "run --case forced/failure.case --out p";
    place
        .run(line)
        .code(2)
        .warns("there are no turns in it to run")
        .warns("run tangles --heap");
    let sound = "gcstorm-case 1\nschedule free\nseed 1\ncheck length\nagain run counter --heap gil \
                 --seed 1 --rounds 1\n";
    place.write("sound.case", sound);
    place
        .run("replay sound.case --times 2")
        .code(6)
        .warns("up to 2 runs, until one fails")
        .says("in 2 runs");
    place
        .run("replay forced/failure.case")
        .code(1)
        .warns("up to 1,000 runs, until one fails or 30 s are over; --times N for another number");
    for (words, why) in [
        ("run counter --heep gil", "cannot be run"),
        (
            "run counter shared-list --heap gil --rounds 1",
            "is not one run",
        ),
        // At once, without planning them.
        (
            "run counter --repeat 18446744073709551615 --ops 10 --heap gil",
            "is not one run",
        ),
        ("run --rounds 1", "is not one run"),
        ("list heaps", "unknown command `list`"),
    ] {
        place.write(
            "odd.case",
            &sound.replace("run counter --heap gil --seed 1 --rounds 1", words),
        );
        place.run("replay odd.case").code(2).warns(why);
    }
}

/// Goal: a case runs on every heap that can do it, on threads and on one, and what must agree does.
#[test]
fn heaps_agree_on_a_case() {
    let place = Place::new();
    place.write("counter.case", COUNTER);
    let mut command = place.command_as_is("run --case counter.case --out o");
    let output = command.output().expect("the command starts");
    let done = Done::from(output).code(0);
    done.says("case on gil: seed 3")
        .says("2 runs: 2 held")
        .says("gil in steps: 6 turns as they should be")
        .says("gil and lock-free in steps: the same state, 4 objects in it")
        .says("lock-free on threads and in steps: the same state, 4 objects in it");
    let result = place.result("o/case-lock-free-3/result.json");
    assert_eq!(
        (result.verdict, result.workload.name.as_str()),
        (Outcome::Held, "case")
    );
    assert!(result.workload.parameters.is_empty());
    place
        .run("run --case counter.case --heap gil --seed 9 --verify every=2 --out p -v")
        .code(0)
        .says("case on gil: seed 9")
        .says("reproduce: gcstorm run --case counter.case --heap gil --seed 9 --verify every=2");
}

/// Goal: where states may differ nothing is compared, and why is said.
#[test]
fn what_may_differ_is_not_compared() {
    let place = Place::new();
    // What is written back is not what was added, which the run itself is judged for.
    for (turns, code, why) in [
        ("b write-back r0 4\n", 1, "`b write-back r0 4`"),
        ("b alloc r2 leaf\nb publish g2 r2\n", 0, "`b publish g2 r2`"),
        (
            "b downgrade r2 r1\nb upgrade r1 r2\n",
            0,
            "`b upgrade r1 r2`",
        ),
        ("b alloc-finalized r2 leaf g2\n", 0, "when a finalizer runs"),
    ] {
        place.write("c.case", &format!("{COUNTER}{turns}"));
        let done = place.run("run --case c.case --out o").code(code);
        done.says("not compared: ").says(why);
        place.remove("o");
    }
    place.write("c.case", COUNTER);
    let line = "run --case c.case --fail-alloc 2 --heap gil --out o";
    place
        .run(line)
        .says("not compared: an allocation was refused");
}

/// Goal: a case runs on the heap that it names, also without its fault and without any; a name that no
/// heap has is an error.
#[test]
fn a_case_is_run_on_the_heap_that_it_names() {
    let place = Place::new();
    let run = |words: &str| {
        let mut command = place.command_as_is(&format!("run --case c.case {words}"));
        Done::from(command.output().expect("it starts"))
    };
    let named = |heap: &str| {
        let case = COUNTER.replace("schedule", &format!("heap {heap}\nschedule"));
        place.write("c.case", &case);
    };
    named("lock-free");
    let done = run("-q --out o")
        .code(0)
        .says("case on lock-free, seed 3: held");
    assert!(!done.out.contains("gil"), "{}", done.out);
    let done = run("--fault none -q --out p")
        .code(0)
        .says("case on lock-free, seed 3: held");
    assert!(!done.out.contains("gil"), "{}", done.out);
    run("--heap gil,lock-free -q --out q")
        .code(0)
        .says("case on gil, seed 3: held");
    named("mine");
    for line in ["run --case c.case", "replay c.case"] {
        let done = Done::from(place.command_as_is(line).output().expect("it starts"));
        done.code(2)
            .warns("unknown heap `mine`")
            .warns("the case names this heap");
    }
}

/// Goal: a heap that is wrong on one thread is found to be, even if `-q` leaves everything else
/// out.
#[test]
fn a_case_is_judged_in_steps_too() {
    let place = Place::new();
    let cycle = "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 64\nroots 1\n\
        mutator m registers 3\n\nm alloc r0 node\nm copy r1 r0\nm copy r2 r0\nm store r0 0 r1\n\
        m store r0 1 r2\nm clear r0\nm alloc r2 leaf\nm collect\n";
    place.write("cycle.case", cycle);
    let line = "run --case cycle.case --heap gil --fault edges-counted-once -q --out o";
    place.run(line).code(1).says("  gil in steps: violated: ");
    let line = "run --case cycle.case --heap gil -q --out p";
    let done = place.run(line).code(0);
    assert_eq!(done.out.lines().count(), 1, "{}", done.out);
}

/// Goal: what is wrong with the words or the case is said, with its place.
#[test]
fn wrong_cases_are_refused() {
    let place = Place::new();
    place.write("c.case", &COUNTER.replace("b add r0", "b add r9"));
    let done = place.run("run --case c.case").code(2);
    done.warns("there is no `r9`")
        .warns("c.case:14:7")
        .warns("^^ the last is `r2`");
    place.write("c.case", COUNTER);
    for (line, why) in [
        ("run counter --case c.case", "cannot be used with"),
        ("run --case c.case --threads 2", "cannot be used with"),
        ("run --case c.case -D a=1", "cannot be used with"),
        ("run --case c.case --ops 7", "cannot be used with"),
        ("run --case c.case --rounds 7", "cannot be used with"),
        ("run --case c.case --duration 7s", "cannot be used with"),
        ("run --case d.case", "failed to read d.case"),
    ] {
        place.run(line).code(2).warns(why);
    }
}
