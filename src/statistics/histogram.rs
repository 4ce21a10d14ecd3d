//! Every sample of a phase in a bounded space, with HdrHistogram's precision.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::interval_log;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

/// Significant decimal digits that survive: a value is known to within 0.1 %.
pub const SIGNIFICANT_DIGITS: u8 = 3;
/// The longest time a histogram holds: an hour. Longer ones are counted as that.
pub const LONGEST: u64 = 3_600_000_000_000;
/// The longest base64 text that is read as a histogram: a full one of ours is far shorter.
const LONGEST_TEXT: usize = 1 << 20;

/// Why a histogram could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// The text is no base64.
    #[error("a histogram is not base64 text")]
    Base64,
    /// The bytes are no V2 deflated histogram.
    #[error("a histogram's bytes are not a deflated V2 HdrHistogram: {0}")]
    Bytes(String),
    /// It is one, but not such as forkbench writes.
    #[error("a histogram holds values or a precision that forkbench does not write")]
    Foreign,
}

/// Nanosecond samples, to three significant digits, from 1 ns to [`LONGEST`].
#[derive(Debug, Clone)]
pub struct Histogram {
    inner: Hdr<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty one.
    pub fn new() -> Self {
        let inner = Hdr::new_with_bounds(1, LONGEST, SIGNIFICANT_DIGITS)
            .expect("the bounds are constants that the crate accepts");
        Self { inner }
    }

    /// One holding `samples`.
    pub fn of(samples: &[u64]) -> Self {
        let mut histogram = Self::new();
        for &ns in samples {
            histogram.record(ns);
        }
        histogram
    }

    /// Counts one sample.
    pub fn record(&mut self, nanoseconds: u64) {
        self.inner.saturating_record(nanoseconds);
    }

    /// Counts all of another's samples too.
    pub fn add(&mut self, other: &Self) {
        self.inner
            .add(&other.inner)
            .expect("all histograms here have the same bounds");
    }

    /// Samples.
    pub fn count(&self) -> u64 {
        self.inner.len()
    }

    /// The value at quantile `q` of 0 to 1: the highest value equivalent to the sample there.
    pub fn at(&self, q: f64) -> u64 {
        self.inner.value_at_quantile(q)
    }

    /// Share of samples at or below `nanoseconds`, 0 to 1.
    pub fn share_up_to(&self, nanoseconds: u64) -> f64 {
        self.inner.quantile_below(nanoseconds)
    }

    /// The least sample, to the histogram's precision; 0 for none.
    pub fn min(&self) -> u64 {
        if self.count() == 0 {
            0
        } else {
            self.inner.min()
        }
    }

    /// The greatest.
    pub fn max(&self) -> u64 {
        self.inner.max()
    }

    /// Arithmetic mean; 0 for none.
    pub fn mean(&self) -> f64 {
        self.inner.mean()
    }

    /// The recorded values with their counts, rising: each value stands for all equivalent ones.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.inner
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// The samples counted in each of the spans between consecutive `edges` (rising), as
    /// `edges[i] < value <= edges[i + 1]`; what lies outside is not counted.
    pub fn counts_between(&self, edges: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; edges.len().saturating_sub(1)];
        for (value, count) in self.values() {
            let right = edges.partition_point(|&edge| edge < value);
            if right > 0 && right < edges.len() {
                counts[right - 1] += count;
            }
        }
        counts
    }

    /// As base64 text of the deflated V2 form, which every HdrHistogram implementation reads.
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.inner, &mut bytes)
            .expect("writing to memory cannot fail");
        BASE64.encode(&bytes)
    }

    /// Reads what [`Histogram::to_base64`] writes. The text is untrusted.
    ///
    /// # Errors
    /// Where it is no base64, no histogram, or one of other bounds, which could claim any memory.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        if text.len() > LONGEST_TEXT {
            return Err(HistogramError::Foreign);
        }
        let bytes = BASE64.decode(text).map_err(|_| HistogramError::Base64)?;
        let inner: Hdr<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| HistogramError::Bytes(format!("{error:?}")))?;
        if inner.sigfig() != SIGNIFICANT_DIGITS || inner.low() != 1 || inner.high() != LONGEST {
            return Err(HistogramError::Foreign);
        }
        Ok(Self { inner })
    }

    /// The crate's own histogram, for its log writer.
    pub fn as_hdr(&self) -> &Hdr<u64> {
        &self.inner
    }
}

/// A tag an interval log takes: the log's separators and line ends replaced by `_`.
pub fn log_tag(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if ", \r\n".contains(c) { '_' } else { c })
        .collect();
    debug_assert!(interval_log::Tag::new(&clean).is_some());
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_its_text() {
        let samples = [1, 41_000, 41_003, 108_000, 13_700_000];
        let histogram = Histogram::of(&samples);
        let back = Histogram::from_base64(&histogram.to_base64()).unwrap();
        assert_eq!(
            histogram.values().collect::<Vec<_>>(),
            back.values().collect::<Vec<_>>()
        );
        assert_eq!(back.count(), 5);
        assert!(Histogram::from_base64("Zm9v").is_err());
    }

    #[test]
    fn counts_between_edges_are_all_there() {
        let histogram = Histogram::of(&[10, 20, 30, 40, 50]);
        assert_eq!(histogram.counts_between(&[0, 20, 40, 60]), [2, 2, 1]);
        assert_eq!(histogram.counts_between(&[20, 40]), [2]);
        assert!(histogram.counts_between(&[5]).is_empty());
    }
}
