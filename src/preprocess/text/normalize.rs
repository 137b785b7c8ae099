use std::collections::BTreeMap;

use serde::Deserialize;

use super::chars::{Piece, is_word, read};
use super::fold::fold_char;
use super::restore::{Vocabulary, restore};
use super::{FastMap, Marks, Place, Text, Word};

/// Short forms and what they stand for: `ko` → `không`.
#[derive(Debug, Clone, Default)]
pub struct Teencode {
    expand: FastMap<Box<str>, Box<str>>,
}

/// The table of short forms cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TeencodeError {
    #[error("teencode: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("teencode: {0:?} is not one word of letters and digits, lower case")]
    Key(String),
    #[error("teencode: {key:?} expands to {word:?}, which is a short form itself")]
    Loop { key: String, word: String },
}

impl Teencode {
    /// Reads `[expand]` of a TOML text.
    ///
    /// # Errors
    /// When a key is not one normalised word, or an expansion holds another key, so that
    /// normalising twice would not be the same as once.
    pub fn parse(toml: &str) -> Result<Self, TeencodeError> {
        #[derive(Deserialize)]
        struct File {
            expand: BTreeMap<String, String>,
        }
        let file: File = toml::from_str(toml)?;
        let bare = Normalizer::default();
        let mut expand = FastMap::default();
        for (key, text) in &file.expand {
            let normal = bare.normalize(key);
            if normal.words().len() != 1 || normal.plain() != key {
                return Err(TeencodeError::Key(key.clone()));
            }
            let text = bare.normalize(text);
            for word in text.words() {
                let word = text.plain_word(word);
                if file.expand.contains_key(word) {
                    return Err(TeencodeError::Loop { key: key.clone(), word: word.to_owned() });
                }
            }
            expand.insert(key.as_str().into(), text.plain().into());
        }
        Ok(Self { expand })
    }

    /// Short forms with what they stand for, in no order that can be relied on.
    pub fn short_forms(&self) -> impl Iterator<Item = (&str, &str)> {
        self.expand.iter().map(|(short, long)| (&**short, &**long))
    }
}

/// Turns a seller's text into a [`Text`]; the default one restores and expands nothing.
#[derive(Debug, Clone, Default)]
pub struct Normalizer {
    teencode: Teencode,
    vocabulary: Vocabulary,
}

/// Replace the pieces of `range` by `text`.
struct Edit<'a> {
    range: (usize, usize),
    text: &'a str,
    marks: Marks,
}

impl Normalizer {
    pub fn new(teencode: Teencode, vocabulary: Vocabulary) -> Self {
        Self { teencode, vocabulary }
    }

    pub fn teencode(&self) -> &Teencode {
        &self.teencode
    }

    /// Normalises `original`; any string will do.
    pub fn normalize(&self, original: &str) -> Text {
        let mut pieces = read(original);
        let mut words = word_ranges(&pieces);
        // A written-out abbreviation may complete a disguise, so go on until nothing changes.
        for _ in 0..4 {
            let edits = self.edits(&pieces, &words);
            if edits.is_empty() {
                break;
            }
            pieces = apply(&pieces, &edits);
            words = word_ranges(&pieces);
        }
        build(&pieces, &words)
    }

    fn edits(&self, pieces: &[Piece], words: &[(usize, usize)]) -> Vec<Edit<'_>> {
        let mut edits = Vec::new();
        let mut buffer = String::new();
        let mut at = 0;
        while at < words.len() {
            let range = words[at];
            if !self.vocabulary.is_empty()
                && let Some(found) = restore(&self.vocabulary, pieces, words, at)
            {
                edits.push(Edit { range: found.pieces, text: found.word, marks: found.marks });
                at += found.words;
                continue;
            }
            buffer.clear();
            buffer.extend(pieces[range.0..range.1].iter().map(|p| p.ch));
            if let Some(text) = self.teencode.expand.get(buffer.as_str()) {
                edits.push(Edit { range, text, marks: Marks::EXPANDED });
            }
            at += 1;
        }
        edits
    }
}

fn apply(pieces: &[Piece], edits: &[Edit<'_>]) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pieces.len() + 8 * edits.len());
    let mut from = 0;
    for edit in edits {
        let (start, end) = edit.range;
        out.extend_from_slice(&pieces[from..start]);
        let replaced = &pieces[start..end];
        let place = Place {
            start: replaced.first().map_or(0, |p| p.place.start),
            end: replaced.last().map_or(0, |p| p.place.end),
        };
        let marks = replaced.iter().fold(edit.marks, |all, p| all | p.marks);
        out.extend(edit.text.chars().map(|ch| Piece { ch, place, marks }));
        from = end;
    }
    out.extend_from_slice(&pieces[from..]);
    out
}

fn word_ranges(pieces: &[Piece]) -> Vec<(usize, usize)> {
    let mut words = Vec::with_capacity(pieces.len() / 4);
    let mut start = None;
    for (i, piece) in pieces.iter().enumerate() {
        match (is_word(piece.ch), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                words.push((from, i));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push((from, pieces.len()));
    }
    words
}

/// Whether a sentence, clause or line ends in the characters between two words.
fn breaks(between: &[Piece]) -> bool {
    between.iter().enumerate().any(|(i, p)| match p.ch {
        '\n' | '|' | '•' | ';' => true,
        '.' | '!' | '?' | '…' | ':' => {
            between.get(i + 1).is_some_and(|next| next.ch.is_whitespace() || next.ch == p.ch)
        }
        _ => false,
    })
}

fn build(pieces: &[Piece], words: &[(usize, usize)]) -> Text {
    let mut text = Text {
        plain: String::with_capacity(pieces.len() + pieces.len() / 2),
        folded: String::with_capacity(pieces.len()),
        places: Vec::with_capacity(pieces.len()),
        words: Vec::with_capacity(words.len()),
    };
    let len = |s: &str| u32::try_from(s.len()).unwrap_or(u32::MAX);
    let mut from = 0;
    for (start, end) in words.iter().copied().chain([(pieces.len(), pieces.len())]) {
        text.push(&pieces[from..start]);
        if start < end {
            let word = &pieces[start..end];
            let starts = (len(&text.plain), len(&text.folded));
            text.push(word);
            text.words.push(Word {
                plain: (starts.0, len(&text.plain)),
                folded: (starts.1, len(&text.folded)),
                place: Place { start: word[0].place.start, end: word[word.len() - 1].place.end },
                marks: word.iter().fold(Marks::default(), |all, p| all | p.marks),
                breaks: breaks(&pieces[from..start]),
            });
        }
        from = end;
    }
    text
}

impl Text {
    fn push(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            self.plain.push(piece.ch);
            self.folded.push(fold_char(piece.ch));
            self.places.push(piece.place);
        }
    }
}
