use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{Bin, Metrics};
use super::ordinary::OrdinaryReport;
use crate::domain::Band;

/// A value and its 95 % interval; all `null` where the metric is not defined.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Interval {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// The model's value less the other's, its 95 % interval, and the two-sided p of "no difference".
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Delta {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub p: Option<f64>,
}

/// What was measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    pub name: String,
    /// Of the file's bytes.
    pub sha256: String,
    pub n: usize,
    pub positives: usize,
    /// Sellers and families of wordings that were resampled as a whole.
    pub groups: usize,
}

/// Whose scores they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub id: String,
    /// `null` for a baseline without weights.
    pub weights_sha256: Option<String>,
}

/// A part of the dataset, measured alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceReport {
    pub n: usize,
    pub positives: usize,
    /// Whether the slice has one label only. Its rank metrics (the first four) are then taken
    /// against all rows of the other label; ECE, Brier and log loss are always of its own rows.
    pub one_label: bool,
    #[serde(flatten)]
    pub metrics: Metrics<Interval>,
}

/// The listings that the model put into one band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandCount {
    pub band: Band,
    pub n: usize,
    pub positives: usize,
    /// Share of positives in the band; `null` when it is empty.
    pub precision: Option<f64>,
    /// Share of all positives that are in this band or a higher one.
    pub recall: Option<f64>,
    /// Share of all negatives that are in this band or a higher one.
    pub false_positive_rate: Option<f64>,
}

/// How the intervals were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BootstrapInfo {
    pub rounds: usize,
    pub seed: u64,
    pub confidence: f64,
}

/// Another scorer on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    pub model: ModelInfo,
    pub metrics: Metrics<Interval>,
    pub slices: BTreeMap<String, SliceReport>,
    /// The model less this one, from the same bootstrap rounds.
    pub delta: Metrics<Delta>,
    /// The same of each slice's AUC.
    #[serde(default)]
    pub slice_auc_delta: BTreeMap<String, Delta>,
    /// By the attack's name, for the attacks that were measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attack_delta: BTreeMap<String, AttackDelta>,
}

/// What an attack costs the model less what it costs the other one, each cost being the attacked AUC
/// less the clean one: below zero where the attack hurts the model more.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AttackDelta {
    /// On all rows.
    pub auc: Delta,
    /// By the rows' own slice.
    pub slices: BTreeMap<String, Delta>,
}

/// What a change to a listing is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackSort {
    /// Hides brands and tell-tale words. Only who sells counterfeits does this, so only positive
    /// rows are changed.
    Disguise,
    /// Another manner of writing, as anybody may have; all rows are changed.
    Style,
}

impl AttackSort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disguise => "disguise",
            Self::Style => "style",
        }
    }
}

/// One slice under an attack.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct AttackSlice {
    /// `null` where the slice and its other label don't make a ranking.
    pub auc: Option<f64>,
    /// The attacked AUC less the clean one.
    pub delta: Option<f64>,
}

/// The model on rows that were changed by one attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackReport {
    /// Whether training never uses the attack.
    pub held_out: bool,
    pub sort: AttackSort,
    /// Rows whose text the attack changed.
    pub changed: usize,
    /// Of all rows, changed or not.
    pub auc: Interval,
    /// The attacked AUC less the clean one, from the same bootstrap rounds.
    pub delta: Delta,
    /// By the rows' own slice.
    pub slices: BTreeMap<String, AttackSlice>,
}

/// `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub dataset: DatasetInfo,
    pub model: ModelInfo,
    pub metrics: Metrics<Interval>,
    pub slices: BTreeMap<String, SliceReport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Highest band first; empty for a scorer without bands.
    #[serde(default)]
    pub bands: Vec<BandCount>,
    /// Bins of equal mass, lowest score first.
    #[serde(default)]
    pub reliability: Vec<Bin>,
    /// By the attack's name; `None` when attacks were not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacks: Option<BTreeMap<String, AttackReport>>,
    /// Listings without labels; `None` when none were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinary: Option<OrdinaryReport>,
    pub bootstrap: BootstrapInfo,
}
