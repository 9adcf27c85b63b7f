//! Type-stable memory: a fixed number of cells that start as zeroes and are never given back.
//!
//! A heap that follows a stale reference must not touch memory that has become something else.
//! Here, memory that was a cell stays a cell for as long as the heap exists. So following any index
//! is defined behaviour, and the heap recognises a stale reference by what the cell contains.
//!
//! The operating system commits the memory page by page when it is first touched, so a slab may be
//! made for far more cells than are ever used. The standard allocator clears memory by hand if it
//! must be aligned to more than 16 bytes, which would touch all of it; so the slab asks for a
//! little more memory with a small alignment, and aligns its cells by itself. What cells mean is
//! not known here.
//!
//! A large slab asks for large pages: with pages of 4 KiB, each random access to millions of cells
//! also misses the processor's table of translations, and on a virtual machine a walk through the
//! page tables is many more accesses.

#![expect(
    unsafe_code,
    reason = "zeroed memory is taken for cells, once, when a slab is made; and to fetch ahead"
)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What every slab is aligned to: a cache line, so that no cell that divides one straddles two.
const ALIGN: usize = 64;
/// What the system's allocator hands out zeroed without touching it.
const CHEAP_ALIGN: usize = 16;

/// Slabs of this size or more ask for large pages. Translations for less fit the processor's table,
/// or nearly; and a small heap is not to have 2 MiB committed for its first object.
const LARGE: usize = 64 << 20;

/// Types for which memory full of zeroes is a valid value, and whose drop does nothing.
///
/// # Safety
///
/// Zeroed memory must be a valid value, and the type must need no drop: integers, atomics, and
/// arrays and structures of them.
pub(super) unsafe trait Zeroed {}

// SAFETY: an atomic integer is valid as zero and needs no drop.
unsafe impl Zeroed for AtomicU32 {}
// SAFETY: an atomic integer is valid as zero and needs no drop.
unsafe impl Zeroed for AtomicU64 {}
// SAFETY: an array is valid as zero and needs no drop if its elements are and do.
unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] {}

/// `len` cells, all zero at first. Index it like a slice; indices are checked.
pub(super) struct Slab<T: Zeroed> {
    memory: NonNull<u8>,
    layout: Layout,
    cells: NonNull<T>,
    len: usize,
}

// SAFETY: a slab owns its cells as a `Box<[T]>` does.
unsafe impl<T: Zeroed + Send> Send for Slab<T> {}
// SAFETY: a shared slab only gives out shared cells, as a `Box<[T]>` does.
unsafe impl<T: Zeroed + Sync> Sync for Slab<T> {}

impl<T: Zeroed> Slab<T> {
    /// A slab of `len` cells.
    ///
    /// # Panics
    ///
    /// If that many cells exceed the address space.
    pub(super) fn new(len: usize) -> Self {
        const { assert!(align_of::<T>() <= ALIGN) };
        let bytes = size_of::<T>()
            .checked_mul(len)
            .and_then(|bytes| bytes.checked_add(ALIGN))
            .expect("a slab must fit the address space");
        let layout =
            Layout::from_size_align(bytes, CHEAP_ALIGN).expect("a slab must fit the address space");
        // SAFETY: the layout's size is at least `ALIGN`, so it is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(memory) = NonNull::new(memory) else {
            handle_alloc_error(layout)
        };
        if bytes >= LARGE {
            prefer_large_pages(memory, bytes);
        }
        let skip = memory.addr().get().next_multiple_of(ALIGN) - memory.addr().get();
        // SAFETY: `skip` is below `ALIGN`, which the allocation has to spare.
        let cells = unsafe { memory.add(skip) }.cast();
        Self {
            memory,
            layout,
            cells,
            len,
        }
    }

    /// The cell at `index`; `None` if there is no such cell.
    #[inline]
    pub(super) fn at(&self, index: u32) -> Option<&T> {
        self.get(index as usize)
    }

    /// Fetches the cell at `index` into the cache, without waiting for it; any index will do.
    #[inline]
    pub(super) fn fetch(&self, index: u32) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let cell = self.cells.as_ptr().wrapping_add(index as usize);
            // SAFETY: every such processor can do this, and it is a hint, which reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(cell.cast()) }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = index;
    }
}

/// Asks the system to commit this memory in large pages. It may refuse, which costs speed only.
#[cfg(target_os = "linux")]
fn prefer_large_pages(memory: NonNull<u8>, bytes: usize) {
    use rustix::mm::{Advice, madvise};

    let page = rustix::param::page_size();
    let skip = memory.addr().get().next_multiple_of(page) - memory.addr().get();
    // The page that it ends in may have other contents as well.
    let len = (bytes - skip) / page * page;
    // SAFETY: less than a page is skipped, and the memory is far larger.
    let start = unsafe { memory.add(skip) };
    // SAFETY: the pages lie within the memory, and advice changes no contents.
    let _ = unsafe { madvise(start.as_ptr().cast(), len, Advice::LinuxHugepage) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages(_: NonNull<u8>, _: usize) {}

impl<T: Zeroed> Deref for Slab<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `new` made room for `len` aligned cells, zeroed memory is a valid `T` by the
        // contract of `Zeroed`, and nothing but `&T` is ever given out until the slab is dropped.
        unsafe { std::slice::from_raw_parts(self.cells.as_ptr(), self.len) }
    }
}

impl<T: Zeroed> Drop for Slab<T> {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and `Zeroed` types need no drop.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) }
    }
}

impl<T: Zeroed> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab(len: {})", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    /// Goal: cells start as zeroes, keep what is stored, lie on their own line, and end where the
    /// slab ends.
    #[test]
    fn cells_are_zero_aligned_and_checked() {
        let slab = Slab::<[AtomicU64; 4]>::new(1000);
        assert_eq!(slab.as_ptr().addr() % ALIGN, 0);
        assert!(slab.iter().flatten().all(|word| word.load(Relaxed) == 0));
        slab[999][3].store(7, Relaxed);
        assert_eq!(slab.at(999).unwrap()[3].load(Relaxed), 7);
        assert!(slab.at(1000).is_none());
        assert!(Slab::<AtomicU32>::new(0).is_empty());
    }

    /// Goal: a slab that is hardly touched costs address space and not memory: with one of 1 GiB,
    /// the process has far less than that resident.
    #[test]
    fn large_slabs_are_committed_by_touch() {
        let slab = Slab::<AtomicU64>::new(1 << 27);
        slab[(1 << 27) - 1].store(1, Relaxed);
        assert_eq!(slab[0].load(Relaxed), 0);
        let resident = crate::memory::resident_bytes(std::process::id());
        assert!(
            (1..1 << 30).contains(&resident),
            "resident: {resident} bytes"
        );
    }
}
