use candle_core::{Device, Result, Tensor};

use super::contract::{Ask, Assess, Detail, TierChoice};
use super::explain::Explanation;
use super::fast::FastScorer;
use super::occlusion::{shares, stretches};
use crate::domain::{Assessment, Listing, ModelRef, Tier, logit, sigmoid};
use crate::nn::{Beside, Dropout, Packed};
use crate::registry::{EncoderSpec, LoadedEncoder, LoadedModel, ManifestError};
use crate::signals::{Reading, Tokens};

/// Both tiers: the fast one settles what it is sure of, the encoder reads the rest.
#[derive(Debug)]
pub struct Cascade {
    fast: FastScorer,
    second: LoadedEncoder,
    spec: EncoderSpec,
    /// What each sign weighs beside the encoder.
    signs: Vec<f64>,
    /// Log-odds of the model's own base rate, on which the borders of settling stand.
    own_prior: f64,
}

/// What the encoder and its heads say of one listing, in log-odds before calibration.
struct Said {
    text: f64,
    price: Option<f64>,
    classes: Vec<f32>,
}

/// Stretches into which a text is cut to see what each does.
const BRIEF_STRETCHES: usize = 6;
const FULL_STRETCHES: usize = 24;

impl Cascade {
    /// A scorer with `model` and its second tier; a `base_rate` above 0 takes the place of the
    /// model's own.
    ///
    /// # Errors
    /// When the model has no description of its encoder, or a trial of it fails.
    pub fn new(model: LoadedModel, second: LoadedEncoder, base_rate: f64) -> Result<Self> {
        let Some(spec) = model.manifest.encoder else {
            return Err(candle_core::Error::wrap(ManifestError::Value("no encoder".to_owned())));
        };
        let own_prior = logit(model.manifest.calibration.base_rate);
        let signs = second.heads.signs().to_vec1::<f32>()?.into_iter().map(f64::from).collect();
        let fast = FastScorer::new(model, base_rate);
        let this = Self { fast, second, spec, signs, own_prior };
        let trial = Reading::default();
        this.said(&trial, &Tokens::new(&trial, this.fast.words.pieces(), spec.tokens))?;
        Ok(this)
    }

    /// Whether what the fast tier said can stand.
    fn settled(&self, said: &Assessment) -> bool {
        let score = sigmoid(self.own_prior + said.parts.sum());
        score < self.spec.settle_below || score >= self.spec.settle_from
    }

    fn said(&self, reading: &Reading, tokens: &Tokens) -> Result<Said> {
        let texts = Packed::new([tokens.ids.as_slice()]);
        let vector = self.second.encoder.embed(&texts, &mut Dropout::off())?;
        let input = reading.price_input();
        let beside = Beside {
            // Signs are added outside, in double precision, each with its evidence.
            signs: Tensor::zeros((1, self.signs.len()), vector.dtype(), &Device::Cpu)?,
            flags: Tensor::new(&[input.flags], &Device::Cpu)?,
            hinges: Tensor::new(&[input.hinges], &Device::Cpu)?,
        };
        let said = self.second.heads.forward(&vector, &beside)?;
        let number = |t: &Tensor| Ok::<_, candle_core::Error>(f64::from(t.to_vec1::<f32>()?[0]));
        let price = reading.amount.map(|_| number(&said.price)).transpose()?;
        Ok(Said { text: number(&said.text)?, price, classes: said.class.squeeze(0)?.to_vec1()? })
    }

    fn full(&self, listing: &Listing, reading: &Reading, detail: Detail) -> Result<Assessment> {
        let tokens = Tokens::new(reading, self.fast.words.pieces(), self.spec.tokens);
        let said = self.said(reading, &tokens)?;
        let mut explanation = Explanation::new(listing, reading, &self.fast.knowledge, detail);
        explanation.say_classes(&said.classes);
        let (of_fast, of_encoder) =
            (self.spec.slope * self.spec.mix, self.spec.slope * (1.0 - self.spec.mix));
        let (fast, space) = (&self.fast, self.fast.words.space());
        let mut text = of_fast * fast.intercept + of_encoder * said.text + self.spec.shift;
        for sign in &space.signs(reading) {
            let own = self.signs[sign.index - space.concepts_at()];
            let weight = of_fast * fast.words.weight(sign.index) + of_encoder * own;
            text += weight;
            explanation.sign(sign, weight);
        }
        for (at, mut weights) in fast.word_weights(reading).into_iter().enumerate() {
            weights.iter_mut().for_each(|w| *w *= of_fast);
            text += weights.iter().sum::<f64>();
            explanation.words(at, &weights);
        }
        let quick = fast.price_part(reading).map_or(0.0, |part| of_fast * part);
        let price = said.price.map(|part| quick + of_encoder * part);
        let sum = fast.prior + text + price.unwrap_or(0.0);
        // Reading a text again without each stretch costs many times what the score does, so a
        // brief explanation does it only where there is something to explain.
        let suspect = fast.manifest.thresholds.review() <= sigmoid(sum);
        let count = match detail {
            Detail::Full => FULL_STRETCHES,
            Detail::Brief if suspect => BRIEF_STRETCHES,
            Detail::Brief | Detail::Bare => 0,
        };
        if count > 0 {
            let stretches = stretches(reading, &tokens, count);
            let second = (&self.second.encoder, &self.second.heads);
            let shares = shares(second, &tokens, &stretches, said.text)?;
            for (stretch, share) in stretches.iter().zip(shares) {
                explanation.stretch(stretch, of_encoder * share);
            }
        }
        explanation.rest_of_text(text);
        if let (Some(part), Some(amount)) = (price, reading.amount) {
            match &reading.price {
                Some(signal) => explanation.price(signal, part),
                None => explanation.price_level(amount, part),
            }
        }
        Ok(self.fast.close(Tier::Full, explanation, (text, price)))
    }
}

impl Assess for Cascade {
    fn model(&self) -> &ModelRef {
        self.fast.model()
    }

    fn has_encoder(&self) -> bool {
        true
    }

    fn assess(&self, listing: &Listing, ask: Ask) -> Assessment {
        let reading = Reading::new(&self.fast.knowledge, listing);
        let fast = || self.fast.assess_reading(listing, &reading, ask.detail);
        if ask.tier != TierChoice::Full {
            let said = fast();
            if ask.tier == TierChoice::Fast || self.settled(&said) {
                return said;
            }
        }
        self.full(listing, &reading, ask.detail).unwrap_or_else(|error| {
            // The answer says which tier it is from, so that nothing is hidden by this.
            tracing::error!(%error, "the encoder failed, the fast tier answers");
            fast()
        })
    }
}
