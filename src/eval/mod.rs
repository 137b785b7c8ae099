//! How good a scorer is, and whether one is better than another.
//!
//! Owns metrics with bootstrap intervals, paired comparison, calibration, the choice of
//! thresholds, what attacks and ordinary listings show, two baselines and the report. Everything
//! here is a pure function of labels, scores and, for the baselines, texts: it knows no model and
//! opens no file. `dataset` and `cli` bring the rows, `train` and `registry` use what comes out.
//!
//! ```text
//! samples + scores ─ slices ─> populations ─ metrics ─> values ─ bootstrap ─> intervals
//!                                     report.json <─ report ─ html ─> report.html
//! ```

mod attack_deltas;
mod attacks;
pub mod bootstrap;
pub mod calibration;
mod chart;
mod evaluate;
mod fold;
pub mod gate;
pub mod html;
pub mod metrics;
pub mod ngram_baseline;
mod ordinary;
mod random;
pub mod regex_baseline;
mod report;
mod slices;
pub mod threshold;

pub use attack_deltas::{UnderAttack, compare_attacks};
pub use attacks::{Attacked, measure_attacks};
pub use evaluate::{Contender, EvalError, Options, evaluate};
pub use fold::fold_words;
pub use metrics::Metrics;
pub use ordinary::{
    BandShares, OrdinaryReport, OrdinaryScore, SourceScores, measure_ordinary, wilson,
};
pub use random::SplitMix64;
pub use report::{
    Against, AttackDelta, AttackReport, AttackSlice, AttackSort, BandCount, BootstrapInfo,
    DatasetInfo, Delta, Interval, ModelInfo, Report, SliceReport,
};
pub use slices::Sample;
