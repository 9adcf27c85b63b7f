//! Names for the addresses that a child left when it crashed: functions, files and lines, out of the
//! files that the child had mapped. No debugger is needed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::debug_info::{Call, Module};
use super::memory_map::Mapping;
use crate::evidence::{Crash, CrashDump, CrashFrame};
use crate::plan::OpKind;

/// Names of signals, and what their codes mean.
const SIGNALS: [(i32, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGABRT, "SIGABRT"),
];
/// Nothing is mapped at the address; it may not be accessed in this way; it is no address.
const UNMAPPED: i32 = 1;
const FORBIDDEN: i32 = 2;
const NO_ADDRESS: i32 = 0x80;

/// Files of the system, which nobody is asked to build again.
const SYSTEM: [&str; 3] = ["/lib", "/usr/lib", "[vdso]"];

/// Where a child crashed, in words.
pub(super) fn crash(dump: &CrashDump) -> Crash {
    let letters = dump.maps.chars();
    let maps: Vec<u8> = letters
        .filter_map(|letter| u8::try_from(letter).ok())
        .collect();
    let maps: Vec<Mapping<'_>> = maps
        .split(|byte| *byte == b'\n')
        .filter_map(Mapping::read)
        .collect();
    let mut files = HashMap::<&[u8], Vec<u8>>::new();
    for path in maps.iter().map(Mapping::path) {
        if let Ok(bytes) = std::fs::read(file_at(path)) {
            files.insert(path, bytes);
        }
    }
    let modules = files
        .iter()
        .filter_map(|(path, bytes)| Some((*path, Module::of(bytes)?)));
    let modules: HashMap<&[u8], Module<'_>> = modules.collect();
    let (mut frames, mut missing) = (Vec::new(), Missing::default());
    // Below the first function of a thread there is an address of nothing. At the top there may be one
    // as well: it was called.
    let goes_on = |(at, frame): &(usize, &u64)| *at == 0 || ![0, u64::MAX].contains(*frame);
    let frames_there = dump.frames.iter().enumerate().take_while(goes_on);
    for (_, address) in frames_there {
        let address = usize::try_from(*address).unwrap_or(usize::MAX);
        let Some(mapping) = maps.iter().find(|mapping| mapping.holds(address)) else {
            frames.push(CrashFrame {
                function: String::new(),
                place: format!("{address:#x}, where there is no code"),
            });
            continue;
        };
        let in_file = (address - mapping.start + mapping.offset) as u64;
        let module = modules.get(mapping.path());
        let calls = module.map_or_else(Vec::new, |module| module.calls(in_file));
        let place = || format!("{}+{in_file:#x}", name_of(mapping.path()));
        if calls.is_empty() {
            frames.push(CrashFrame {
                function: String::new(),
                place: place(),
            });
        }
        frames.extend(calls.iter().map(|call| CrashFrame {
            function: call.function.clone(),
            place: call.line.clone().unwrap_or_else(place),
        }));
        // Below the harness's calls nobody looks for the mistake of a heap.
        if !frames.iter().any(CrashFrame::is_harness) {
            missing.note(mapping.path(), &calls);
        }
    }
    Crash {
        signal: signal(dump),
        thread: dump.thread.clone(),
        op: op(&frames),
        note: missing.told(dump.frames.len()),
        frames,
    }
}

/// What the signal is called, and why it came.
fn signal(dump: &CrashDump) -> String {
    let known = SIGNALS.iter().find(|(number, _)| *number == dump.signal);
    let name = known.map_or_else(
        || format!("signal {}", dump.signal),
        |(_, name)| (*name).to_owned(),
    );
    let address = dump.address;
    match (dump.signal, dump.code) {
        (libc::SIGABRT, _) => name,
        (_, ..=0) => format!("{name}, sent by a process"),
        (libc::SIGSEGV, UNMAPPED) => {
            format!("{name} at address {address:#x}, where nothing is mapped")
        }
        (libc::SIGSEGV, FORBIDDEN) => {
            format!("{name} at address {address:#x}, which may not be used like that")
        }
        (libc::SIGSEGV | libc::SIGBUS, NO_ADDRESS) => {
            format!("{name} at what is no address: a pointer was overwritten, or made up")
        }
        _ => format!("{name} at address {address:#x}"),
    }
}

/// The operation that was under way: what the harness called, if that is one.
fn op(frames: &[CrashFrame]) -> Option<String> {
    let harness = frames.iter().position(CrashFrame::is_harness)?;
    let function = &frames[..harness].last()?.function;
    // `<type as trait>::append`, or `append<types>`.
    let (_, plain) = function.rsplit_once(">::").unwrap_or(("", function));
    let (plain, _) = plain.split_once('<').unwrap_or((plain, ""));
    let (_, name) = plain.rsplit_once("::").unwrap_or(("", plain));
    let name = name.replace('_', "-");
    OpKind::ALL
        .iter()
        .any(|kind| kind.name() == name)
        .then_some(name)
}

/// What symbols do not tell, in files that whoever reads the stack may have built.
#[derive(Debug, Default)]
struct Missing {
    /// A file without names, and one without lines.
    nameless: Option<String>,
    lineless: Option<String>,
}

impl Missing {
    fn note(&mut self, path: &[u8], calls: &[Call]) {
        let is_system = |system: &&str| path.starts_with(system.as_bytes());
        if path.is_empty() || SYSTEM.iter().any(is_system) {
            return;
        }
        if calls.is_empty() {
            self.nameless.get_or_insert_with(|| name_of(path));
        } else if calls.iter().all(|call| call.line.is_none()) {
            self.lineless.get_or_insert_with(|| name_of(path));
        }
    }

    fn told(self, frames: usize) -> Option<String> {
        match (frames, self.nameless, self.lineless) {
            (..=1, ..) => Some("the stack could not be read further".to_owned()),
            (_, Some(file), _) => Some(format!(
                "{file} has no symbols: it was stripped, or what was called is no part of it"
            )),
            (_, None, Some(file)) => Some(format!(
                "{file} has no lines: build it with `debug = \"line-tables-only\"`, C with -g"
            )),
            (_, None, None) => None,
        }
    }
}

/// The file at a path of a mapping. This program may have been built again since.
fn file_at(path: &[u8]) -> PathBuf {
    let running = Path::new("/proc/self/exe");
    let own = std::fs::read_link(running).unwrap_or_default();
    match own.as_os_str().as_bytes() == path {
        true => running.to_owned(),
        false => OsStr::from_bytes(path).into(),
    }
}

fn name_of(path: &[u8]) -> String {
    if path.is_empty() {
        return "memory that is of no file".to_owned();
    }
    let path = Path::new(OsStr::from_bytes(path));
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
