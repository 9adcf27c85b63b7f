//! The mappings of this process, read without allocation, as a handler of signals has to.

#![expect(unsafe_code, reason = "files are read by system calls alone")]

use std::ffi::c_int;

/// A path may be that long.
const LINE_MAX: usize = 4096 + 128;

/// One line of `/proc/self/maps`.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Mapping<'a> {
    pub(super) line: &'a [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where in its file it begins.
    pub(super) offset: usize,
    pub(super) is_readable: bool,
    pub(super) is_code: bool,
}

impl<'a> Mapping<'a> {
    /// `start-end rwxp offset device inode   path`
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let (start, rest) = number(line)?;
        let (end, rest) = number(rest.strip_prefix(b"-")?)?;
        let (rights, rest) = rest.strip_prefix(b" ")?.split_at_checked(4)?;
        let (offset, _) = number(rest.strip_prefix(b" ")?)?;
        Some(Self {
            line,
            start,
            end,
            offset,
            is_readable: rights[0] == b'r',
            is_code: rights[2] == b'x',
        })
    }

    pub(super) fn holds(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// The file; empty if there is none.
    pub(super) fn path(&self) -> &'a [u8] {
        let mut rest = self.line;
        for _ in 0..5 {
            let blank = rest.iter().position(|byte| *byte == b' ');
            rest = blank.map_or(&[], |at| rest[at..].trim_ascii_start());
        }
        rest
    }
}

/// A hexadecimal number, and what follows.
fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let length = text.iter().take_while(|byte| is_digit(byte)).count();
    let (digits, rest) = text.split_at(length);
    let add = |sum: usize, byte: &u8| Some(sum * 16 + char::from(*byte).to_digit(16)? as usize);
    let number = digits.iter().try_fold(0, add)?;
    (1..=16).contains(&length).then_some((number, rest))
}

/// What is needed to read them.
#[derive(Debug)]
pub(super) struct Maps {
    line: [u8; LINE_MAX],
    piece: [u8; 4096],
}

impl Maps {
    pub(super) const fn new() -> Self {
        Self {
            line: [0; LINE_MAX],
            piece: [0; 4096],
        }
    }

    /// Calls `each` for every mapping; for none if they cannot be read.
    pub(super) fn each(&mut self, mut each: impl FnMut(&Mapping<'_>)) {
        let path = c"/proc/self/maps".as_ptr();
        // SAFETY: the path ends with a zero.
        let file: c_int = unsafe { libc::open(path, libc::O_RDONLY | libc::O_CLOEXEC) };
        if file < 0 {
            return;
        }
        let mut length = 0;
        loop {
            let (into, room) = (self.piece.as_mut_ptr().cast(), self.piece.len());
            // SAFETY: there is room for so many bytes.
            let read = unsafe { libc::read(file, into, room) };
            let Some(read) = usize::try_from(read).ok().filter(|read| *read > 0) else {
                break;
            };
            for byte in &self.piece[..read] {
                if *byte == b'\n' {
                    if let Some(mapping) = Mapping::read(&self.line[..length]) {
                        each(&mapping);
                    }
                    length = 0;
                } else if let Some(place) = self.line.get_mut(length) {
                    *place = *byte;
                    length += 1;
                }
            }
        }
        // SAFETY: it was opened above.
        unsafe { libc::close(file) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a line is taken apart, whatever its file is called.
    #[test]
    fn lines_are_read() {
        let line = b"7f00-7fff r-xp 00001a00 08:01 77        /a b/c.so (deleted)";
        let mapping = Mapping::read(line).expect("a mapping");
        assert_eq!((mapping.start, mapping.end), (0x7f00, 0x7fff));
        assert_eq!(mapping.offset, 0x1a00);
        assert!(mapping.is_readable && mapping.is_code);
        assert_eq!(mapping.path(), b"/a b/c.so (deleted)");
        let own = b"0-1 -w-p 00000000 00:00 0 ";
        let own = Mapping::read(own).expect("a mapping");
        assert!(!own.is_readable && !own.is_code && own.path().is_empty());
        for line in ["", "7f00", "7f00-7fff r-", "xyz-1 rwxp 0", "-1 rwxp 0"] {
            assert!(Mapping::read(line.as_bytes()).is_none(), "{line}");
        }
    }

    /// Goal: this function is in a mapping of the program that runs it.
    #[test]
    fn code_is_found() {
        let here = code_is_found as *const () as usize;
        let mut found = Vec::new();
        Maps::new().each(|mapping| {
            if mapping.is_code && mapping.holds(here) {
                found.push(mapping.path().to_vec());
            }
        });
        let program = std::env::current_exe().expect("its path");
        assert_eq!(found, [program.as_os_str().as_encoded_bytes()]);
    }
}
