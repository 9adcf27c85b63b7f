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
    reason = "handlers of signals are set up, and those that were there before are called"
)]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

use libc::{sigaction, siginfo_t};

use super::crash_scene::CrashScene;
use super::unwinder::unwind;

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
/// Where it is said.
static OUT: AtomicI32 = AtomicI32::new(-1);
/// The handlers that were there before.
static BEFORE: [OnceLock<sigaction>; SIGNALS.len()] = [const { OnceLock::new() }; SIGNALS.len()];
/// Whether it has been said: 0 before, 1 meanwhile, 2 afterwards.
static STATE: AtomicU32 = AtomicU32::new(0);
static DESK: Desk = Desk(UnsafeCell::new(CrashScene::new()));

/// The memory that is needed, set aside.
struct Desk(UnsafeCell<CrashScene>);

// SAFETY: only the thread that has set `STATE` from 0 to 1 uses it, and nobody sets it back.
unsafe impl Sync for Desk {}

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
            let scene = unsafe { &mut *DESK.0.get() };
            scene.say(OUT.load(SeqCst), (signal, info, context));
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
