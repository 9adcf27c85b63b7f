//! A program whose heaps treat their process as no heap should. The tests of the command run it.

#![expect(unsafe_code, reason = "heaps under test may spoil memory")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "heaps under test may print"
)]

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, ExitCode, abort, exit};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use gcstorm::forward_mutator;
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{Belief, Caps, Census, Defect, Heap, Mutator, Seat, Slot};
use gcstorm::run::Registry;

/// What a heap does when it is opened for a run.
const RUDE: [(&str, fn()); 5] = [
    ("exits-2", || exit(2)),
    ("exits-101", || exit(101)),
    ("mutters", mutter),
    ("floods", flood),
    ("leaves-a-process", leave_a_process),
];

/// What a heap does when a mutator copies a reference for the second time.
const TOUCHY: [(&str, fn()); 13] = [
    ("copy-aborts", || abort()),
    ("copy-warns-then-aborts", warn_then_abort),
    ("copy-exits", || exit(0)),
    ("copy-hangs", hang),
    ("copy-reads-nowhere", read_nowhere),
    ("copy-jumps-nowhere", jump_nowhere),
    ("copy-calls-null", call_null),
    ("copy-crashes-in-the-allocator", crash_in_the_allocator),
    ("copy-crashes-twice", crash_twice),
    ("copy-overflows", || {
        black_box(overflow(0));
    }),
    ("copy-fills-memory", || {
        handle_alloc_error(Layout::new::<[u64; 9]>())
    }),
    ("copy-panics", || panic!("a copy too many")),
    ("copy-panics-beside", panic_beside),
];

/// What a heap does when it is to settle.
const UNSETTLED: [(&str, fn()); 2] = [("settles-never", hang), ("settles-once", hang_in_turn)];

fn main() -> ExitCode {
    let touchy = TOUCHY.into_iter().fold(registry(), |heaps, (name, act)| {
        heaps.with(name, "not for use", move |config| {
            let inner = open_gil(config);
            Ok(Touchy {
                inner,
                act,
                settle: || (),
            })
        })
    });
    let touchy = UNSETTLED.into_iter().fold(touchy, |heaps, (name, settle)| {
        heaps.with(name, "not for use", move |config| {
            Ok(Touchy {
                inner: open_gil(config),
                act: || (),
                settle,
            })
        })
    });
    let heaps = touchy.with("opens-never", "not for use", |config| {
        let act: fn() = || abort();
        act();
        Ok(open_gil(config))
    });
    let heaps = heaps.with("lets-in-one", "not for use", |config| {
        Ok(LetsInOne {
            inner: open_gil(config),
            is_taken: Mutex::default(),
            is_left: Condvar::new(),
        })
    });
    gcstorm::cli::main(heaps)
}

fn registry() -> Registry {
    RUDE.into_iter().fold(Registry::builtin(), |heaps, rude| {
        let (name, act) = rude;
        heaps.with(name, "not for use", move |config| {
            if is_for_a_run() {
                act();
            }
            Ok(open_gil(config))
        })
    })
}

/// Whether this process makes runs, and has opened a heap already to ask what it can do.
fn is_for_a_run() -> bool {
    static IS_ASKED: AtomicBool = AtomicBool::new(false);
    std::env::var_os("GCSTORM_INSIDE").is_some() && IS_ASKED.swap(true, Relaxed)
}

/// Prints all the time, and never ends a line.
fn mutter() {
    let mutter = || {
        loop {
            print!("x");
            std::io::stdout().flush().expect("somebody reads");
            std::thread::sleep(Duration::from_micros(100));
        }
    };
    let thread = std::thread::Builder::new().spawn(mutter);
    thread.map(drop).expect("a thread");
}

/// Prints more than any pipe holds.
fn flood() {
    for _ in 0..4096 {
        eprintln!("{}", "flood".repeat(100));
    }
}

/// Dies, and leaves behind a process that holds standard error open, and leaves a file if it lives
/// on.
fn leave_a_process() {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", "sleep 30; echo > survived"]);
    shell.spawn().expect("a shell");
    abort();
}

/// A heap that bears one copy by each mutator.
struct Touchy<H> {
    inner: H,
    act: fn(),
    settle: fn(),
}

struct TouchyMutator<M> {
    inner: M,
    act: fn(),
    copies: u32,
}

impl<H: Heap> Heap for Touchy<H> {
    type Mutator<'h>
        = TouchyMutator<H::Mutator<'h>>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        Ok(TouchyMutator {
            inner: self.inner.attach(seat)?,
            act: self.act,
            copies: 0,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        (self.settle)();
        self.inner.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.inner.census(visit)
    }
}

impl<M: Mutator> Mutator for TouchyMutator<M> {
    forward_mutator!(self => self.inner; alloc alloc_with_finalizer clear load store peek safepoint);
    forward_mutator!(self => self.inner; rest wake collect append len get set pop truncate_front);
    forward_mutator!(self => self.inner; truncate_back add read write publish fetch downgrade upgrade);

    fn copy(&mut self, dst: Slot, src: Slot) {
        self.copies += 1;
        if self.copies == 2 {
            (self.act)();
        }
        self.inner.copy(dst, src);
    }
}

/// A heap that lets a mutator in when the one before has nothing more to do.
struct LetsInOne<H> {
    inner: H,
    is_taken: Mutex<bool>,
    is_left: Condvar,
}

struct LetIn<'h, H: Heap + 'h> {
    inner: H::Mutator<'h>,
    heap: &'h LetsInOne<H>,
    is_in: bool,
}

impl<H: Heap> Heap for LetsInOne<H> {
    type Mutator<'h>
        = LetIn<'h, H>
    where
        Self: 'h;

    fn caps(&self) -> Caps {
        self.inner.caps()
    }

    fn attach(&self, seat: Seat) -> Result<Self::Mutator<'_>, Defect> {
        Ok(LetIn {
            inner: self.inner.attach(seat)?,
            heap: self,
            is_in: false,
        })
    }

    fn settle(&self) -> Result<(), Defect> {
        self.inner.settle()
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        self.inner.census(visit)
    }
}

impl<'h, H: Heap + 'h> Mutator for LetIn<'h, H> {
    forward_mutator!(self => self.inner; alloc alloc_with_finalizer clear copy load store peek safepoint);
    forward_mutator!(self => self.inner; collect append len get set pop truncate_front);
    forward_mutator!(self => self.inner; truncate_back add read write publish fetch downgrade upgrade);

    fn rest(&mut self) {
        if std::mem::take(&mut self.is_in) {
            *self.heap.is_taken.lock().expect("nobody panics") = false;
            self.heap.is_left.notify_one();
        }
        self.inner.rest();
    }

    fn wake(&mut self) {
        let is_taken = self.heap.is_taken.lock().expect("nobody panics");
        let is_left = self.heap.is_left.wait_while(is_taken, |is_taken| *is_taken);
        *is_left.expect("nobody panics") = true;
        self.is_in = true;
        self.inner.wake();
    }
}

impl<'h, H: Heap + 'h> Drop for LetIn<'h, H> {
    fn drop(&mut self) {
        self.rest();
    }
}

/// Hangs when it is called for the second time.
fn hang_in_turn() {
    static HAS_GONE: AtomicBool = AtomicBool::new(false);
    if HAS_GONE.swap(true, Relaxed) {
        hang();
    }
}

/// Only the first time that it is called in a process, it goes well.
fn warn_then_abort() {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    if HAS_WARNED.swap(true, Relaxed) {
        abort();
    }
    eprintln!("an old warning");
}

/// Reads where nothing is.
fn read_nowhere() {
    // SAFETY: none; the process ends here.
    let read = unsafe { black_box(0x18 as *const u64).read_volatile() };
    black_box(read);
}

/// Calls what is no function, as through a table of an object that was freed.
fn jump_nowhere() {
    // SAFETY: none; the process ends here.
    let function: extern "C" fn() = unsafe { std::mem::transmute(black_box(0x18_usize)) };
    function();
    black_box(());
}

/// Crashes while nobody can have any memory.
fn crash_in_the_allocator() {
    IS_LOCKED.store(true, Relaxed);
    read_nowhere();
}

/// Calls null, as through a table that was cleared.
fn call_null() {
    // SAFETY: none; the process ends here. (No function is at null, so this is behind a pointer.)
    let function = unsafe {
        black_box(&0_usize as *const usize)
            .cast::<extern "C" fn()>()
            .read()
    };
    function();
    black_box(());
}

/// Crashes on two threads at once.
fn crash_twice() {
    let both = std::sync::Barrier::new(2);
    let crash = || {
        both.wait();
        read_nowhere();
    };
    std::thread::scope(|scope| {
        scope.spawn(crash);
        crash();
    });
}

/// An allocator that may come to a standstill.
struct Lockable;

static IS_LOCKED: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Lockable = Lockable;

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Lockable {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_LOCKED.load(Relaxed) {
            hang();
        }
        // SAFETY: the caller keeps to what is asked of it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if IS_LOCKED.load(Relaxed) {
            hang();
        }
        // SAFETY: the caller keeps to what is asked of it.
        unsafe { System.dealloc(place, layout) };
    }
}

fn hang() {
    loop {
        std::thread::park();
    }
}

#[expect(unconditional_recursion, reason = "it is to overflow")]
fn overflow(depth: u64) -> u64 {
    overflow(black_box(depth) + 1) + black_box(1)
}

/// Panics on a thread that no mutator runs on.
fn panic_beside() {
    let beside = std::thread::Builder::new().spawn(|| panic!("beside a copy"));
    // That it panicked is what is joined.
    let _ = beside.expect("a thread").join();
}
