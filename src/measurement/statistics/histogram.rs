//! Every sample of a phase in a bounded space, with HdrHistogram's precision.
//!
//! Kept as the few buckets that hold samples, not as HdrHistogram's array of 33,792 counts: a run of
//! 200 cells would need a hundred megabytes of zeros. The layout of buckets, the text form and the
//! figures are HdrHistogram's, and the crate of that name is what the tests compare with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, interval_log};

use super::buckets::{LONGEST, SIGNIFICANT_DIGITS, bucket_of, span_of};
use super::encoding::{HistogramError, counts_of};

/// Nanosecond samples, to three significant digits, from 1 ns to [`LONGEST`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Bucket and count, rising, no count 0.
    counts: Vec<(u64, u64)>,
    total: u64,
}

impl Histogram {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One holding `samples`.
    pub fn of(samples: &[u64]) -> Self {
        let mut buckets: Vec<u64> = samples
            .iter()
            .map(|&ns| bucket_of(ns.min(LONGEST)))
            .collect();
        buckets.sort_unstable();
        let counts = buckets
            .chunk_by(|a, b| a == b)
            .map(|same| (same[0], same.len() as u64))
            .collect();
        Self {
            counts,
            total: samples.len() as u64,
        }
    }

    /// Counts one sample.
    pub fn record(&mut self, nanoseconds: u64) {
        let bucket = bucket_of(nanoseconds.min(LONGEST));
        match self.counts.binary_search_by_key(&bucket, |&(at, _)| at) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(1),
            Err(at) => self.counts.insert(at, (bucket, 1)),
        }
        self.total = self.total.saturating_add(1);
    }

    /// Counts all of another's samples too.
    pub fn add(&mut self, other: &Self) {
        let (mine, theirs) = (std::mem::take(&mut self.counts), &other.counts);
        self.counts.reserve(mine.len().max(theirs.len()));
        let (mut mine, mut theirs) = (mine.into_iter().peekable(), theirs.iter().peekable());
        while let Some(bucket) = match (mine.peek(), theirs.peek()) {
            (Some(a), Some(b)) => Some(a.0.min(b.0)),
            (a, b) => a.or(b.copied()).map(|step| step.0),
        } {
            let count = |step: Option<u64>| step.unwrap_or(0);
            let sum = count(mine.next_if(|step| step.0 == bucket).map(|step| step.1))
                .saturating_add(count(
                    theirs.next_if(|step| step.0 == bucket).map(|step| step.1),
                ));
            self.counts.push((bucket, sum));
        }
        self.total = self.total.saturating_add(other.total);
    }

    /// Samples.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The value at quantile `q` of 0 to 1: the highest value equivalent to the sample there. 0 for none.
    pub fn at(&self, q: f64) -> u64 {
        let rank = ((q * self.total as f64) - 1e-9).ceil().max(1.0) as u64;
        self.at_rank(rank)
    }

    /// The value of the sample at a rank from 1 to the count, likewise.
    pub fn at_rank(&self, rank: u64) -> u64 {
        let mut below = 0u64;
        for (value, count) in self.values() {
            below = below.saturating_add(count);
            if below >= rank {
                return value;
            }
        }
        self.max()
    }

    /// Share of samples at or below `nanoseconds`, 0 to 1.
    pub fn share_up_to(&self, nanoseconds: u64) -> f64 {
        if self.total == 0 {
            return 1.0;
        }
        let bucket = bucket_of(nanoseconds.min(LONGEST));
        let up_to = self.counts.iter().take_while(|step| step.0 <= bucket);
        up_to.map(|step| step.1).sum::<u64>() as f64 / self.total as f64
    }

    /// The least sample, to the histogram's precision; 0 for none.
    pub fn min(&self) -> u64 {
        self.counts.first().map_or(0, |step| span_of(step.0).0)
    }

    /// The greatest.
    pub fn max(&self) -> u64 {
        self.counts.last().map_or(0, |step| span_of(step.0).1)
    }

    /// Arithmetic mean; 0 for none.
    pub fn mean(&self) -> f64 {
        let middle = |bucket| {
            let (low, high) = span_of(bucket);
            (low + (high - low).div_ceil(2)) as f64
        };
        let sum: f64 = self.counts.iter().map(|&(b, n)| middle(b) * n as f64).sum();
        sum / (self.total.max(1)) as f64
    }

    /// The recorded values with their counts, rising: each value stands for all equivalent ones.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().map(|&(b, count)| (span_of(b).1, count))
    }

    /// How many different values were recorded, to the histogram's precision.
    pub fn distinct(&self) -> usize {
        self.counts.len()
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
            .serialize(&self.to_hdr(), &mut bytes)
            .expect("writing to memory cannot fail");
        BASE64.encode(&bytes)
    }

    /// Reads what [`Histogram::to_base64`] writes. The text is untrusted.
    ///
    /// # Errors
    /// Where it is no base64, no histogram, or one of other bounds.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        let counts = counts_of(text)?;
        let add = |sum: u64, step: &(u64, u64)| sum.checked_add(step.1);
        let total = counts.iter().try_fold(0, add);
        let total = total.ok_or(HistogramError::Foreign)?;
        Ok(Self { counts, total })
    }

    /// The crate's own histogram, for formats that it writes.
    pub fn to_hdr(&self) -> Hdr<u64> {
        let mut hdr = Hdr::new_with_bounds(1, LONGEST, SIGNIFICANT_DIGITS)
            .expect("the bounds are constants that the crate accepts");
        for &(bucket, count) in &self.counts {
            hdr.saturating_record_n(span_of(bucket).0, count);
        }
        hdr
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
    use crate::statistics::Random;
    use hdrhistogram::serialization::Deserializer;

    fn assorted(seed: u64, length: usize) -> Vec<u64> {
        let mut random = Random::new(seed);
        (0..length)
            .map(|_| random.bits() >> random.below(64))
            .collect()
    }

    #[test]
    fn figures_are_those_of_the_crate() {
        for (seed, length) in [(1, 0), (2, 1), (3, 19), (4, 1_000), (5, 20_000)] {
            let samples = assorted(seed, length);
            let mut hdr: Hdr<u64> = Hdr::new_with_bounds(1, LONGEST, SIGNIFICANT_DIGITS).unwrap();
            let mut one_by_one = Histogram::new();
            for &ns in &samples {
                hdr.saturating_record(ns.min(LONGEST));
                one_by_one.record(ns);
            }
            let ours = Histogram::of(&samples);
            assert_eq!(ours, one_by_one);
            assert_eq!(ours.count(), hdr.len());
            assert_eq!(ours.max(), hdr.max());
            assert!((ours.mean() - hdr.mean()).abs() <= hdr.mean() * 1e-9);
            for q in [0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                assert_eq!(
                    ours.at(q),
                    hdr.value_at_quantile(q),
                    "{length} samples, {q}"
                );
            }
            for ns in [0, 1, 2_047, 2_048, 41_000, 13_700_000, LONGEST] {
                assert_eq!(ours.share_up_to(ns), hdr.quantile_below(ns), "{ns}");
            }
            let theirs = hdr.iter_recorded();
            let theirs: Vec<_> = theirs
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect();
            assert_eq!(ours.values().collect::<Vec<_>>(), theirs);
        }
    }

    #[test]
    fn the_text_is_read_by_the_crate_and_the_crates_by_us() {
        for (seed, length) in [(1, 0), (2, 1), (3, 50), (4, 30_000)] {
            let ours = Histogram::of(&assorted(seed, length));
            let text = ours.to_base64();
            let bytes = BASE64.decode(&text).unwrap();
            let theirs: Hdr<u64> = Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .unwrap();
            assert_eq!(theirs, ours.to_hdr());
            assert_eq!(Histogram::from_base64(&text), Ok(ours));
        }
    }

    #[test]
    fn adding_is_recording_both() {
        let (a, b) = (assorted(7, 900), assorted(8, 1_100));
        let mut sum = Histogram::of(&a);
        sum.add(&Histogram::of(&b));
        assert_eq!(sum, Histogram::of(&[a, b].concat()));
        sum.add(&Histogram::new());
        assert_eq!(sum.count(), 2_000);
    }

    #[test]
    fn counts_between_edges_are_all_there() {
        let histogram = Histogram::of(&[10, 20, 30, 40, 50]);
        assert_eq!(histogram.counts_between(&[0, 20, 40, 60]), [2, 2, 1]);
        assert_eq!(histogram.counts_between(&[20, 40]), [2]);
        assert!(histogram.counts_between(&[5]).is_empty());
    }
}
