use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::examples::{Example, Reader};
use super::fit::{Job, fit};
use super::lessons::Lessons;
use super::net::{Net, Start};
use super::recipe::Recipe;
use super::weak::Weak;
use crate::dataset::{Row, file_sha256};
use crate::domain::{logit, sigmoid};
use crate::eval::calibration::Platt;
use crate::eval::threshold::choose;
use crate::nn::{Arithmetic, EncoderConfig, Weights};
use crate::registry::{
    EncoderSpec, LoadedModel, TOKENIZER, WEIGHTS_FILE, heads_config, load_model, pretrained_sizes,
    sha256_hex,
};
use crate::signals::FILES;
use crate::train::checkpoint::{Checkpoint, State};
use crate::train::common::{
    Folder, Made, Outcome, Progress, RecipeError, TrainError, base_rate, labelled, log_loss,
    over_prior, read,
};
use crate::train::fast;

/// Trains what `recipe_text` says.
pub(in crate::train) fn run(
    recipe_text: &str,
    seed: Option<u64>,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, TrainError> {
    let mut recipe = Recipe::parse(recipe_text)?;
    recipe.seed = seed.unwrap_or(recipe.seed);
    let dir = out.join(recipe.id.as_str());
    let fast = load_model(&recipe.model.fast, Arithmetic::default())?;
    let data = Examples::read(&recipe, &fast)?;
    let prior = logit(data.base_rate);
    let sizes = sizes(&recipe)?;
    let heads = heads_config(fast.space, sizes.hidden);
    let start = read(&recipe.model.encoder.join(WEIGHTS_FILE))?;
    let start_hash = sha256_hex(&start);
    let start = Weights::new(candle_core::safetensors::load_buffer(&start, &Device::Cpu)?)?;
    let frozen: Vec<(String, Tensor)> = ["word", "position", "token_type"]
        .map(|name| format!("embeddings.{name}_embeddings.weight"))
        .into_iter()
        .filter_map(|name| start.iter().find(|(n, _)| *n == name))
        .map(|(name, tensor)| (name.to_owned(), tensor.clone()))
        .collect();
    let begin = Start { prior, seed: recipe.seed, priced: recipe.fit.drop_price < 1.0 };
    let net = Net::new(sizes, (heads, data.slices), start, begin)?;

    let checkpoint = Checkpoint::new(&dir.join(".training"));
    let fingerprint = sha256_hex(format!("{recipe:?} {:?} {start_hash}", data.hashes).as_bytes());
    let job = Job {
        lessons: &data.lessons,
        valid: &data.valid,
        fit: &recipe.fit,
        seed: recipe.seed,
        checkpoint: &checkpoint,
        fingerprint: &fingerprint,
    };
    let state = fit(&net, &job, progress)?;
    // Kept in half precision, so calibrate with the numbers that scoring will read.
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for (name, tensor) in net.tensors()?.into_iter().chain(frozen) {
        let half = tensor.to_dtype(DType::F16)?;
        net.put_back(&[(name.clone(), half.to_dtype(DType::F32)?)])?;
        tensors.insert(name, half);
    }
    let raw = net.evidence(&data.valid, recipe.fit.batch)?;
    let labels: Vec<bool> = data.valid.iter().map(|e| e.target.label).collect();
    let quick = fast::Trained::new(&fast).of_rows(&data.valid_rows)?;
    let (mix, sum, fitted) =
        mix(recipe.model.mix, &quick, &raw, &labels).ok_or(TrainError::Calibration)?;
    let platt = over_prior(fitted, prior);
    let scores: Vec<f64> = sum.iter().map(|z| sigmoid(prior + platt.apply(*z))).collect();
    let thresholds = choose(&scores, &labels, recipe.thresholds.into())?;

    // The fast tier on this model's prior.
    let shift = logit(fast.manifest.calibration.base_rate) - prior;
    let quick: Vec<f64> = quick.into_iter().map(|z| sigmoid(prior + shift + z)).collect();
    let review = thresholds.thresholds.review();
    let (settle_below, settle_from) = settle(&quick, &scores, &labels, review);
    let encoder = EncoderSpec {
        tokens: recipe.model.tokens,
        mix,
        slope: platt.slope,
        shift: platt.shift,
        settle_below,
        settle_from,
        sizes,
    };

    let mut folder = Folder::new(&dir);
    for name in FILES.into_iter().chain([TOKENIZER]) {
        folder.keep(name, &read(&recipe.model.fast.join(name))?)?;
    }
    let mut quick =
        candle_core::safetensors::load(recipe.model.fast.join(WEIGHTS_FILE), &Device::Cpu)?;
    if let Some(intercept) = quick.get_mut("intercept") {
        *intercept = (&*intercept + shift)?;
    }
    tensors.extend(quick);
    folder.weights(&tensors)?;
    let manifest = folder.finish(Made {
        id: recipe.id.clone(),
        spec: fast.manifest.spec,
        encoder: Some(encoder),
        base_rate: data.base_rate,
        thresholds: thresholds.thresholds,
        recipe_text,
        seed: recipe.seed,
        data: data.hashes,
    })?;
    checkpoint.clear();
    let State { best_epoch, epoch, .. } = state;
    Ok(Outcome {
        valid_log_loss: log_loss(
            sum.iter().zip(&labels).map(|(z, l)| (prior + platt.apply(*z), *l)),
        ),
        dir,
        manifest,
        best_epoch,
        epochs: epoch,
        calibration: platt,
        thresholds,
        train_rows: data.lessons.rows.len(),
        valid_rows: data.valid.len(),
    })
}

/// The sizes of the encoder to start from, with as many layers as are kept.
fn sizes(recipe: &Recipe) -> Result<EncoderConfig, TrainError> {
    let config = pretrained_sizes(&recipe.model.encoder)?;
    let layers = recipe.model.layers;
    if layers > config.layers {
        let want = format!("at most {}", config.layers);
        #[expect(clippy::cast_precision_loss, reason = "a small count, for a message")]
        let got = layers as f64;
        return Err(RecipeError::Range { name: "model.layers", want, got }.into());
    }
    Ok(EncoderConfig { layers, ..config })
}

/// Steps in which the share of the fast tier is tried.
const MIXES: u32 = 20;

/// The share of the fast tier, `set` or that with which the two together fit the labels best, the
/// mixed log-odds, and their calibration.
fn mix(
    set: Option<f64>,
    quick: &[f64],
    raw: &[f64],
    labels: &[bool],
) -> Option<(f64, Vec<f64>, Platt)> {
    let steps = if set.is_some() { 1 } else { MIXES };
    let tries = (0..steps).filter_map(|step| {
        let mix = set.unwrap_or(f64::from(step) / f64::from(MIXES));
        let sum: Vec<f64> = quick.iter().zip(raw).map(|(q, r)| mix * q + (1.0 - mix) * r).collect();
        let platt = Platt::fit(&sum, labels)?;
        let loss = log_loss(sum.iter().zip(labels).map(|(z, l)| (platt.apply(*z), *l)));
        Some((loss, (mix, sum, platt)))
    });
    tries.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, best)| best)
}

/// Share of the full model's positives that the fast tier may lose, and of the negatives that it
/// may call on its own.
const SETTLE_LOSS: f64 = 0.005;
/// The normal distribution's 95 % point.
const Z: f64 = 1.645;

/// Below which score and from which on the fast tier settles a listing: at the cost of at most
/// [`SETTLE_LOSS`] of the positives that the encoder would call, and of the negatives.
fn settle(quick: &[f64], full: &[f64], labels: &[bool], review: f64) -> (f64, f64) {
    let called = |i: usize| labels[i] && full[i] >= review;
    let mut order: Vec<usize> = (0..quick.len()).collect();
    order.sort_by(|a, b| quick[*a].total_cmp(&quick[*b]));
    let budget = |count: usize| {
        #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
        let rows = count as f64;
        let expected = SETTLE_LOSS * rows;
        // So few that more than the share would hardly be lost among as many other rows.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let budget = (expected - Z * expected.sqrt()).max(0.0) as usize;
        budget
    };
    let mut left = budget((0..quick.len()).filter(|i| called(*i)).count());
    let below = order.iter().find(|i| {
        let lost = called(**i);
        let over = lost && left == 0;
        left -= usize::from(lost && left > 0);
        over
    });
    let below = below.map_or(0.0, |i| quick[*i]);
    let mut left = budget(labels.iter().filter(|l| !**l).count());
    let mut from = 1.0;
    for i in order.iter().rev() {
        if !labels[*i] {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        from = quick[*i];
    }
    (below, from.max(below))
}

/// Everything that is learned from.
struct Examples<'a> {
    lessons: Lessons<'a>,
    valid: Vec<Example>,
    valid_rows: Vec<Row>,
    /// How many slices there are.
    slices: usize,
    base_rate: f64,
    hashes: BTreeMap<String, String>,
}

impl<'a> Examples<'a> {
    fn read(recipe: &Recipe, fast: &'a LoadedModel) -> Result<Self, TrainError> {
        let mut hashes = BTreeMap::new();
        let train_rows = labelled("train", &recipe.data.train, &mut hashes)?;
        let valid_rows = labelled("valid", &recipe.data.valid, &mut hashes)?;
        let mut slices = BTreeMap::new();
        for row in &train_rows {
            let next = u32::try_from(slices.len()).unwrap_or(u32::MAX);
            slices.entry(row.slice.clone()).or_insert(next);
        }
        let reader = Reader {
            knowledge: &fast.knowledge,
            pieces: &fast.pieces,
            space: fast.space,
            tokens: recipe.model.tokens,
            slices,
        };
        let (clean, valid) = (reader.rows(&train_rows)?, reader.rows(&valid_rows)?);
        let weak = recipe.data.ordinary.as_ref().map(|settings| {
            hashes.insert("ordinary".to_owned(), file_sha256(&settings.file)?);
            Weak::read(settings, fast, train_rows.len())
        });
        let weak = weak.transpose()?;
        Ok(Self {
            base_rate: base_rate(clean.iter().chain(&valid).map(|e| e.target.label)),
            slices: reader.slices.len(),
            lessons: Lessons { reader, rows: train_rows, clean, attacks: recipe.attacks, weak },
            valid,
            valid_rows,
            hashes,
        })
    }
}
