use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::{ModelId, Tier};
use crate::train::common::{Budgets, RecipeError, between, positive};

/// How a full model is trained. Paths are relative to the folder the command runs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    pub(super) id: ModelId,
    #[expect(dead_code, reason = "read before the rest, to tell the recipes apart")]
    pub(super) tier: Tier,
    pub(super) seed: u64,
    pub(super) data: Data,
    pub(super) model: Shape,
    pub(super) attacks: Attacks,
    pub(super) fit: Fit,
    pub(super) thresholds: Budgets,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub(super) train: PathBuf,
    /// Stops the training, calibrates, and chooses the thresholds.
    pub(super) valid: PathBuf,
    /// Ordinary listings to learn from besides.
    pub(super) ordinary: Option<Ordinary>,
}

/// Listings that nobody has judged, of which enough is known to learn from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ordinary {
    /// JSON lines, with or without gzip.
    pub(super) file: PathBuf,
    /// The crawls that may be learned from, by how their names begin; the others are kept for
    /// measuring.
    pub(super) sources: Vec<String>,
    /// Examples in an epoch, as a share of the rows.
    pub(super) share: f64,
    /// What one weighs against a row.
    pub(super) weight: f64,
}

/// Shares of rows that are changed in an epoch as sellers change them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attacks {
    /// Other manners of writing.
    pub(super) style: f64,
    /// Disguises, for rows with label 1.
    pub(super) disguise: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    /// The model whose fast tier, tokenizer and knowledge the new one takes over.
    pub(super) fast: PathBuf,
    /// The folder of the encoder to start from: `model.safetensors`, `config.json`.
    pub(super) encoder: PathBuf,
    /// Its lowest layers that are kept.
    pub(super) layers: usize,
    /// The fast tier's share in the sum; what fits the validation rows best when not given.
    pub(super) mix: Option<f64>,
    /// Tokens of a listing at most; what comes after them is not read.
    pub(super) tokens: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fit {
    /// All are run, and the last one is kept: the learning rate has fallen to 0 by then.
    pub(super) epochs: usize,
    /// Listings in a packed batch.
    pub(super) batch: usize,
    /// Batches whose gradients make one step.
    pub(super) accumulate: usize,
    pub(super) learning_rate: f64,
    /// What the learning rate is multiplied with for the heads, and for the signs.
    pub(super) rate_heads: f64,
    pub(super) rate_signs: f64,
    /// What it is multiplied with from a layer to the one below it.
    pub(super) rate_layers: f64,
    /// The lowest layers, which do not learn; the embeddings never do.
    pub(super) freeze: usize,
    /// Share of all steps over which the learning rate rises; it falls to 0 over the others.
    pub(super) warm_up: f64,
    pub(super) decay: f64,
    pub(super) decay_heads: f64,
    /// Longest gradient of a step.
    pub(super) clip: f64,
    pub(super) dropout: f64,
    /// Share of listings in a batch that lose their price; at 1 the price is never read.
    pub(super) drop_price: f64,
    /// Share of signs that are left out of a listing in a batch; at 1 they are never read.
    pub(super) drop_signs: f64,
    /// Weight of the losses by legal class and by slice beside that by label.
    pub(super) class_loss: f64,
    pub(super) slice_loss: f64,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown name, or a number that can't be.
    pub(super) fn parse(text: &str) -> Result<Self, RecipeError> {
        let this: Self = toml::from_str(text)?;
        let fit = &this.fit;
        for (name, count) in [
            ("fit.epochs", fit.epochs),
            ("fit.batch", fit.batch),
            ("fit.accumulate", fit.accumulate),
            ("model.layers", this.model.layers),
        ] {
            positive(name, count)?;
        }
        for (name, share) in [
            ("fit.warm_up", fit.warm_up),
            ("fit.dropout", fit.dropout),
            ("attacks.style + attacks.disguise", this.attacks.style + this.attacks.disguise),
        ] {
            between(name, share, 0.0..1.0)?;
        }
        for (name, share) in [
            ("fit.drop_price", fit.drop_price),
            ("fit.drop_signs", fit.drop_signs),
            ("model.mix", this.model.mix.unwrap_or(0.0)),
        ] {
            between(name, share, 0.0..1.0 + f64::EPSILON)?;
        }
        between("fit.learning_rate", fit.learning_rate, f64::MIN_POSITIVE..1.0)?;
        between("fit.clip", fit.clip, f64::MIN_POSITIVE..f64::INFINITY)?;
        #[expect(clippy::cast_precision_loss, reason = "a small count, for a message")]
        between("model.tokens", this.model.tokens as f64, 16.0..513.0)?;
        Ok(this)
    }
}
