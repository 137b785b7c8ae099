//! What more than one test needs.

mod gate;
mod schema;
mod test_app;

pub(crate) use gate::{Gate, GatedScorer};
pub(crate) use schema::check_schema;
pub(crate) use test_app::{Answer, TestApp};

use std::sync::Arc;

use thatgia::domain::{
    Assessment, Band, Evidence, LegalClass, Listing, ModelId, ModelRef, Part, Parts, Reason, Score,
    Thresholds, Tier,
};
use thatgia::scoring::{Ask, Assess, Detail, Subject};

/// A scorer whose log-odds are the number of `!` in the title, less 2.
#[derive(Debug)]
pub(crate) struct FakeScorer {
    model: ModelRef,
}

impl FakeScorer {
    #[expect(clippy::new_ret_no_self, reason = "every caller wants the trait object")]
    pub(crate) fn new() -> Arc<dyn Assess> {
        Self::named("fake-1")
    }

    pub(crate) fn named(id: &str) -> Arc<dyn Assess> {
        let id = ModelId::new(id).unwrap();
        Arc::new(Self { model: ModelRef { id, weights_sha256: "ab".repeat(32).into() } })
    }
}

impl Assess for FakeScorer {
    fn model(&self) -> &ModelRef {
        &self.model
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        subjects.iter().map(|subject| self.one(subject.listing, ask)).collect()
    }
}

impl FakeScorer {
    fn one(&self, listing: &Listing, ask: Ask) -> Assessment {
        assert!(!listing.title().contains("panic"), "asked for");
        let marks = listing.title().chars().filter(|c| *c == '!').count();
        let text = marks as f64;
        let reason = Arc::new(Reason {
            vi: "dấu chấm than".to_owned(),
            en: "exclamation marks".to_owned(),
        });
        let one = |at: usize, weight: f64| Evidence {
            part: Part::Text,
            kind: "mark".into(),
            field: "title".into(),
            start: at,
            end: at + 1,
            text: "!".to_owned(),
            weight,
            reason: Arc::clone(&reason),
        };
        let places =
            listing.title().chars().enumerate().filter(|(_, c)| *c == '!').map(|(at, _)| at);
        let evidence = match ask.detail {
            Detail::Full => places.map(|at| one(at, 1.0)).collect(),
            Detail::Brief | Detail::Bare => places.take(1).map(|at| one(at, text)).collect(),
        };
        let score = Score::from_logit(text - 2.0).unwrap();
        Assessment {
            score,
            band: Thresholds::new(0.4, 0.8).map_or(Band::Low, |t| t.band(score)),
            tier: Tier::Fast,
            model: self.model.clone(),
            prior: -2.0,
            parts: Parts { text: Some(text), ..Parts::default() },
            legal_class: LegalClass::None,
            evidence,
        }
    }
}
