//! A heap of this crate behind the C interface: the same heap, called through a table.

#![expect(unsafe_code, reason = "it is the other side of a C interface")]

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null;
use std::sync::Arc;
use std::time::Duration;

use gcstorm::heap::foreign::{
    Config, EMPTY, Figures, Foreign, Library, NO_FINALIZER, NOTHING, OBJECT, STALE, Table, VERSION,
    WITNESS, ability,
};
use gcstorm::heap::{
    Defect, Field, Finalizer, Global, Heap, HeapConfig, Mutator, Pauses, Peek, Seat, Shape, Slot,
    Tag, Upkeep,
};

/// A heap that can be opened without more ado.
pub(crate) trait Source {
    type Heap: Heap + Sync + 'static;
    fn open(config: &HeapConfig) -> Self::Heap;
}

/// Opens the heap behind its table.
pub(crate) fn open<S: Source>(config: &HeapConfig) -> Result<Foreign, Defect> {
    // SAFETY: the functions below keep to gcstorm.h.
    let library = unsafe { Library::of(table::<S>()) };
    Foreign::open(library?, "", config)
}

/// A mutator as a library has it. It borrows the heap, which is closed later than it is detached.
type Attached<S> = <<S as Source>::Heap as Heap>::Mutator<'static>;

/// # Safety
///
/// `mutator` was made by `attach::<S>`, and is used by this thread only.
unsafe fn at<'m, S: Source>(mutator: *mut c_void) -> &'m mut Attached<S> {
    // SAFETY: as the caller says.
    unsafe { &mut *mutator.cast::<Attached<S>>() }
}

/// # Safety
///
/// `heap` was made by `open_heap::<S>`, and is not closed yet.
unsafe fn heap_at<S: Source>(heap: *mut c_void) -> &'static S::Heap {
    // SAFETY: as the caller says.
    unsafe { &*heap.cast::<S::Heap>() }
}

fn said(done: Result<(), Defect>) -> *const c_char {
    match done {
        Ok(()) => null(),
        // Leaked, so that it stays as long as anybody may look at it.
        Err(defect) => {
            let text = std::ffi::CString::new(defect.to_string());
            text.expect("there is no zero in it").into_raw()
        }
    }
}

unsafe extern "C" fn open_heap<S: Source>(
    config: *const Config,
    heap: *mut *mut c_void,
) -> *const c_char {
    // SAFETY: it is valid for this call.
    let config = unsafe { &*config };
    let pauses = config.pauses.cast::<Pauses>();
    // SAFETY: the harness keeps them in an `Arc`, longer than this heap.
    unsafe { Arc::increment_strong_count(pauses) };
    let config = HeapConfig {
        globals: u16::try_from(config.globals).expect("it was one"),
        switch_interval: Duration::from_nanos(config.switch_interval_ns),
        // SAFETY: this is the count that was just added.
        pauses: unsafe { Arc::from_raw(pauses) },
        upkeep: match config.within_calls {
            0 => Upkeep::ByItself,
            _ => Upkeep::WithinCalls,
        },
        nursery: config.nursery,
        ..HeapConfig::with_capacity(config.capacity)
    };
    let opened = Box::into_raw(Box::new(S::open(&config)));
    // SAFETY: it is valid for this call.
    unsafe { heap.write(opened.cast()) };
    null()
}

unsafe extern "C" fn close<S: Source>(heap: *mut c_void) {
    // SAFETY: `open_heap` made it, and nobody uses it any more.
    drop(unsafe { Box::from_raw(heap.cast::<S::Heap>()) });
}

unsafe extern "C" fn attach<S: Source>(
    heap: *mut c_void,
    number: u32,
    slots: u32,
    mutator: *mut *mut c_void,
) -> *const c_char {
    // SAFETY: it is open.
    let heap = unsafe { heap_at::<S>(heap) };
    said(heap.attach(Seat { number, slots }).map(|attached| {
        let attached: *mut Attached<S> = Box::into_raw(Box::new(attached));
        // SAFETY: it is valid for this call.
        unsafe { mutator.write(attached.cast()) };
    }))
}

unsafe extern "C" fn detach<S: Source>(mutator: *mut c_void) {
    // SAFETY: `attach` made it, and nobody uses it any more.
    drop(unsafe { Box::from_raw(mutator.cast::<Attached<S>>()) });
}

unsafe extern "C" fn settle<S: Source>(heap: *mut c_void) -> *const c_char {
    // SAFETY: it is open.
    said(unsafe { heap_at::<S>(heap) }.settle())
}

unsafe extern "C" fn stats<S: Source>(heap: *mut c_void, figures: *mut Figures) {
    // SAFETY: it is open.
    let heap = unsafe { heap_at::<S>(heap) };
    // SAFETY: it is valid for this call.
    let figures = unsafe { &mut *figures };
    figures.unreclaimed = heap.gauge().unreclaimed.unwrap_or(figures.unreclaimed);
    figures.collections = heap.gauge().collections;
}

unsafe extern "C" fn alloc<S: Source>(
    mutator: *mut c_void,
    dst: u32,
    shape: u32,
    tag: u64,
    finalizer: i32,
) -> c_int {
    // SAFETY: it is attached to this thread.
    let mutator = unsafe { at::<S>(mutator) };
    let shape = Shape::ALL[shape as usize];
    let tag = Tag::from_bits(tag);
    let id = tag.id();
    let made = match finalizer {
        NO_FINALIZER => mutator.alloc(Slot(dst), shape, tag),
        WITNESS => mutator.alloc_with_finalizer(Slot(dst), shape, tag, Finalizer::Witness),
        global => {
            let global = Global(u16::try_from(global).expect("a shared root"));
            mutator.alloc_with_finalizer(Slot(dst), shape, tag, Finalizer::Resurrect(global))
        }
    };
    // A heap in Rust that has no room drops the tag, and then the harness would drop it again.
    assert!(made.is_ok(), "the tests leave room: {id:?}");
    1
}

unsafe extern "C" fn peek<S: Source>(mutator: *mut c_void, slot: u32, tag: *mut u64) -> c_int {
    // SAFETY: it is attached to this thread.
    match unsafe { at::<S>(mutator) }.peek(Slot(slot)) {
        Peek::Empty => EMPTY,
        Peek::Stale => STALE,
        Peek::Object(id) => {
            // SAFETY: it is valid for this call.
            unsafe { tag.write(id.bits()) };
            OBJECT
        }
    }
}

unsafe extern "C" fn store<S: Source>(mutator: *mut c_void, obj: u32, field: u32, val: u32) {
    let val = (val != NOTHING).then_some(Slot(val));
    // SAFETY: it is attached to this thread.
    unsafe { at::<S>(mutator) }.store(Slot(obj), field_of(field), val);
}

unsafe extern "C" fn safepoint<S: Source>(mutator: *mut c_void) -> *const c_char {
    // SAFETY: it is attached to this thread.
    said(unsafe { at::<S>(mutator) }.safepoint())
}

fn field_of(field: u32) -> Field {
    Field(u8::try_from(field).expect("a node has two"))
}

fn global_of(global: u32) -> Global {
    Global(u16::try_from(global).expect("there are fewer"))
}

/// Operations that pass their arguments on, made into what the mutator takes.
macro_rules! passed_on {
    ($($name:ident($($arg:ident: $of:ty => $given:expr),*) $(-> $answer:ty, $told:path)?;)*) => {
        $(unsafe extern "C" fn $name<S: Source>(
            mutator: *mut c_void,
            $($arg: $of),*
        ) $(-> $answer)? {
            // SAFETY: it is attached to this thread.
            let answer = unsafe { at::<S>(mutator) }.$name($($given),*);
            $(let answer = $told(answer);)?
            answer
        })*
    };
}

passed_on! {
    copy(dst: u32 => Slot(dst), src: u32 => Slot(src));
    clear(slot: u32 => Slot(slot));
    load(dst: u32 => Slot(dst), obj: u32 => Slot(obj), field: u32 => field_of(field));
    rest();
    wake();
    collect();
    append(list: u32 => Slot(list), val: u32 => Slot(val)) -> c_int, c_int::from;
    len(list: u32 => Slot(list)) -> u64, u64::from;
    get(dst: u32 => Slot(dst), list: u32 => Slot(list), index: u64 => index)
        -> c_int, c_int::from;
    set(list: u32 => Slot(list), index: u64 => index, val: u32 => Slot(val))
        -> c_int, c_int::from;
    pop(dst: u32 => Slot(dst), list: u32 => Slot(list)) -> c_int, c_int::from;
    truncate_front(list: u32 => Slot(list), count: u64 => count);
    truncate_back(list: u32 => Slot(list), count: u64 => count);
    add(counter: u32 => Slot(counter), by: i64 => by);
    read(counter: u32 => Slot(counter)) -> i64, i64::from;
    write(counter: u32 => Slot(counter), value: i64 => value);
    publish(global: u32 => global_of(global), src: u32 => Slot(src));
    fetch(dst: u32 => Slot(dst), global: u32 => global_of(global)) -> c_int, c_int::from;
    downgrade(dst: u32 => Slot(dst), src: u32 => Slot(src));
    upgrade(dst: u32 => Slot(dst), weak: u32 => Slot(weak)) -> c_int, c_int::from;
}

/// The table of a heap that can do everything.
pub(crate) fn table<S: Source>() -> Table {
    Table {
        version: VERSION,
        size: size_of::<Table>(),
        abilities: ability::THREADS
            | ability::CYCLES
            | ability::LISTS
            | ability::COUNTERS
            | ability::GLOBALS
            | ability::WEAK
            | ability::FINALIZERS
            | ability::CERTIFIES_DEATH,
        open: Some(open_heap::<S>),
        close: Some(close::<S>),
        attach: Some(attach::<S>),
        detach: Some(detach::<S>),
        settle: Some(settle::<S>),
        stats: Some(stats::<S>),
        census: None,
        alloc: Some(alloc::<S>),
        copy: Some(copy::<S>),
        clear: Some(clear::<S>),
        load: Some(load::<S>),
        store: Some(store::<S>),
        peek: Some(peek::<S>),
        safepoint: Some(safepoint::<S>),
        rest: Some(rest::<S>),
        wake: Some(wake::<S>),
        collect: Some(collect::<S>),
        append: Some(append::<S>),
        len: Some(len::<S>),
        get: Some(get::<S>),
        set: Some(set::<S>),
        pop: Some(pop::<S>),
        truncate_front: Some(truncate_front::<S>),
        truncate_back: Some(truncate_back::<S>),
        add: Some(add::<S>),
        read: Some(read::<S>),
        write: Some(write::<S>),
        publish: Some(publish::<S>),
        fetch: Some(fetch::<S>),
        downgrade: Some(downgrade::<S>),
        upgrade: Some(upgrade::<S>),
    }
}
