//! Holding a footprint (a stand-in until the real one lands).

use super::{Footprint, Receipt};

/// Why a footprint could not be held.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct HoldError {
    /// Why.
    pub reason: String,
    /// Whether it is the host that does not offer it.
    pub skip: bool,
}

impl HoldError {
    /// Whether the host does not offer it.
    pub fn is_skip(&self) -> bool {
        self.skip
    }
}

/// A footprint that is held.
#[derive(Debug)]
pub struct Held {
    bytes: u64,
}

impl Held {
    /// Holds it.
    ///
    /// # Errors
    /// Never, yet.
    pub fn hold(footprint: &Footprint, _cpu: Option<u32>) -> Result<Self, HoldError> {
        if footprint.bytes > 0 {
            // SAFETY: a fresh anonymous mapping.
            unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    footprint.bytes as usize,
                    3,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
                    -1,
                    0,
                );
            }
        }
        Ok(Self {
            bytes: footprint.bytes,
        })
    }

    /// The receipt.
    pub fn receipt(&self) -> Receipt {
        Receipt {
            pid: std::process::id() as i32,
            image: "dynamic".into(),
            ballast: self.bytes,
            ..Receipt::default()
        }
    }

    /// Writes every page again.
    pub fn rewrite(&mut self) {}
}

/// Where a receipt misses its request.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct ReceiptMismatch {
    /// What does not fit.
    pub what: String,
}

impl Receipt {
    /// Checks it against what was asked for.
    ///
    /// # Errors
    /// Never, yet.
    pub fn check(&self, _: &Footprint) -> Result<(), ReceiptMismatch> {
        Ok(())
    }
}

/// Whether it fits.
///
/// # Errors
/// Never, yet.
pub fn fits(_: &Footprint, _: u64) -> Result<(), String> {
    Ok(())
}
