//! The registers of a thread that a signal has stopped, on the processors whose order of them is known
//! here.

#![expect(
    unsafe_code,
    reason = "the system hands over registers behind a pointer"
)]

use std::ffi::c_void;

/// Where a thread was, and the end of its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) code: usize,
    pub(super) stack: usize,
    /// Where it goes back to, if a register has that.
    #[cfg(target_arch = "aarch64")]
    link: usize,
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    /// Those in what a handler is given.
    pub(super) fn of(context: *mut c_void) -> Option<Self> {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: it is what the system gave to the handler, and nobody else uses it.
        let all = unsafe { &(*context).uc_mcontext.gregs };
        let register =
            |at: i32| usize::try_from(all[usize::try_from(at).ok()?].cast_unsigned()).ok();
        Some(Self {
            code: register(libc::REG_RIP)?,
            stack: register(libc::REG_RSP)?,
        })
    }

    /// From now on the thread is there.
    pub(super) fn put_into(&self, context: *mut c_void) {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: it is what the system gave to the handler, and nobody else uses it.
        let all = unsafe { &mut (*context).uc_mcontext.gregs };
        for (at, value) in [(libc::REG_RIP, self.code), (libc::REG_RSP, self.stack)] {
            if let Some(place) = usize::try_from(at).ok().and_then(|at| all.get_mut(at)) {
                *place = (value as u64).cast_signed();
            }
        }
    }

    /// Where it was before the call that it has just made. Its stack has to be readable.
    pub(super) fn before_call(&self) -> Self {
        // SAFETY: the caller has seen that the stack is mapped; a call puts there where it came from.
        let back = unsafe { (self.stack as *const usize).read_unaligned() };
        Self {
            code: back.wrapping_sub(1),
            stack: self.stack.wrapping_add(size_of::<usize>()),
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    /// Those in what a handler is given.
    pub(super) fn of(context: *mut c_void) -> Option<Self> {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: it is what the system gave to the handler, and nobody else uses it.
        let all = unsafe { &(*context).uc_mcontext };
        Some(Self {
            code: usize::try_from(all.pc).ok()?,
            stack: usize::try_from(all.sp).ok()?,
            link: usize::try_from(all.regs[30]).ok()?,
        })
    }

    /// From now on the thread is there.
    pub(super) fn put_into(&self, context: *mut c_void) {
        let context = context.cast::<libc::ucontext_t>();
        // SAFETY: it is what the system gave to the handler, and nobody else uses it.
        let all = unsafe { &mut (*context).uc_mcontext };
        (all.pc, all.sp) = (self.code as u64, self.stack as u64);
    }

    /// Where it was before the call that it has just made.
    pub(super) fn before_call(&self) -> Self {
        Self {
            code: self.link.wrapping_sub(4),
            ..*self
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Registers {
    /// `None`: they are not known here, and the handler's own calls are shown with the others.
    pub(super) fn of(_: *mut c_void) -> Option<Self> {
        None
    }

    /// Never called.
    pub(super) fn put_into(&self, _: *mut c_void) {}

    /// Never called.
    pub(super) fn before_call(&self) -> Self {
        *self
    }
}
