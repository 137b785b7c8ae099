use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{ModelId, Thresholds, Tier};
use crate::nn::EncoderConfig;

/// The form of `manifest.toml` that this build writes.
pub const SCHEMA: u32 = 1;
/// The file that says what a model's folder holds.
pub const MANIFEST_FILE: &str = "manifest.toml";
/// The file whose hash stands for the model in every answer.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// What a model folder holds and how its numbers are to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    pub id: ModelId,
    pub tier: Tier,
    pub licence: String,
    pub spec: Spec,
    /// Of a full model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderSpec>,
    pub calibration: Calibration,
    pub thresholds: Thresholds,
    pub training: Training,
    /// SHA-256 of every other file that scoring reads, by name.
    pub files: BTreeMap<String, String>,
}

/// Sizes that must agree between weights, tokenizer and knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub pieces: usize,
    pub dims: usize,
    pub bucket_bits: u32,
    pub concepts: usize,
}

/// The second tier of a full model, and when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSpec {
    /// Tokens of a listing at most.
    pub tokens: usize,
    /// The fast tier's share in the sum of text and price; the encoder has the rest.
    pub mix: f64,
    /// What that sum is multiplied with, and what is added to it.
    pub slope: f64,
    pub shift: f64,
    /// The fast tier settles what it scores below this,
    pub settle_below: f64,
    /// or from this on.
    pub settle_from: f64,
    pub sizes: EncoderConfig,
}

/// From the model's sum to log-odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Share of counterfeits in the listings that the model was calibrated on.
    pub base_rate: f64,
}

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    pub recipe_sha256: String,
    pub seed: u64,
    /// SHA-256 of each file of rows, by its part in training.
    pub data: BTreeMap<String, String>,
}

/// The manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("manifest.toml: {0}")]
    Read(#[from] toml::de::Error),
    #[error("manifest.toml: {0}")]
    Write(#[from] toml::ser::Error),
    #[error("manifest.toml: schema {0}, this build reads up to {SCHEMA}")]
    Schema(u32),
    #[error("manifest.toml: {0}")]
    Value(String),
}

impl Manifest {
    /// Reads and checks the text of a `manifest.toml`.
    ///
    /// # Errors
    /// When it is not TOML, of a later schema, or holds a number that can't be.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let head: Head = toml::from_str(text)?;
        if head.schema == 0 || head.schema > SCHEMA {
            return Err(ManifestError::Schema(head.schema));
        }
        let this: Self = toml::from_str(text)?;
        let rate = this.calibration.base_rate;
        if !(0.0 < rate && rate < 1.0) {
            return Err(ManifestError::Value(format!("base_rate {rate} is not between 0 and 1")));
        }
        let Spec { pieces, dims, bucket_bits, concepts } = this.spec;
        if !(1..=24).contains(&bucket_bits) || pieces == 0 || dims == 0 || concepts == 0 {
            return Err(ManifestError::Value(format!("spec {:?} can't be", this.spec)));
        }
        if this.encoder.is_some() != (this.tier == Tier::Full) {
            return Err(ManifestError::Value("an encoder goes with tier full".to_owned()));
        }
        if let Some(encoder) = &this.encoder {
            let settles = encoder.settle_below <= encoder.settle_from;
            let scales = (0.0..=1.0).contains(&encoder.mix)
                && encoder.slope > 0.0
                && encoder.shift.is_finite();
            let reads = (1..=encoder.sizes.positions).contains(&encoder.tokens);
            if !settles || !reads || !scales {
                return Err(ManifestError::Value(format!("encoder {encoder:?} can't be")));
            }
        }
        Ok(this)
    }

    /// The text of `manifest.toml`.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String, ManifestError> {
        Ok(toml::to_string_pretty(self)?)
    }
}
