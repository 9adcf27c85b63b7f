//! A heap in a shared library, written in any language against the C interface of `gcstorm.h`.
//!
//! A library is a table of functions ([`Table`]). It keeps objects; their tags are 64 bits to it. What it
//! must do for the harness is to say `died(tag)`. So what judges it is the same as for any other heap, and
//! an operation costs one indirect call more than one of a heap in Rust (`benches/foreign`).
//!
//! **What can go wrong.** A library may do anything that a process may do. Before it is used, only its
//! version and the functions that it must have are looked at. The command runs it in a process of its own.
//!
//! **Which thread.** A library that announces `GCSTORM_THREADS` is called by each mutator on that
//! mutator's thread. One that announces `GCSTORM_ONE_THREAD` is run by [`Owned`](super::Owned), which
//! makes all calls on one thread; whoever opens the heap asks [`Library::wants_one_thread`].

#![expect(unsafe_code, reason = "a shared library is called")]

#[cfg(test)]
mod agreement;
mod host;
mod library;
mod mutator;
mod table;

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::{
    Belief, Caps, Census, Defect, Gauge, Heap, HeapConfig, Pauses, Seat, Stats, Tag, Upkeep,
};
use host::HOST;
pub use mutator::ForeignMutator;
use table::Calls;
pub use table::{
    Config, EMPTY, Figures, Host, NO_FINALIZER, NOTHING, OBJECT, STALE, Table, UNKNOWN, VERSION,
    Visit, WITNESS, ability,
};

/// The text of `gcstorm.h`.
pub const HEADER: &str = include_str!("gcstorm.h");

/// A shared library whose table was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Library {
    table: Table,
    calls: Calls,
}

impl Library {
    /// Loads the library at this path. It stays loaded until the process ends.
    ///
    /// # Errors
    ///
    /// It cannot be loaded, or is no heap of this version.
    pub(crate) fn load(path: &Path) -> Result<Self, Defect> {
        let library = library::load(path).and_then(|table| {
            let calls = Calls::of(&table)?;
            Ok(Self { table, calls })
        });
        library.map_err(|why| Defect::Other {
            message: format!("{} is not a heap: {why}", path.display()),
        })
    }

    /// A table that is part of this program.
    ///
    /// # Errors
    ///
    /// A function is missing that it must have.
    ///
    /// # Safety
    ///
    /// The functions keep to `gcstorm.h`.
    pub unsafe fn of(table: Table) -> Result<Self, Defect> {
        let calls = Calls::of(&table).map_err(|message| Defect::Other { message })?;
        Ok(Self { table, calls })
    }

    /// Whether all calls must come from one thread.
    pub fn wants_one_thread(&self) -> bool {
        self.table.abilities & ability::ONE_THREAD != 0
    }
}

/// A heap of a shared library.
pub struct Foreign {
    calls: Calls,
    caps: Caps,
    has_census: bool,
    heap: *mut c_void,
    /// Mutators that are not detached yet: counted by `ForeignMutator`, looked at when the heap is dropped.
    attached: AtomicU32,
    /// What the library was given pointers to.
    _text: CString,
    _pauses: Arc<Pauses>,
}

// SAFETY: gcstorm.h says which functions are called from any thread, and a library whose calls must come
// from one thread says so and is opened by `Owned`.
unsafe impl Send for Foreign {}
// SAFETY: as above.
unsafe impl Sync for Foreign {}

impl Foreign {
    /// Opens a heap of the library, which gets `text`.
    ///
    /// # Errors
    ///
    /// The library says what is wrong.
    pub fn open(library: Library, text: &str, config: &HeapConfig) -> Result<Self, Defect> {
        let text = CString::new(text).map_err(|_| Defect::Other {
            message: "the text for the library contains a zero byte".to_owned(),
        })?;
        let given = Config {
            size: size_of::<Config>(),
            capacity: config.capacity,
            globals: u32::from(config.globals),
            nursery: config.nursery,
            switch_interval_ns: u64::try_from(config.switch_interval.as_nanos())
                .unwrap_or(u64::MAX),
            within_calls: u32::from(config.upkeep == Upkeep::WithinCalls),
            host: &raw const HOST,
            pauses: Arc::as_ptr(&config.pauses).cast(),
            text: text.as_ptr(),
        };
        let mut heap = null_mut();
        // SAFETY: both pointers are valid for the call, and what the first leads to until `close`.
        let said = unsafe { (library.calls.open)(&raw const given, &raw mut heap) };
        // SAFETY: what it said is text.
        unsafe { well(said) }?;
        Ok(Self {
            calls: library.calls,
            caps: library.table.caps(),
            has_census: library.table.census.is_some(),
            heap,
            attached: AtomicU32::new(0),
            _text: text,
            _pauses: Arc::clone(&config.pauses),
        })
    }

    fn figures(&self) -> Figures {
        let mut figures = Figures {
            size: size_of::<Figures>(),
            collections: UNKNOWN,
            full_collections: UNKNOWN,
            cycles_freed: UNKNOWN,
            unreclaimed_peak: UNKNOWN,
            contended: UNKNOWN,
            unreclaimed: UNKNOWN,
        };
        // SAFETY: the heap is open, and the pointer is valid for the call.
        unsafe { (self.calls.stats)(self.heap, &raw mut figures) };
        figures
    }
}

/// What a library said, as an error; nothing if all is well.
///
/// # Safety
///
/// The pointer is null or leads to text that ends with a zero byte.
unsafe fn well(said: *const c_char) -> Result<(), Defect> {
    if said.is_null() {
        return Ok(());
    }
    // SAFETY: it is not null.
    let text = unsafe { CStr::from_ptr(said) };
    Err(Defect::Other {
        message: text.to_string_lossy().into_owned(),
    })
}

fn known(figure: u64) -> Option<u64> {
    (figure != UNKNOWN).then_some(figure)
}

/// What is called for each object in a census.
struct Visitor<'v> {
    visit: &'v mut dyn FnMut(Belief),
    living: u64,
}

unsafe extern "C" fn visited(context: *mut c_void, tag: u64, count: u64) {
    // SAFETY: the context is what `census` gave, and nobody else uses it meanwhile.
    let visitor = unsafe { &mut *context.cast::<Visitor<'_>>() };
    visitor.living += 1;
    (visitor.visit)(Belief {
        id: Tag::id_of_bits(tag),
        count,
    });
}

impl Heap for Foreign {
    type Mutator<'h> = ForeignMutator<'h>;

    fn caps(&self) -> Caps {
        self.caps
    }

    fn attach(&self, seat: Seat) -> Result<ForeignMutator<'_>, Defect> {
        let mut mutator = null_mut();
        // SAFETY: the heap is open, and the pointer is valid for the call.
        let said =
            unsafe { (self.calls.attach)(self.heap, seat.number, seat.slots, &raw mut mutator) };
        // SAFETY: what it said is text.
        unsafe { well(said) }?;
        // SAFETY: this library has just attached it.
        Ok(unsafe { ForeignMutator::new(&self.calls, mutator, &self.attached) })
    }

    fn settle(&self) -> Result<(), Defect> {
        // SAFETY: the heap is open.
        let said = unsafe { (self.calls.settle)(self.heap) };
        // SAFETY: what it said is text.
        unsafe { well(said) }
    }

    fn census(&self, visit: &mut dyn FnMut(Belief)) -> Option<Census> {
        if !self.has_census {
            return None;
        }
        let mut visitor = Visitor { visit, living: 0 };
        let context = (&raw mut visitor).cast();
        // SAFETY: the heap is open, and the context is valid for the call.
        unsafe { (self.calls.census)(self.heap, visited, context) };
        Some(Census {
            living: visitor.living,
            ..Census::default()
        })
    }

    fn stats(&self) -> Stats {
        let figures = self.figures();
        Stats {
            collections: known(figures.collections),
            full_collections: known(figures.full_collections),
            cycles_freed: known(figures.cycles_freed),
            unreclaimed_peak: known(figures.unreclaimed_peak),
            contended: known(figures.contended),
            ..Stats::default()
        }
    }

    fn gauge(&self) -> Gauge {
        let figures = self.figures();
        Gauge {
            unreclaimed: known(figures.unreclaimed),
            collections: known(figures.collections).unwrap_or(0),
        }
    }
}

impl Drop for Foreign {
    /// A heap whose mutators were forgotten, and so never detached, is never closed.
    fn drop(&mut self) {
        if self.attached.load(SeqCst) == 0 {
            // SAFETY: the heap is open, and all mutators are detached.
            unsafe { (self.calls.close)(self.heap) };
        }
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign").finish_non_exhaustive()
    }
}
