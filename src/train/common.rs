//! What the recipes and runs of both tiers share.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde::Deserialize;

use crate::dataset::DatasetError;
use crate::domain::ItemError;
use crate::eval::calibration::Platt;
use crate::eval::threshold::{Budget, Chosen, ThresholdError};
use crate::preprocess::PiecesError;
use crate::registry::{LoadError, Manifest, ManifestError};
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
pub(super) fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = dir.join(name);
    let fresh = dir.join(format!(".{name}.new"));
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&fresh, bytes))
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(|source| TrainError::Io { path, source })
}

/// `tensors` as the bytes of a safetensors file, made in `dir`.
pub(super) fn tensor_bytes(
    dir: &Path,
    tensors: &HashMap<String, Tensor>,
) -> Result<Vec<u8>, TrainError> {
    let path = dir.join(".weights.new");
    fs::create_dir_all(dir).map_err(|source| TrainError::Io { path: path.clone(), source })?;
    candle_core::safetensors::save(tensors, &path)?;
    let bytes = read(&path)?;
    let _ = fs::remove_file(&path);
    Ok(bytes)
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
