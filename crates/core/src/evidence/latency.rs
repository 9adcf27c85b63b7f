//! A distribution of times, as an HDR histogram.
//!
//! In JSON it is its summary plus the whole histogram in the compressed V2 form that every
//! HdrHistogram tool reads (base64 that begins `HISTFAAA`); only the latter is read back.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as HdrSerializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// The longest time that a histogram distinguishes from longer ones, in nanoseconds: one hour. The
/// bound is fixed, since readers in other languages allocate for the whole range.
pub const LATENCY_NS_MAX: u64 = 3_600_000_000_000;
/// Three significant digits: a value is kept within 0.1 %.
const DIGITS: u8 = 3;
/// The bytes with which the compressed form begins, and those with which the plain form inside it
/// begins.
pub(super) const COMPRESSED_COOKIE: [u8; 4] = [0x1c, 0x84, 0x93, 0x14];
pub(super) const PLAIN_COOKIE: [u8; 4] = [0x1c, 0x84, 0x93, 0x13];
/// Bytes before the counts: the cookie, the length of the counts, and [`bounds`].
pub(super) const HEADER_BYTES: usize = 40;
/// No histogram of these bounds takes more: some 33,000 counts of at most nine bytes.
pub(super) const PLAIN_BYTES_MAX: usize = 512 << 10;
/// A percentile with fewer samples beyond it is not reliable, and is not shown.
const SAMPLES_BEYOND_MIN: f64 = 10.0;

/// A distribution of times in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS).expect("the bounds are constant"),
        )
    }
}

impl From<Histogram<u64>> for Latency {
    fn from(histogram: Histogram<u64>) -> Self {
        Self(histogram)
    }
}

impl Latency {
    /// Records one time.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    /// Records the same time `count` times.
    pub fn record_many(&mut self, nanos: u64, count: u64) {
        if count > 0 {
            self.0.saturating_record_n(nanos, count);
        }
    }

    /// Adds what another has recorded.
    pub fn add(&mut self, other: &Self) {
        // Cannot fail: every histogram here has the same bounds or is resizable within them.
        self.0.add(&other.0).expect("histograms share their bounds");
    }

    /// Replaces one recorded time by a shorter one.
    pub fn shorten(&mut self, nanos: u64, to: u64) {
        let mut one = Self::default();
        one.record(nanos);
        // Fails only if it was not recorded.
        if self.0.subtract(&one.0).is_ok() {
            self.record(to);
        }
    }

    /// How much memory it takes, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.0.distinct_values() * size_of::<u64>()) as u64
    }

    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The mean in nanoseconds.
    pub fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// The longest, within the histogram's precision.
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The value below which `quantile` (0 to 1) of the times lie; `None` if fewer than ten lie
    /// beyond it.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        // With a tolerance of a tenth of a sample: 1 - 0.999 is not exactly a thousandth in binary.
        (beyond + 0.1 >= SAMPLES_BEYOND_MIN).then(|| self.0.value_at_quantile(quantile))
    }

    /// All times added up.
    pub fn total_ns(&self) -> u64 {
        // In f64 a total above 2^53 ns (104 days) is rounded, which is nothing to a sum of values
        // that are rounded themselves.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a sum of u64"
        )]
        let total = (self.0.mean() * self.0.len() as f64).round() as u64;
        total
    }

    /// The histogram itself.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// The histogram in the compressed V2 form, as base64: what other tools read.
    ///
    /// # Errors
    ///
    /// A count is too large for that form.
    pub fn encode(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(BASE64.encode(bytes))
    }

    pub(super) fn decode(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text).map_err(|error| error.to_string())?;
        let plain = inflate(&bytes)?;
        HdrDeserializer::new()
            .deserialize(&mut plain.as_slice())
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// The plain form, if its header is that of a histogram like those here. The decoder trusts the
/// header and would allocate gigabytes if a line of text claimed such a range or length.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed(bytes)?)
        .take(PLAIN_BYTES_MAX as u64)
        .read_to_end(&mut plain)
        .map_err(|error| error.to_string())?;
    counts(&plain).map(|_| ())?;
    Ok(plain)
}

/// The compressed part of the encoded bytes.
pub(super) fn compressed(bytes: &[u8]) -> Result<&[u8], String> {
    let compressed = (bytes.strip_prefix(&COMPRESSED_COOKIE))
        .and_then(|rest| rest.split_at_checked(4))
        .ok_or("it is not a compressed histogram")?;
    Ok(compressed.1)
}

/// The counts in the plain form, if its header is that of every histogram here.
pub(super) fn counts(plain: &[u8]) -> Result<&[u8], String> {
    let (header, counts) = plain
        .split_at_checked(HEADER_BYTES)
        .ok_or("it ends in its header")?;
    if header[..4] != PLAIN_COOKIE || header[8..] != bounds() {
        return Err("it is a histogram of another form or range".to_owned());
    }
    let mut claimed = [0; 4];
    claimed.copy_from_slice(&header[4..8]);
    if u32::from_be_bytes(claimed) as usize != counts.len() {
        return Err("it is shorter or longer than it claims".to_owned());
    }
    Ok(counts)
}

/// What the header of every histogram here says after the length: no offset, the digits, the least
/// value and the greatest, and a ratio of one.
pub(super) fn bounds() -> [u8; HEADER_BYTES - 8] {
    let mut bounds = [0; HEADER_BYTES - 8];
    bounds[4..8].copy_from_slice(&u32::from(DIGITS).to_be_bytes());
    bounds[8..16].copy_from_slice(&1_u64.to_be_bytes());
    bounds[16..24].copy_from_slice(&LATENCY_NS_MAX.to_be_bytes());
    bounds[24..].copy_from_slice(&1_f64.to_be_bytes());
    bounds
}

#[derive(Serialize, Deserialize)]
struct Stored {
    count: u64,
    mean_ns: f64,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    p99_9: Option<u64>,
    p99_99: Option<u64>,
    max: u64,
    total_ns: u64,
    hdr: String,
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored {
            count: self.count(),
            mean_ns: self.mean(),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            p99_9: self.quantile(0.999),
            p99_99: self.quantile(0.9999),
            max: self.max(),
            total_ns: self.total_ns(),
            hdr: self.encode().map_err(ser::Error::custom)?,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        Self::decode(&stored.hdr).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    /// Goal: a distribution survives JSON, and is written the way other tools read it.
    #[test]
    fn survives_json() {
        let mut latency = Latency::default();
        for nanos in 1..=2000 {
            latency.record(nanos * nanos);
        }
        let json = serde_json::to_string(&latency).expect("it serializes");
        assert!(json.contains("\"hdr\":\"HISTFAAA"), "{json}");
        let back: Latency = serde_json::from_str(&json).expect("it parses");
        assert_eq!((back.count(), back.max()), (latency.count(), latency.max()));
        assert_eq!(back.quantile(0.9), latency.quantile(0.9));
    }

    /// Goal: a text with another header than ours is refused, before memory is allocated for what
    /// it claims.
    #[test]
    fn refuses_what_is_not_its_own() {
        let mut latency = Latency::default();
        latency.record(70);
        let bytes = BASE64.decode(latency.encode().expect("it is written"));
        let plain = inflate(&bytes.expect("base64")).expect("it is its own");
        let written = |plain: &[u8]| {
            let mut bytes = COMPRESSED_COOKIE.to_vec();
            bytes.extend(u32::MAX.to_be_bytes());
            let mut zlib = ZlibEncoder::new(&mut bytes, Compression::fast());
            zlib.write_all(plain).expect("it is written");
            zlib.finish().expect("it is written");
            BASE64.encode(bytes)
        };
        assert!(Latency::decode(&written(&plain)).is_ok());
        // The cookie, the length, the digits, the least and the greatest value.
        for at in [0, 4, 15, 23, 24] {
            let mut changed = plain.clone();
            changed[at] ^= 0x40;
            assert!(Latency::decode(&written(&changed)).is_err(), "byte {at}");
        }
        let bomb = vec![0; 16 << 20];
        assert!(Latency::decode(&written(&[&plain[..HEADER_BYTES], &bomb].concat())).is_err());
        for text in [
            "",
            "HISTFAAA",
            &BASE64.encode(&plain),
            &written(&plain[..20]),
        ] {
            assert!(Latency::decode(text).is_err(), "{text}");
        }
    }

    /// Goal: no percentile is shown that fewer than ten samples support.
    #[test]
    fn shows_no_percentile_without_support() {
        let mut latency = Latency::default();
        for nanos in 1..=1000 {
            latency.record(nanos);
        }
        assert!(latency.quantile(0.99).is_some());
        assert_eq!(latency.quantile(0.999), None);
    }
}
