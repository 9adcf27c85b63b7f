//! Reads a text that is to be understood: a workload or a case. Whether it can be is not asked here.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// The maximum number of bytes of a text. The longest cases that are kept have some tens of
/// millions; a device may have no end.
const BYTES_MAX: u64 = 256 << 20;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// Reads a file, which may be a pipe.
///
/// # Errors
///
/// It cannot be read, is no text, or is too large to be one.
pub fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        let most = BYTES_MAX >> 20;
        return Err(Error::other(format!("it is larger than {most} MiB")));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::new(
            ErrorKind::InvalidData,
            format!("it is no text in UTF-8, from line {line}, column {column} on"),
        )
    })?;
    // Some editors put a mark before the first line, which is no part of it.
    if text.starts_with(MARK) {
        text.drain(..MARK.len_utf8());
    }
    Ok(text)
}
