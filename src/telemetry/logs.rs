use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// The log filter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log.level: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are already set up: {0}")]
    Twice(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts logging to standard error.
///
/// # Errors
/// When `log.level` is not a filter, or logging was started before.
pub fn init(log: &Log) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&log.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => builder.with_target(false).try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).try_init()?,
    }
    Ok(())
}
