use std::sync::Arc;

use serde::Deserialize;

use super::phrases::{Interner, Match, Phrases, WordId, has_near, near_key};
use crate::domain::{LegalClass, Reason};
use crate::preprocess::text::{Marks, Normalizer, Place, Text, Vocabulary};

/// Words on each side in which a phrase of `unless_near` makes a finding void.
const NEAR: usize = 6;
/// Words between a negation and what it negates, at most.
const NEGATION_REACH: usize = 4;
/// The concepts that this code knows by name.
const NEGATOR: &str = "negator";
const SETTING: [&str; 2] = ["warning_guide", "denial_phrase"];

/// Which way a concept points, before its weight is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    Risk,
    Relief,
    Context,
}

/// One concept of the lexicon.
#[derive(Debug)]
pub struct Concept {
    pub id: Arc<str>,
    pub polarity: Polarity,
    /// What evidence of each variant is called, and why it counts.
    labels: [(Arc<str>, Arc<Reason>); Variant::COUNT],
    /// The legal class that the concept speaks for, if any.
    pub legal_class: Option<LegalClass>,
    unless_near: Vec<Box<str>>,
    /// Its phrases as the lexicon writes them.
    terms: Vec<Box<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConcept {
    id: String,
    polarity: Polarity,
    reason_vi: String,
    reason_en: String,
    legal_class: Option<LegalClass>,
    #[serde(default)]
    terms: Vec<String>,
    #[serde(default)]
    exact_terms: Vec<String>,
    #[serde(default)]
    unless_near: Vec<String>,
}

/// The lexicon cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    #[error("lexicon: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("lexicon: concept {0:?} stands twice")]
    Twice(String),
    #[error("lexicon: concept {concept:?} has a term without words: {term:?}")]
    EmptyTerm { concept: String, term: String },
    #[error("lexicon: concept {0:?} is needed and missing")]
    Missing(&'static str),
}

/// How a concept was met; each has a weight of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    Plain,
    /// A negation stands shortly before.
    Negated,
    /// A risk inside a warning or denial, or a relief beside a risk.
    Beside,
}

impl Variant {
    pub const COUNT: usize = 3;
    const ALL: [Self; Self::COUNT] = [Self::Plain, Self::Negated, Self::Beside];
}

impl Concept {
    /// Its phrases as the lexicon writes them.
    pub fn terms(&self) -> &[Box<str>] {
        &self.terms
    }

    /// What evidence of this concept is called, and why it counts.
    pub fn label(&self, variant: Variant) -> (Arc<str>, Arc<Reason>) {
        self.labels[variant as usize].clone()
    }
}

impl RawConcept {
    fn label(&self, variant: Variant) -> (Arc<str>, Arc<Reason>) {
        let (id, vi, en) = (&self.id, &self.reason_vi, &self.reason_en);
        let (id, vi, en) = match (variant, self.polarity) {
            (Variant::Plain, _) => (id.clone(), vi.clone(), en.clone()),
            (Variant::Negated, _) => {
                (format!("{id}_negated"), format!("{vi} (bị phủ định)"), format!("{en} (negated)"))
            }
            (Variant::Beside, Polarity::Risk) => (
                format!("{id}_in_warning"),
                format!("{vi} (trong lời cảnh báo hoặc cam kết)"),
                format!("{en} (inside a warning or denial)"),
            ),
            (Variant::Beside, Polarity::Relief | Polarity::Context) => (
                format!("{id}_beside_risk"),
                format!("{vi} (nhưng có dấu hiệu rủi ro bên cạnh)"),
                format!("{en} (but beside a sign of risk)"),
            ),
        };
        (id.into(), Arc::new(Reason { vi, en }))
    }
}

/// A concept met in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Index into [`Lexicon::concepts`].
    pub concept: u16,
    pub variant: Variant,
    /// First word, and one past the last.
    pub words: (usize, usize),
    pub place: Place,
    /// How the words were disguised.
    pub marks: Marks,
}

/// Concepts and the phrases by which they are met.
#[derive(Debug)]
pub struct Lexicon {
    concepts: Vec<Concept>,
    phrases: Phrases<u16>,
    negator: u16,
    setting: [u16; 2],
}

impl Lexicon {
    /// Reads the lexicon; its plain words go into `vocabulary`, to be restored where disguised.
    pub(super) fn parse(
        toml: &str,
        normalizer: &Normalizer,
        interner: &mut Interner,
        vocabulary: &mut Vocabulary,
    ) -> Result<Self, LexiconError> {
        #[derive(Deserialize)]
        struct File {
            concept: Vec<RawConcept>,
        }
        let file: File = toml::from_str(toml)?;
        let mut concepts: Vec<Concept> = Vec::new();
        let mut phrases = Phrases::new();
        for raw in file.concept {
            if concepts.iter().any(|c| *c.id == *raw.id) {
                return Err(LexiconError::Twice(raw.id));
            }
            let index = u16::try_from(concepts.len()).unwrap_or(u16::MAX);
            let terms = raw.terms.iter().map(|t| (t, false));
            for (term, exact) in terms.chain(raw.exact_terms.iter().map(|t| (t, true))) {
                let text = normalizer.normalize(term);
                if text.words().is_empty() {
                    return Err(LexiconError::EmptyTerm { concept: raw.id, term: term.clone() });
                }
                if raw.polarity == Polarity::Risk && text.words().len() == 1 {
                    vocabulary.add(text.plain(), false);
                }
                phrases.add(interner, &text, exact, index);
            }
            let near = raw.unless_near.iter().map(|p| near_key(&normalizer.normalize(p)));
            let near = near.collect();
            concepts.push(Concept {
                id: raw.id.as_str().into(),
                polarity: raw.polarity,
                labels: Variant::ALL.map(|v| raw.label(v)),
                legal_class: raw.legal_class,
                unless_near: near,
                terms: raw
                    .terms
                    .iter()
                    .chain(&raw.exact_terms)
                    .map(|t| t.as_str().into())
                    .collect(),
            });
        }
        let index = |name: &'static str| {
            let at = concepts.iter().position(|c| &*c.id == name);
            at.and_then(|i| u16::try_from(i).ok()).ok_or(LexiconError::Missing(name))
        };
        let (negator, setting) = (index(NEGATOR)?, [index(SETTING[0])?, index(SETTING[1])?]);
        Ok(Self { concepts, phrases, negator, setting })
    }

    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    pub fn terms(&self) -> usize {
        self.phrases.len()
    }

    /// The concepts met in one text: leftmost, then longest; none inside another.
    pub(super) fn find(&self, text: &Text, ids: &[WordId]) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut matches: Vec<Match<u16>> = Vec::new();
        let mut negation: Option<usize> = None;
        let mut at = 0;
        while at < ids.len() {
            if text.words()[at].breaks {
                negation = None;
            }
            self.phrases.at(text, ids, at, &mut matches);
            let Some(hit) = matches.iter().find(|m| !self.is_void(text, at, m)) else {
                at += 1;
                continue;
            };
            let end = at + hit.words;
            if hit.payload == self.negator {
                negation = Some(end);
            } else {
                let negated = negation.is_some_and(|from| at - from <= NEGATION_REACH);
                let words = &text.words()[at..end];
                let marks = words.iter().fold(Marks::default(), |all, w| all | w.marks);
                findings.push(Finding {
                    concept: hit.payload,
                    variant: if negated { Variant::Negated } else { Variant::Plain },
                    words: (at, end),
                    place: words[0].place.to(words[words.len() - 1].place),
                    marks,
                });
            }
            at = end;
        }
        findings
    }

    fn is_void(&self, text: &Text, at: usize, hit: &Match<u16>) -> bool {
        let near = &self.concepts[usize::from(hit.payload)].unless_near;
        has_near(text, at.saturating_sub(NEAR), at + hit.words + NEAR, near)
    }

    /// Marks the findings of a whole listing that stand beside their opposite.
    pub(super) fn settle<'a>(&self, findings: impl Iterator<Item = &'a mut Finding>) {
        let findings: Vec<&mut Finding> = findings.collect();
        let plain = |f: &&mut Finding| f.variant == Variant::Plain;
        let polarity = |f: &Finding| self.concepts[usize::from(f.concept)].polarity;
        let risk = findings.iter().filter(|f| plain(f)).any(|f| polarity(f) == Polarity::Risk);
        let setting =
            findings.iter().filter(|f| plain(f)).any(|f| self.setting.contains(&f.concept));
        for finding in findings {
            let beside = match polarity(finding) {
                Polarity::Risk => setting,
                Polarity::Relief => risk && !setting,
                Polarity::Context => false,
            };
            if beside && finding.variant == Variant::Plain {
                finding.variant = Variant::Beside;
            }
        }
    }
}
