use std::fmt;

use tokenizers::Tokenizer;

/// Sub-word pieces of single words, by a Hugging Face `tokenizer.json`.
pub struct Pieces {
    tokenizer: Tokenizer,
}

/// The tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("tokenizer: {0}")]
pub struct PiecesError(String);

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("vocabulary", &self.vocabulary()).finish()
    }
}

impl Pieces {
    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// # Errors
    /// When they are no tokenizer.
    pub fn parse(bytes: &[u8]) -> Result<Self, PiecesError> {
        let tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| PiecesError(e.to_string()))?;
        Ok(Self { tokenizer })
    }

    /// How many ids there are.
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The ids of one word's pieces, without special tokens; empty when it can't be encoded.
    pub fn of_word(&self, word: &str) -> Vec<u32> {
        self.tokenizer
            .encode_fast(word, false)
            .map(|encoding| encoding.get_ids().to_vec())
            .unwrap_or_default()
    }
}
