//! Logs and the names of the metrics.
//!
//! A log message reads alone; numbers go into fields with their units. An error is logged once,
//! at the boundary where it is answered.

mod logs;
pub mod metrics;

pub use logs::{LogError, init};
