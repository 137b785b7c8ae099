use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::examples::{Example, Reader, prune};
use super::fit::{Job, Learned, Learner, fit};
use super::recipe::Recipe;
use super::reduce::reduce;
use crate::dataset::Row;
use crate::domain::{Limits, Listing, logit, sigmoid};
use crate::eval::calibration::Platt;
use crate::eval::threshold::choose;
use crate::preprocess::Pieces;
use crate::registry::{LoadedModel, Spec, TOKENIZER, WEIGHTS_FILE, sha256_hex};
use crate::signals::{FILES, FeatureSpace, Knowledge};
use crate::train::checkpoint::{Checkpoint, State};
use crate::train::common::{
    Folder, Made, Outcome, Progress, TrainError, base_rate, labelled, log_loss, over_prior, read,
};

/// The name of the embeddings in an encoder's checkpoint, and in a fast model's.
const EMBEDDINGS: [&str; 3] =
    ["embedding", "embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight"];

/// Trains what `recipe_text` says and writes the candidate to its folder in `out`.
///
/// A training that was stopped goes on where it stood; the same recipe, data and seed give the
/// same weights to the bit.
///
/// # Errors
/// When the recipe or a file can't be used, or the data can't be learned from.
pub(in crate::train) fn run(
    recipe_text: &str,
    seed: Option<u64>,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, TrainError> {
    let mut recipe = Recipe::parse(recipe_text)?;
    recipe.seed = seed.unwrap_or(recipe.seed);
    let dir = out.join(recipe.id.as_str());
    let knowledge = Knowledge::load(&recipe.data.knowledge)?;
    let tokenizer = read(&recipe.model.embedding.join(TOKENIZER))?;
    let pieces = Pieces::parse(&tokenizer)?;
    let embedding = embedding(&recipe)?;
    let space = FeatureSpace {
        pieces: embedding.dim(0)?,
        bucket_bits: recipe.model.bucket_bits,
        concepts: knowledge.lexicon().concepts().len(),
    };
    let reader = Reader { knowledge: &knowledge, pieces: &pieces, space };
    let data = Examples::read(&recipe, &reader)?;
    let fingerprint = sha256_hex(format!("{recipe:?} {:?}", data.hashes).as_bytes());

    let prior = logit(data.base_rate);
    let learner = Learner::new(&embedding, space, prior)?;
    let checkpoint = Checkpoint::new(&dir.join(".training"));
    let job = Job {
        train: &data.train,
        valid: &data.valid,
        fit: &recipe.fit,
        seed: recipe.seed,
        checkpoint: &checkpoint,
        fingerprint: &fingerprint,
    };
    let state = fit(&learner, &job, progress)?;
    let (learned, platt) = calibrate(&learner.learned()?, &data.valid, prior)?;
    let labels: Vec<bool> = data.valid.iter().map(|e| e.label).collect();
    let scores: Vec<f64> =
        data.valid.iter().map(|e| sigmoid(prior + learned.evidence(e))).collect();
    let thresholds = choose(&scores, &labels, recipe.thresholds.into())?;

    let mut folder = Folder::new(&dir);
    for name in FILES {
        folder.keep(name, &read(&recipe.data.knowledge.join(name))?)?;
    }
    folder.keep(TOKENIZER, &tokenizer)?;
    folder.weights(&weights(&learned, &embedding)?)?;
    let manifest = folder.finish(Made {
        id: recipe.id.clone(),
        spec: Spec {
            pieces: space.pieces,
            dims: recipe.model.dims,
            bucket_bits: space.bucket_bits,
            concepts: space.concepts,
        },
        encoder: None,
        base_rate: data.base_rate,
        thresholds: thresholds.thresholds,
        recipe_text,
        seed: recipe.seed,
        data: data.hashes,
    })?;
    checkpoint.clear();
    let State { best_epoch, epoch, .. } = state;
    Ok(Outcome {
        valid_log_loss: log_loss(data.valid.iter().map(|e| (prior + learned.evidence(e), e.label))),
        dir,
        manifest,
        best_epoch,
        epochs: epoch,
        calibration: platt,
        thresholds,
        train_rows: data.train.len(),
        valid_rows: data.valid.len(),
    })
}

/// A trained fast tier, asked for its log-odds over its prior.
#[derive(Debug)]
pub(in crate::train) struct Trained<'a> {
    reader: Reader<'a>,
    learned: Learned,
}

impl<'a> Trained<'a> {
    pub(in crate::train) fn new(model: &'a LoadedModel) -> Self {
        let (knowledge, pieces) = (&model.knowledge, &model.pieces);
        let learned = Learned {
            weights: model.weights.clone(),
            intercept: model.intercept,
            price: model.price,
            tensors: Vec::new(),
        };
        Self { reader: Reader { knowledge, pieces, space: model.space }, learned }
    }

    pub(in crate::train) fn evidence(&self, listing: &Listing) -> f64 {
        self.learned.evidence(&self.reader.example(listing, false))
    }

    /// Of rows, in their order.
    pub(in crate::train) fn of_rows(&self, rows: &[Row]) -> Result<Vec<f64>, TrainError> {
        let examples = self.reader.rows(rows, &Limits::default())?;
        Ok(examples.iter().map(|e| self.learned.evidence(e)).collect())
    }
}

/// The sub-word embeddings, reduced unless they come from a fast model.
fn embedding(recipe: &Recipe) -> Result<Tensor, TrainError> {
    let path = recipe.model.embedding.join(WEIGHTS_FILE);
    let bytes = read(&path)?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    let (name, tensor) = EMBEDDINGS
        .iter()
        .find_map(|name| Some((*name, tensors.get(*name)?)))
        .ok_or_else(|| TrainError::NoEmbedding { path, wanted: EMBEDDINGS.join(", ") })?;
    // Kept in half precision, so learn with the numbers that scoring will read.
    let reduced = if name == EMBEDDINGS[0] && tensor.dim(1)? == recipe.model.dims {
        tensor.clone()
    } else {
        reduce(tensor, recipe.model.dims)?
    };
    Ok(reduced.to_dtype(DType::F16)?)
}

/// Everything that is learned from.
struct Examples {
    train: Vec<Example>,
    valid: Vec<Example>,
    base_rate: f64,
    hashes: BTreeMap<String, String>,
}

impl Examples {
    fn read(recipe: &Recipe, reader: &Reader<'_>) -> Result<Self, TrainError> {
        let limits = Limits::default();
        let mut hashes = BTreeMap::new();
        let mut train =
            reader.rows(&labelled("train", &recipe.data.train, &mut hashes)?, &limits)?;
        let valid = reader.rows(&labelled("valid", &recipe.data.valid, &mut hashes)?, &limits)?;
        let base_rate = base_rate(train.iter().chain(&valid).map(|e| e.label));
        prune(&mut train, reader.space, recipe.fit.min_listings);
        Ok(Self { train, valid, base_rate, hashes })
    }
}

/// Platt scaling on the validation rows, worked into the weights so that the sum stays a sum.
fn calibrate(
    learned: &Learned,
    valid: &[Example],
    prior: f64,
) -> Result<(Learned, Platt), TrainError> {
    let logits: Vec<f64> = valid.iter().map(|e| learned.evidence(e)).collect();
    let labels: Vec<bool> = valid.iter().map(|e| e.label).collect();
    let fitted = Platt::fit(&logits, &labels).ok_or(TrainError::Calibration)?;
    let platt = over_prior(fitted, prior);
    let slope = platt.slope;
    #[expect(clippy::cast_possible_truncation, reason = "weights are kept in f32")]
    let weights = learned.weights.iter().map(|w| (f64::from(*w) * slope) as f32).collect();
    let tensors = learned
        .tensors
        .iter()
        .map(|(name, t)| Ok((name.clone(), (t * slope)?)))
        .collect::<candle_core::Result<_>>()?;
    let calibrated = Learned {
        weights,
        intercept: slope * learned.intercept + platt.shift,
        price: learned.price.map(|w| w * slope),
        tensors,
    };
    Ok((calibrated, platt))
}

/// The weights as they are kept.
fn weights(learned: &Learned, embedding: &Tensor) -> Result<HashMap<String, Tensor>, TrainError> {
    let mut tensors: HashMap<String, Tensor> = learned
        .tensors
        .iter()
        .filter(|(name, _)| !name.starts_with("price") && name != "intercept")
        .cloned()
        .collect();
    tensors.insert("embedding".to_owned(), embedding.clone());
    tensors.insert("price".to_owned(), Tensor::new(&learned.price, &Device::Cpu)?);
    tensors.insert("intercept".to_owned(), Tensor::new(&[learned.intercept], &Device::Cpu)?);
    Ok(tensors)
}
