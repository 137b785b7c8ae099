//! From a listing to its assessment.
//!
//! Owns the contract between server and model ([`Assess`]), the two scorers that fulfil it (the fast
//! tier alone, and the cascade of fast tier and encoder), the explanation, and the batch driver. It never opens the store: what a score
//! needs from outside was fetched before.

mod cascade;
mod contract;
mod explain;
mod fast;
mod occlusion;
mod words;

pub use cascade::Cascade;
pub use contract::{
    Ask, Assess, Detail, RawItem, ReadItem, ScoredItem, Subject, TierChoice, score_items,
    score_read,
};
pub use fast::{FastScorer, ScoringError, load, locate, models_dir, named};
