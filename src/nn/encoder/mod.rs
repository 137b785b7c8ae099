//! A BERT encoder (Devlin et al., 2019) over packed batches.
//!
//! ```text
//! ids, packed ── word + position + type embeddings, norm ──> tokens × hidden
//!             ── per layer: attention, + norm, feed-forward (GELU), + norm ──> tokens × hidden
//!             ── mean over each text's tokens ──> texts × hidden
//! ```
//!
//! Texts of a batch stand one after the other without padding, so no work is done on nothing; only
//! attention knows where one text ends. The same code trains (with dropout, on variables) and
//! scores (without, on constants). Tensor names are Hugging Face's `BertModel`.

mod batch;
mod layer;
mod weights;

use candle_core::{Result, Tensor};

pub use batch::Packed;
use layer::{Layer, Norm};
pub use weights::Weights;

use super::dropout::Dropout;

/// Sizes of an [`Encoder`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EncoderConfig {
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub intermediate: usize,
    /// Tokens of a text at most.
    pub positions: usize,
    /// Added to the variance by the norms.
    pub norm_eps: f64,
}

impl EncoderConfig {
    /// Products of a weight and a number that the layers take for each token, attention apart.
    pub fn products(&self) -> usize {
        self.layers * self.hidden * (4 * self.hidden + 2 * self.intermediate)
    }

    /// # Errors
    /// When the heads do not divide the numbers of a token.
    pub(super) fn check(&self) -> Result<()> {
        if self.heads == 0 || !self.hidden.is_multiple_of(self.heads) {
            candle_core::bail!("{} heads do not divide {} numbers", self.heads, self.hidden);
        }
        Ok(())
    }
}

/// The encoder, on the tensors that it was given.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    words: Tensor,
    positions: Tensor,
    /// Of type 0: a listing is one text.
    kind: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Encoder {
    /// # Errors
    /// When a tensor is missing or has another shape than `config` says.
    pub fn new(config: EncoderConfig, weights: &Weights) -> Result<Self> {
        config.check()?;
        let hidden = config.hidden;
        let table = |name: &str, rows: usize| {
            weights.get(&format!("embeddings.{name}_embeddings.weight"), &[rows, hidden])
        };
        Ok(Self {
            words: table("word", config.vocabulary)?,
            positions: table("position", config.positions)?,
            kind: table("token_type", weights.rows("embeddings.token_type_embeddings.weight")?)?
                .narrow(0, 0, 1)?,
            norm: Norm::new(weights, "embeddings.LayerNorm", &config)?,
            layers: (0..config.layers)
                .map(|i| Layer::new(weights, &format!("encoder.layer.{i}"), &config))
                .collect::<Result<_>>()?,
            config,
        })
    }

    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The last hidden states, tokens × hidden.
    ///
    /// # Errors
    /// When an id is not in the vocabulary or a text is longer than the positions.
    pub fn forward(&self, batch: &Packed, dropout: &mut Dropout) -> Result<Tensor> {
        if batch.longest() > self.config.positions {
            candle_core::bail!("{} tokens, {} at most", batch.longest(), self.config.positions);
        }
        let device = self.words.device();
        let words = self.words.index_select(&batch.ids(device)?, 0)?;
        let positions = self.positions.index_select(&batch.positions(device)?, 0)?;
        let sum = (words + positions)?.broadcast_add(&self.kind)?;
        let mut hidden = dropout.apply(&self.norm.forward(&sum)?)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, batch, dropout)?;
        }
        Ok(hidden)
    }

    /// One vector a text, texts × hidden: the mean over its tokens.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn embed(&self, batch: &Packed, dropout: &mut Dropout) -> Result<Tensor> {
        batch.mean(&self.forward(batch, dropout)?)
    }
}

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
