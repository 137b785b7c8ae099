//! What the recipes and runs of both tiers share.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde::Deserialize;

use crate::dataset::{DatasetError, Row, file_sha256, load_rows};
use crate::domain::{ItemError, ModelId, Thresholds, Tier};
use crate::eval::calibration::Platt;
use crate::eval::threshold::{Budget, Chosen, ThresholdError};
use crate::preprocess::PiecesError;
use crate::registry::{
    Calibration, EncoderSpec, LoadError, Manifest, ManifestError, PretrainedError, SCHEMA, Spec,
    Training, WEIGHTS_FILE, sha256_hex,
};
use crate::signals::KnowledgeError;

/// How the thresholds are chosen on the validation rows.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Share of negatives that may be `high`, at most.
    pub high_false_positives: f64,
    /// Share of positives that must be `review` or `high`, at least.
    pub review_recall: f64,
}

impl From<Budgets> for Budget {
    fn from(budgets: Budgets) -> Self {
        Self {
            high_false_positives: budgets.high_false_positives,
            review_recall: budgets.review_recall,
        }
    }
}

/// The recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error("recipe: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("recipe: {name} must be {want}, got {got}")]
    Range { name: &'static str, want: String, got: f64 },
}

/// Refuses a count of 0.
pub(super) fn positive(name: &'static str, count: usize) -> Result<(), RecipeError> {
    if count > 0 {
        return Ok(());
    }
    Err(RecipeError::Range { name, want: "at least 1".to_owned(), got: 0.0 })
}

/// Refuses a number outside `range`.
pub(super) fn between(name: &'static str, got: f64, range: Range<f64>) -> Result<(), RecipeError> {
    if range.contains(&got) {
        return Ok(());
    }
    let want = format!("at least {} and below {}", range.start, range.end);
    Err(RecipeError::Range { name, want, got })
}

/// Where a training stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Batches done and to do, epochs that may not be needed included.
    pub done: usize,
    pub total: usize,
    pub epoch: usize,
    pub epochs: usize,
    /// Mean loss of this epoch so far.
    pub train_loss: f64,
    /// Loss on the validation rows after the last finished epoch.
    pub valid_loss: f64,
    pub best_epoch: usize,
}

/// A finished training.
#[derive(Debug)]
pub struct Outcome {
    pub dir: PathBuf,
    pub manifest: Manifest,
    pub best_epoch: usize,
    pub epochs: usize,
    pub valid_log_loss: f64,
    pub calibration: Platt,
    pub thresholds: Chosen,
    pub train_rows: usize,
    pub valid_rows: usize,
}

/// A training cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("a row that no longer reads: {0}")]
    Row(#[from] ItemError),
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    #[error(transparent)]
    Pieces(#[from] PiecesError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Model(#[from] LoadError),
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    #[error(transparent)]
    Threshold(#[from] ThresholdError),
    #[error("training: {0}")]
    Tensor(#[from] candle_core::Error),
    #[error("{}: too few listings of the sources named, want branded and plain ones", .0.display())]
    Ordinary(PathBuf),
    #[error("calibration needs rows of both labels")]
    Calibration,
    #[error("{} has no embeddings (looked for {wanted})", path.display())]
    NoEmbedding { path: PathBuf, wanted: String },
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    fs::read(path).map_err(|source| TrainError::Io { path: path.to_owned(), source })
}

/// Writes `bytes` as `name` in `dir`, whole or not at all.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = dir.join(name);
    let fresh = dir.join(format!(".{name}.new"));
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&fresh, bytes))
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(|source| TrainError::Io { path, source })
}

/// The labelled rows of a file, whose hash is put down under `part`.
pub(super) fn labelled(
    part: &str,
    path: &Path,
    hashes: &mut BTreeMap<String, String>,
) -> Result<Vec<Row>, TrainError> {
    let rows = load_rows(path)?;
    hashes.insert(part.to_owned(), file_sha256(path)?);
    Ok(rows)
}

/// A candidate's folder while it is written.
pub(super) struct Folder<'a> {
    dir: &'a Path,
    files: BTreeMap<String, String>,
}

/// What a manifest says beside the files.
pub(super) struct Made<'a> {
    pub(super) id: ModelId,
    pub(super) spec: Spec,
    pub(super) encoder: Option<EncoderSpec>,
    pub(super) base_rate: f64,
    pub(super) thresholds: Thresholds,
    pub(super) recipe_text: &'a str,
    pub(super) seed: u64,
    /// SHA-256 of the files that were learned from, by their part.
    pub(super) data: BTreeMap<String, String>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self { dir, files: BTreeMap::new() }
    }

    /// Writes a file that scoring will read.
    pub(super) fn keep(&mut self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        self.files.insert(name.to_owned(), sha256_hex(bytes));
        put(self.dir, name, bytes)
    }

    /// Writes the weights.
    pub(super) fn weights(&mut self, tensors: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        let path = self.dir.join(".weights.new");
        fs::create_dir_all(self.dir)
            .map_err(|source| TrainError::Io { path: path.clone(), source })?;
        candle_core::safetensors::save(tensors, &path)?;
        let bytes = read(&path)?;
        let _ = fs::remove_file(&path);
        self.keep(WEIGHTS_FILE, &bytes)
    }

    /// Writes the recipe and, last, the manifest.
    pub(super) fn finish(self, made: Made<'_>) -> Result<Manifest, TrainError> {
        put(self.dir, "recipe.toml", made.recipe_text.as_bytes())?;
        let manifest = Manifest {
            schema: SCHEMA,
            id: made.id,
            tier: if made.encoder.is_some() { Tier::Full } else { Tier::Fast },
            licence: "Apache-2.0".to_owned(),
            spec: made.spec,
            encoder: made.encoder,
            calibration: Calibration { base_rate: made.base_rate },
            thresholds: made.thresholds,
            training: Training {
                recipe_sha256: sha256_hex(made.recipe_text.as_bytes()),
                seed: made.seed,
                data: made.data,
            },
            files: self.files,
        };
        put(self.dir, "manifest.toml", manifest.to_toml()?.as_bytes())?;
        Ok(manifest)
    }
}

/// Platt scaling of log-odds over `prior`, as a line over the prior again. A slope below 0 would
/// turn the ranking over: such a model has learned nothing.
pub(super) fn over_prior(fitted: Platt, prior: f64) -> Platt {
    Platt { slope: fitted.slope.max(1e-3), shift: fitted.shift - prior }
}

/// Share of positives, with half a row of each label added so that it is never 0 or 1.
pub(super) fn base_rate(labels: impl Iterator<Item = bool>) -> f64 {
    let (mut positives, mut all) = (0_u32, 0_u32);
    for label in labels {
        positives += u32::from(label);
        all += 1;
    }
    (f64::from(positives) + 0.5) / (f64::from(all) + 1.0)
}

/// Mean of −ln p(label), from log-odds.
pub(super) fn log_loss(rows: impl Iterator<Item = (f64, bool)>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for (z, label) in rows {
        sum += z.max(0.0) + (-z.abs()).exp().ln_1p() - if label { z } else { 0.0 };
        count += 1;
    }
    sum / f64::from(count.max(1))
}
