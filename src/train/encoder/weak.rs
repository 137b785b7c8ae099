//! Weak labels: ordinary listings of which the platform, or price and wording together, say enough.
//!
//! Nearly all listings on a platform are honest, so these teach what honest offers look like there,
//! and that a manner of writing is no sign. So that it can't be taken for a sign the other way
//! round, each branded listing also comes back as its twin at a price that genuine goods never
//! have: same words, other label.

use super::examples::{Example, Reader, Target};
use super::recipe::Ordinary as Settings;
use crate::dataset::{Ordinary, OrdinaryFile};
use crate::domain::{LegalClass, Limits, Listing, NewListing};
use crate::eval::SplitMix64;
use crate::preprocess::text::Place;
use crate::preprocess::{hash_str, map_batch};
use crate::registry::LoadedModel;
use crate::signals::{Finding, Knowledge, Mention, Polarity, Reading, Source, Variant};
use crate::train::common::TrainError;
use crate::train::fast::Trained;

/// From this share of its reference on, a price speaks for genuine goods.
const PLAUSIBLE: f64 = 0.8;
/// The twins' prices as shares of the reference, lowest and highest.
const ABSURD: (f64, f64) = (0.03, 0.25);

/// One in so many of the honest listings counts as hard.
const HARD: usize = 10;
/// Share of the likely fakes that keep their tell-tale words.
const TOLD: f64 = 0.5;

/// Ordinary listings by what they teach.
#[derive(Debug, Default)]
pub(super) struct Weak {
    /// Branded, honest, with their price over its reference.
    branded: Vec<(NewListing, f64)>,
    /// Honest, of no known brand or price.
    plain: Vec<NewListing>,
    /// The honest ones that the fast tier takes for fakes most.
    hard: Vec<NewListing>,
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
        model: &LoadedModel,
        rows: usize,
    ) -> Result<Self, TrainError> {
        let (knowledge, fast) = (&model.knowledge, Trained::new(model));
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
        let mut honest: Vec<(f64, NewListing)> = Vec::new();
        loop {
            let batch = file.batch().map_err(io)?;
            if batch.is_empty() {
                honest.sort_by(|a, b| b.0.total_cmp(&a.0));
                honest.truncate(honest.len() / HARD);
                this.hard = honest.into_iter().map(|(_, listing)| listing).collect();
                let none = this.branded.is_empty() || this.plain.is_empty();
                return if none {
                    Err(TrainError::Ordinary(settings.file.clone()))
                } else {
                    Ok(this)
                };
            }
            let batch: Vec<Ordinary> = batch.into_iter().flatten().collect();
            let kinds = map_batch(&batch, |o| {
                let wanted = settings.sources.iter().any(|s| o.source.starts_with(s.as_str()));
                let listing = o.listing.clone().parse(&Limits::default()).ok().filter(|_| wanted);
                listing.map(|listing| {
                    let kind = kind(o, &Reading::new(knowledge, &listing), knowledge);
                    (kind, fast.evidence(&listing))
                })
            });
            for (ordinary, kind) in batch.into_iter().zip(kinds) {
                let Some((kind, evidence)) = kind else { continue };
                if matches!(kind, Kind::Branded(_) | Kind::Plain) {
                    honest.push((evidence, ordinary.listing.clone()));
                }
                match kind {
                    Kind::Branded(ratio) => this.branded.push((ordinary.listing, ratio)),
                    Kind::Plain => this.plain.push(ordinary.listing),
                    Kind::Fake => this.fakes.push(ordinary.listing),
                    Kind::Unsure => {}
                }
            }
        }
    }

    /// Examples an epoch.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The examples of one epoch: of ten, two honest and branded, two honest and hard, three branded
    /// as absurdly cheap twins, two plain, and one a likely fake.
    pub(super) fn epoch(&self, reader: &Reader<'_>, seed: u64) -> Vec<Example> {
        let numbers: Vec<usize> = (0..self.len()).collect();
        let draw = |i: &usize| {
            let mut random = SplitMix64::new(hash_str(seed ^ *i as u64, "weak"));
            let (listing, label) = match i % 10 {
                0..2 => (random.pick(&self.branded)?.0.clone(), false),
                2..4 => (random.pick(&self.hard)?.clone(), false),
                4..7 => {
                    let (listing, ratio) = random.pick(&self.branded)?;
                    let (low, high) = (ABSURD.0.ln(), ABSURD.1.ln());
                    let wanted = (low + (high - low) * random.unit()).exp();
                    (cheaper(listing, wanted / ratio), true)
                }
                9 if !self.fakes.is_empty() => {
                    let fake = random.pick(&self.fakes)?;
                    let told = random.unit() < TOLD;
                    let fake = if told { fake.clone() } else { untold(fake, reader.knowledge)? };
                    (fake, true)
                }
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

/// The listing without its tell-tale words, so that the rest has to be learned from.
fn untold(listing: &NewListing, knowledge: &Knowledge) -> Option<NewListing> {
    let read = listing.clone().parse(&Limits::default()).ok()?;
    let reading = Reading::new(knowledge, &read);
    let title = reading.fields.iter().find(|f| f.source == Source::Title)?;
    let told: Vec<Place> =
        title.findings.iter().filter(|f| risky(f, knowledge)).map(|f| f.place).collect();
    let hidden = |i: usize| told.iter().any(|p| (p.start as usize..p.end as usize).contains(&i));
    let kept = read.title().chars().enumerate().filter(|(i, _)| !hidden(*i)).map(|(_, c)| c);
    Some(NewListing { title: Some(kept.collect()), ..listing.clone() })
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
    let risky = reading.wording().flat_map(|f| &f.findings).any(|f| risky(f, knowledge));
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

/// Whether a finding speaks for a fake.
fn risky(finding: &Finding, knowledge: &Knowledge) -> bool {
    let concept = &knowledge.lexicon().concepts()[usize::from(finding.concept)];
    concept.polarity == Polarity::Risk && finding.variant == Variant::Plain
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use super::*;
    use crate::preprocess::Pieces;
    use crate::registry::load_model;

    const LINES: &str = r#"
{"title":"Giày Nike Air Force 1 nam","price":2600000,"brand":"Nike","official":true,"source":"a"}
{"title":"Giày Nike Air Force 1 nam","price":2600000,"brand":"Nike","source":"kept for measuring"}
{"title":"Nồi inox ba đáy","price":300000,"source":"a"}
{"title":"Túi G.u.c.c.i nữ","price":150000,"source":"a"}
{"title":"Giày Nike rep 1:1 nam","price":400000,"source":"a","shop_sells_replicas":true}
{"title":"Giày Nike super fake","price":400000,"source":"a"}
"#;

    #[test]
    fn listings_are_sorted_by_what_they_teach() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let model =
            load_model(&root.join("models/vi-fast-2026-11c"), crate::nn::Arithmetic::default())
                .unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(LINES.as_bytes()).unwrap();
        let settings = Settings {
            file: file.path().to_owned(),
            sources: vec!["a".to_owned()],
            share: 2.0,
            weight: 0.5,
        };
        let weak = Weak::read(&settings, &model, 50).unwrap();
        assert_eq!((weak.branded.len(), weak.plain.len(), weak.fakes.len()), (1, 1, 2));
        assert_eq!(weak.len(), 100);

        let unknown = Settings { sources: vec!["b".to_owned()], ..settings };
        assert!(matches!(Weak::read(&unknown, &model, 50), Err(TrainError::Ordinary(_))));

        let replica = weak.fakes.iter().find(|f| f.title.as_deref() != Some("Túi G.u.c.c.i nữ"));
        let untold = untold(replica.unwrap(), &model.knowledge).unwrap();
        assert_eq!(untold.title.as_deref(), Some("Giày Nike  nam"));

        let pieces: &Pieces = &model.pieces;
        let reader = Reader {
            knowledge: &model.knowledge,
            pieces,
            space: model.space,
            tokens: 64,
            slices: std::collections::BTreeMap::new(),
        };
        let epoch = weak.epoch(&reader, 1);
        let fakes = epoch.iter().filter(|e| e.target.label).count();
        assert!((35..=45).contains(&fakes), "{fakes} of {}", epoch.len());
        for e in &epoch {
            // The only branded listing is honest at its price, and a fake far below it.
            let cheap = e.price.hinges[..3].iter().sum::<f32>() > 1.0;
            assert!(!cheap || e.target.label);
            assert!((e.target.weight - 0.5).abs() < 1e-9 && e.target.slice.is_none());
        }
        assert_eq!(format!("{:?}", weak.epoch(&reader, 1)), format!("{epoch:?}"));
    }
}
