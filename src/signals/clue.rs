use std::sync::Arc;

use crate::domain::{Field, Part, Reason};

/// A finding of a part other than wording and price: what was found, where, how strongly. What it
/// weighs stands in [`Fusion`](super::Fusion).
#[derive(Debug, Clone, PartialEq)]
pub struct Clue {
    pub part: Part,
    /// The entry of the fusion table that weighs it.
    pub kind: &'static str,
    pub field: Field,
    /// The seller's words, or nothing where the finding has none.
    pub text: String,
    /// First character of the words in the field.
    pub start: usize,
    /// From 0 to 1: the share of the kind's weight.
    pub strength: f64,
    /// Said in place of the table's reason, where there is more to say.
    pub reason: Option<Arc<Reason>>,
}

impl Clue {
    /// A finding about a whole field, at full strength.
    pub fn new(part: Part, kind: &'static str, field: Field) -> Self {
        Self { part, kind, field, text: String::new(), start: 0, strength: 1.0, reason: None }
    }

    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// The words begin at this character of the field.
    #[must_use]
    pub fn at(self, start: usize) -> Self {
        Self { start, ..self }
    }

    /// `strength` is cut to between 0 and 1; what is no number counts as 0.
    #[must_use]
    pub fn strength(self, strength: f64) -> Self {
        Self { strength: if strength.is_nan() { 0.0 } else { strength.clamp(0.0, 1.0) }, ..self }
    }

    #[must_use]
    pub fn reason(self, reason: Reason) -> Self {
        Self { reason: Some(Arc::new(reason)), ..self }
    }
}
