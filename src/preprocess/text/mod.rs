//! The text normaliser: what a seller wrote, as it is meant to be read.
//!
//! ```text
//! original ── chars ──> composed, lower case, look-alikes mapped, invisible ones dropped
//!          ── words ──> runs of letters and digits, each with its place in the original
//!          ── restore ─> "D.I.O.R", "n1ke", "cha nel" as the words they stand for
//!          ── expand ──> teencode and abbreviations written out
//!          ──> Text { plain, folded, words, places }
//! ```
//!
//! `plain` keeps the diacritics, `folded` is the same text without them, character by character.
//! Every character of `plain` knows the range of original characters that it came from, so a
//! finding in normalised text is shown in the seller's own words. Normalising `plain` again
//! changes nothing.

mod chars;
mod fold;
mod lookalike;
mod normalize;
mod restore;

#[cfg(test)]
mod tests;

pub(crate) use crate::preprocess::{FastMap, FastSet};
pub use fold::{fold, fold_char};
pub use normalize::{Normalizer, Teencode, TeencodeError};
pub use restore::Vocabulary;

/// How a word was disguised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(u8);

impl Marks {
    /// Invisible characters stood inside the word.
    pub const HIDDEN: Self = Self(1);
    /// Letters of another script stood for Latin ones.
    pub const LOOKALIKE: Self = Self(2);
    /// The word was broken up by dots, spaces or other signs.
    pub const BROKEN: Self = Self(4);
    /// Digits or signs stood for letters.
    pub const LEET: Self = Self(8);
    /// The word was written in short and has been written out.
    pub const EXPANDED: Self = Self(16);

    /// Whether all of `other` is in `self`.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the word was hidden from plain reading (an abbreviation is not).
    pub fn is_disguised(self) -> bool {
        self.0 & (Self::HIDDEN.0 | Self::LOOKALIKE.0 | Self::BROKEN.0 | Self::LEET.0) != 0
    }
}

impl std::ops::BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Marks {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A half-open range of Unicode scalar values in the original text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub start: u32,
    pub end: u32,
}

impl Place {
    /// The smallest range that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One word of a [`Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Bytes of `plain`.
    plain: (u32, u32),
    /// Bytes of `folded`.
    folded: (u32, u32),
    pub place: Place,
    pub marks: Marks,
    /// Whether a sentence, clause or line ends between the word before and this one.
    pub breaks: bool,
}

/// A normalised text with its map back to the original.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    plain: String,
    folded: String,
    places: Vec<Place>,
    words: Vec<Word>,
}

impl Text {
    /// Normalised, with diacritics.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// Normalised, without diacritics; as many characters as `plain`.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// For each character of `plain`, where it came from.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// A word with its diacritics.
    pub fn plain_word(&self, word: &Word) -> &str {
        &self.plain[word.plain.0 as usize..word.plain.1 as usize]
    }

    /// A word without diacritics.
    pub fn folded_word(&self, word: &Word) -> &str {
        &self.folded[word.folded.0 as usize..word.folded.1 as usize]
    }
}

/// The characters `place` of `original`.
pub fn slice(original: &str, place: Place) -> &str {
    let mut at = original.char_indices().map(|(i, _)| i).chain([original.len()]);
    let start = at.nth(place.start as usize).unwrap_or(original.len());
    let len = place.end.saturating_sub(place.start) as usize;
    let end = if len == 0 { start } else { at.nth(len - 1).unwrap_or(original.len()) };
    &original[start..end]
}
