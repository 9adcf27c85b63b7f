//! How much memory the process has taken from its allocator and not given back, to the byte.
//!
//! Resident memory hides a slow leak for a long time: what leaks goes into the holes that the
//! allocator has anyway. So a program may count what it allocates. [`Counting`] is the system's
//! allocator with a counter, which `gcstorm` itself uses; a program of your own that adds a heap
//! installs it likewise:
//!
//! ```
//! # use gcstorm_core as gcstorm;
//! #[global_allocator]
//! static ALLOCATOR: gcstorm::memory::Counting = gcstorm::memory::Counting;
//! # fn main() {}
//! ```
//!
//! It counts only in the process of a soak's stint: there an allocation costs an atomic addition
//! more, in all others one look at a flag. Threads count in different places, so they do not slow
//! each other down by it; only the sum means anything, since what one thread allocates another
//! frees.
//!
//! Counted are the bytes that were asked for. A heap that reserves its memory once, as those here
//! do, is counted once; what it fills of that shows in resident memory only.

#![expect(
    unsafe_code,
    reason = "an allocator is unsafe to be one, and hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

/// More threads than this share places, and wait for each other now and then.
const PLACES: usize = 16;

/// Resident memory of a process, in bytes; 0 if the system does not report it.
pub fn resident_bytes(pid: u32) -> u64 {
    // All memory, then what is resident, in pages: proc_pid_statm(5).
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    let pages: u64 = pages.and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static COUNTS: [CachePadded<AtomicI64>; PLACES] =
    [const { CachePadded::new(AtomicI64::new(0)) }; PLACES];
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Where this thread counts; `PLACES` before it first does. Needs no drop, so that it can be
    /// used for as long as the thread allocates.
    static PLACE: Cell<usize> = const { Cell::new(PLACES) };
}

/// The system's allocator, which can count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting;

/// Bytes that were allocated and not freed since [`start`], which may be fewer than none if older
/// ones were freed; `None` if nobody counts: the program uses another allocator, or was not told
/// to.
pub fn in_use() -> Option<i64> {
    if !IS_COUNTING.load(Relaxed) {
        return None;
    }
    let before = total();
    let probe = std::hint::black_box(Box::new([0_u64; 8]));
    let is_installed = total() != before;
    drop(probe);
    is_installed.then(total)
}

fn total() -> i64 {
    // Relaxed throughout: counts by themselves, read when the threads that made them have been
    // joined.
    COUNTS.iter().map(|count| count.load(Relaxed)).sum()
}

/// From now on it is counted.
pub fn start() {
    IS_COUNTING.store(true, Relaxed);
}

#[inline]
fn count(bytes: i64) {
    if IS_COUNTING.load(Relaxed) {
        add(bytes);
    }
}

/// Counts what was allocated, if it was.
#[inline]
fn count_if(pointer: *mut u8, bytes: i64) {
    if !pointer.is_null() {
        count(bytes);
    }
}

#[inline(never)]
fn add(bytes: i64) {
    let place = PLACE.get();
    let place = if place < PLACES {
        place
    } else {
        let place = THREADS.fetch_add(1, Relaxed) % PLACES;
        PLACE.set(place);
        place
    };
    COUNTS[place].fetch_add(bytes, Relaxed);
}

/// A size as what it adds; no object is larger than that.
#[expect(clippy::cast_possible_wrap, reason = "layouts are at most isize::MAX")]
fn size(bytes: usize) -> i64 {
    bytes as i64
}

// SAFETY: every call goes to the system's allocator as it is, and counting neither allocates nor
// unwinds.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: what the caller promises of the layout is what the system's allocator asks for.
        let pointer = unsafe { System.alloc(layout) };
        count_if(pointer, size(layout.size()));
        pointer
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        count_if(pointer, size(layout.size()));
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: the pointer came from the system's allocator with this layout, by way of this
        // one.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`, and the caller promises that the new size is one.
        let pointer = unsafe { System.realloc(pointer, layout, new_size) };
        count_if(pointer, size(new_size) - size(layout.size()));
        pointer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what is allocated, grown, shrunk and freed comes to nothing in the end, whichever
    /// thread frees it, and nobody is told a sum of a program that uses another allocator.
    #[test]
    fn counts_what_is_in_use() {
        assert_eq!(in_use(), None);
        start();
        assert_eq!(in_use(), None);
        let layout = |bytes| Layout::array::<u8>(bytes).expect("a small size");
        // SAFETY: the size is not zero.
        let pointer = unsafe { Counting.alloc(layout(1000)) };
        assert_eq!(total(), 1000);
        // SAFETY: it was allocated there with this layout, and the size is not zero.
        let pointer = unsafe { Counting.realloc(pointer, layout(1000), 5000) };
        assert_eq!(total(), 5000);
        // SAFETY: as before.
        let pointer = unsafe { Counting.realloc(pointer, layout(5000), 10) };
        assert_eq!(total(), 10);
        // SAFETY: the size is not zero.
        let zeroed = unsafe { Counting.alloc_zeroed(layout(7)) };
        assert_eq!(total(), 17);
        let address = zeroed.expose_provenance();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let zeroed = std::ptr::with_exposed_provenance_mut(address);
                // SAFETY: it was allocated there with this layout, and nobody else has it.
                unsafe { Counting.dealloc(zeroed, layout(7)) };
            });
        });
        // SAFETY: it was allocated there with this layout.
        unsafe { Counting.dealloc(pointer, layout(10)) };
        assert_eq!(total(), 0);
        // More than there is: it is refused, and not counted.
        let huge = layout(isize::MAX.unsigned_abs() / 2);
        // SAFETY: the size is not zero.
        let refused = std::hint::black_box(unsafe { Counting.alloc(huge) });
        assert!(refused.is_null());
        assert_eq!(total(), 0);
    }
}
