//! thatgia scores marketplace listings for counterfeit likelihood.
//!
//! A listing flows through the modules in the order in which they are declared here; a module
//! imports only those above it, and `tests/layering.rs` keeps it so.

pub mod config;
pub mod domain;
pub mod flow;
pub mod http;
pub mod preprocess;
pub mod scoring;
pub mod telemetry;
