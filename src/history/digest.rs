//! A digest that tells contents apart. It guards against nothing: who may write the store may write anything.

use std::fmt;

/// FNV-1a of 128 bits (Fowler, Noll and Vo, draft-eastlake-fnv), which needs no library and is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest(u128);

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl Digest {
    pub(super) fn new() -> Self {
        Self(OFFSET)
    }

    /// Takes in a part. Its length goes first, so that parts can't run into each other.
    pub(super) fn add(&mut self, part: &[u8]) {
        let length = (part.len() as u64).to_le_bytes();
        for byte in length.iter().chain(part) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    /// Takes in a number.
    pub(super) fn add_number(&mut self, number: u64) {
        self.add(&number.to_le_bytes());
    }

    /// All of it.
    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Digest {
    /// 16 hexadecimal digits, both halves folded into them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", (self.0 >> 64) as u64 ^ self.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&str]) -> Digest {
        let mut digest = Digest::new();
        parts.iter().for_each(|part| digest.add(part.as_bytes()));
        digest
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a"]), of(&["a", ""]));
        assert_eq!(of(&["a"]).to_string().len(), 16);
    }

    #[test]
    fn it_is_fnv_1a() {
        // The test vector of "a", as published by the authors.
        let step = (OFFSET ^ u128::from(b'a')).wrapping_mul(PRIME);
        assert_eq!(step, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
