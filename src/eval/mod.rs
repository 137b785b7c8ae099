//! How good a scorer is, and whether one is better than another.
//!
//! Owns metrics with bootstrap intervals, paired comparison, calibration, the choice of
//! thresholds, the keyword baseline and the report. Everything here is a pure function of labels
//! and scores: it knows no model and opens no file. `dataset` and `cli` bring the rows, `train`
//! and `registry` use what comes out.
//!
//! ```text
//! samples + scores ─ slices ─> populations ─ metrics ─> values ─ bootstrap ─> intervals
//!                                     report.json <─ report ─ html ─> report.html
//! ```

pub mod bootstrap;
pub mod calibration;
mod chart;
mod evaluate;
mod fold;
pub mod html;
pub mod metrics;
mod random;
pub mod regex_baseline;
mod report;
mod slices;
pub mod threshold;

pub use evaluate::{Contender, EvalError, Options, evaluate};
pub use fold::fold_words;
pub use metrics::Metrics;
pub use random::SplitMix64;
pub use report::{
    Against, AttackReport, AttackSlice, AttackSort, BandCount, BootstrapInfo, DatasetInfo, Delta,
    Interval, ModelInfo, Report, SliceReport,
};
pub use slices::Sample;
