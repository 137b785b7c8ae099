use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ItemError, ModelRef};

/// A text that should have been one of a few names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {got:?}, expected one of {expected}")]
pub struct UnknownName {
    what: &'static str,
    got: String,
    expected: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, got: &str, names: &[&str]) -> Self {
        Self { what, got: got.chars().take(40).collect(), expected: names.join(", ") }
    }
}

/// An enum of names that are the same in JSON, in SQL and on the command line.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(s: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|v| v.as_str() == s)
                    .ok_or_else(|| UnknownName::new($what, s, Self::NAMES))
            }
        }
    };
}

pub(super) use names;

names! {
    /// What an analyst should do with a listing.
    Band, "band" {
        /// Nothing to see.
        Low = "low",
        /// Worth a look when there is time.
        Review = "review",
        /// Look at it first.
        High = "high",
    }
}

names! {
    /// Which model settled the score.
    Tier, "tier" {
        /// The bag-of-words model.
        Fast = "fast",
        /// The encoder.
        Full = "full",
    }
}

names! {
    /// The legal class that the listing would fall under.
    LegalClass, "legal class" {
        CounterfeitMark = "counterfeit_mark",
        CounterfeitQuality = "counterfeit_quality",
        CounterfeitLabel = "counterfeit_label",
        /// Grey imports and the like: not counterfeit by that alone.
        OriginUnclear = "origin_unclear",
        None = "none",
    }
}

impl LegalClass {
    /// Whether it is one of the classes of counterfeits.
    pub fn is_counterfeit(self) -> bool {
        match self {
            Self::CounterfeitMark | Self::CounterfeitQuality | Self::CounterfeitLabel => true,
            Self::OriginUnclear | Self::None => false,
        }
    }
}

names! {
    /// One term of the sum that makes a score.
    Part, "part" {
        Text = "text",
        Image = "image",
        Price = "price",
        Seller = "seller",
        Codes = "codes",
    }
}

/// ln(p / (1 − p)).
pub fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// 1 / (1 + e^−x), the inverse of [`logit`].
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A probability strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Score(f64);

impl Score {
    /// Largest log-odds a score is made from: beyond it, a double cannot give the sum back to 1e-6.
    pub const MAX_LOGIT: f64 = 20.0;

    /// The score at these log-odds, or `None` when they are not a number within ±[`Self::MAX_LOGIT`].
    pub fn from_logit(logit: f64) -> Option<Self> {
        (logit.abs() <= Self::MAX_LOGIT).then(|| Self(sigmoid(logit)))
    }

    /// One half: nothing is known.
    pub fn even() -> Self {
        Self(0.5)
    }

    pub fn value(self) -> f64 {
        self.0
    }
}

/// The scores from which a listing is `review` and `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawThresholds")]
pub struct Thresholds {
    review: f64,
    high: f64,
}

#[derive(Deserialize)]
struct RawThresholds {
    review: f64,
    high: f64,
}

impl TryFrom<RawThresholds> for Thresholds {
    type Error = String;

    fn try_from(raw: RawThresholds) -> Result<Self, String> {
        Self::new(raw.review, raw.high).ok_or_else(|| {
            format!("want 0 < review <= high < 1, got {} and {}", raw.review, raw.high)
        })
    }
}

impl Thresholds {
    /// `None` unless 0 < review ≤ high < 1.
    pub fn new(review: f64, high: f64) -> Option<Self> {
        (0.0 < review && review <= high && high < 1.0).then_some(Self { review, high })
    }

    pub fn review(self) -> f64 {
        self.review
    }

    pub fn high(self) -> f64 {
        self.high
    }

    pub fn band(self, score: Score) -> Band {
        if score.0 >= self.high {
            Band::High
        } else if score.0 >= self.review {
            Band::Review
        } else {
            Band::Low
        }
    }
}

/// Log-odds by part; `None` where the part had no input.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Parts {
    pub text: Option<f64>,
    pub image: Option<f64>,
    pub price: Option<f64>,
    pub seller: Option<f64>,
    pub codes: Option<f64>,
}

impl Parts {
    pub fn get(&self, part: Part) -> Option<f64> {
        match part {
            Part::Text => self.text,
            Part::Image => self.image,
            Part::Price => self.price,
            Part::Seller => self.seller,
            Part::Codes => self.codes,
        }
    }

    /// Adds to a part, which has input by that.
    pub fn add(&mut self, part: Part, weight: f64) {
        let term = match part {
            Part::Text => &mut self.text,
            Part::Image => &mut self.image,
            Part::Price => &mut self.price,
            Part::Seller => &mut self.seller,
            Part::Codes => &mut self.codes,
        };
        *term = Some(term.unwrap_or(0.0) + weight);
    }

    /// The sum of the parts that had input, always added in the same order.
    pub fn sum(&self) -> f64 {
        Part::ALL.iter().filter_map(|p| self.get(*p)).sum()
    }
}

/// Where in a listing a finding stands: `title`, `description`, `attributes.<name>`, and so on.
pub type Field = Cow<'static, str>;

/// Why a piece of evidence counts, for an officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub vi: String,
    pub en: String,
}

/// One finding and its share of its part's log-odds. The evidence of a part sums to the part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    pub part: Part,
    /// What was found, such as `replica_term`.
    pub kind: Arc<str>,
    pub field: Field,
    /// First Unicode scalar value of the finding in the field as received.
    pub start: usize,
    /// One past the last. Equal to `start` when the finding has no place of its own.
    pub end: usize,
    /// The seller's words, `field[start..end]`.
    pub text: String,
    pub weight: f64,
    pub reason: Arc<Reason>,
}

/// What the service says of one listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    pub score: Score,
    pub band: Band,
    pub tier: Tier,
    pub model: ModelRef,
    /// Log-odds before any evidence.
    pub prior: f64,
    pub parts: Parts,
    pub legal_class: LegalClass,
    /// Strongest first.
    pub evidence: Vec<Evidence>,
}

/// One line of output: an assessment or an error, with the place and id of its input.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredLine {
    /// 1-based place in the input.
    pub line: u64,
    pub id: Option<String>,
    pub outcome: Result<Assessment, ItemError>,
}

impl Serialize for ScoredLine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Scored<'a> {
            line: u64,
            id: Option<&'a str>,
            score: Score,
            band: Band,
            tier: Tier,
            model: &'a str,
            weights_sha256: &'a str,
            prior: f64,
            parts: &'a Parts,
            legal_class: LegalClass,
            evidence: &'a [Evidence],
            error: Option<()>,
        }
        #[derive(Serialize)]
        struct Failed<'a> {
            line: u64,
            id: Option<&'a str>,
            error: &'a ItemError,
        }
        let (line, id) = (self.line, self.id.as_deref());
        match &self.outcome {
            Ok(a) => Scored {
                line,
                id,
                score: a.score,
                band: a.band,
                tier: a.tier,
                model: a.model.id.as_str(),
                weights_sha256: &a.model.weights_sha256,
                prior: a.prior,
                parts: &a.parts,
                legal_class: a.legal_class,
                evidence: &a.evidence,
                error: None,
            }
            .serialize(serializer),
            Err(error) => Failed { line, id, error }.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_gives_its_log_odds_back() {
        for x in [-20.0, -7.5, 0.0, 0.1, 12.0, 20.0] {
            let score = Score::from_logit(x).unwrap();
            assert!((logit(score.value()) - x).abs() < 1e-6, "{x}");
        }
        for bad in [f64::NAN, f64::INFINITY, 20.1, -21.0] {
            assert_eq!(Score::from_logit(bad), None);
        }
    }

    #[test]
    fn bands_meet_at_their_thresholds() {
        let t = Thresholds::new(0.4, 0.8).unwrap();
        let band = |p: f64| t.band(Score(p));
        assert_eq!(
            [band(0.39), band(0.4), band(0.79), band(0.8)],
            [Band::Low, Band::Review, Band::Review, Band::High]
        );
        assert_eq!(Thresholds::new(0.8, 0.4), None);
        assert!(serde_json::from_str::<Thresholds>(r#"{"review":0.9,"high":0.1}"#).is_err());
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for band in Band::ALL {
            assert_eq!(band.as_str().parse::<Band>().as_ref(), Ok(band));
            assert_eq!(serde_json::to_string(band).unwrap(), format!("\"{band}\""));
        }
        let error = "huge".parse::<Band>().unwrap_err().to_string();
        assert_eq!(error, r#"unknown band "huge", expected one of low, review, high"#);
    }

    #[test]
    fn a_failed_line_has_an_error_and_no_score() {
        let line = ScoredLine {
            line: 7,
            id: Some("x".into()),
            outcome: Err(ItemError::new(ErrorCode::MissingField, "title", "is required")),
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"line":7,"id":"x","error":{"code":"missing_field","field":"title","message":"is required"}}"#
        );
    }

    use super::super::ErrorCode;
}
