use super::reading::Reading;
use crate::preprocess::Pieces;

/// What the encoder was taught to expect before a text.
const PREFIX: &str = "query:";
/// Stands where a sentence or line ends.
const STOP: &str = ".";
/// Stands between two fields.
const BORDER: &str = "|";

/// The ids that mark a text's two ends.
const FIRST: u32 = 0;
const LAST: u32 = 2;

/// The tokens of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordTokens {
    /// Index into [`Reading::fields`].
    pub field: usize,
    /// Index into the field's words.
    pub word: usize,
    /// Of [`Tokens::ids`], half open.
    pub from: usize,
    pub to: usize,
}

/// A reading as the encoder takes it: the normalised words, field after field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    pub ids: Vec<u32>,
    pub words: Vec<WordTokens>,
}

impl Tokens {
    /// The first `limit` tokens of `reading`; words are kept whole.
    pub fn new(reading: &Reading, pieces: &Pieces, limit: usize) -> Self {
        let mut this = Self { ids: vec![FIRST], words: Vec::new() };
        this.ids.extend(pieces.of_word(PREFIX));
        let (stop, border) = (pieces.of_word(STOP), pieces.of_word(BORDER));
        'fields: for (field, text) in reading.fields.iter().enumerate() {
            if field > 0 {
                this.ids.extend(&border);
            }
            for (at, word) in text.text.words().iter().enumerate() {
                if word.breaks {
                    this.ids.extend(&stop);
                }
                let ids = pieces.of_word(text.text.plain_word(word));
                if this.ids.len() + ids.len() + border.len() + stop.len() >= limit {
                    break 'fields;
                }
                let from = this.ids.len();
                this.ids.extend(ids);
                this.words.push(WordTokens { field, word: at, from, to: this.ids.len() });
            }
        }
        this.ids.push(LAST);
        this
    }
}
