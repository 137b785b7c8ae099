//! Weak labels: ordinary listings of which the platform, or price and wording together, say enough.
//!
//! Nearly all listings on a platform are honest, so these teach what honest offers look like there,
//! and that a manner of writing is no sign. So that it can't be taken for a sign the other way
//! round, each branded listing also comes back as its twin at a price that genuine goods never
//! have: same words, other label.

use super::examples::{Example, Reader, Target};
use super::lessons::coin;
use super::recipe::Ordinary as Settings;
use crate::dataset::{Ordinary, OrdinaryFile};
use crate::domain::{LegalClass, Limits, Listing, NewListing};
use crate::eval::SplitMix64;
use crate::preprocess::{hash_str, map_batch};
use crate::signals::{Knowledge, Mention, Polarity, Reading, Variant};
use crate::train::common::TrainError;

/// From this share of its reference on, a price speaks for genuine goods.
const PLAUSIBLE: f64 = 0.8;
/// The twins' prices as shares of the reference, lowest and highest.
const ABSURD: (f64, f64) = (0.03, 0.25);

/// Ordinary listings by what they teach.
#[derive(Debug, Default)]
pub(super) struct Weak {
    /// Branded, honest, with their price over its reference.
    branded: Vec<(NewListing, f64)>,
    /// Honest, of no known brand or price.
    plain: Vec<NewListing>,
    /// A brand in pieces, or a shop that says it sells replicas.
    fakes: Vec<NewListing>,
    /// Examples an epoch, and what each weighs.
    count: usize,
    weight: f32,
}

impl Weak {
    /// Sorts the listings of the sources that `settings` names.
    pub(super) fn read(
        settings: &Settings,
        knowledge: &Knowledge,
        rows: usize,
    ) -> Result<Self, TrainError> {
        let io = |source| TrainError::Io { path: settings.file.clone(), source };
        let mut file = OrdinaryFile::open(&settings.file).map_err(io)?;
        #[expect(clippy::cast_possible_truncation, reason = "a weight near 1")]
        let weight = settings.weight as f32;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small count"
        )]
        let count = (settings.share * rows as f64) as usize;
        let mut this = Self { count, weight, ..Self::default() };
        loop {
            let batch = file.batch().map_err(io)?;
            if batch.is_empty() {
                return Ok(this);
            }
            let batch: Vec<Ordinary> = batch.into_iter().flatten().collect();
            let kinds = map_batch(&batch, |o| {
                let wanted = settings.sources.contains(&o.source);
                let listing = o.listing.clone().parse(&Limits::default()).ok().filter(|_| wanted);
                listing.map(|listing| kind(o, &Reading::new(knowledge, &listing), knowledge))
            });
            for (ordinary, kind) in batch.into_iter().zip(kinds) {
                match kind {
                    Some(Kind::Branded(ratio)) => this.branded.push((ordinary.listing, ratio)),
                    Some(Kind::Plain) => this.plain.push(ordinary.listing),
                    Some(Kind::Fake) => this.fakes.push(ordinary.listing),
                    Some(Kind::Unsure) | None => {}
                }
            }
        }
    }

    /// Examples an epoch.
    pub(super) fn len(&self) -> usize {
        if self.branded.is_empty() || self.plain.is_empty() { 0 } else { self.count }
    }

    /// The examples of one epoch: of ten, four honest and branded, three of these as absurdly
    /// cheap twins, two plain, and one a likely fake.
    pub(super) fn epoch(&self, reader: &Reader<'_>, seed: u64) -> Vec<Example> {
        let numbers: Vec<usize> = (0..self.len()).collect();
        let draw = |i: &usize| {
            let mut random = SplitMix64::new(hash_str(seed ^ *i as u64, "weak"));
            let (listing, label) = match i % 10 {
                0..4 => (random.pick(&self.branded)?.0.clone(), false),
                4..7 => {
                    let (listing, ratio) = random.pick(&self.branded)?;
                    let (low, high) = (ABSURD.0.ln(), ABSURD.1.ln());
                    let wanted = (low + (high - low) * coin(&mut random)).exp();
                    (cheaper(listing, wanted / ratio), true)
                }
                9 if !self.fakes.is_empty() => (random.pick(&self.fakes)?.clone(), true),
                _ => (random.pick(&self.plain)?.clone(), false),
            };
            let listing: Listing = listing.parse(&Limits::default()).ok()?;
            let class = if label { LegalClass::CounterfeitMark } else { LegalClass::None };
            let target = Target::new(label, class, None, self.weight);
            Some(reader.read(&listing, target))
        };
        map_batch(&numbers, draw).into_iter().flatten().collect()
    }
}

fn cheaper(listing: &NewListing, factor: f64) -> NewListing {
    let mut twin = listing.clone();
    if let Some(amount) = twin.price.as_mut().and_then(|p| p.amount.as_mut()) {
        *amount = (*amount * factor / 1000.0).round().max(1.0) * 1000.0;
    }
    twin
}

enum Kind {
    Branded(f64),
    Plain,
    Fake,
    Unsure,
}

fn kind(ordinary: &Ordinary, reading: &Reading, knowledge: &Knowledge) -> Kind {
    let brands = || reading.wording().flat_map(|f| &f.brands);
    let disguised = brands().any(|m| m.marks.is_disguised() || m.mention == Mention::Disguised);
    let risky = reading.wording().flat_map(|f| &f.findings).any(|f| {
        let concept = &knowledge.lexicon().concepts()[usize::from(f.concept)];
        concept.polarity == Polarity::Risk && f.variant == Variant::Plain
    });
    if ordinary.replicas || (disguised && !ordinary.official) {
        return Kind::Fake;
    }
    match &reading.price {
        Some(signal) if signal.ratio() >= PLAUSIBLE && (!risky || ordinary.official) => {
            Kind::Branded(signal.ratio())
        }
        None if !risky && brands().next().is_none() => Kind::Plain,
        _ => Kind::Unsure,
    }
}
