//! What sellers do to a listing so that filters don't find it.
//!
//! Owns the changes ([`Attack`]) and applies them to title and description; price, seller and all
//! other fields stay. A [`Sort::Disguise`] hides brands and tell-tale words, found as `signals`
//! finds them, and belongs to who sells counterfeits. A [`Sort::Style`] is a manner of writing
//! that anybody may have. About a third of each sort is never trained on, so that what is measured
//! with it is more than memory. `train` adds the trained ones to its rows; the command line scores
//! rows under all of them for `eval`.

mod disguise;
mod letters;
mod order;
mod style;
mod targets;

#[cfg(test)]
mod tests;

use super::Row;
use crate::domain::{Limits, NewListing};
use crate::eval::SplitMix64;
use crate::preprocess::{hash_str, map_batch};
use crate::signals::{Knowledge, Reading, Source};

pub use crate::eval::AttackSort as Sort;

/// One way to change a listing's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attack {
    /// "N i k e", "Ni ke".
    Spacing,
    /// "N.i.k.e", "Ni.ke".
    Dotting,
    /// "N-i-k-e", "N*ike".
    Signs,
    /// "N1ke", "r3p".
    Leet,
    /// "Nikee".
    Doubled,
    /// "Nk", "gcc".
    VowelsDropped,
    /// Another phrase of the same concept, another spelling of the brand, an abbreviation.
    CodeWords,
    /// As spoken or in teencode: "a đi đát", "rép", "gukci".
    Respelling,
    /// Letters of other alphabets that look the same.
    Lookalike,
    /// Characters that are drawn as nothing.
    ZeroWidth,
    /// "Nkie".
    Swapped,
    /// "N🔥i🔥k🔥e".
    EmojiBetween,
    NoDiacritics,
    /// Half of the words without diacritics.
    SomeDiacritics,
    /// Chat spelling for common words: "không" → "hok".
    Teencode,
    Capitals,
    LowerCase,
    /// Emoji around sentences, hashtags at the end.
    Emoji,
    NoPunctuation,
    TitleRepeated,
    /// Only half a title; the whole of it opens the description.
    TitleCut,
    /// The title's phrases in another order.
    WordOrder,
    /// Slips of the finger, and of the Vietnamese keyboard.
    Typing,
    /// Letters and marks as characters of their own (NFD).
    Decomposed,
}

impl Attack {
    pub const ALL: [Self; 24] = [
        Self::Spacing,
        Self::Dotting,
        Self::Signs,
        Self::Leet,
        Self::Doubled,
        Self::VowelsDropped,
        Self::CodeWords,
        Self::Respelling,
        Self::Lookalike,
        Self::ZeroWidth,
        Self::Swapped,
        Self::EmojiBetween,
        Self::NoDiacritics,
        Self::SomeDiacritics,
        Self::Teencode,
        Self::Capitals,
        Self::LowerCase,
        Self::Emoji,
        Self::NoPunctuation,
        Self::TitleRepeated,
        Self::TitleCut,
        Self::WordOrder,
        Self::Typing,
        Self::Decomposed,
    ];

    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spacing => "spacing",
            Self::Dotting => "dotting",
            Self::Signs => "signs",
            Self::Leet => "leet",
            Self::Doubled => "doubled",
            Self::VowelsDropped => "vowels_dropped",
            Self::CodeWords => "code_words",
            Self::Respelling => "respelling",
            Self::Lookalike => "lookalike",
            Self::ZeroWidth => "zero_width",
            Self::Swapped => "swapped",
            Self::EmojiBetween => "emoji_between",
            Self::NoDiacritics => "no_diacritics",
            Self::SomeDiacritics => "some_diacritics",
            Self::Teencode => "teencode",
            Self::Capitals => "capitals",
            Self::LowerCase => "lower_case",
            Self::Emoji => "emoji",
            Self::NoPunctuation => "no_punctuation",
            Self::TitleRepeated => "title_repeated",
            Self::TitleCut => "title_cut",
            Self::WordOrder => "word_order",
            Self::Typing => "typing",
            Self::Decomposed => "decomposed",
        }
    }

    pub fn sort(self) -> Sort {
        match self {
            Self::Spacing
            | Self::Dotting
            | Self::Signs
            | Self::Leet
            | Self::Doubled
            | Self::VowelsDropped
            | Self::CodeWords
            | Self::Respelling
            | Self::Lookalike
            | Self::ZeroWidth
            | Self::Swapped
            | Self::EmojiBetween => Sort::Disguise,
            Self::NoDiacritics
            | Self::SomeDiacritics
            | Self::Teencode
            | Self::Capitals
            | Self::LowerCase
            | Self::Emoji
            | Self::NoPunctuation
            | Self::TitleRepeated
            | Self::TitleCut
            | Self::WordOrder
            | Self::Typing
            | Self::Decomposed => Sort::Style,
        }
    }

    /// Whether training may use it; the others are for testing alone.
    pub fn trained(self) -> bool {
        !matches!(
            self,
            Self::Lookalike
                | Self::ZeroWidth
                | Self::Swapped
                | Self::EmojiBetween
                | Self::TitleCut
                | Self::WordOrder
                | Self::Typing
                | Self::Decomposed
        )
    }
}

/// `listing` with its title and description changed; `None` where the attack finds nothing to
/// change. The same for the same state of `random`; no text grows past its limit.
pub fn attack(
    kind: Attack,
    listing: &NewListing,
    knowledge: &Knowledge,
    random: &mut SplitMix64,
) -> Option<NewListing> {
    let limits = Limits::default();
    let mut texts = Texts {
        title: listing.title.clone()?,
        description: listing.description.clone().filter(|d| !d.trim().is_empty()),
        title_limit: limits.title_chars,
        description_limit: limits.description_chars,
    };
    let before = texts.clone();
    let read = || Some(Reading::new(knowledge, &listing.clone().parse(&limits).ok()?));
    match kind.sort() {
        Sort::Disguise => disguise::apply(kind, &mut texts, knowledge, &read()?, random),
        Sort::Style if kind == Attack::WordOrder => order::apply(&mut texts, &read()?, random),
        Sort::Style => style::apply(kind, &mut texts, knowledge, random),
    }
    let mut changed = listing.clone();
    if texts.title != before.title && !texts.title.trim().is_empty() {
        changed.title = Some(texts.title);
    }
    if texts.description != before.description {
        changed.description = texts.description;
    }
    let different = changed.title != listing.title || changed.description != listing.description;
    (different && changed.clone().parse(&limits).is_ok()).then_some(changed)
}

/// Every row's listing under an attack; `None` where it stays as it is.
///
/// A [`Sort::Disguise`] leaves negative rows alone: they have nothing to hide. A row is changed in
/// the same way whatever rows stand beside it.
pub fn attack_rows(
    kind: Attack,
    rows: &[Row],
    knowledge: &Knowledge,
    seed: u64,
) -> Vec<Option<NewListing>> {
    let start = hash_str(seed, kind.as_str());
    map_batch(rows, |row| {
        if kind.sort() == Sort::Disguise && !row.label {
            return None;
        }
        attack(kind, &row.listing, knowledge, &mut SplitMix64::new(hash_str(start, &row.id)))
    })
}

/// The two texts that an attack may change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Texts {
    title: String,
    description: Option<String>,
    /// In Unicode scalar values.
    title_limit: usize,
    description_limit: usize,
}

impl Texts {
    /// Replaces each text by what `change` makes of it, where that fits.
    fn each(&mut self, mut change: impl FnMut(Source, &str) -> Option<String>) {
        if let Some(new) = change(Source::Title, &self.title) {
            self.set_title(new);
        }
        if let Some(new) = self.description.as_deref().and_then(|d| change(Source::Description, d))
        {
            self.set_description(new);
        }
    }

    fn set_title(&mut self, new: String) {
        if new.chars().count() <= self.title_limit {
            self.title = new;
        }
    }

    fn set_description(&mut self, new: String) {
        if new.chars().count() <= self.description_limit {
            self.description = Some(new);
        }
    }

    fn limit(&self, source: Source) -> usize {
        if source == Source::Title { self.title_limit } else { self.description_limit }
    }
}
