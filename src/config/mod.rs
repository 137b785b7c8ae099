//! Settings: defaults, then a file, then the environment, then flags.
//!
//! The commented `default.toml` is the default, compiled in. This is the only place that reads
//! the environment; everything after takes a [`Settings`] or one of its sections by value.

mod load;
mod settings;

pub use load::{ConfigError, DEFAULT_TOML, load};
pub use settings::{GateLimits, Log, LogFormat, Origin, Scoring, Server, Settings, Store};
