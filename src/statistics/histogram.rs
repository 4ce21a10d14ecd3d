//! Every sample of a phase in a bounded space, with HdrHistogram's precision.
//!
//! Kept as the few buckets that hold samples, not as HdrHistogram's array of 33,792 counts: a run of
//! 200 cells would need a hundred megabytes of zeros. The layout of buckets, the text form and the
//! figures are HdrHistogram's, and the crate of that name is what the tests compare with.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, interval_log};

/// Significant decimal digits that survive: a value is known to within 0.1 %.
pub const SIGNIFICANT_DIGITS: u8 = 3;
/// The longest time a histogram holds: an hour. Longer ones are counted as that.
pub const LONGEST: u64 = 3_600_000_000_000;
/// The longest base64 text that is read as a histogram: a full one of ours is far shorter.
const LONGEST_TEXT: usize = 1 << 20;

/// Binary digits that tell 2 × 10³ values apart: values below 2^11 have a bucket each.
const PRECISION_BITS: u32 = 11;
/// Buckets of the dense form: 1,024 for each doubling up to the one that holds [`LONGEST`].
const BUCKETS: u64 = bucket_of(LONGEST).next_multiple_of(1 << (PRECISION_BITS - 1));
/// The cookie before an inflated V2 histogram, and the one before a deflated one.
const V2_COOKIE: u32 = 0x1c84_9313;
const V2_DEFLATED_COOKIE: u32 = 0x1c84_9314;
/// Bytes before the counts: cookie, length, offset, digits, least and greatest value, ratio.
const HEADER: usize = 40;
/// The longest count is nine bytes.
const LONGEST_INFLATED: u64 = HEADER as u64 + 9 * BUCKETS;

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

/// The bucket of HdrHistogram's dense form that counts `value`.
const fn bucket_of(value: u64) -> u64 {
    let doublings = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS);
    ((doublings as u64) << (PRECISION_BITS - 1)) + (value >> doublings)
}

/// The least and the greatest value that a bucket counts.
fn span_of(bucket: u64) -> (u64, u64) {
    let half = 1 << (PRECISION_BITS - 1);
    let doublings = (bucket / half).saturating_sub(1);
    let low = (bucket - doublings * half) << doublings;
    (low, low + (1 << doublings) - 1)
}

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

    /// Reads what [`Histogram::to_base64`] writes. The text is untrusted: the crate's own reader would
    /// allocate whatever a header claims, up to 4 GiB.
    ///
    /// # Errors
    /// Where it is no base64, no histogram, or one of other bounds.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        if text.len() > LONGEST_TEXT {
            return Err(HistogramError::Foreign);
        }
        let bytes = BASE64.decode(text).map_err(|_| HistogramError::Base64)?;
        let bytes = inflate(&bytes)?;
        if bytes[4..HEADER] != expected_header(bytes.len() - HEADER) {
            return Err(HistogramError::Foreign);
        }
        Self::of_counts(&bytes[HEADER..])
    }

    /// Reads V2's counts: zigzag numbers of 7 bits a byte, a negative one being a row of empty buckets.
    fn of_counts(mut bytes: &[u8]) -> Result<Self, HistogramError> {
        let mut histogram = Self::new();
        let mut bucket = 0u64;
        while !bytes.is_empty() {
            let number = signed_number(&mut bytes)?;
            match u64::try_from(number) {
                Ok(count) => {
                    if bucket >= BUCKETS {
                        return Err(HistogramError::Foreign);
                    }
                    if count > 0 {
                        histogram.counts.push((bucket, count));
                        histogram.total =
                            (histogram.total.checked_add(count)).ok_or(HistogramError::Foreign)?;
                    }
                    bucket += 1;
                }
                Err(_) => bucket = bucket.saturating_add(number.unsigned_abs()),
            }
        }
        Ok(histogram)
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

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, HistogramError> {
    let not = |what: &str| HistogramError::Bytes(what.to_owned());
    if deflated.len() < 8 || deflated[..4] != V2_DEFLATED_COOKIE.to_be_bytes() {
        return Err(not("no cookie"));
    }
    let mut bytes = Vec::new();
    flate2::read::ZlibDecoder::new(&deflated[8..])
        .take(LONGEST_INFLATED + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| not(&error.to_string()))?;
    if bytes.len() < HEADER || bytes[..4] != V2_COOKIE.to_be_bytes() {
        return Err(not("no inner cookie"));
    }
    if bytes.len() as u64 > LONGEST_INFLATED {
        return Err(HistogramError::Foreign);
    }
    Ok(bytes)
}

/// What must follow the inner cookie of a histogram of ours whose counts take `length` bytes.
fn expected_header(length: usize) -> [u8; HEADER - 4] {
    let mut header = [0; HEADER - 4];
    header[..4].copy_from_slice(&(length as u32).to_be_bytes());
    header[8..12].copy_from_slice(&u32::from(SIGNIFICANT_DIGITS).to_be_bytes());
    header[12..20].copy_from_slice(&1u64.to_be_bytes());
    header[20..28].copy_from_slice(&LONGEST.to_be_bytes());
    header[28..].copy_from_slice(&1f64.to_be_bytes());
    header
}

/// Takes one number off the front: 7 bits a byte, the ninth byte giving 8.
fn signed_number(bytes: &mut &[u8]) -> Result<i64, HistogramError> {
    let mut number = 0u64;
    for at in 0..9 {
        let (&byte, rest) = bytes
            .split_first()
            .ok_or_else(|| HistogramError::Bytes("a count is cut off".to_owned()))?;
        *bytes = rest;
        let last = at == 8 || byte & 0x80 == 0;
        let bits = if at == 8 { byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * at);
        if last {
            break;
        }
    }
    Ok((number >> 1) as i64 ^ -((number & 1) as i64))
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
    use hdrhistogram::serialization::{Deserializer, V2Serializer};

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
    fn the_text_of_another_implementation_is_read() {
        // From HdrHistogram_py 0.10.8: HdrHistogram(1, 3600000000000, 3), record_value(…), encode().
        let text =
            "HISTFAAAADV4nJNpmSzMwMAgwgABzFCaEch0M9ixgMH+A1SA7ac8G9t/5yv8K8WY7ucztS5gYgIA7R8K6Q==";
        let histogram = Histogram::from_base64(text).unwrap();
        let samples = [
            (1, 3),
            (2_047, 3),
            (2_048, 3),
            (41_000, 1_002),
            (108_000, 1),
            (13_700_000, 1),
        ];
        let mut expected = Histogram::of(&[LONGEST]);
        for (ns, count) in samples {
            (0..count).for_each(|_| expected.record(ns));
        }
        assert_eq!(histogram, expected);
        assert_eq!((histogram.count(), histogram.at(0.5)), (1_014, 41_023));
        assert_eq!(histogram.max(), 3_601_330_077_695);
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

    /// A deflated histogram around any bytes.
    fn text_of(inner: &[u8]) -> String {
        use std::io::Write;
        let mut bytes = V2_DEFLATED_COOKIE.to_be_bytes().to_vec();
        bytes.extend([0; 4]);
        let mut encoder = flate2::write::ZlibEncoder::new(bytes, flate2::Compression::fast());
        encoder.write_all(inner).unwrap();
        BASE64.encode(encoder.finish().unwrap())
    }

    #[test]
    fn hostile_text_is_refused_without_the_memory_it_claims() {
        let mut sound = Vec::new();
        V2Serializer::new()
            .serialize(&Histogram::of(&[5, 6, 70_000]).to_hdr(), &mut sound)
            .unwrap();
        assert!(Histogram::from_base64(&text_of(&sound)).is_ok());
        for (at, byte) in [(4, 0xff), (11, 1), (15, 5), (23, 2), (24, 0xff), (32, 0)] {
            let mut bytes = sound.clone();
            bytes[at] = byte;
            let error = Histogram::from_base64(&text_of(&bytes)).unwrap_err();
            assert_eq!(error, HistogramError::Foreign, "byte {at}");
        }
        // Zeros deflate to a thousandth; what is inflated has to be bounded.
        let bomb = text_of(&vec![0; 16 << 20]);
        assert!(bomb.len() < 1 << 18 && Histogram::from_base64(&bomb).is_err());
        assert_eq!(
            Histogram::from_base64("Zm9v"),
            Err(HistogramError::Bytes("no cookie".into()))
        );
        assert_eq!(Histogram::from_base64("?"), Err(HistogramError::Base64));
    }

    #[test]
    fn counts_between_edges_are_all_there() {
        let histogram = Histogram::of(&[10, 20, 30, 40, 50]);
        assert_eq!(histogram.counts_between(&[0, 20, 40, 60]), [2, 2, 1]);
        assert_eq!(histogram.counts_between(&[20, 40]), [2]);
        assert!(histogram.counts_between(&[5]).is_empty());
    }
}
