//! The structures of `gcstorm.h`, field by field. That file says what each is for, and `agreement`
//! compares it with what a C compiler makes of it.

#![expect(missing_docs, reason = "gcstorm.h says what each field is for")]

use std::ffi::{c_char, c_int, c_void};

use crate::heap::Caps;

/// `GCSTORM_VERSION`
pub const VERSION: u32 = 1;
/// `GCSTORM_NOTHING`
pub const NOTHING: u32 = u32::MAX;
/// `GCSTORM_NO_FINALIZER`
pub const NO_FINALIZER: i32 = -2;
/// `GCSTORM_WITNESS`
pub const WITNESS: i32 = -1;
/// `GCSTORM_EMPTY`
pub const EMPTY: c_int = 0;
/// `GCSTORM_OBJECT`
pub const OBJECT: c_int = 1;
/// `GCSTORM_STALE`
pub const STALE: c_int = 2;
/// `GCSTORM_UNKNOWN`
pub const UNKNOWN: u64 = u64::MAX;

/// What a library can do: the bits of [`Table::abilities`].
pub mod ability {
    pub const THREADS: u64 = 1 << 0;
    pub const CYCLES: u64 = 1 << 1;
    pub const LISTS: u64 = 1 << 2;
    pub const COUNTERS: u64 = 1 << 3;
    pub const GLOBALS: u64 = 1 << 4;
    pub const WEAK: u64 = 1 << 5;
    pub const FINALIZERS: u64 = 1 << 6;
    pub const CERTIFIES_DEATH: u64 = 1 << 7;
    pub const ONE_THREAD: u64 = 1 << 16;
    pub const ONE_PER_PROCESS: u64 = 1 << 17;
    pub const WEAK_SURVIVES: u64 = 1 << 18;
    /// Those that this version knows.
    pub(in super::super) const KNOWN: u64 = (CERTIFIES_DEATH * 2 - 1) | (ONE_THREAD * 7);
}

/// `gcstorm_host`
#[repr(C)]
#[derive(Debug)]
pub struct Host {
    pub size: usize,
    pub died: extern "C" fn(u64),
    pub finalize: extern "C" fn(u64, i32) -> i32,
    pub hold: unsafe extern "C" fn(*const c_void, u32) -> u32,
    pub release: unsafe extern "C" fn(*const c_void, u32),
}

/// `gcstorm_config`
#[repr(C)]
#[derive(Debug)]
pub struct Config {
    pub size: usize,
    pub capacity: u32,
    pub globals: u32,
    pub nursery: u32,
    pub switch_interval_ns: u64,
    pub within_calls: u32,
    pub host: *const Host,
    pub pauses: *const c_void,
    pub text: *const c_char,
}

/// `gcstorm_stats`
#[repr(C)]
#[derive(Debug)]
pub struct Figures {
    pub size: usize,
    pub collections: u64,
    pub full_collections: u64,
    pub cycles_freed: u64,
    pub unreclaimed_peak: u64,
    pub contended: u64,
    pub unreclaimed: u64,
}

/// `gcstorm_visit`
pub type Visit = unsafe extern "C" fn(*mut c_void, u64, u64);

/// Defines the table as it is in the library, and [`Calls`], in which no function is missing.
macro_rules! functions {
    ($($need:ident $name:ident($($of:ty),*) $(-> $answer:ty)?;)*) => {
        /// `gcstorm_table`
        #[repr(C)]
        #[derive(Debug, Clone, Copy)]
        pub struct Table {
            pub version: u32,
            pub size: usize,
            pub abilities: u64,
            $(pub $name: Option<unsafe extern "C" fn($($of),*) $(-> $answer)?>,)*
        }

        /// The functions of a library; one that it need not have, and has not, does nothing.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Calls {
            $(pub(super) $name: unsafe extern "C" fn($($of),*) $(-> $answer)?,)*
        }

        impl Calls {
            /// What is wrong with the table, if a function is missing that it must have.
            pub(super) fn of(table: &Table) -> Result<Self, String> {
                Ok(Self {
                    $($name: match table.$name {
                        Some(function) => function,
                        None if table.needs(Need::$need) => return Err(missing(stringify!($name))),
                        None => nothing::$name,
                    },)*
                })
            }
        }

        /// The functions, each with what it takes and answers, in order.
        #[cfg(test)]
        pub(super) const SIGNATURES: &[(&str, &[&str], &[&str])] = &[
            $((stringify!($name), &[$(stringify!($of)),*], &[$(stringify!($answer))?]),)*
        ];

        /// What stands in for a function that is missing.
        mod nothing {
            use super::*;

            $(pub(super) extern "C" fn $name($(_: $of),*) $(-> $answer)? {
                Default::default()
            })*
        }
    };
}

functions! {
    Always open(*const Config, *mut *mut c_void) -> *const c_char;
    Always close(*mut c_void);
    Always attach(*mut c_void, u32, u32, *mut *mut c_void) -> *const c_char;
    Always detach(*mut c_void);
    Always settle(*mut c_void) -> *const c_char;
    Never stats(*mut c_void, *mut Figures);
    Never census(*mut c_void, Visit, *mut c_void);
    Always alloc(*mut c_void, u32, u32, u64, i32) -> c_int;
    Always copy(*mut c_void, u32, u32);
    Always clear(*mut c_void, u32);
    Always load(*mut c_void, u32, u32, u32);
    Always store(*mut c_void, u32, u32, u32);
    Always peek(*mut c_void, u32, *mut u64) -> c_int;
    Never safepoint(*mut c_void) -> *const c_char;
    Never rest(*mut c_void);
    Never wake(*mut c_void);
    Never collect(*mut c_void);
    Lists append(*mut c_void, u32, u32) -> c_int;
    Lists len(*mut c_void, u32) -> u64;
    Lists get(*mut c_void, u32, u32, u64) -> c_int;
    Lists set(*mut c_void, u32, u64, u32) -> c_int;
    Lists pop(*mut c_void, u32, u32) -> c_int;
    Lists truncate_front(*mut c_void, u32, u64);
    Lists truncate_back(*mut c_void, u32, u64);
    Counters add(*mut c_void, u32, i64);
    Counters read(*mut c_void, u32) -> i64;
    Counters write(*mut c_void, u32, i64);
    Globals publish(*mut c_void, u32, u32);
    Globals fetch(*mut c_void, u32, u32) -> c_int;
    Weak downgrade(*mut c_void, u32, u32);
    Weak upgrade(*mut c_void, u32, u32) -> c_int;
}

/// When a library must have a function.
#[derive(Clone, Copy)]
enum Need {
    Always,
    Never,
    Lists,
    Counters,
    Globals,
    Weak,
}

fn missing(name: &str) -> String {
    format!("its table has no function `{name}`, which it must have for what it announces")
}

impl Table {
    /// What the library can do.
    pub(super) fn caps(&self) -> Caps {
        let can = |ability| self.abilities & ability != 0;
        Caps {
            threads: can(ability::THREADS),
            cycles: can(ability::CYCLES),
            lists: can(ability::LISTS),
            counters: can(ability::COUNTERS),
            globals: can(ability::GLOBALS),
            weak: can(ability::WEAK),
            finalizers: can(ability::FINALIZERS),
            weak_survives: can(ability::WEAK_SURVIVES),
            one_per_process: can(ability::ONE_PER_PROCESS),
            certifies_death: can(ability::CERTIFIES_DEATH),
        }
    }

    fn needs(&self, need: Need) -> bool {
        let caps = self.caps();
        match need {
            Need::Always => true,
            Need::Never => false,
            Need::Lists => caps.lists,
            Need::Counters => caps.counters,
            Need::Globals => caps.globals,
            Need::Weak => caps.weak,
        }
    }
}
