//! What gcstorm does for a library: the functions behind `gcstorm_host`.

use std::ffi::c_void;

use super::table::{Host, NO_FINALIZER, WITNESS};
use crate::heap::{Cause, Finalizer, Global, Pauses, Tag};

/// The same for all libraries.
pub(super) static HOST: Host = Host {
    size: size_of::<Host>(),
    died,
    finalize,
    hold,
    release,
};

/// A finalizer as a library knows it.
pub(super) fn number_of(finalizer: Finalizer) -> i32 {
    match finalizer {
        Finalizer::Witness => WITNESS,
        Finalizer::Resurrect(global) => i32::from(global.0),
    }
}

fn finalizer_of(number: i32) -> Option<Finalizer> {
    match number {
        NO_FINALIZER => None,
        WITNESS => Some(Finalizer::Witness),
        global => u16::try_from(global)
            .ok()
            .map(|global| Finalizer::Resurrect(Global(global))),
    }
}

extern "C" fn died(tag: u64) {
    drop(Tag::from_bits(tag));
}

extern "C" fn finalize(tag: u64, finalizer: i32) -> i32 {
    let run = |finalizer: Finalizer| finalizer.run(Tag::id_of_bits(tag));
    finalizer_of(finalizer)
        .and_then(run)
        .map_or(-1, |global| i32::from(global.0))
}

/// The answer says whether there is anything to release.
///
/// # Safety
///
/// `pauses` is from the configuration of a heap that is not closed.
unsafe extern "C" fn hold(pauses: *const c_void, cause: u32) -> u32 {
    // SAFETY: that of a heap that is open.
    let pauses = unsafe { &*pauses.cast::<Pauses>() };
    let cause = Cause::ALL.get(cause as usize).copied();
    cause.map_or(0, |cause| u32::from(pauses.hold(cause).leave_open()))
}

/// # Safety
///
/// As for [`hold`].
unsafe extern "C" fn release(pauses: *const c_void, held: u32) {
    // SAFETY: that of a heap that is open.
    let pauses = unsafe { &*pauses.cast::<Pauses>() };
    if held != 0 {
        drop(pauses.left_open());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::heap::Shape;
    use crate::heap::tag::{Life, OwnedSegment};

    /// Goal: a library is told where its object is to be resurrected, and what it says of it is recorded.
    #[test]
    fn finalizers_and_deaths_are_recorded() {
        let mut births = OwnedSegment::take(0, 0).expect("a segment is free");
        for (finalizer, published) in [
            (Finalizer::Witness, -1),
            (Finalizer::Resurrect(Global(3)), 3),
        ] {
            let tag = births
                .birth_with_finalizer(Shape::Node)
                .expect("there is room")
                .into_bits();
            let id = Tag::id_of_bits(tag);
            assert_eq!((HOST.finalize)(tag, number_of(finalizer)), published);
            assert_eq!(id.state(), Life::Finalized);
            (HOST.died)(tag);
            assert_eq!(id.state(), Life::Dead);
        }
    }

    /// Goal: an object without a finalizer is not said to have had one.
    #[test]
    fn without_a_finalizer_nothing_runs() {
        let mut births = OwnedSegment::take(0, 0).expect("a segment is free");
        let tag = births
            .birth(Shape::Leaf)
            .expect("there is room")
            .into_bits();
        assert_eq!((HOST.finalize)(tag, NO_FINALIZER), -1);
        assert_eq!(Tag::id_of_bits(tag).state(), Life::Alive);
        (HOST.died)(tag);
    }

    /// Goal: a hold that a library begins and ends is that of the seated thread.
    #[test]
    fn holds_are_noted() {
        let pauses = Pauses::default();
        let seat = pauses.seat(0);
        let handle = (&raw const pauses).cast();
        // SAFETY: the pauses outlive both calls.
        let held = unsafe { (HOST.hold)(handle, Cause::Epoch as u32) };
        // SAFETY: as above.
        unsafe { (HOST.release)(handle, held) };
        drop(seat);
        assert_eq!(pauses.histogram(Cause::Epoch).len(), 1);
    }
}
