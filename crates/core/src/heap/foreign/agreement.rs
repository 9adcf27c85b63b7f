//! `gcstorm.h` and the structures in Rust say the same: a C compiler is asked, with assertions that are made
//! of what Rust says.

use std::fmt::Write as _;
use std::mem::offset_of;
use std::process::Command;

use super::table::{SIGNATURES, ability};
use super::{
    Config, EMPTY, Figures, HEADER, Host, NO_FINALIZER, NOTHING, OBJECT, STALE, Table, UNKNOWN,
    VERSION, WITNESS,
};
use crate::heap::{Cause, Shape};

/// The sizes of the structures, and where their fields are.
macro_rules! layout {
    ($($name:literal $of:ident: $($field:ident)*;)*) => {
        [$(
            (format!("sizeof({})", $name), size_of::<$of>()),
            $((format!("offsetof({}, {})", $name, stringify!($field)), offset_of!($of, $field)),)*
        )*]
    };
}

/// Constants under the names that they have in C.
fn constants() -> Vec<(&'static str, i128)> {
    vec![
        ("VERSION", VERSION.into()),
        ("NOTHING", NOTHING.into()),
        ("NO_FINALIZER", NO_FINALIZER.into()),
        ("WITNESS", WITNESS.into()),
        ("EMPTY", EMPTY.into()),
        ("OBJECT", OBJECT.into()),
        ("STALE", STALE.into()),
        ("UNKNOWN", UNKNOWN.into()),
        ("THREADS", ability::THREADS.into()),
        ("CYCLES", ability::CYCLES.into()),
        ("LISTS", ability::LISTS.into()),
        ("COUNTERS", ability::COUNTERS.into()),
        ("GLOBALS", ability::GLOBALS.into()),
        ("WEAK", ability::WEAK.into()),
        ("FINALIZERS", ability::FINALIZERS.into()),
        ("CERTIFIES_DEATH", ability::CERTIFIES_DEATH.into()),
        ("ONE_THREAD", ability::ONE_THREAD.into()),
        ("ONE_PER_PROCESS", ability::ONE_PER_PROCESS.into()),
        ("WEAK_SURVIVES", ability::WEAK_SURVIVES.into()),
        ("LEAF", Shape::Leaf as i128),
        ("NODE", Shape::Node as i128),
        ("LIST", Shape::List as i128),
        ("COUNTER", Shape::Counter as i128),
        ("LOCK_WAIT", place_of(Cause::GilWait)),
        ("COLLECT", place_of(Cause::Collect)),
        ("RELEASE_CASCADE", place_of(Cause::ReleaseCascade)),
        ("EPOCH", place_of(Cause::Epoch)),
        ("ALLOCATE_SLOW", place_of(Cause::AllocateSlow)),
        ("FINALIZER", place_of(Cause::Finalizer)),
    ]
}

/// Causes are numbered by their order.
fn place_of(cause: Cause) -> i128 {
    let place = Cause::ALL.iter().position(|&other| other == cause);
    i128::try_from(place.expect("all are there")).expect("there are few")
}

/// A type of Rust as it is spelled in C.
fn in_c(of: &str) -> &str {
    match of {
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        "i32" => "int32_t",
        "i64" => "int64_t",
        "c_int" => "int",
        "Visit" => "gcstorm_visit",
        "*mut c_void" => "void *",
        "*mut *mut c_void" => "void **",
        "*const c_char" => "const char *",
        "*mut u64" => "uint64_t *",
        "*mut Figures" => "gcstorm_stats *",
        "*const Config" => "const gcstorm_config *",
        other => panic!("how is {other} spelled in C?"),
    }
}

/// A C program that compiles if Rust and C agree.
fn program() -> String {
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
    let mut text = String::from("#include \"gcstorm.h\"\n");
    let mut assert = |what: &str, value: i128| {
        let suffix = if value > i64::MAX.into() { "u" } else { "" };
        writeln!(
            text,
            "_Static_assert({what} == {value}{suffix}, \"{what}\");"
        )
        .expect("text");
    };
    for (what, value) in layout {
        assert(&what, i128::try_from(value).expect("it is small"));
    }
    for (name, value) in constants() {
        assert(&format!("GCSTORM_{name}"), value);
    }
    text += "void functions(const gcstorm_table *table) {\n";
    for (name, takes, answers) in SIGNATURES {
        let takes: Vec<&str> = takes.iter().map(|of| in_c(of)).collect();
        let answers = answers.first().map_or("void", |of| in_c(of));
        let takes = takes.join(", ");
        text += &format!("    {answers} (*{name})({takes}) = table->{name}; (void){name};\n");
    }
    text + "}\n"
}

/// Goal: a C compiler makes of gcstorm.h what stands in `table`: layouts, constants, and what functions take.
#[test]
fn the_header_says_the_same() {
    let place = tempfile::tempdir().expect("a directory");
    std::fs::write(place.path().join("gcstorm.h"), HEADER).expect("a file");
    std::fs::write(place.path().join("agreement.c"), program()).expect("a file");
    let compiled = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-c",
            "agreement.c",
        ])
        .current_dir(place.path())
        .output()
        .expect("cc is there, since Rust links with it");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");
}
