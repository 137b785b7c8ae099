//! What a stretch of text does to the encoder's opinion: the opinion less that without it
//! (Zeiler and Fergus, 2014; Li, Monroe and Jurafsky, 2016).
//!
//! Stretches act together, so their shares do not sum to the whole; what is left over is shown as
//! such.

use candle_core::Result;

use crate::nn::{Dropout, Encoder, Heads, Packed};
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

/// How much each stretch adds to the text's log-odds `whole`.
pub(super) fn shares(
    (encoder, heads): (&Encoder, &Heads),
    tokens: &Tokens,
    stretches: &[Stretch],
    whole: f64,
) -> Result<Vec<f64>> {
    if stretches.is_empty() {
        return Ok(Vec::new());
    }
    let without: Vec<Vec<u32>> = stretches
        .iter()
        .map(|s| [&tokens.ids[..s.tokens.0], &tokens.ids[s.tokens.1..]].concat())
        .collect();
    let batch = Packed::new(without.iter().map(Vec::as_slice));
    let text = heads.text(&encoder.embed(&batch, &mut Dropout::off())?)?.to_vec1::<f32>()?;
    Ok(text.into_iter().map(|t| whole - f64::from(t)).collect())
}
