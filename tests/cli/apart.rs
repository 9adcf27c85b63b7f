//! What passes between the command and the processes that make its runs.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::harness::{Done, Place};

/// A case that holds on every heap.
const SOUND: &str = "gcstorm-case 1\nschedule free\nseed 3\ncapacity 64\nroots 0\n\
    mutator m registers 2\n\nm alloc r0 list\nm alloc r1 node\nm append r0 r1\n";

/// Goal: a file is read once, by the command: what it planned is what its processes run, also where
/// a second look would find something else, or nothing.
#[test]
fn a_file_is_read_once() {
    let place = Place::new();
    place.write("w.toml", include_str!("../../workloads/counter.toml"));
    place.write("f.case", SOUND);
    for (line, file) in [
        ("run /dev/stdin --ops 1000 --repeat 2 --out", "w.toml"),
        ("run --case /dev/stdin --out", "f.case"),
    ] {
        let file = || File::open(place.path().join(file)).expect("a file");
        let run = |out: &str, input: Stdio| {
            let mut command = place.command(&format!("{line} {out}"));
            let done = command.stdin(input).output().expect("the command starts");
            Done::from(done).code(0).says("held");
            place.remove(out);
        };
        run("file", file().into());
        let mut cat = Command::new("cat")
            .stdin(file())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cat is there");
        run("pipe", cat.stdout.take().expect("a pipe").into());
        cat.wait().expect("it ends");
    }
}
