//! thatgia scores marketplace listings for counterfeit likelihood.
//!
//! The modules, from the lowest to the highest; each imports only those before it, and
//! `tests/layering.rs` keeps it so:
//!
//! ```text
//! domain < config < telemetry < preprocess < nn < signals < eval < dataset < registry
//!        < scoring < train < store < flow < stream < http < cli
//! ```
//!
//! A listing's way: `http` or `cli` → `flow` → `scoring` (`preprocess`, `signals`, a model from
//! `registry`) → `store` → ranked suspects. A model's way: `dataset` → `train` → `eval` →
//! `registry`.

pub mod cli;
pub mod config;
pub mod dataset;
pub mod domain;
pub mod eval;
pub mod flow;
pub mod http;
pub mod nn;
pub mod preprocess;
pub mod registry;
pub mod scoring;
pub mod signals;
pub mod store;
pub mod telemetry;
pub mod train;
