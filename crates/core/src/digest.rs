//! A digest to tell texts and traces apart: FNV-1a of 64 bits, which is no protection against
//! forgery.
//!
//! Stable by definition (Fowler, Noll, Vo), so digests of different versions can be compared.

use std::fmt;

/// A digest in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Of nothing.
    pub const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// With these bytes after what there is.
    #[must_use]
    pub fn and(self, bytes: &[u8]) -> Self {
        const PRIME: u64 = 0x0100_0000_01b3;
        Self(bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        }))
    }

    /// Of one text.
    pub fn of(text: &str) -> Self {
        Self::EMPTY.and(text.as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: it is the digest that it says it is, in parts or in one.
    #[test]
    fn is_fnv_1a() {
        assert_eq!(Digest::of("").to_string(), "cbf29ce484222325");
        assert_eq!(Digest::of("foobar").to_string(), "85944171f73967e8");
        assert_eq!(Digest::of("foo").and(b"bar"), Digest::of("foobar"));
    }
}
