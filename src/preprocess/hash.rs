//! The hash of features. Weights are stored by it, so it may never change.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bits, over the bytes of `text`, started from `seed`.
pub fn hash_str(seed: u64, text: &str) -> u64 {
    text.bytes().fold(OFFSET ^ seed, |h, b| (h ^ u64::from(b)).wrapping_mul(PRIME))
}

/// Spreads a hash over all 64 bits (the finaliser of `MurmurHash3`).
pub fn mix(hash: u64) -> u64 {
    let h = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// FNV-1a as a [`Hasher`] for maps whose keys come from a model's own files.
///
/// It is not keyed, so never use it for a map that grows by what clients send.
#[derive(Debug, Clone)]
pub struct StableHasher(u64);

impl Default for StableHasher {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Hasher for StableHasher {
    fn finish(&self) -> u64 {
        mix(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(PRIME);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(PRIME);
    }
}

/// A map hashed by [`StableHasher`].
pub type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<StableHasher>>;
/// A set hashed by [`StableHasher`].
pub type FastSet<K> = HashSet<K, BuildHasherDefault<StableHasher>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of FNV-1a 64.
        assert_eq!(hash_str(0, ""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_str(0, "a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_str(0, "foobar"), 0x8594_4171_f739_67e8);
    }
}
