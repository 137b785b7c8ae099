use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candle_core::Device;

use super::manifest::WEIGHTS_FILE;
use crate::nn::{Arithmetic, EncoderConfig, Engine, Weights};

const CONFIG: &str = "config.json";

/// A folder with an encoder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Config { path: PathBuf, source: serde_json::Error },
    #[error("{}: {source}", path.display())]
    Weights { path: PathBuf, source: candle_core::Error },
}

/// The sizes of the encoder in `dir`, as Hugging Face's `config.json` has them for a `BertModel`.
///
/// # Errors
/// When the file is missing or lacks a size.
pub fn pretrained_sizes(dir: &Path) -> Result<EncoderConfig, PretrainedError> {
    #[derive(serde::Deserialize)]
    struct Config {
        vocab_size: usize,
        hidden_size: usize,
        num_hidden_layers: usize,
        num_attention_heads: usize,
        intermediate_size: usize,
        max_position_embeddings: usize,
        layer_norm_eps: f64,
    }
    let path = dir.join(CONFIG);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(PretrainedError::Io { path, source }),
    };
    let config: Config =
        serde_json::from_slice(&text).map_err(|source| PretrainedError::Config { path, source })?;
    Ok(EncoderConfig {
        vocabulary: config.vocab_size,
        hidden: config.hidden_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        intermediate: config.intermediate_size,
        positions: config.max_position_embeddings,
        norm_eps: config.layer_norm_eps,
    })
}

/// The encoder in `dir`: `config.json` and `model.safetensors`.
///
/// # Errors
/// When a file is missing or they do not fit together.
pub fn pretrained_engine(dir: &Path, arithmetic: Arithmetic) -> Result<Engine, PretrainedError> {
    let sizes = pretrained_sizes(dir)?;
    let path = dir.join(WEIGHTS_FILE);
    let engine = || {
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu)?;
        Engine::new(sizes, &Weights::new(tensors)?, arithmetic)
    };
    engine().map_err(|source| PretrainedError::Weights { path: path.clone(), source })
}
