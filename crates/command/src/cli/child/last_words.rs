//! What a child says when a signal ends it: which signal, at what address, on which thread, and by
//! which calls it came there.
//!
//! The process may be in any state by then: its memory spoiled, its locks held by the very thread that
//! was stopped. So what is called here allocates nothing and takes no lock, on memory that was set
//! aside before. The unwinder is not promised to be like that. It is in practice, once it has been
//! called: it finds the tables of the mapped files and reads them in place. Should the process hang or
//! crash here, an alarm or the system ends it, and only these words are lost. Addresses are said, and
//! the parent gives them their names ([`symbols`](super::symbols)).
//!
//! Handlers that were there before are called afterwards: the one of the standard library says that a
//! stack has overflowed, and those of sanitizers say much more.

#![expect(
    unsafe_code,
    reason = "a handler of signals, the unwinder, and the registers of a thread that was stopped"
)]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

use libc::{sigaction, siginfo_t};

use super::memory_map::{Mapping, Maps};
use super::registers::Registers;

/// Signals that end a process because of what it did.
const SIGNALS: [c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
];
/// After so many seconds a process that hangs here is ended: what is done takes a thousandth of it.
const LIMIT_S: u32 = 3;
/// Calls that are kept, the innermost ones.
const FRAMES_MAX: usize = 100;
/// Room for what is said: the mappings of a process with hundreds of libraries.
const SAID_MAX: usize = 64 << 10;

/// Where it is said.
static OUT: AtomicI32 = AtomicI32::new(-1);
/// The handlers that were there before.
static BEFORE: [OnceLock<sigaction>; SIGNALS.len()] = [const { OnceLock::new() }; SIGNALS.len()];
/// Whether it has been said: 0 before, 1 meanwhile, 2 afterwards.
static STATE: AtomicU32 = AtomicU32::new(0);
static DESK: Desk = Desk(UnsafeCell::new(Scratch {
    frames: [0; FRAMES_MAX],
    count: 0,
    said: [0; SAID_MAX],
    length: 0,
    maps: Maps::new(),
}));

/// The memory that is needed, set aside.
struct Desk(UnsafeCell<Scratch>);

// SAFETY: only the thread that has set `STATE` from 0 to 1 uses it, and nobody sets it back.
unsafe impl Sync for Desk {}

struct Scratch {
    frames: [usize; FRAMES_MAX],
    count: usize,
    said: [u8; SAID_MAX],
    length: usize,
    maps: Maps,
}

unsafe extern "C" {
    // Of the unwinder that the standard library is linked with.
    fn _Unwind_Backtrace(
        each: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut c_void, is_before: *mut c_int) -> usize;
}

/// From now on this process says on `out` why a signal ends it.
pub(super) fn speak(out: c_int) {
    OUT.store(out, SeqCst);
    // Loads what it needs.
    let mut first = [0];
    unwind(&mut first);
    for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
        // SAFETY: all zeros are a valid value of this plain structure.
        let mut action: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_signal as *const () as usize;
        // Where a stack has overflowed, there is another for handlers. An abort has all of its own.
        action.sa_flags = libc::SA_SIGINFO;
        if signal != libc::SIGABRT {
            action.sa_flags |= libc::SA_ONSTACK;
        }
        for other in SIGNALS {
            // SAFETY: the set is initialized, and the signal is one.
            unsafe { libc::sigaddset(&raw mut action.sa_mask, other) };
        }
        let mut old = MaybeUninit::<sigaction>::zeroed();
        // Where it fails, the signal ends the process without a word.
        // SAFETY: both point to what they should, and the handler is of the form that is announced.
        if unsafe { sigaction(signal, &raw const action, old.as_mut_ptr()) } == 0 {
            // SAFETY: all zeros are a valid value, and the call has filled it in.
            let _ = before.set(unsafe { old.assume_init() });
        }
    }
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    match STATE.compare_exchange(0, 1, SeqCst, SeqCst) {
        Ok(_) => {
            // SAFETY: a system call, which no handler is forbidden.
            unsafe { libc::signal(libc::SIGALRM, libc::SIG_DFL) };
            // SAFETY: the same.
            unsafe { libc::alarm(LIMIT_S) };
            // SAFETY: this thread has set the state, so nobody else has or gets a reference.
            let scratch = unsafe { &mut *DESK.0.get() };
            scratch.say(signal, info, context);
            STATE.store(2, SeqCst);
            // The handlers that follow may take as long as they like.
            // SAFETY: the same.
            unsafe { libc::alarm(0) };
        }
        // Another thread has crashed first; what it has to say is not cut off. The alarm ends the
        // wait if that hangs.
        Err(_) => {
            while STATE.load(SeqCst) == 1 {
                // SAFETY: a system call, which no handler is forbidden.
                unsafe { libc::sched_yield() };
            }
        }
    }
    hand_on(signal, info, context);
}

/// Does what would have been done without this handler.
fn hand_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let known = SIGNALS.iter().position(|known| *known == signal);
    let before = known.and_then(|known| BEFORE[known].get());
    let handler = before.map_or(libc::SIG_DFL, |before| before.sa_sigaction);
    let is_informed = before.is_some_and(|before| before.sa_flags & libc::SA_SIGINFO != 0);
    match (handler, is_informed) {
        (libc::SIG_DFL | libc::SIG_IGN, _) => {
            // SAFETY: a system call, which no handler is forbidden.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            // It is blocked here, so it comes when this handler returns.
            // SAFETY: the same.
            unsafe { libc::raise(signal) };
        }
        (handler, true) => {
            type Informed = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
            // SAFETY: the system had this handler, which was announced as one of this form.
            let handler: Informed = unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        (handler, false) => {
            // SAFETY: the same.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// The calls that led here, the innermost first; returns how many there are.
fn unwind(frames: &mut [usize]) -> usize {
    struct Calls<'a> {
        frames: &'a mut [usize],
        count: usize,
    }
    extern "C" fn each(context: *mut c_void, calls: *mut c_void) -> c_int {
        // SAFETY: it is what `unwind` hands over, and the unwinder hands on.
        let calls = unsafe { &mut *calls.cast::<Calls<'_>>() };
        let mut is_before = 0;
        // SAFETY: the context is the unwinder's own.
        let address = unsafe { _Unwind_GetIPInfo(context, &raw mut is_before) };
        let Some(place) = calls.frames.get_mut(calls.count) else {
            // Any number but 0 ends the walk.
            return 1;
        };
        // A call returns behind itself, where something else may begin.
        *place = if is_before == 0 {
            address.wrapping_sub(1)
        } else {
            address
        };
        calls.count += 1;
        0
    }
    let mut calls = Calls { frames, count: 0 };
    // SAFETY: the callback is of the right form, and gets what it expects.
    unsafe { _Unwind_Backtrace(each, (&raw mut calls).cast()) };
    calls.count
}

impl Scratch {
    fn say(&mut self, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the system hands over the facts of this signal.
        let code = unsafe { (*info).si_code };
        let address = match signal {
            libc::SIGABRT => 0,
            // SAFETY: the same; these signals have an address.
            _ => unsafe { (*info).si_addr() as usize },
        };
        let stopped = Registers::of(context);
        // If its stack is spoiled, this process may end on the walk.
        if let Some(stopped) = &stopped {
            self.frames[0] = stopped.code;
            self.count = 1;
            self.write(signal, code, address);
        }
        self.walk(stopped, context);
        self.write(signal, code, address);
    }

    /// Writes what is known.
    fn write(&mut self, signal: c_int, code: c_int, address: usize) {
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
        self.send();
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

    fn send(&self) {
        let mut rest = &self.said[..self.length];
        while !rest.is_empty() {
            // SAFETY: the bytes are there.
            let wrote = unsafe { libc::write(OUT.load(SeqCst), rest.as_ptr().cast(), rest.len()) };
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
