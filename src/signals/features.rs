use std::ops::Range;

use super::brands::Mention;
use super::lexicon::Variant;
use super::reading::Reading;
use crate::preprocess::text::{Marks, Place};
use crate::preprocess::{Pieces, hash_str, mix};

/// Shortest and longest character n-gram of a word, its edges included.
const GRAMS: Range<usize> = 3..6;
/// Longest word, in characters, whose pieces and n-grams are read.
const MAX_CHARS: usize = 24;

/// Seeds that keep the kinds of hashed features apart.
const SEED_PLAIN: u64 = 1;
const SEED_FOLDED: u64 = 2;
const SEED_GRAM: u64 = 3;
const SEED_PAIR: u64 = 4;

/// A sign that a name or tell-tale word was disguised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disguise {
    BrokenBrand,
    LeetBrand,
    LookalikeBrand,
    HiddenBrand,
    /// An invented spelling of a brand.
    RespelledBrand,
    /// A word of the lexicon in any disguise.
    Word,
}

impl Disguise {
    pub const ALL: [Self; 6] = [
        Self::BrokenBrand,
        Self::LeetBrand,
        Self::LookalikeBrand,
        Self::HiddenBrand,
        Self::RespelledBrand,
        Self::Word,
    ];

    fn of_brand(mention: Mention, marks: Marks) -> Option<Self> {
        [
            (Marks::BROKEN, Self::BrokenBrand),
            (Marks::LEET, Self::LeetBrand),
            (Marks::LOOKALIKE, Self::LookalikeBrand),
            (Marks::HIDDEN, Self::HiddenBrand),
        ]
        .into_iter()
        .find_map(|(mark, disguise)| marks.has(mark).then_some(disguise))
        .or((mention == Mention::Disguised).then_some(Self::RespelledBrand))
    }
}

/// Where each feature of the text part has its weight: sub-word pieces, hashed words and
/// n-grams, concepts by variant, disguises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSpace {
    pub pieces: usize,
    pub bucket_bits: u32,
    pub concepts: usize,
}

/// A feature that is more than wording: its index, and where it was met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sign {
    pub index: usize,
    /// Index into [`Reading::fields`].
    pub field: usize,
    pub place: Place,
    pub what: SignKind,
}

/// What a [`Sign`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignKind {
    /// Index of the concept and how it was met.
    Concept(u16, Variant),
    /// How a brand, if it is one, was disguised.
    Disguise(Disguise, Option<u16>),
}

impl FeatureSpace {
    pub fn len(&self) -> usize {
        self.disguises_at() + Disguise::ALL.len()
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    pub fn buckets(&self) -> usize {
        1 << self.bucket_bits
    }

    /// Where the weights of the concepts begin.
    pub fn concepts_at(&self) -> usize {
        self.pieces + self.buckets()
    }

    /// Where the weights of the disguises begin.
    pub fn disguises_at(&self) -> usize {
        self.concepts_at() + self.concepts * Variant::COUNT
    }

    fn bucket(&self, hash: u64) -> usize {
        let bits = mix(hash) >> (64 - self.bucket_bits);
        self.pieces + usize::try_from(bits).unwrap_or(0)
    }

    /// The features of one word alone, always in the same order.
    pub fn word(&self, pieces: &Pieces, plain: &str, folded: &str, out: &mut Vec<usize>) {
        out.clear();
        let shape = shape(folded);
        // What is too long is no word, and its many pieces would outweigh all the others.
        let long = shape.chars().nth(MAX_CHARS).is_some();
        if !long {
            let ids = pieces.of_word(plain);
            out.extend(ids.into_iter().map(|id| id as usize).filter(|id| *id < self.pieces));
        }
        let letters = folded.chars().any(char::is_alphabetic);
        let (exact, loose) = if letters { (plain, folded) } else { (&*shape, &*shape) };
        out.push(self.bucket(hash_str(SEED_PLAIN, exact)));
        out.push(self.bucket(hash_str(SEED_FOLDED, loose)));
        if !letters || long {
            return;
        }
        let edged = format!("<{shape}>");
        let at: Vec<usize> = edged.char_indices().map(|(i, _)| i).chain([edged.len()]).collect();
        for length in GRAMS {
            for window in at.windows(length + 1) {
                let gram = &edged[window[0]..window[length]];
                out.push(self.bucket(hash_str(SEED_GRAM, gram)));
            }
        }
    }

    /// The feature of two words in a row.
    pub fn pair(&self, first: &str, second: &str) -> usize {
        let hash = hash_str(SEED_PAIR, first);
        self.bucket(hash_str(mix(hash), second))
    }

    /// Concepts and disguises of a listing, each once.
    pub fn signs(&self, reading: &Reading) -> Vec<Sign> {
        let mut signs: Vec<Sign> = Vec::new();
        let mut add = |sign: Sign| {
            if signs.iter().all(|s| s.index != sign.index) {
                signs.push(sign);
            }
        };
        for (field, text) in reading.fields.iter().enumerate() {
            if !text.source.is_wording() {
                continue;
            }
            for f in &text.findings {
                let index = self.concepts_at()
                    + usize::from(f.concept) * Variant::COUNT
                    + f.variant as usize;
                let what = SignKind::Concept(f.concept, f.variant);
                add(Sign { index, field, place: f.place, what });
                if f.marks.is_disguised() {
                    add(self.disguise(Disguise::Word, None, field, f.place));
                }
            }
            for m in &text.brands {
                if let Some(disguise) = Disguise::of_brand(m.mention, m.marks) {
                    add(self.disguise(disguise, Some(m.brand), field, m.place));
                }
            }
        }
        signs
    }

    fn disguise(&self, kind: Disguise, brand: Option<u16>, field: usize, place: Place) -> Sign {
        let index = self.disguises_at() + kind as usize;
        Sign { index, field, place, what: SignKind::Disguise(kind, brand) }
    }
}

/// Digits as one digit, so that sizes and prices are known by their form.
fn shape(folded: &str) -> String {
    folded.chars().map(|c| if c.is_numeric() { '0' } else { c }).collect()
}

/// What the sum over `words` words is multiplied with, so that long texts do not weigh more by
/// their length.
pub fn length_scale(words: usize) -> f64 {
    1.0 / f64::from(u32::try_from(words.max(1)).unwrap_or(u32::MAX)).sqrt()
}
