//! Forwarding of a mutator's operations, so that a wrapper writes down only what it changes.

use super::Mutator;

/// Forwards the named methods of [`Mutator`](crate::heap::Mutator) to the mutator inside a wrapper:
///
/// ```ignore
/// forward_mutator!(self => self.inner; alloc copy clear load store peek safepoint);
/// ```
///
/// The macro knows the signature of each method; this is the only place that repeats them.
#[macro_export]
macro_rules! forward_mutator {
    ($this:ident => $inner:expr; $($method:ident)*) => {
        $($crate::forward_mutator!(@ $this $inner; $method);)*
    };
    (@ $this:ident $inner:expr; alloc) => {
        $crate::forward_mutator!(@ $this $inner; alloc(dst: $crate::heap::Slot, shape: $crate::heap::Shape, tag: $crate::heap::Tag) -> Result<(), $crate::heap::OutOfMemory>);
    };
    (@ $this:ident $inner:expr; alloc_with_finalizer) => {
        $crate::forward_mutator!(@ $this $inner; alloc_with_finalizer(dst: $crate::heap::Slot, shape: $crate::heap::Shape, tag: $crate::heap::Tag, finalizer: $crate::heap::Finalizer) -> Result<(), $crate::heap::OutOfMemory>);
    };
    (@ $this:ident $inner:expr; copy) => {
        $crate::forward_mutator!(@ $this $inner; copy(dst: $crate::heap::Slot, src: $crate::heap::Slot) -> ());
    };
    (@ $this:ident $inner:expr; clear) => {
        $crate::forward_mutator!(@ $this $inner; clear(slot: $crate::heap::Slot) -> ());
    };
    (@ $this:ident $inner:expr; load) => {
        $crate::forward_mutator!(@ $this $inner; load(dst: $crate::heap::Slot, obj: $crate::heap::Slot, field: $crate::heap::Field) -> ());
    };
    (@ $this:ident $inner:expr; store) => {
        $crate::forward_mutator!(@ $this $inner; store(obj: $crate::heap::Slot, field: $crate::heap::Field, val: Option<$crate::heap::Slot>) -> ());
    };
    (@ $this:ident $inner:expr; peek) => {
        $crate::forward_mutator!(@ $this $inner; peek(slot: $crate::heap::Slot) -> $crate::heap::Peek);
    };
    (@ $this:ident $inner:expr; safepoint) => {
        $crate::forward_mutator!(@ $this $inner; safepoint() -> Result<(), $crate::heap::Defect>);
    };
    (@ $this:ident $inner:expr; rest) => {
        $crate::forward_mutator!(@ $this $inner; rest() -> ());
    };
    (@ $this:ident $inner:expr; wake) => {
        $crate::forward_mutator!(@ $this $inner; wake() -> ());
    };
    (@ $this:ident $inner:expr; idle) => {
        $crate::forward_mutator!(@ $this $inner; idle(wait: &mut dyn FnMut()) -> ());
    };
    (@ $this:ident $inner:expr; hand_over) => {
        $crate::forward_mutator!(@ $this $inner; hand_over(work: &mut $crate::heap::Errand<'_>) -> bool);
    };
    (@ $this:ident $inner:expr; collect) => {
        $crate::forward_mutator!(@ $this $inner; collect() -> ());
    };
    (@ $this:ident $inner:expr; append) => {
        $crate::forward_mutator!(@ $this $inner; append(list: $crate::heap::Slot, val: $crate::heap::Slot) -> bool);
    };
    (@ $this:ident $inner:expr; len) => {
        $crate::forward_mutator!(@ $this $inner; len(list: $crate::heap::Slot) -> u64);
    };
    (@ $this:ident $inner:expr; get) => {
        $crate::forward_mutator!(@ $this $inner; get(dst: $crate::heap::Slot, list: $crate::heap::Slot, index: u64) -> bool);
    };
    (@ $this:ident $inner:expr; set) => {
        $crate::forward_mutator!(@ $this $inner; set(list: $crate::heap::Slot, index: u64, val: $crate::heap::Slot) -> bool);
    };
    (@ $this:ident $inner:expr; pop) => {
        $crate::forward_mutator!(@ $this $inner; pop(dst: $crate::heap::Slot, list: $crate::heap::Slot) -> bool);
    };
    (@ $this:ident $inner:expr; truncate_front) => {
        $crate::forward_mutator!(@ $this $inner; truncate_front(list: $crate::heap::Slot, count: u64) -> ());
    };
    (@ $this:ident $inner:expr; truncate_back) => {
        $crate::forward_mutator!(@ $this $inner; truncate_back(list: $crate::heap::Slot, count: u64) -> ());
    };
    (@ $this:ident $inner:expr; add) => {
        $crate::forward_mutator!(@ $this $inner; add(counter: $crate::heap::Slot, by: i64) -> ());
    };
    (@ $this:ident $inner:expr; read) => {
        $crate::forward_mutator!(@ $this $inner; read(counter: $crate::heap::Slot) -> i64);
    };
    (@ $this:ident $inner:expr; write) => {
        $crate::forward_mutator!(@ $this $inner; write(counter: $crate::heap::Slot, value: i64) -> ());
    };
    (@ $this:ident $inner:expr; publish) => {
        $crate::forward_mutator!(@ $this $inner; publish(global: $crate::heap::Global, src: $crate::heap::Slot) -> ());
    };
    (@ $this:ident $inner:expr; fetch) => {
        $crate::forward_mutator!(@ $this $inner; fetch(dst: $crate::heap::Slot, global: $crate::heap::Global) -> bool);
    };
    (@ $this:ident $inner:expr; downgrade) => {
        $crate::forward_mutator!(@ $this $inner; downgrade(dst: $crate::heap::Slot, src: $crate::heap::Slot) -> ());
    };
    (@ $this:ident $inner:expr; upgrade) => {
        $crate::forward_mutator!(@ $this $inner; upgrade(dst: $crate::heap::Slot, weak: $crate::heap::Slot) -> bool);
    };
    (@ $this:ident $inner:expr; $method:ident($($name:ident: $type:ty),*) -> $answer:ty) => {
        #[inline]
        fn $method(&mut $this $(, $name: $type)*) -> $answer {
            $crate::heap::Mutator::$method(&mut $inner $(, $name)*)
        }
    };
}

impl<M: Mutator + ?Sized> Mutator for Box<M> {
    forward_mutator!(self => **self;
        alloc alloc_with_finalizer copy clear load store peek safepoint rest
        wake idle hand_over collect append len get set pop truncate_front
        truncate_back add read write publish fetch downgrade upgrade);
}

impl<M: Mutator + ?Sized> Mutator for &mut M {
    forward_mutator!(self => **self;
        alloc alloc_with_finalizer copy clear load store peek safepoint rest
        wake idle hand_over collect append len get set pop truncate_front
        truncate_back add read write publish fetch downgrade upgrade);
}
