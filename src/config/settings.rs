use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::Limits;

/// Everything that can be set. `default.toml` describes each field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub server: Server,
    pub store: Store,
    pub scoring: Scoring,
    pub origin: Origin,
    pub limits: Limits,
    pub gate: GateLimits,
    pub log: Log,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub bind: String,
    pub max_body_bytes: usize,
    pub max_batch: usize,
    pub request_timeout_s: u64,
    pub queue_items: usize,
    pub page_rows: u32,
    pub max_page_rows: u32,
}

/// The store's place. `Debug` hides the URL, which may hold a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub data_dir: PathBuf,
    pub url: String,
    pub max_connections: u32,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = if self.url.is_empty() { "" } else { "…" };
        f.debug_struct("Store")
            .field("data_dir", &self.data_dir)
            .field("url", &url)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    pub models_dir: PathBuf,
    pub model: String,
    pub threads: usize,
    pub instructions: String,
    pub precision: String,
    pub follow_s: u64,
    pub base_rate: f64,
}

/// An outside registry of products. `Debug` hides the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    pub url: String,
    pub name: String,
    pub token: String,
    pub timeout_ms: u64,
    pub batch_timeout_ms: u64,
    pub max_bytes: usize,
    pub concurrency: usize,
    pub cache_items: usize,
    pub cache_s: u64,
    pub retry_s: u64,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a candidate must keep to before it may become the model in use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateLimits {
    pub min_rows: usize,
    pub min_auc: f64,
    pub slice_rows: usize,
    pub slice_min_auc: f64,
    pub slice_max_loss: f64,
    pub attack_max_loss: f64,
    pub max_ece: f64,
    pub max_folder_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}
