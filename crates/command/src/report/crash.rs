//! Where a process crashed: the calls down to the harness, shortened to what a line has room for, and
//! all of them.

use std::fmt::Write as _;

use super::Width;
use super::prose::{one_line, wrapped};
use super::style::{ERROR, FAINT, paint};
use crate::evidence::{Crash, CrashFrame};

/// So many calls are shown, the innermost ones.
const CALLS_MAX: usize = 12;
/// How wide the names of functions may be.
const NAME_MAX: usize = 36;

/// The signal, the thread and the operation.
pub(crate) fn headline(crash: &Crash) -> String {
    let Crash { signal, thread, .. } = crash;
    let op = crash
        .op
        .as_ref()
        .map_or_else(String::new, |op| format!(" in its operation {op}"));
    format!("{signal}; thread {}{op}", one_line(thread))
}

/// The innermost call that is neither of the standard library nor of the system, as the end of a
/// sentence.
pub(crate) fn place(crash: &Crash) -> Option<String> {
    let calls = of_heap(crash);
    let frame = calls.iter().find(|frame| !is_of_system(frame));
    let frame = frame.or_else(|| calls.first())?;
    let place = one_line(&frame.place);
    Some(match short(&frame.function).as_str() {
        "" => format!("in {place}"),
        name => format!("in {} ({place})", one_line(name)),
    })
}

/// Whether it is code that nobody who writes a heap has written: of the standard library, of an allocator
/// that is called by its name, of C's library, or of a file without names.
fn is_of_system(frame: &CrashFrame) -> bool {
    let plain = frame.function.trim_start_matches('<');
    let mut names = ["std::", "core::", "alloc::", "__rust", "__rdl_", "__rg_"].iter();
    plain.is_empty()
        || frame.place.starts_with("/rustc/")
        || frame.place.starts_with("libc.so")
        || names.any(|name| plain.starts_with(name))
}

/// The calls above those of the harness. Of a stack that is all harness, these are all.
fn of_heap(crash: &Crash) -> &[CrashFrame] {
    let of_harness = crash.frames.iter().position(CrashFrame::is_harness);
    let of_harness = of_harness.filter(|first| *first > 0);
    &crash.frames[..of_harness.unwrap_or(crash.frames.len())]
}

/// The calls of the heap, with short names: at most so many, and how many are left out.
pub(crate) fn calls(crash: &Crash) -> (Vec<(String, &str)>, usize) {
    let named = of_heap(crash).iter().filter_map(|frame| {
        match (frame.function.as_str(), short(&frame.function)) {
            ("", _) => Some(("?".to_owned(), frame.place.as_str())),
            // A closure says nothing that the call around it does not say.
            (_, name) => (!name.is_empty()).then_some((name, frame.place.as_str())),
        }
    });
    let calls: Vec<(String, &str)> = named.take(CALLS_MAX).collect();
    let left_out = crash.frames.len() - calls.len();
    (calls, left_out)
}

/// For a terminal.
pub(crate) fn lines(crash: &Crash, width: Width) -> String {
    let lead = format!("{}: ", paint(ERROR, "crash"));
    let mut text = wrapped(width, &lead, 4, &headline(crash));
    let (calls, left_out) = calls(crash);
    let names = calls
        .iter()
        .map(|(name, _)| name.chars().count().min(NAME_MAX));
    let column = names.max().unwrap_or(0);
    let room = width.sentence().saturating_sub(column + 6).max(20);
    for (name, place) in &calls {
        let name = truncated(name, column, End::Right);
        let place = truncated(place, room, End::Left);
        let _ = writeln!(text, "    {name:column$}  {}", paint(FAINT, &place));
    }
    if left_out > 0 {
        let _ = writeln!(
            text,
            "    {}",
            paint(FAINT, &format!("and {left_out} more"))
        );
    }
    if let Some(note) = &crash.note {
        text += &wrapped(width, "    ", 4, note);
    }
    text
}

/// What a terminal shows, for pages that have no colours.
pub(super) fn brief(crash: &Crash) -> String {
    let (calls, left_out) = calls(crash);
    let mut text = headline(crash);
    for (name, place) in calls {
        let _ = write!(text, "\n    {}  {}", one_line(&name), one_line(place));
    }
    if left_out > 0 {
        let _ = write!(text, "\n    and {left_out} more");
    }
    text
}

/// All that is known, as a text.
pub(crate) fn stack(crash: &Crash) -> String {
    let mut text = format!("{}\n\n", headline(crash));
    for CrashFrame { function, place } in &crash.frames {
        let function = if function.is_empty() { "?" } else { function };
        let _ = writeln!(text, "{}\n    {}", one_line(function), one_line(place));
    }
    if let Some(note) = &crash.note {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// At which end a text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

fn truncated(text: &str, room: usize, end: End) -> String {
    let text = one_line(text);
    let letters = text.chars().count();
    let kept = room.saturating_sub(1);
    match end {
        _ if letters <= room => text.into_owned(),
        End::Right => text.chars().take(kept).chain(['…']).collect(),
        End::Left => ['…']
            .into_iter()
            .chain(text.chars().skip(letters - kept))
            .collect(),
    }
}

/// The last two words of a path, without types: `<mine::Gc<T> as Clone>::clone` is `Gc::clone`.
fn short(function: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0_u32;
    let mut letters = function.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            // What it is implemented for stands at the beginning.
            '<' if plain.is_empty() && depth == 0 => {}
            '<' => depth += 1,
            '-' if function[at..].starts_with("->") => drop(letters.next()),
            '>' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && function[at..].starts_with(" as ") => depth += 1,
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let words = plain
        .split("::")
        .filter(|word| !word.is_empty() && !word.starts_with('{'));
    let words: Vec<&str> = words.collect();
    words[words.len().saturating_sub(2)..].join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, place: &str) -> CrashFrame {
        CrashFrame {
            function: function.to_owned(),
            place: place.to_owned(),
        }
    }

    /// Goal: a page without colours has the calls of the heap, and none of the harness.
    #[test]
    fn a_page_has_the_calls_of_the_heap() {
        let crash = Crash {
            signal: "SIGSEGV".to_owned(),
            thread: "writer".to_owned(),
            op: Some("append".to_owned()),
            frames: vec![
                frame("<mine::Gc<T> as Clone>::clone", "src/gc.rs:7"),
                frame("gcstorm_core::run::seat::sit", "seat.rs:1"),
            ],
            note: None,
        };
        let expected = "SIGSEGV; thread writer in its operation append\n    \
            Gc::clone  src/gc.rs:7\n    and 1 more";
        assert_eq!(brief(&crash), expected);
    }

    /// Goal: the place is in what somebody wrote who works on the heap, wherever that lies, and not in what
    /// it calls of the system.
    #[test]
    fn the_place_is_in_the_heap() {
        let mine = frame("<tinygc::Gc<T>>::collect", "/home/me/tinygc/src/lib.rs:109");
        let of_system = [
            frame("", "libc.so.6+0x3bd00"),
            frame("raise", "libc.so.6+0x3bfb1"),
            frame("__rust_alloc", "src/main.rs:11"),
            frame(
                "<alloc::boxed::Box<T> as core::ops::Drop>::drop",
                "src/lib.rs:1",
            ),
            frame("hashbrown::map::make", "/rustc/0123/library/map.rs:1"),
        ];
        let adapter = frame("<mine::Adapter as Pointer>::new", "src/lib.rs:32");
        let harness = frame("gcstorm_core::run::seat::sit", "seat.rs:1");
        let frames = of_system.into_iter().chain([mine, adapter, harness]);
        let mut crash = Crash {
            frames: frames.collect(),
            ..Crash::default()
        };
        let expected = "in Gc::collect (/home/me/tinygc/src/lib.rs:109)";
        assert_eq!(place(&crash).as_deref(), Some(expected));
        crash.frames.truncate(1);
        assert_eq!(place(&crash).as_deref(), Some("in libc.so.6+0x3bd00"));
    }

    /// Goal: the names of functions are short, and still say which it is.
    #[test]
    fn names_are_short() {
        for (function, expected) in [
            (
                "<mine::gc::Gc<T> as core::clone::Clone>::clone",
                "Gc::clone",
            ),
            ("mine::gc::Gc<T>::new", "Gc::new"),
            (
                "core::ptr::drop_in_place<alloc::vec::Vec<mine::A>>",
                "ptr::drop_in_place",
            ),
            (
                "<mine::Own as Pointer>::edit::<(), mine::f::{closure#0}>",
                "Own::edit",
            ),
            ("mine::f::{closure#0}", "mine::f"),
            (
                "<fn(u8) -> u8 as core::ops::FnOnce<(u8,)>>::call",
                "fn(u8)  u8::call",
            ),
            ("my_free", "my_free"),
            ("", ""),
        ] {
            assert_eq!(short(function), expected, "{function}");
        }
    }

    /// Goal: the calls of the heap are shown without those of the harness; no line is too long, and
    /// of a long place the end is kept.
    #[test]
    fn the_stack_of_the_heap_is_shown() {
        let crash = Crash {
            signal: "SIGSEGV at address 0x18, where nothing is mapped".to_owned(),
            thread: "worker-0".to_owned(),
            op: Some("copy".to_owned()),
            frames: vec![
                frame(
                    "<mine::gc::Gc<T> as core::clone::Clone>::clone",
                    "src/gc.rs:57",
                ),
                frame("mine::callee", &format!("{}/lib.rs:9", "far/".repeat(40))),
                frame("gcstorm_core::run::executor::Work::step", "executor.rs:1"),
                frame("std::thread::start", ""),
            ],
            note: Some("there is more".to_owned()),
        };
        let text = lines(&crash, Width::Columns(60));
        let plain = console::strip_ansi_codes(&text);
        assert!(
            plain.starts_with("crash: SIGSEGV at address 0x18"),
            "{plain}"
        );
        let is_narrow = |line: &str| console::measure_text_width(line) <= 60;
        assert!(plain.lines().all(is_narrow), "{plain}");
        assert!(
            plain.contains("    Gc::clone     src/gc.rs:57\n"),
            "{plain}"
        );
        assert!(plain.contains("/lib.rs:9\n"), "{plain}");
        assert!(
            !plain.contains("step") && plain.contains("and 2 more\n"),
            "{plain}"
        );
        assert!(plain.ends_with("    there is more\n"), "{plain}");
        assert!(stack(&crash).contains("Work::step\n    executor.rs:1\n"));
    }
}
