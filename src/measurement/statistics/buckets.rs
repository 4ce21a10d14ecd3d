//! HdrHistogram's layout: which values are counted together.

/// Significant decimal digits that survive: a value is known to within 0.1 %.
pub const SIGNIFICANT_DIGITS: u8 = 3;
/// The longest time a histogram holds: an hour. Longer ones are counted as that.
pub const LONGEST: u64 = 3_600_000_000_000;

/// Binary digits that tell 2 × 10³ values apart: values below 2^11 have a bucket each.
const PRECISION_BITS: u32 = 11;
/// Buckets of the dense form: 1,024 for each doubling up to the one that holds [`LONGEST`].
pub(super) const BUCKETS: u64 = bucket_of(LONGEST).next_multiple_of(1 << (PRECISION_BITS - 1));

/// The bucket of HdrHistogram's dense form that counts `value`.
pub(super) const fn bucket_of(value: u64) -> u64 {
    let doublings = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS);
    ((doublings as u64) << (PRECISION_BITS - 1)) + (value >> doublings)
}

/// The least and the greatest value that a bucket counts.
pub(super) fn span_of(bucket: u64) -> (u64, u64) {
    let half = 1 << (PRECISION_BITS - 1);
    let doublings = (bucket / half).saturating_sub(1);
    let low = (bucket - doublings * half) << doublings;
    (low, low + (1 << doublings) - 1)
}
