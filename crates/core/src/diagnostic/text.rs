//! Reads a text that is to be understood: a workload or a case. Whether it can be is not asked here.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

/// The maximum number of bytes of a text. The longest cases that are kept have some tens of
/// millions; a device may have no end.
const BYTES_MAX: u64 = 256 << 20;

/// Reads a file, which may be a pipe.
///
/// # Errors
///
/// It cannot be read, is no text, or is too large to be one.
pub fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        let most = BYTES_MAX >> 20;
        return Err(Error::other(format!("it is larger than {most} MiB")));
    }
    Ok(text)
}
