use serde::Deserialize;

use crate::domain::{LegalClass, Part, Parts, Reason, Tier};

/// A scored line as it is kept, read back.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) score: f64,
    pub(super) tier: Tier,
    pub(super) model: String,
    pub(super) weights_sha256: String,
    pub(super) prior: f64,
    pub(super) parts: Parts,
    pub(super) legal_class: LegalClass,
    /// Strongest first.
    pub(super) evidence: Vec<Finding>,
}

/// One piece of evidence of a kept line.
#[derive(Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) part: Part,
    pub(super) kind: String,
    pub(super) field: String,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
    pub(super) weight: f64,
    pub(super) reason: Reason,
}

impl Finding {
    /// The seller's words; none where the finding has no place in a text.
    pub(super) fn quoted(&self) -> Option<&str> {
        (self.start < self.end && !self.text.is_empty()).then_some(&self.text)
    }

    /// Whether it speaks for a counterfeit, against one, or neither, as a class of the style.
    pub(super) fn sense(&self) -> &'static str {
        sense(self.weight)
    }
}

/// The style's class for a share in log-odds.
pub(super) fn sense(weight: f64) -> &'static str {
    if weight > 0.0 {
        "risk"
    } else if weight < 0.0 {
        "relief"
    } else {
        "even"
    }
}
