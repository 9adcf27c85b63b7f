//! What is found of a process in a handler of signals: by which calls it came there, and in which files
//! these are. All is on memory that was set aside, and said as a line of JSON, written by hand.

#![expect(
    unsafe_code,
    reason = "the facts of a signal are behind a pointer, and writing is a system call"
)]

use std::ffi::{c_int, c_void};

use libc::siginfo_t;

use super::memory_map::{Mapping, Maps};
use super::registers::Registers;
use super::unwinder::unwind;

/// Calls that are kept, the innermost ones.
const FRAMES_MAX: usize = 100;
/// Room for what is said: the mappings of a process with hundreds of libraries.
const SAID_MAX: usize = 64 << 10;

/// The memory for it.
#[derive(Debug)]
pub(super) struct CrashScene {
    frames: [usize; FRAMES_MAX],
    count: usize,
    said: [u8; SAID_MAX],
    length: usize,
    maps: Maps,
}

impl CrashScene {
    pub(super) const fn new() -> Self {
        Self {
            frames: [0; FRAMES_MAX],
            count: 0,
            said: [0; SAID_MAX],
            length: 0,
            maps: Maps::new(),
        }
    }

    /// Says on `out` what it finds; called by a handler with what that was given.
    pub(super) fn say(
        &mut self,
        out: c_int,
        (signal, info, context): (c_int, *mut siginfo_t, *mut c_void),
    ) {
        // SAFETY: the system hands over the facts of this signal.
        let info = unsafe { &*info };
        let code = info.si_code;
        let address = match signal {
            libc::SIGABRT => 0,
            // SAFETY: these signals have an address.
            _ => unsafe { info.si_addr() as usize },
        };
        let stopped = Registers::of(context);
        // If its stack is spoiled, this process may end on the walk.
        if let Some(stopped) = &stopped {
            self.frames[0] = stopped.code;
            self.count = 1;
            self.write(out, signal, (code, address));
        }
        self.walk(stopped, context);
        self.write(out, signal, (code, address));
    }

    /// Writes what is known.
    fn write(&mut self, out: c_int, signal: c_int, (code, address): (c_int, usize)) {
        // Whatever was being written is ended.
        self.length = 0;
        self.add(b"\n{\"told\":\"crashed\",\"signal\":");
        self.number(signal.unsigned_abs() as usize);
        self.add(b",\"code\":");
        if code < 0 {
            self.add(b"-");
        }
        self.number(code.unsigned_abs() as usize);
        self.add(b",\"address\":");
        self.number(address);
        self.add(b",\"thread\":\"");
        let mut name = [0_u8; 16];
        // SAFETY: the name has 16 bytes at most, with the zero that ends it.
        unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
        self.text(name.split(|byte| *byte == 0).next().unwrap_or_default());
        self.add(b"\",\"frames\":[");
        for at in 0..self.count {
            if at > 0 {
                self.add(b",");
            }
            self.number(self.frames[at]);
        }
        self.add(b"],\"maps\":\"");
        self.mappings();
        self.add(b"\"}\n");
        self.send(out);
    }

    /// Fills in the calls that led to the signal.
    fn walk(&mut self, stopped: Option<Registers>, context: *mut c_void) {
        let Some(stopped) = stopped else {
            self.count = unwind(&mut self.frames);
            return;
        };
        let (mut is_code, mut is_stack) = (false, false);
        self.maps.each(|mapping: &Mapping<'_>| {
            is_code |= mapping.is_code && mapping.holds(stopped.code);
            is_stack |= mapping.is_readable && mapping.holds(stopped.stack);
        });
        // It jumped to where there is no code. The unwinder knows no way back from there, so it is
        // shown the thread as it was before that call.
        let caller = (!is_code && is_stack).then(|| stopped.before_call());
        if let Some(caller) = &caller {
            caller.put_into(context);
        }
        self.count = unwind(&mut self.frames);
        stopped.put_into(context);
        // The handler's own calls come first.
        let from = caller.as_ref().unwrap_or(&stopped).code;
        let frames = &mut self.frames[..self.count];
        let own = frames.iter().position(|frame| *frame == from);
        // There is at least one of those, whose place another can take.
        let first = own
            .unwrap_or(0)
            .saturating_sub(usize::from(caller.is_some()));
        frames.copy_within(first.., 0);
        self.count -= first;
        if own.is_some() {
            self.frames[0] = stopped.code;
        }
    }

    /// The mappings that code was called in.
    fn mappings(&mut self) {
        let Self {
            frames,
            count,
            said,
            length,
            maps,
        } = self;
        let frames = &frames[..*count];
        maps.each(|mapping| {
            if frames.iter().any(|frame| mapping.holds(*frame)) {
                escape(said, length, mapping.line);
                escape(said, length, b"\n");
            }
        });
    }

    fn add(&mut self, bytes: &[u8]) {
        add(&mut self.said, &mut self.length, bytes);
    }

    fn text(&mut self, bytes: &[u8]) {
        escape(&mut self.said, &mut self.length, bytes);
    }

    fn number(&mut self, mut number: usize) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.add(&digits[first..]);
    }

    fn send(&self, out: c_int) {
        let mut rest = &self.said[..self.length];
        while !rest.is_empty() {
            // SAFETY: the bytes are there.
            let wrote = unsafe { libc::write(out, rest.as_ptr().cast(), rest.len()) };
            let Some(wrote) = usize::try_from(wrote).ok().filter(|wrote| *wrote > 0) else {
                return;
            };
            rest = rest.get(wrote..).unwrap_or_default();
        }
    }
}

/// Adds bytes as they are. What does not fit is left out, and then nobody can read the rest either.
fn add(said: &mut [u8], length: &mut usize, bytes: &[u8]) {
    if let Some(place) = said.get_mut(*length..*length + bytes.len()) {
        place.copy_from_slice(bytes);
        *length += bytes.len();
    }
}

/// Adds bytes as letters in JSON.
fn escape(said: &mut [u8], length: &mut usize, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b' '..=b'~' if !b"\"\\".contains(byte) => add(said, length, &[*byte]),
            _ => {
                let digit = |four: u8| b"0123456789abcdef"[usize::from(four)];
                let letters = [b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)];
                add(said, length, &letters);
            }
        }
    }
}
