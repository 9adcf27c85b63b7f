//! The C interface: a heap of this crate behind it, and what a C compiler makes of `gcstorm.h`.

#![expect(unsafe_code, reason = "tables are made by hand")]

use std::ffi::c_void;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

use gcstorm::conformance::{race, run_workload, step_through};
use gcstorm::heap::counted::{GilHeap, open_gil};
use gcstorm::heap::foreign::{Config, Figures, Foreign, HEADER, Host, Library, Table, Visit};
use gcstorm::heap::{Belief, Heap, HeapConfig};

use crate::mirror::{self, Source};

struct Gil;

impl Source for Gil {
    type Heap = GilHeap;

    fn open(config: &HeapConfig) -> GilHeap {
        open_gil(config)
    }
}

/// Goal: every operation reaches the library with its own arguments, and its answer comes back: programs
/// behave as the model says.
#[test]
fn programs_pass_through_the_table() {
    step_through(mirror::open::<Gil>);
    race(mirror::open::<Gil>);
}

/// Goal: threads attach, run, settle and leave through the table.
#[test]
fn workloads_pass_through_the_table() {
    for workload in ["shared-list", "tangles", "weakrefs", "finalizers"] {
        run_workload(workload, mirror::open::<Gil>);
    }
}

/// Goal: a table that lacks what its library announces is refused, by the name of what it lacks.
#[test]
fn what_is_announced_must_be_there() {
    let table = Table {
        pop: None,
        ..mirror::table::<Gil>()
    };
    // SAFETY: they keep to gcstorm.h.
    let refused = unsafe { Library::of(table) };
    let why = refused.expect_err("there is no `pop`").to_string();
    assert!(why.contains("`pop`"), "{why}");
}

/// Goal: a census comes from the library, object by object.
#[test]
fn a_census_is_passed_on() {
    unsafe extern "C" fn census(_: *mut c_void, visit: Visit, context: *mut c_void) {
        for tag in [5, 7] {
            // SAFETY: it is called with its context.
            unsafe { visit(context, tag, tag * 100) };
        }
    }
    let table = Table {
        census: Some(census),
        ..mirror::table::<Gil>()
    };
    // SAFETY: they keep to gcstorm.h, and the tags are only looked at.
    let library = unsafe { Library::of(table) }.expect("nothing is missing");
    let heap = Foreign::open(library, "", &HeapConfig::with_capacity(10)).expect("it opens");
    let mut seen = Vec::new();
    let mut visit = |Belief { id, count }| seen.push((id.bits(), count));
    let census = heap.census(&mut visit).expect("it has one");
    assert_eq!((census.living, seen), (2, vec![(5, 500), (7, 700)]));
}

/// The sizes of the structures, and where their fields are.
macro_rules! layout {
    ($($name:literal $of:ident: $($field:ident)*;)*) => {
        [$(
            ($name, "", size_of::<$of>()),
            $(($name, stringify!($field), offset_of!($of, $field)),)*
        )*]
    };
}

/// Goal: a C compiler lays the structures of gcstorm.h out as they are here, without a warning.
#[test]
fn the_header_says_the_same() {
    let layout = layout! {
        "gcstorm_host" Host: size died finalize hold release;
        "gcstorm_config" Config: size capacity globals nursery switch_interval_ns within_calls host
            pauses text;
        "gcstorm_stats" Figures: size collections full_collections cycles_freed unreclaimed_peak
            contended unreclaimed;
        "gcstorm_table" Table: version size abilities open close attach detach settle stats census
            alloc copy clear load store peek safepoint rest wake collect append len get set pop
            truncate_front truncate_back add read write publish fetch downgrade upgrade;
    };
    let mut program = String::from("#include \"gcstorm.h\"\n");
    for (name, field, at) in layout {
        let found = match field {
            "" => format!("sizeof({name})"),
            field => format!("offsetof({name}, {field})"),
        };
        program += &format!("_Static_assert({found} == {at}, \"{name} {field}\");\n");
    }
    let place = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        std::fs::write(place.path().join(name), text).expect("a file");
    };
    write("gcstorm.h", HEADER);
    write("layout.c", &program);
    compile(place.path(), &["-c", "layout.c"]);
}

fn compile(directory: &Path, words: &[&str]) {
    let compiled = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(words)
        .current_dir(directory)
        .output()
        .expect("cc is there, since Rust links with it");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");
}
