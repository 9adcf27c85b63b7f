//! The C interface on trial: tables whose functions receive one argument wrongly, as they would if what
//! calls them passed it on wrongly. Random programs tell each of them from the sound one.

#![expect(unsafe_code, reason = "they call the functions of another table")]

use std::ffi::{c_int, c_void};
use std::panic::catch_unwind;

use gcstorm::conformance::step_through;
use gcstorm::heap::HeapConfig;
use gcstorm::heap::foreign::{Foreign, Library, NO_FINALIZER, NOTHING, Table};

use crate::foreign::Gil;
use crate::mirror;

/// Tables in each of which one function hands other arguments to the sound one of its name.
macro_rules! bent {
    ($($what:literal $name:ident($($arg:ident: $of:ty),*) as ($($given:expr),*) $(-> $answer:ty)?;)*) => {
        fn bent() -> Vec<(&'static str, Table)> {
            vec![$({
                unsafe extern "C" fn $name(mutator: *mut c_void, $($arg: $of),*) $(-> $answer)? {
                    let sound = mirror::table::<Gil>().$name.expect("the mirror has all");
                    // SAFETY: registers and roots are others that there are.
                    unsafe { sound(mutator, $($given),*) }
                }
                ($what, Table { $name: Some($name), ..mirror::table::<Gil>() })
            }),*]
        }
    };
}

bent! {
    "alloc: another register" alloc(_dst: u32, shape: u32, tag: u64, finalizer: i32)
        as (0, shape, tag, finalizer) -> c_int;
    "alloc: another shape" alloc(dst: u32, _shape: u32, tag: u64, finalizer: i32)
        as (dst, 0, tag, finalizer) -> c_int;
    "alloc: no finalizer" alloc(dst: u32, shape: u32, tag: u64, _finalizer: i32)
        as (dst, shape, tag, NO_FINALIZER) -> c_int;
    "copy: back" copy(dst: u32, src: u32) as (src, dst);
    "clear: another register" clear(_slot: u32) as (0);
    "load: back" load(dst: u32, obj: u32, field: u32) as (obj, dst, field);
    "load: the other field" load(dst: u32, obj: u32, field: u32) as (dst, obj, 1 - field);
    "store: the other field" store(obj: u32, field: u32, val: u32) as (obj, 1 - field, val);
    "store: into what is stored" store(obj: u32, field: u32, val: u32)
        as (if val == NOTHING { obj } else { val }, field, if val == NOTHING { val } else { obj });
    "store: nothing" store(obj: u32, field: u32, _val: u32) as (obj, field, NOTHING);
    "peek: another register" peek(_slot: u32, tag: *mut u64) as (0, tag) -> c_int;
    "append: back" append(list: u32, val: u32) as (val, list) -> c_int;
    "len: another register" len(_list: u32) as (0) -> u64;
    "get: back" get(dst: u32, list: u32, index: u64) as (list, dst, index) -> c_int;
    "get: the next" get(dst: u32, list: u32, index: u64) as (dst, list, index + 1) -> c_int;
    "set: back" set(list: u32, index: u64, val: u32) as (val, index, list) -> c_int;
    "set: the next" set(list: u32, index: u64, val: u32) as (list, index + 1, val) -> c_int;
    "pop: back" pop(dst: u32, list: u32) as (list, dst) -> c_int;
    "truncate_front: one more" truncate_front(list: u32, count: u64) as (list, count + 1);
    "truncate_front: another register" truncate_front(_list: u32, count: u64) as (0, count);
    "truncate_back: one more" truncate_back(list: u32, count: u64) as (list, count + 1);
    "truncate_back: another register" truncate_back(_list: u32, count: u64) as (0, count);
    "add: less" add(counter: u32, by: i64) as (counter, by.wrapping_neg());
    "add: another register" add(_counter: u32, by: i64) as (0, by);
    "read: another register" read(_counter: u32) as (0) -> i64;
    "write: another number" write(counter: u32, value: i64) as (counter, !value);
    "write: another register" write(_counter: u32, value: i64) as (0, value);
    "publish: another register" publish(global: u32, _src: u32) as (global, 0);
    "publish: another root" publish(_global: u32, src: u32) as (0, src);
    "fetch: another register" fetch(_dst: u32, global: u32) as (0, global) -> c_int;
    "fetch: another root" fetch(dst: u32, _global: u32) as (dst, 0) -> c_int;
    "downgrade: back" downgrade(dst: u32, src: u32) as (src, dst);
    "upgrade: back" upgrade(dst: u32, weak: u32) as (weak, dst) -> c_int;
}

/// Goal: an argument that does not arrive as it was given is found, whichever it is.
#[test]
fn wrong_arguments_are_found() {
    for (what, table) in bent() {
        let open = move |config: &HeapConfig| {
            // SAFETY: they keep to gcstorm.h.
            let library = unsafe { Library::of(table) };
            Foreign::open(library?, "", config)
        };
        assert!(catch_unwind(|| step_through(open)).is_err(), "{what}");
    }
}
