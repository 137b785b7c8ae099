use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::preprocess::{Pieces, hash_str, mix};
use crate::signals::FeatureSpace;

/// Parts of the memory, each behind its own lock.
const SHARDS: usize = 64;
/// Words kept in one part; a full one starts anew.
const SHARD_WORDS: usize = 4096;

/// The weight of single words: the sum over their pieces, n-grams and spellings.
///
/// A word's weight depends on the word alone, so it is worked out once and remembered, in
/// bounded memory; a remembered weight is the same number to the bit.
#[derive(Debug)]
pub(super) struct WordWeights {
    space: FeatureSpace,
    pieces: Pieces,
    weights: Vec<f32>,
    shards: Vec<Mutex<HashMap<Box<str>, f64>>>,
}

impl WordWeights {
    pub(super) fn new(space: FeatureSpace, pieces: Pieces, weights: Vec<f32>) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { space, pieces, weights, shards }
    }

    pub(super) fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    pub(super) fn space(&self) -> FeatureSpace {
        self.space
    }

    /// The weight of one feature.
    pub(super) fn weight(&self, index: usize) -> f64 {
        f64::from(self.weights[index])
    }

    /// The weight of two words in a row.
    pub(super) fn pair(&self, first: &str, second: &str) -> f64 {
        self.weight(self.space.pair(first, second))
    }

    /// The weight of one word.
    pub(super) fn word(&self, plain: &str, folded: &str) -> f64 {
        let shard = mix(hash_str(0, plain)) as usize % SHARDS;
        let lock = || self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(weight) = lock().get(plain) {
            return *weight;
        }
        let mut indices = Vec::with_capacity(32);
        self.space.word(&self.pieces, plain, folded, &mut indices);
        let weight = indices.iter().map(|i| self.weight(*i)).sum();
        let mut words = lock();
        if words.len() >= SHARD_WORDS {
            words.clear();
        }
        words.insert(plain.into(), weight);
        weight
    }
}
