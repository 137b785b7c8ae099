//! From a listing to its assessment.
//!
//! Owns the contract between server and model ([`Assess`]), the scorer that fulfils it and the
//! batch driver. It never opens the store: what a score needs from outside was fetched before.

mod contract;

pub use contract::{Assess, Detail, RawItem, score_items};
