use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::ModelId;

/// How a fast model is trained. Paths are relative to the folder the command runs in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub id: ModelId,
    pub seed: u64,
    pub data: Data,
    pub model: Shape,
    pub fit: Fit,
    pub thresholds: Budgets,
    pub codes: crate::registry::Codes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder with `lexicon.toml`, `brands.toml`, `teencode.toml`.
    pub knowledge: PathBuf,
    pub train: PathBuf,
    /// Stops the training, calibrates, and chooses the thresholds.
    pub valid: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Where sub-word embeddings and tokenizer come from: an encoder's folder, whose embeddings
    /// are reduced, or a fast model's, whose are taken as they are.
    pub embedding: PathBuf,
    pub dims: usize,
    pub bucket_bits: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    pub epochs: usize,
    /// Epochs without a better validation loss before the training stops.
    pub patience: usize,
    pub batch: usize,
    pub learning_rate: f64,
    /// What the learning rate is multiplied with for the sub-word head, and for signs and price.
    pub rate_head: f64,
    pub rate_signs: f64,
    /// Decoupled weight decay of hashed features, sub-word head, and signs.
    pub decay_buckets: f64,
    pub decay_head: f64,
    pub decay_signs: f64,
    /// Share of listings in a batch that lose their price, so that the text learns to do without.
    pub drop_price: f64,
    /// Share of features that are left out of a listing in a batch.
    pub drop_features: f64,
    /// A hashed feature or sub-word piece that fewer listings have is not learned.
    pub min_listings: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Share of negatives that may be `high`, at most.
    pub high_false_positives: f64,
    /// Share of positives that must be `review` or `high`, at least.
    pub review_recall: f64,
}

/// The recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error("recipe: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("recipe: {name} must be {want}, got {got}")]
    Range { name: &'static str, want: &'static str, got: f64 },
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown name, or a number that can't be.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let this: Self = toml::from_str(text)?;
        let Fit { epochs, batch, learning_rate, drop_price, drop_features, .. } = this.fit;
        #[expect(clippy::cast_precision_loss, reason = "small counts, for a message")]
        let counts = [("fit.epochs", epochs as f64), ("fit.batch", batch as f64)];
        for (name, got) in counts {
            if got < 1.0 {
                return Err(RecipeError::Range { name, want: "at least 1", got });
            }
        }
        for (name, got) in [("fit.drop_price", drop_price), ("fit.drop_features", drop_features)] {
            if !(0.0..1.0).contains(&got) {
                return Err(RecipeError::Range { name, want: "at least 0 and below 1", got });
            }
        }
        if !(learning_rate > 0.0 && learning_rate < 1.0) {
            let (name, want) = ("fit.learning_rate", "between 0 and 1");
            return Err(RecipeError::Range { name, want, got: learning_rate });
        }
        if !(1..=24).contains(&this.model.bucket_bits) {
            let got = f64::from(this.model.bucket_bits);
            return Err(RecipeError::Range { name: "model.bucket_bits", want: "1 to 24", got });
        }
        Ok(this)
    }
}
