use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::{ModelId, Tier};
use crate::train::common::{Budgets, RecipeError, between, positive};

/// How a fast model is trained. Paths are relative to the folder the command runs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    pub(super) id: ModelId,
    #[expect(dead_code, reason = "read before the rest, to tell the recipes apart")]
    pub(super) tier: Tier,
    pub(super) seed: u64,
    pub(super) data: Data,
    pub(super) model: Shape,
    pub(super) fit: Fit,
    pub(super) thresholds: Budgets,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    /// Folder with `lexicon.toml`, `brands.toml`, `teencode.toml`.
    pub(super) knowledge: PathBuf,
    pub(super) train: PathBuf,
    /// Stops the training, calibrates, and chooses the thresholds.
    pub(super) valid: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    /// Where sub-word embeddings and tokenizer come from: an encoder's folder, whose embeddings
    /// are reduced, or a fast model's, whose are taken as they are.
    pub(super) embedding: PathBuf,
    pub(super) dims: usize,
    pub(super) bucket_bits: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fit {
    pub(super) epochs: usize,
    /// Epochs without a better validation loss before the training stops.
    pub(super) patience: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    /// What the learning rate is multiplied with for the sub-word head, and for signs and price.
    pub(super) rate_head: f64,
    pub(super) rate_signs: f64,
    /// Decoupled weight decay of hashed features, sub-word head, and signs.
    pub(super) decay_buckets: f64,
    pub(super) decay_head: f64,
    pub(super) decay_signs: f64,
    /// Share of listings in a batch that lose their price, so that the text learns to do without.
    pub(super) drop_price: f64,
    /// Share of features that are left out of a listing in a batch.
    pub(super) drop_features: f64,
    /// A hashed feature or sub-word piece that fewer listings have is not learned.
    pub(super) min_listings: usize,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown name, or a number that can't be.
    pub(super) fn parse(text: &str) -> Result<Self, RecipeError> {
        let this: Self = toml::from_str(text)?;
        let fit = &this.fit;
        positive("fit.epochs", fit.epochs)?;
        positive("fit.batch", fit.batch)?;
        between("fit.drop_price", fit.drop_price, 0.0..1.0)?;
        between("fit.drop_features", fit.drop_features, 0.0..1.0)?;
        between("fit.learning_rate", fit.learning_rate, f64::MIN_POSITIVE..1.0)?;
        between("model.bucket_bits", f64::from(this.model.bucket_bits), 1.0..25.0)?;
        Ok(this)
    }
}
