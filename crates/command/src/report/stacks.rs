//! The stacks of a run that hung, as a debugger or an interpreter wrote them, cut to what a page has
//! room for: the calls of the heap. All of them are in `stacks.txt` beside the result.

use super::prose::one_line;

/// So many lines are shown.
const LINES_MAX: usize = 80;
/// So many calls of a thread are shown, the innermost ones.
const CALLS_MAX: usize = 12;
/// How long a line may be.
const WIDTH: usize = 160;
/// Threads that only the harness has.
const OWN_THREADS: [&str; 2] = ["\"gcstorm-parent\"", "\"gcstorm-hiccups\""];
/// Calls by which the harness runs mutators: below them there is nothing of the heap.
const HARNESS: [&str; 5] = [
    "gcstorm_core::run::",
    "gcstorm_core::fuzz::",
    "gcstorm_core::heap::foreign::",
    "gcstorm_command::",
    " core::ops::function::",
];

/// The calls of the heap, thread by thread.
pub(super) fn brief(text: &str) -> String {
    let begins = |line: &&str| line.starts_with("Thread ") || line.starts_with("Current thread ");
    let mut lines = text.lines().skip_while(|line| !begins(line)).peekable();
    let mut shown: Vec<String> = Vec::new();
    while let Some(head) = lines.next() {
        let mut calls = Vec::new();
        while let Some(call) = lines.next_if(|line| !begins(line)) {
            calls.push(call);
        }
        if OWN_THREADS.iter().any(|name| head.contains(name)) {
            continue;
        }
        let is_heap = |line: &&&str| !HARNESS.iter().any(|part| line.contains(part));
        let calls = calls.iter().take_while(is_heap);
        let calls = calls
            .filter(|line| line.starts_with(['#', ' ']))
            .take(CALLS_MAX);
        shown.push(cut(head));
        shown.extend(calls.map(|call| cut(&without_address(call))));
    }
    let more = shown.len().saturating_sub(LINES_MAX);
    shown.truncate(LINES_MAX);
    if more > 0 {
        shown.push(format!("and {more} lines more in stacks.txt"));
    }
    shown.join("\n")
}

/// Parts of calls in which a thread waits or sleeps, and of those that only lead there.
const WAITS: [&str; 12] = [
    "futex",
    "wait",
    "sleep",
    "syscall ()",
    "sched_yield",
    "pthread_",
    "__lll_",
    "park",
    "std::",
    "core::",
    "/rustc/",
    "src/heap/owned/",
];

/// Where the heap came to a standstill, as far as one line can say it: the innermost call of its own on a
/// thread that runs, or else on the first that waits.
pub(crate) fn standstill(text: &str) -> Option<String> {
    let brief = brief(text);
    let is_wait = |line: &&str| WAITS.iter().any(|part| line.contains(part));
    let mut found: Option<(bool, String)> = None;
    let mut lines = brief.lines().peekable();
    while let Some(head) = lines.next() {
        let mut calls = Vec::new();
        while let Some(call) = lines.next_if(|line| line.starts_with('#')) {
            calls.push(call);
        }
        let runs = calls.first().is_some_and(|call| !is_wait(call));
        let Some(call) = calls.iter().find(|call| !is_wait(call)) else {
            continue;
        };
        let name = head.split('"').nth(1).unwrap_or("unknown");
        let call = call.trim_start_matches(|letter: char| letter == '#' || letter.is_ascii_digit());
        let told = (runs, format!("thread {name}: {}", call.trim()));
        if found.as_ref().is_none_or(|(best, _)| !best & runs) {
            found = Some(told);
        }
    }
    found.map(|(_, told)| told)
}

/// `#4  0x00007fdeb10054ff in lock (…)` without the address, which says nothing on another day.
fn without_address(call: &str) -> String {
    let split = call
        .split_once(" in ")
        .filter(|(lead, _)| lead.contains(" 0x"));
    split.map_or(call.to_owned(), |(lead, rest)| {
        let number = lead.split_whitespace().next().unwrap_or_default();
        format!("{number:<4}{rest}")
    })
}

fn cut(line: &str) -> String {
    let line = one_line(line);
    match line.chars().count() {
        ..=WIDTH => line.into_owned(),
        _ => line.chars().take(WIDTH - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: of a debugger's stacks the calls of the heap are left, without addresses, and neither threads
    /// nor calls of the harness; of an interpreter's, its own.
    #[test]
    fn calls_of_the_heap_are_left() {
        let text = "[New LWP 8443]\nfutex_wait () at x.h:146\n\n\
            Thread 2 (Thread 0x7fde (LWP 8443) \"gcstorm-parent\"):\n#0  __GI___libc_read () at r.c:26\n\n\
            Thread 1 (Thread 0x7fdf (LWP 8436) \"writer\"):\n#0  futex_wait () at f.h:146\n\
            #1  0x00007fdeb10054ff in lock (h=0x1) at heap.c:61\n\
            #2  0x000055c5 in gcstorm_core::run::steps::perform::perform ()\n#3  main ()\n\
            [Inferior 1 (process 8436) detached]\n";
        let expected = "Thread 1 (Thread 0x7fdf (LWP 8436) \"writer\"):\n#0  futex_wait () at f.h:146\n\
            #1  lock (h=0x1) at heap.c:61";
        assert_eq!(brief(text), expected);
        let told = standstill(text).expect("a call of the heap");
        assert_eq!(told, "thread writer: lock (h=0x1) at heap.c:61");
        let runs = format!(
            "{text}Thread 3 (Thread 0x7f (LWP 1) \"owner\"):\n#0  collect () at gc.rs:104\n"
        );
        let told = standstill(&runs).expect("a call of the heap");
        assert_eq!(told, "thread owner: collect () at gc.rs:104");
        assert_eq!(standstill("Thread 1:\n#0  futex_wait () at x.h:1\n"), None);
        let text =
            "Timeout!\nThread 0x7f (most recent call first):\n  File \"a.py\", line 3 in append\n";
        let expected = "Thread 0x7f (most recent call first):\n  File \"a.py\", line 3 in append";
        assert_eq!(brief(text), expected);
        let many = format!("Thread 1:\n{}", "#0  f ()\n".repeat(100)).repeat(20);
        let shown = brief(&many);
        assert!(shown.ends_with("lines more in stacks.txt") && shown.lines().count() == 81);
    }
}
