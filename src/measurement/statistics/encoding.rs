//! The text form of a histogram, read from strangers.
//!
//! The crate's own reader allocates what a header claims, up to 4 GiB, and takes histograms of any bounds.
//! This one inflates no more than a histogram of ours can have.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::buckets::{BUCKETS, LONGEST, SIGNIFICANT_DIGITS};

/// The longest base64 text that is read as a histogram: a full one of ours is far shorter.
const LONGEST_TEXT: usize = 1 << 20;
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

/// The buckets with their counts, rising, in a text; no count is 0.
pub(super) fn counts_of(text: &str) -> Result<Vec<(u64, u64)>, HistogramError> {
    if text.len() > LONGEST_TEXT {
        return Err(HistogramError::Foreign);
    }
    let bytes = BASE64.decode(text).map_err(|_| HistogramError::Base64)?;
    let bytes = inflate(&bytes)?;
    if bytes[4..HEADER] != expected_header(bytes.len() - HEADER) {
        return Err(HistogramError::Foreign);
    }
    counts_in(&bytes[HEADER..])
}

/// Reads V2's counts: zigzag numbers of 7 bits a byte, a negative one being a row of empty buckets.
fn counts_in(mut bytes: &[u8]) -> Result<Vec<(u64, u64)>, HistogramError> {
    let mut counts = Vec::new();
    let mut bucket = 0u64;
    while !bytes.is_empty() {
        let number = signed_number(&mut bytes)?;
        match u64::try_from(number) {
            Ok(count) => {
                if bucket >= BUCKETS {
                    return Err(HistogramError::Foreign);
                }
                if count > 0 {
                    counts.push((bucket, count));
                }
                bucket += 1;
            }
            Err(_) => bucket = bucket.saturating_add(number.unsigned_abs()),
        }
    }
    Ok(counts)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Histogram;
    use hdrhistogram::serialization::{Serializer, V2Serializer};

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
}
