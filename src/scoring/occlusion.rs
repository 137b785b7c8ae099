//! What a stretch of text does to the encoder's opinion: the opinion less that without it
//! (Zeiler and Fergus, 2014; Li, Monroe and Jurafsky, 2016).
//!
//! Stretches act together, so their shares do not sum to the whole; what is left over is shown as
//! such.

use crate::signals::{Reading, Tokens};

/// Words of one field in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Index into [`Reading::fields`].
    pub(super) field: usize,
    /// First word, and one past the last.
    pub(super) words: (usize, usize),
    /// Of the text's tokens, half open.
    tokens: (usize, usize),
}

impl Stretch {
    /// The ids of the text `tokens` without this stretch.
    pub(super) fn without(&self, tokens: &Tokens) -> Vec<u32> {
        [&tokens.ids[..self.tokens.0], &tokens.ids[self.tokens.1..]].concat()
    }
}

/// Fewest words of a stretch that is cut from a longer one.
const SHORTEST: usize = 3;

/// The text in about `count` stretches that end with sentences and lines where they can.
pub(super) fn stretches(reading: &Reading, tokens: &Tokens, count: usize) -> Vec<Stretch> {
    let length = tokens.words.len().div_ceil(count.max(1)).max(SHORTEST);
    let mut all: Vec<Stretch> = Vec::new();
    for at in &tokens.words {
        let begins = reading.fields[at.field].text.words()[at.word].breaks;
        match all.last_mut() {
            Some(last)
                if last.field == at.field
                    && last.words.1 - last.words.0 < length
                    && !(begins && last.words.1 - last.words.0 >= SHORTEST) =>
            {
                (last.words.1, last.tokens.1) = (at.word + 1, at.to);
            }
            _ => all.push(Stretch {
                field: at.field,
                words: (at.word, at.word + 1),
                tokens: (at.from, at.to),
            }),
        }
    }
    all
}
