use candle_core::Result;

use super::contract::{Ask, Assess, Detail, Subject, TierChoice};
use super::explain::Explanation;
use super::fast::FastScorer;
use super::occlusion::{Stretch, stretches};
use crate::domain::{Assessment, ModelRef, Tier, logit, sigmoid};
use crate::nn::{Opinion, PriceView};
use crate::preprocess::map_batch;
use crate::registry::{EncoderSpec, LoadedEncoder, LoadedModel, ManifestError};
use crate::signals::{Reading, Tokens};

/// Both tiers: the fast one settles what it is sure of, the encoder reads the rest.
#[derive(Debug)]
pub struct Cascade {
    fast: FastScorer,
    second: LoadedEncoder,
    spec: EncoderSpec,
    /// Log-odds of the model's own base rate, on which the borders of settling stand.
    own_prior: f64,
}

/// A listing after the fast tier.
enum Begun<'a> {
    Settled(Assessment),
    Open(Box<Open<'a>>),
}

/// A listing for the encoder.
struct Open<'a> {
    subject: Subject<'a>,
    reading: Reading,
    tokens: Tokens,
}

/// A listing that the encoder has read, but for what each passage does.
struct Draft<'a> {
    open: &'a Open<'a>,
    explanation: Explanation<'a>,
    /// The encoder's log-odds of the wording, before calibration.
    wording: f64,
    text: f64,
    price: Option<f64>,
    stretches: Vec<Stretch>,
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
        let fast = FastScorer::new(model, base_rate);
        let this = Self { fast, second, spec, own_prior };
        let trial = Tokens::new(&Reading::default(), this.fast.words.pieces(), spec.tokens);
        this.second.engine.embed(&[&trial.ids])?;
        Ok(this)
    }

    /// Whether what the fast tier said can stand.
    fn settled(&self, said: &Assessment) -> bool {
        let score = sigmoid(self.own_prior + said.parts.sum());
        score < self.spec.settle_below || score >= self.spec.settle_from
    }

    fn begin<'a>(&self, subject: Subject<'a>, ask: Ask) -> Begun<'a> {
        let reading = Reading::new(&self.fast.knowledge, subject.listing);
        if ask.tier != TierChoice::Full {
            let said = self.fast.assess_reading(subject, &reading, ask.detail);
            if ask.tier == TierChoice::Fast || self.settled(&said) {
                return Begun::Settled(said);
            }
        }
        let tokens = Tokens::new(&reading, self.fast.words.pieces(), self.spec.tokens);
        Begun::Open(Box::new(Open { subject, reading, tokens }))
    }

    /// What the encoder says of some listings.
    fn full(&self, open: &[&Open<'_>], detail: Detail) -> Result<Vec<Assessment>> {
        let texts: Vec<&[u32]> = open.iter().map(|o| o.tokens.ids.as_slice()).collect();
        let vectors = self.second.engine.embed(&texts)?;
        let hidden = self.spec.sizes.hidden;
        let read: Vec<_> = open.iter().copied().zip(vectors.chunks_exact(hidden)).collect();
        let mut drafts = map_batch(&read, |(open, vector)| self.draft(open, vector, detail));
        let without: Vec<Vec<u32>> = drafts
            .iter()
            .flat_map(|d| d.stretches.iter().map(|s| s.without(&d.open.tokens)))
            .collect();
        let without: Vec<&[u32]> = without.iter().map(Vec::as_slice).collect();
        let mut without =
            self.second.readout.text(&self.second.engine.embed(&without)?).into_iter();
        let share = self.spec.slope * (1.0 - self.spec.mix);
        for draft in &mut drafts {
            for (stretch, text) in draft.stretches.iter().zip(without.by_ref()) {
                draft.explanation.stretch(stretch, share * (draft.wording - f64::from(text)));
            }
        }
        Ok(drafts.into_iter().map(|draft| self.finish(draft)).collect())
    }

    fn draft<'a>(&'a self, open: &'a Open<'a>, vector: &[f32], detail: Detail) -> Draft<'a> {
        let Open { subject, reading, tokens } = open;
        let input = reading.price_input();
        let view = PriceView { flags: &input.flags, hinges: &input.hinges };
        let Opinion { text: wording, price, classes } = self.second.readout.read(vector, view);
        let (wording, price) = (f64::from(wording), f64::from(price));
        let mut explanation = Explanation::new(*subject, reading, &self.fast.knowledge, detail);
        explanation.say_classes(&classes);
        let (of_fast, of_encoder) =
            (self.spec.slope * self.spec.mix, self.spec.slope * (1.0 - self.spec.mix));
        let (fast, space) = (&self.fast, self.fast.words.space());
        let mut text = of_fast * fast.intercept + of_encoder * wording + self.spec.shift;
        for sign in &space.signs(reading) {
            let own = f64::from(self.second.readout.signs()[sign.index - space.concepts_at()]);
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
        let price = reading.amount.map(|_| quick + of_encoder * price);
        let sum = fast.prior + text + price.unwrap_or(0.0);
        // Reading a text again without each stretch costs many times what the score does, so a
        // brief explanation does it only where there is something to explain.
        let suspect = fast.manifest.thresholds.review() <= sigmoid(sum);
        let stretches = match detail {
            Detail::Full => stretches(reading, tokens, FULL_STRETCHES),
            Detail::Brief if suspect => stretches(reading, tokens, BRIEF_STRETCHES),
            Detail::Brief | Detail::Bare => Vec::new(),
        };
        Draft { open, explanation, wording, text, price, stretches }
    }

    fn finish(&self, draft: Draft<'_>) -> Assessment {
        let Draft { open, mut explanation, text, price, .. } = draft;
        explanation.rest_of_text(text);
        if let (Some(part), Some(amount)) = (price, open.reading.amount) {
            match &open.reading.price {
                Some(signal) => explanation.price(signal, part),
                None => explanation.price_level(amount, part),
            }
        }
        self.fast.close(Tier::Full, explanation, (text, price))
    }
}

impl Assess for Cascade {
    fn model(&self) -> &ModelRef {
        self.fast.model()
    }

    fn has_encoder(&self) -> bool {
        true
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        let begun = map_batch(subjects, |subject| self.begin(*subject, ask));
        let open: Vec<&Open<'_>> = begun
            .iter()
            .filter_map(|b| match b {
                Begun::Open(open) => Some(&**open),
                Begun::Settled(_) => None,
            })
            .collect();
        let mut full = self.full(&open, ask.detail).unwrap_or_else(|error| {
            // The answer says which tier it is from, so that nothing is hidden by this.
            tracing::error!(%error, "the encoder failed, the fast tier answers");
            let fast = |o: &&Open<'_>| self.fast.assess_reading(o.subject, &o.reading, ask.detail);
            map_batch(&open, fast)
        });
        let mut full = full.drain(..);
        let settled = |begun| match begun {
            Begun::Settled(said) => Some(said),
            Begun::Open(_) => None,
        };
        // Every open listing has its answer, in order.
        begun.into_iter().filter_map(|b| settled(b).or_else(|| full.next())).collect()
    }
}
