use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cascade::Cascade;
use super::contract::{Ask, Assess, Detail, Subject};
use super::explain::Explanation;
use super::words::WordWeights;
use crate::config;
use crate::domain::{Assessment, ModelId, ModelIdError, ModelRef, Parts, Score, Tier, logit};
use crate::nn::{Arithmetic, NoSuchLevel, NoSuchPrecision};
use crate::preprocess::map_batch;
use crate::registry::{
    LayoutError, LoadError, LoadedModel, Manifest, find_models_dir, live_model, load_model,
    model_dir,
};
use crate::signals::{FieldText, Knowledge, PRICE_FEATURES, Reading, length_scale, price_features};

/// A scorer cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Id(#[from] ModelIdError),
    #[error("scoring.instructions: {0}")]
    Instructions(#[from] NoSuchLevel),
    #[error("scoring.precision: {0}")]
    Precision(#[from] NoSuchPrecision),
    #[error("the encoder failed its trial: {0}")]
    Encoder(#[from] candle_core::Error),
}

/// The fast tier: wording, lexicon, price and codes, all of them sums.
#[derive(Debug)]
pub struct FastScorer {
    pub(super) model: ModelRef,
    pub(super) manifest: Manifest,
    pub(super) knowledge: Knowledge,
    pub(super) words: WordWeights,
    pub(super) intercept: f64,
    price: [f64; PRICE_FEATURES],
    pub(super) prior: f64,
}

/// The folder of models that the settings lead to.
///
/// # Errors
/// When there is none.
pub fn models_dir(settings: &config::Scoring) -> Result<PathBuf, LayoutError> {
    let program = std::env::current_exe().ok();
    find_models_dir(&settings.models_dir, Path::new(""), program.as_deref())
}

/// The folder of the model that the settings name: an id in the folder of models, or a folder.
///
/// # Errors
/// When there is no such model.
pub fn locate(settings: &config::Scoring) -> Result<PathBuf, ScoringError> {
    if settings.model.contains(std::path::MAIN_SEPARATOR) {
        Ok(Path::new(&settings.model).to_owned())
    } else {
        let models = models_dir(settings)?;
        let id = if settings.model.is_empty() {
            live_model(&models)?
        } else {
            ModelId::new(&settings.model)?
        };
        Ok(model_dir(&models, &id)?)
    }
}

/// The id of the model that the settings name; none where they name a folder outside of the models'.
///
/// # Errors
/// When there is no such model.
pub fn named(settings: &config::Scoring) -> Result<Option<ModelId>, ScoringError> {
    let dir = locate(settings)?;
    Ok(dir.file_name().and_then(|name| ModelId::new(&name.to_string_lossy()).ok()))
}

/// Loads the model that the settings name.
///
/// # Errors
/// When there is no such model, or a file of it is missing or was changed.
pub fn load(settings: &config::Scoring) -> Result<Arc<dyn Assess>, ScoringError> {
    let arithmetic = Arithmetic {
        level: settings.instructions.parse()?,
        precision: settings.precision.parse()?,
    };
    let mut model = load_model(&locate(settings)?, arithmetic)?;
    match model.encoder.take() {
        None => Ok(Arc::new(FastScorer::new(model, settings.base_rate))),
        Some(encoder) => Ok(Arc::new(Cascade::new(model, encoder, settings.base_rate)?)),
    }
}

impl FastScorer {
    /// A scorer with `model`; a `base_rate` above 0 takes the place of the model's own.
    pub fn new(model: LoadedModel, base_rate: f64) -> Self {
        let own = model.manifest.calibration.base_rate;
        let rate = if base_rate > 0.0 { base_rate } else { own };
        Self {
            model: model.reference,
            manifest: model.manifest,
            knowledge: model.knowledge,
            words: WordWeights::new(model.space, model.pieces, model.weights),
            intercept: model.intercept,
            price: model.price,
            prior: logit(rate),
        }
    }

    /// What the scorer knows before it reads a listing.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }
}

impl Assess for FastScorer {
    fn model(&self) -> &ModelRef {
        &self.model
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        map_batch(subjects, |subject| {
            let reading = Reading::new(&self.knowledge, subject.listing);
            self.assess_reading(*subject, &reading, ask.detail)
        })
    }
}

impl FastScorer {
    /// Scores a listing that has been read.
    pub(super) fn assess_reading(
        &self,
        subject: Subject<'_>,
        reading: &Reading,
        detail: Detail,
    ) -> Assessment {
        let mut explanation = Explanation::new(subject, reading, &self.knowledge, detail);
        let mut text = self.intercept;
        for sign in &self.words.space().signs(reading) {
            let weight = self.words.weight(sign.index);
            text += weight;
            explanation.sign(sign, weight);
        }
        for (at, weights) in self.word_weights(reading).iter().enumerate() {
            text += weights.iter().sum::<f64>();
            explanation.words(at, weights);
        }
        explanation.rest_of_text(text);
        let price = self.price_part(reading);
        if let (Some(part), Some(signal)) = (price, &reading.price) {
            explanation.price(signal, part);
        }
        self.close(Tier::Fast, explanation, (text, price))
    }

    /// What each word of each field weighs; nothing for the fields that the text part does not read.
    pub(super) fn word_weights(&self, reading: &Reading) -> Vec<Vec<f64>> {
        let count: usize = reading.wording().map(|f| f.text.words().len()).sum();
        let scale = length_scale(count);
        let of_field = |field: &FieldText| {
            if !field.source.is_wording() {
                return Vec::new();
            }
            let words = field.text.words();
            let mut before: Option<&str> = None;
            let mut weights = vec![0.0; words.len()];
            for (i, word) in words.iter().enumerate() {
                let folded = field.text.folded_word(word);
                weights[i] += scale * self.words.word(field.text.plain_word(word), folded);
                if let Some(before) = before {
                    // A pair's share is halved between its words.
                    let half = 0.5 * scale * self.words.pair(before, folded);
                    weights[i - 1] += half;
                    weights[i] += half;
                }
                before = Some(folded);
            }
            weights
        };
        reading.fields.iter().map(of_field).collect()
    }

    /// The price part, where there is a reference.
    pub(super) fn price_part(&self, reading: &Reading) -> Option<f64> {
        let signal = reading.price.as_ref()?;
        let features = price_features(signal.ratio());
        Some(features.iter().zip(self.price).map(|(f, w)| f * w).sum())
    }

    /// Adds what is the same in both tiers, and makes the score.
    pub(super) fn close(
        &self,
        tier: Tier,
        mut explanation: Explanation<'_>,
        (text, price): (f64, Option<f64>),
    ) -> Assessment {
        let mut parts = Parts { text: Some(text), price, ..Parts::default() };
        explanation.clues(&mut parts);
        let score = self.settle(&mut parts);
        let band = self.manifest.thresholds.band(score);
        Assessment {
            score,
            band,
            tier,
            model: self.model.clone(),
            prior: self.prior,
            legal_class: explanation.legal_class(band),
            parts,
            evidence: explanation.finish(&parts),
        }
    }

    /// The score of a sum; a sum beyond what a score can give back is cut, at the text's cost.
    fn settle(&self, parts: &mut Parts) -> Score {
        let sum = self.prior + parts.sum();
        if let Some(score) = Score::from_logit(sum) {
            return score;
        }
        let edge = Score::MAX_LOGIT - 1e-9;
        let cut = sum.clamp(-edge, edge);
        parts.text = parts.text.map(|text| text + (cut - sum));
        Score::from_logit(cut).unwrap_or_else(Score::even)
    }
}
