//! The calls that led to a place, as addresses. After the first time this allocates nothing.

#![expect(unsafe_code, reason = "the unwinder is a library in C")]

use std::ffi::{c_int, c_void};

unsafe extern "C" {
    // Of the unwinder that the standard library is linked with.
    fn _Unwind_Backtrace(
        each: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIPInfo(context: *mut c_void, is_before: *mut c_int) -> usize;
}

/// The calls that led here, the innermost first; returns how many there are.
pub(super) fn unwind(frames: &mut [usize]) -> usize {
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
