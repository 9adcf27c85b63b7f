//! Packed distributions added up, without losing anything.
//!
//! A distribution in memory is a quarter of a million bytes, most of them zero, and whoever adds up the
//! rounds of a thousand machines unpacks hundreds of thousands. So the counts are read out of the packed
//! form straight into the sum, which is as long as its longest time asks for, and packed again from there:
//! the form is that of HdrHistogram's V2 (`V2EncodedHistogram` in its sources), where a number that is not
//! negative is the count of the next time, and a negative one a run of so many that were never seen.
//! [`Latency`] has the same form read and written by the `hdrhistogram` crate, and the tests hold the two
//! against each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::latency::{self, COMPRESSED_COOKIE, HEADER_BYTES, Latency, PLAIN_BYTES_MAX, Packed};

/// How many times are told apart within one power of two.
const HALF: usize = 1024;
/// How many times are told apart up to [`latency::LATENCY_NS_MAX`]: `HALF` for each power of two from
/// 2,048 to 2^42, and twice as many below.
const LENGTH_MAX: usize = 33 * HALF;

/// As long as the longest histogram in its plain form, and what that takes more if it cannot be made
/// shorter.
const BUFFER_BYTES: usize = PLAIN_BYTES_MAX + PLAIN_BYTES_MAX / 8 + 256;

/// Room for what is between the packed form and the counts, used again and again.
#[derive(Debug)]
pub struct Room {
    bytes: Vec<u8>,
    /// What is to be packed.
    plain: Vec<u8>,
    /// Where the codecs write. Of fixed length: they would fill the room of a vector with zeros first, all
    /// of it, which took half the time of a merge.
    buffer: Box<[u8]>,
    inflate: Decompress,
    deflate: Compress,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            plain: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into(),
            inflate: Decompress::new(true),
            // The form is short already where it is short at all, and this is most of what a merge does.
            deflate: Compress::new(Compression::fast(), true),
        }
    }
}

/// A sum in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    /// By time; shorter than it could be where the rest is zero.
    counts: Vec<u64>,
}

impl Sum {
    /// Adds what is packed there.
    ///
    /// # Errors
    ///
    /// It is none, or has another form or range; then nothing was added.
    pub fn add(&mut self, packed: &Packed, room: &mut Room) -> Result<(), String> {
        let counts = latency::counts(room.unpack(packed)?)?;
        let mut length = 0;
        each(counts, |index, _| length = index + 1)?;
        if length > self.counts.len() {
            self.counts.resize(length, 0);
        }
        each(counts, |index, count| {
            self.counts[index] = self.counts[index].saturating_add(count);
        })
    }

    /// The sum packed; `None` if a count is too large for that form.
    pub fn pack(&self, room: &mut Room) -> Option<Packed> {
        let plain = &mut room.plain;
        plain.clear();
        plain.extend(latency::PLAIN_COOKIE);
        plain.extend([0; 4]);
        plain.extend(latency::bounds());
        let seen = self.counts.iter().rposition(|count| *count > 0);
        // Nothing at all is written as one time that was never seen.
        let counts = &self.counts[..seen.map_or(0, |last| last + 1)];
        let mut zeros = i64::from(counts.is_empty());
        for &count in counts {
            if count == 0 {
                zeros += 1;
                continue;
            }
            write_zeros(zeros, plain);
            zeros = 0;
            write(i64::try_from(count).ok()?, plain);
        }
        write_zeros(zeros, plain);
        let length = u32::try_from(plain.len() - HEADER_BYTES).ok()?;
        plain[4..8].copy_from_slice(&length.to_be_bytes());
        room.pack()
    }

    /// The sum as a distribution of which one can ask more.
    pub fn latency(&self) -> Latency {
        let mut latency = Latency::default();
        for (index, &count) in self.counts.iter().enumerate() {
            latency.record_many(time_of(index), count);
        }
        latency
    }
}

impl Room {
    /// The plain form of what is packed there.
    fn unpack(&mut self, packed: &Packed) -> Result<&[u8], String> {
        self.bytes.clear();
        BASE64
            .decode_vec(packed.text(), &mut self.bytes)
            .map_err(|error| error.to_string())?;
        let compressed = latency::compressed(&self.bytes)?;
        self.inflate.reset(true);
        let plain = &mut self.buffer[..PLAIN_BYTES_MAX];
        let status = (self.inflate).decompress(compressed, plain, FlushDecompress::Finish);
        match status {
            Ok(Status::StreamEnd) => {
                let length = usize::try_from(self.inflate.total_out()).unwrap_or(usize::MAX);
                (plain.get(..length)).ok_or_else(|| "it is longer than any histogram".to_owned())
            }
            Ok(_) => Err("it is cut off, or longer than any histogram".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn pack(&mut self) -> Option<Packed> {
        self.deflate.reset();
        let finish = FlushCompress::Finish;
        let status = (self.deflate).compress(&self.plain, &mut self.buffer, finish);
        if !matches!(status, Ok(Status::StreamEnd)) {
            return None;
        }
        let length = u32::try_from(self.deflate.total_out()).ok()?;
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend(COMPRESSED_COOKIE);
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.buffer.get(..length as usize)?);
        Some(Packed::from_text(BASE64.encode(bytes)))
    }
}

/// Shows each count that is not zero, with its index.
fn each(mut bytes: &[u8], mut show: impl FnMut(usize, u64)) -> Result<(), String> {
    let mut index = 0_usize;
    while !bytes.is_empty() {
        let (number, rest) = read(bytes).ok_or("a count in it is cut off")?;
        bytes = rest;
        match u64::try_from(number) {
            Ok(count) if index < LENGTH_MAX => {
                if count > 0 {
                    show(index, count);
                }
                index += 1;
            }
            Err(_) if number.unsigned_abs() <= LENGTH_MAX as u64 => {
                index += usize::try_from(number.unsigned_abs()).unwrap_or(LENGTH_MAX);
            }
            _ => return Err("it has a time beyond its range".to_owned()),
        }
    }
    Ok(())
}

/// The least time that is counted there, in nanoseconds.
fn time_of(index: usize) -> u64 {
    let (power, place) = (index / HALF, index % HALF);
    match power {
        0 => index as u64,
        _ => ((place + HALF) as u64) << (power - 1),
    }
}

/// One number: zigzag, seven bits a byte and the least first, but for a ninth byte, which has eight.
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

/// One that was never seen is a count of zero; several are a run.
fn write_zeros(zeros: i64, bytes: &mut Vec<u8>) {
    match zeros {
        0 => {}
        1 => write(0, bytes),
        _ => write(-zeros, bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let time = prop_oneof![
            0..5000_u64,
            0..latency::LATENCY_NS_MAX + 1000,
            Just(u64::MAX)
        ];
        let count = prop_oneof![1..4_u64, 1..(1_u64 << 50)];
        prop::collection::vec((time, count), 0..20)
    }

    fn latency_of(times: &[(u64, u64)]) -> Latency {
        let mut latency = Latency::default();
        for (time, count) in times {
            latency.record_many(*time, *count);
        }
        latency
    }

    fn packed(latency: &Latency) -> Packed {
        Packed::of(latency).expect("it is packed")
    }

    proptest! {
        /// Goal: a sum of packed distributions is the distribution of all that was recorded, to the last
        /// count, in memory and packed; and what it reads and writes is what the other codec does.
        #[test]
        fn loses_nothing(all in prop::collection::vec(times(), 0..5)) {
            let (mut sum, mut room) = (Sum::default(), Room::default());
            for times in &all {
                sum.add(&packed(&latency_of(times)), &mut room).expect("it is its own");
            }
            let expected = latency_of(&all.concat());
            prop_assert_eq!(&sum.latency(), &packed(&expected).unpack().expect("it is its own"));
            let again = sum.pack(&mut room).expect("it is packed");
            prop_assert_eq!(again.unpack().expect("it is its own"), sum.latency());
            let mut twice = Sum::default();
            twice.add(&again, &mut room).expect("it is its own");
            prop_assert_eq!(twice, sum);
        }

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

    /// Goal: what is no histogram of ours is refused, and adds nothing.
    #[test]
    fn refuses_what_is_not_its_own() {
        let (mut sum, mut room) = (Sum::default(), Room::default());
        sum.add(&packed(&latency_of(&[(70, 3)])), &mut room)
            .expect("it is its own");
        let before = sum.clone();
        let own = packed(&latency_of(&[(9000, 1), (100_000, 5)]));
        let text = own.text();
        let bad = ["", "HISTFAAA", "%", &text[..text.len() / 2 / 4 * 4]];
        for text in bad {
            let refused = sum.add(&Packed::from_text(text.to_owned()), &mut room);
            assert!(refused.is_err(), "{text}");
        }
        // A run of zeros beyond the range, a count there, a number that is cut off.
        for numbers in [&[-40_000][..], &[-33_792, 1], &[-33_000, -33_000, 1]] {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| write(*number, &mut bytes));
            assert!(each(&bytes, |_, _| {}).is_err(), "{numbers:?}");
        }
        assert!(each(&[0x80], |_, _| {}).is_err());
        assert_eq!(sum, before);
    }
}
