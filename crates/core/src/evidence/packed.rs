//! A distribution as a line of text, for files that hold thousands of them.
//!
//! The form is HdrHistogram's compressed V2 (`V2EncodedHistogram` in its sources), which its tools
//! read: a header, then numbers for the distinct times from the shortest to the longest that was
//! seen. A number that is not negative is the count of the next time; a negative one stands for
//! that many times in a row that were never seen.
//!
//! The zlib stream around that is written without compression, in *stored* blocks. Deflating the
//! numbers would make the histogram of a round a quarter shorter, but reading it would take fifty
//! times as long (10 µs in place of 0.2 µs, most of it for the code table), and a merge of a
//! thousand machines reads half a million of them. Compressed streams are read as well.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::latency::{self, COMPRESSED_COOKIE, HEADER_BYTES, Latency, PLAIN_BYTES_MAX};

/// The number of distinct times up to [`latency::LATENCY_NS_MAX`]: 1,024 for each power of two from
/// 2,048 to 2^42, and twice as many below.
const LENGTH_MAX: u32 = 33 * 1024;

/// A distribution in its packed form, which takes a kilobyte; in memory it takes a quarter of a
/// million bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(String);

/// The index of a time among the distinct ones, and how often it was seen: at least once.
pub(super) type Count = (u32, u64);

impl Packed {
    /// Packs counts, which must be in the order of their times.
    pub(super) fn from_counts(counts: &[Count]) -> Option<Self> {
        let mut plain = Vec::new();
        plain.extend(latency::PLAIN_COOKIE);
        plain.extend([0; 4]);
        plain.extend(latency::bounds());
        if counts.is_empty() {
            // An empty histogram is written as one time that was never seen.
            write(0, &mut plain);
        }
        let mut next = 0;
        for &(index, count) in counts {
            match index - next {
                0 => {}
                1 => write(0, &mut plain),
                zeros => write(-i64::from(zeros), &mut plain),
            }
            write(i64::try_from(count).ok()?, &mut plain);
            next = index + 1;
        }
        let length = u32::try_from(plain.len() - HEADER_BYTES).ok()?;
        plain[4..8].copy_from_slice(&length.to_be_bytes());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::none());
        zlib.write_all(&plain).ok()?;
        let stored = zlib.finish().ok()?;
        let mut bytes = COMPRESSED_COOKIE.to_vec();
        bytes.extend(u32::try_from(stored.len()).ok()?.to_be_bytes());
        bytes.extend(stored);
        Some(Self(BASE64.encode(bytes)))
    }

    /// Unpacks it.
    ///
    /// # Errors
    ///
    /// It is not a histogram, or has another form or range.
    pub fn unpack(&self) -> Result<Latency, String> {
        Latency::decode(&self.0)
    }
}

/// Buffers for unpacking, which are reused.
#[derive(Debug)]
pub struct Room {
    bytes: Vec<u8>,
    /// Of fixed length: the codec would first fill the capacity of a vector with zeros.
    plain: Box<[u8]>,
    inflate: Decompress,
    counts: Vec<Count>,
    /// A buffer for code that adds the counts to others.
    pub(super) spare: Vec<Count>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            plain: vec![0; PLAIN_BYTES_MAX].into(),
            inflate: Decompress::new(true),
            counts: Vec::new(),
            spare: Vec::new(),
        }
    }
}

impl Room {
    /// The packed counts, in the order of times, and the spare buffer.
    ///
    /// # Errors
    ///
    /// It is not a histogram, or has another form or range.
    pub(super) fn unpack(
        &mut self,
        packed: &Packed,
    ) -> Result<(&[Count], &mut Vec<Count>), String> {
        self.bytes.clear();
        BASE64
            .decode_vec(&packed.0, &mut self.bytes)
            .map_err(|error| error.to_string())?;
        let compressed = latency::compressed(&self.bytes)?;
        self.inflate.reset(true);
        let finish = FlushDecompress::Finish;
        match (self.inflate).decompress(compressed, &mut self.plain, finish) {
            Ok(Status::StreamEnd) => {}
            Ok(_) => return Err("it is cut off, or longer than any histogram".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let length = usize::try_from(self.inflate.total_out()).unwrap_or(usize::MAX);
        let plain = (self.plain.get(..length)).ok_or("it is longer than any histogram")?;
        self.counts.clear();
        read_all(latency::counts(plain)?, &mut self.counts)?;
        Ok((&self.counts, &mut self.spare))
    }
}

/// Reads all counts that are not zero.
fn read_all(mut bytes: &[u8], counts: &mut Vec<Count>) -> Result<(), String> {
    let mut index = 0_u32;
    while !bytes.is_empty() {
        let (number, rest) = read(bytes).ok_or("a count in it is cut off")?;
        bytes = rest;
        match u64::try_from(number) {
            Ok(count) if index < LENGTH_MAX => {
                if count > 0 {
                    counts.push((index, count));
                }
                index += 1;
            }
            // Checked, so that the index never passes the end.
            Err(_) if number.unsigned_abs() <= u64::from(LENGTH_MAX - index) => {
                index += u32::try_from(number.unsigned_abs()).unwrap_or(LENGTH_MAX);
            }
            _ => return Err("it has a time beyond its range".to_owned()),
        }
    }
    Ok(())
}

/// Reads one number: zigzag encoding, seven bits a byte with the least significant first, except
/// that a ninth byte has eight.
fn read(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_u64;
    for (place, &byte) in bytes.iter().take(9).enumerate() {
        if place == 8 || byte < 0x80 {
            value |= u64::from(byte) << (7 * place);
            let number = (value >> 1).cast_signed() ^ -(value & 1).cast_signed();
            return Some((number, &bytes[place + 1..]));
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
    }
    None
}

fn write(number: i64, bytes: &mut Vec<u8>) {
    let mut value = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        let [low, ..] = value.to_le_bytes();
        if value < 0x80 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Goal: numbers of any length survive.
        #[test]
        fn numbers_survive(number in any::<i64>(), short in -70_000_i64..70_000) {
            for number in [number, short] {
                let mut bytes = Vec::new();
                write(number, &mut bytes);
                prop_assert_eq!(read(&bytes), Some((number, &[][..])));
                prop_assert_eq!(read(&bytes[..bytes.len() - 1]), None);
            }
        }
    }

    /// Goal: counts survive, whether the stream is stored or deflated.
    #[test]
    fn counts_survive() {
        let mut latency = Latency::default();
        let mut room = Room::default();
        for (nanos, count) in [(0, 1), (1, 2), (3, 1 << 40), (4_000_000, 7)] {
            latency.record_many(nanos, count);
            let deflated = Packed(latency.encode().expect("it is written"));
            let packed = Packed::of(&latency).expect("it is packed");
            let counts = room.unpack(&packed).expect("it is its own").0.to_vec();
            assert_eq!(room.unpack(&deflated).expect("it is its own").0, counts);
            assert_eq!(packed.unpack(), Ok(latency.clone()));
        }
        assert_eq!(Packed::from_counts(&[(7, 1 << 63)]), None);
    }

    /// Goal: a text that is not a histogram of this form is refused.
    #[test]
    fn refuses_what_is_not_its_own() {
        let own = Packed::from_counts(&[(9000, 1), (20_000, 5)]).expect("it is packed");
        let mut room = Room::default();
        let mut changed = BASE64.decode(&own.0).expect("base64");
        // The checksum.
        *changed.last_mut().expect("it is not empty") ^= 1;
        let zeros = {
            let mut bytes = COMPRESSED_COOKIE.to_vec();
            bytes.extend(u32::MAX.to_be_bytes());
            let mut zlib = ZlibEncoder::new(&mut bytes, Compression::fast());
            zlib.write_all(&vec![0; 16 << 20]).expect("it is written");
            zlib.finish().expect("it is written");
            BASE64.encode(bytes)
        };
        let half = own.0[..own.0.len() / 2 / 4 * 4].to_owned();
        let changed = BASE64.encode(changed);
        for text in ["", "HISTFAAA", "%", &half, &changed, &zeros] {
            let refused = room.unpack(&Packed(text.to_owned()));
            assert!(refused.is_err(), "{text}");
        }
        assert!(room.unpack(&own).is_ok());
        // A run of zeros beyond the range, a count there, a number that is cut off.
        let many = [&[-20_000, 1][..], &[-33_792; 127_100], &[-5, 1]].concat();
        for numbers in [&[-40_000][..], &[-33_792, 1], &[-33_000, -33_000, 1], &many] {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| write(*number, &mut bytes));
            assert!(
                read_all(&bytes, &mut Vec::new()).is_err(),
                "{:?}",
                numbers.len()
            );
        }
        assert!(read_all(&[0x80], &mut Vec::new()).is_err());
    }
}
