//! Loads a shared library and looks at its table before anything of it is used.

use std::error::Error as _;
use std::ffi::c_char;
use std::mem::{ManuallyDrop, MaybeUninit, offset_of};
use std::path::Path;

use libloading::Library;

use super::table::{Table, VERSION, ability};

/// The name of the function that a library exports.
const ENTRY: &[u8] = b"gcstorm_heap\0";

/// The table of the library at this path, which stays loaded until the process ends: its threads and its
/// text may outlive any heap.
///
/// # Errors
///
/// Says what is wrong with it.
pub(super) fn load(path: &Path) -> Result<Table, String> {
    // Without a slash, the system would look for the library in its own directories.
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    // SAFETY: what runs when a library is loaded is the library's; whoever named it asked for that.
    let library = unsafe { Library::new(path) };
    // What the system says is the error's source.
    let library = library.map_err(|error| match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    })?;
    let library = ManuallyDrop::new(library);
    // SAFETY: gcstorm.h says what this function is.
    let entry = unsafe { library.get::<unsafe extern "C" fn() -> *const Table>(ENTRY) };
    let entry = entry.map_err(|_| {
        "it exports no function `gcstorm_heap`; gcstorm.h says what a heap must export".to_owned()
    })?;
    // SAFETY: as above; it takes nothing.
    let table = unsafe { entry() };
    // SAFETY: what it answers is valid until the process ends, as gcstorm.h says.
    unsafe { read(table) }
}

/// Reads a table of this version. One that is shorter was made with an older `gcstorm.h`, and has none of
/// the functions that came later.
///
/// # Safety
///
/// The pointer is null, or leads to a version and a size, and, if the version is this one, to as many
/// bytes as the size says.
unsafe fn read(table: *const Table) -> Result<Table, String> {
    if table.is_null() {
        return Err("`gcstorm_heap` returned NULL".to_owned());
    }
    // SAFETY: the version comes first, and is always there.
    let version = unsafe { table.cast::<u32>().read_unaligned() };
    if version != VERSION {
        return Err(format!(
            "it was made for version {version} of gcstorm.h, and this program has version {VERSION}; \
             compile it with the file that `gcstorm header` prints"
        ));
    }
    let size = table.wrapping_byte_add(offset_of!(Table, size));
    // SAFETY: so is the size.
    let size = unsafe { size.cast::<usize>().read_unaligned() };
    if size < offset_of!(Table, stats) {
        return Err(format!(
            "its table is {size} bytes long, which is too short"
        ));
    }
    let mut whole = MaybeUninit::<Table>::zeroed();
    // Whole pointers only: half of one leads anywhere.
    let known = size.min(size_of::<Table>()) / size_of::<usize>() * size_of::<usize>();
    // SAFETY: both are at least `known` bytes long.
    unsafe {
        table
            .cast::<c_char>()
            .copy_to_nonoverlapping(whole.as_mut_ptr().cast(), known)
    };
    // SAFETY: any bits are numbers, and no bits at all are no function.
    let whole = unsafe { whole.assume_init() };
    match whole.abilities & !ability::KNOWN {
        0 => Ok(whole),
        unknown => Err(format!(
            "it announces abilities that are not known here: {unknown:#x}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(version: u32, size: usize) -> Table {
        // SAFETY: no bits at all are a table without functions.
        let empty = unsafe { MaybeUninit::<Table>::zeroed().assume_init() };
        Table {
            version,
            size,
            ..empty
        }
    }

    fn said(table: &Table) -> Result<Table, String> {
        // SAFETY: it is as long as it says, or longer.
        unsafe { read(table) }
    }

    /// Goal: a table of another version is not looked at any further, nor is one that is no table.
    #[test]
    fn other_versions_are_refused() {
        assert!(said(&table(2, 1000)).is_err_and(|why| why.contains("version 2")));
        assert!(said(&table(1, 16)).is_err_and(|why| why.contains("too short")));
        // SAFETY: null is allowed.
        assert!(unsafe { read(std::ptr::null()) }.is_err_and(|why| why.contains("NULL")));
        let unknown = Table {
            abilities: 1 << 20,
            ..table(1, size_of::<Table>())
        };
        assert!(said(&unknown).is_err_and(|why| why.contains("0x100000")));
    }

    /// Goal: what a shorter table does not have is missing, whatever lies behind it.
    #[test]
    fn short_tables_end_where_they_say() {
        extern "C" fn nothing(_: *mut std::ffi::c_void) {}
        let whole = Table {
            close: Some(nothing),
            rest: Some(nothing),
            ..table(1, offset_of!(Table, rest) + 4)
        };
        let read = said(&whole).expect("it is a table");
        assert!(read.close.is_some() && read.rest.is_none());
    }
}
