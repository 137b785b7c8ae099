//! From a listing to its assessment.
//!
//! Owns the contract between server and model ([`Assess`]), the scorer that fulfils it with the
//! fast model, the explanation, and the batch driver. It never opens the store: what a score
//! needs from outside was fetched before.

mod contract;
mod explain;
mod fast;
mod words;

pub use contract::{Assess, Detail, RawItem, score_items};
pub use fast::{FastScorer, ScoringError, load, locate};
