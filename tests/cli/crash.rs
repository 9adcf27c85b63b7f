//! What is told of a heap whose process a signal has ended: where that was, and what to do next. None of
//! it needs a debugger.

use gcstorm::evidence::Crash;

use crate::harness::{Done, Place};

/// Runs heaps of `rude_heaps.rs` where no debugger is found.
fn rude(place: &Place, line: &str) -> Done {
    let mut command = place.example("rude_heaps", line);
    let output = command.env("PATH", place.path()).output();
    Done::from(output.expect("the program starts"))
}

fn crash(place: &Place, heap: &str) -> (Done, Crash) {
    let line = format!("run graph --rounds 40 --seed 1 --heap {heap} --out o");
    let done = rude(place, &line).code(5);
    let evidence = place.result("o/result.json").evidence;
    let crash = evidence
        .crash
        .unwrap_or_else(|| panic!("it does not say where:\n{}", done.out));
    (done, crash)
}

/// Goal: a crash shows its signal, its thread, its operation and the calls down to it, the innermost
/// first, in the result, on the terminal and on the page, and the run under a debugger.
#[test]
fn a_crash_shows_where_it_was() {
    let place = Place::new();
    let (done, crash) = crash(&place, "copy-reads-nowhere");
    assert_eq!(
        crash.signal,
        "SIGSEGV at address 0x18, where nothing is mapped"
    );
    assert_eq!(crash.op.as_deref(), Some("copy"), "{crash:?}");
    let at = |name: &str| {
        let mut functions = crash.frames.iter().map(|frame| &frame.function);
        let found = functions.position(|function| function.contains(name));
        found.unwrap_or_else(|| panic!("no {name} in {crash:#?}"))
    };
    assert!(at("read_nowhere") < at("TouchyMutator"), "{crash:#?}");
    let words = "crash: SIGSEGV at address 0x18, where nothing is mapped; thread";
    let done = done
        .says(words)
        .says("rude_heaps::read_nowhere")
        .says("killed by signal 11");
    let next = done.out.lines().find(|line| line.starts_with("next: gdb"));
    let next = next.expect("what to do next");
    assert!(
        next.contains("run graph --heap copy-reads-nowhere --seed 1"),
        "{next}"
    );
    assert!(next.contains(" --isolate no"), "{next}");
    let of_file = |name: &str| std::fs::read_to_string(place.path().join(name)).expect("a file");
    assert!(of_file("o/stacks.txt").contains("rude_heaps::read_nowhere"));
    let page = of_file("o/report.html");
    assert!(page.contains("SIGSEGV at address 0x18") && page.contains("rude_heaps::read_nowhere"));
    for summary in ["o/report.md", "o/junit.xml"] {
        let text = of_file(summary);
        assert!(text.contains("rude_heaps::read_nowhere"), "{text}");
    }
}

/// Goal: checks that had nothing to judge since the run was cut short are counted, and not listed.
#[test]
fn checks_without_a_run_are_not_listed() {
    let place = Place::new();
    let (done, _) = crash(&place, "copy-aborts");
    let done = done.says("not judged since the run was cut short");
    assert!(!done.out.contains("nothing to examine"), "{}", done.out);
}

/// Goal: where it was is known after a call of what is no function, while no memory can be had, on two
/// threads at once, on a stack that has overflowed, and in an abort; and nothing hangs.
#[test]
fn whatever_state_it_is_in_it_says_where() {
    for (heap, signal, function) in [
        ("copy-jumps-nowhere", "SIGSEGV", "jump_nowhere"),
        ("copy-calls-null", "SIGSEGV at address 0x0", "call_null"),
        (
            "copy-crashes-in-the-allocator",
            "SIGSEGV",
            "crash_in_the_allocator",
        ),
        // Either of the two threads may be the first.
        ("copy-crashes-twice", "SIGSEGV", "read_nowhere"),
        ("copy-overflows", "SIGSEGV", "overflow"),
        ("copy-aborts", "SIGABRT", "TouchyMutator"),
        ("copy-fills-memory", "SIGABRT", "TouchyMutator"),
    ] {
        let place = Place::new();
        let (_, crash) = crash(&place, heap);
        assert!(crash.signal.starts_with(signal), "{heap}: {crash:#?}");
        let mut functions = crash.frames.iter().map(|frame| &frame.function);
        assert!(
            functions.any(|name| name.contains(function)),
            "{heap}: {crash:#?}"
        );
    }
}

/// Goal: `fuzz` shows where the shrunk program crashes and keeps all of the stack beside it, `replay`
/// shows it again, and a soak keeps it.
#[test]
fn other_commands_say_where() {
    let place = Place::new();
    let line = "fuzz --heap copy-reads-nowhere --cases 50 --max-failures 1 --seed 1 --out f";
    let done = rude(&place, line)
        .code(5)
        .says("crash: SIGSEGV at address 0x18");
    let next = done.out.lines().find(|line| line.starts_with("next: gdb"));
    assert!(
        next.is_some_and(|next| next.contains("replay f/crashed-")),
        "{}",
        done.out
    );
    let files = place.files();
    let ends = |end: &str| {
        files
            .iter()
            .find(|path| path.to_string_lossy().ends_with(end))
    };
    let stacks = place.path().join(ends(".stacks.txt").expect("a stack"));
    let stacks = std::fs::read_to_string(stacks).expect("text");
    assert!(stacks.contains("rude_heaps::read_nowhere"), "{stacks}");
    let case = ends(".case").expect("a case").display();
    rude(&place, &format!("replay {case}"))
        .code(5)
        .says("rude_heaps::read_nowhere");
    let line = "soak counter graph --heap copy-reads-nowhere --duration 1s --out s --seed 1";
    rude(&place, line).code(5);
    let files = place.files();
    let kept = files
        .iter()
        .find(|path| path.starts_with("s") && path.ends_with("stacks.txt"));
    assert!(kept.is_some(), "{files:?}");
}
