//! A distribution of times, as an HDR histogram.
//!
//! In JSON it is its summary plus the whole histogram in the compressed V2 form that every
//! HdrHistogram tool reads (base64 that begins `HISTFAAA`); only the latter is read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as HdrSerializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// The longest time that is told apart from longer ones, in nanoseconds: one hour. A fixed bound,
/// since readers in other languages allocate for the whole range.
pub const LATENCY_NS_MAX: u64 = 3_600_000_000_000;
/// Three significant digits: a value is kept within 0.1 %.
const DIGITS: u8 = 3;
/// A percentile with fewer samples beyond it says nothing, and is not shown.
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
        // A tenth of a sample is forgiven: 1 - 0.999 is not a thousandth in binary.
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

    fn encode(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(BASE64.encode(bytes))
    }

    fn decode(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text).map_err(|error| error.to_string())?;
        HdrDeserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map(Self)
            .map_err(|error| error.to_string())
    }
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
