use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candle_core::Device;

use super::manifest::WEIGHTS_FILE;
use crate::nn::{Arithmetic, BlockConfig, EncoderConfig, Engine, Vision, VisionConfig, Weights};

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
    let config: Config = read_config(dir)?;
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

fn read_config<C: serde::de::DeserializeOwned>(dir: &Path) -> Result<C, PretrainedError> {
    let path = dir.join(CONFIG);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(PretrainedError::Io { path, source }),
    };
    serde_json::from_slice(&text).map_err(|source| PretrainedError::Config { path, source })
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

/// Where an image encoder comes with its normalisation folded and apart.
const FOLDED: &str = "model_folded.safetensors";

/// The image encoder in `dir`: `config.json`, and its weights with folded normalisation in
/// `model_folded.safetensors` or, where there is none, `model.safetensors`.
///
/// # Errors
/// When a file is missing or they do not fit together.
pub fn pretrained_vision(dir: &Path, arithmetic: Arithmetic) -> Result<Vision, PretrainedError> {
    #[derive(serde::Deserialize)]
    struct Config {
        input: Input,
        stem: Layer,
        blocks: Vec<Block>,
        head: Layer,
    }
    #[derive(serde::Deserialize)]
    struct Input {
        size: usize,
    }
    #[derive(serde::Deserialize)]
    struct Layer {
        out_channels: usize,
    }
    #[derive(serde::Deserialize)]
    struct Block {
        kernel: usize,
        stride: usize,
        expand: usize,
        out_channels: usize,
    }
    let config: Config = read_config(dir)?;
    let block = |b: &Block| BlockConfig {
        kernel: b.kernel,
        step: b.stride,
        expand: b.expand,
        out: b.out_channels,
    };
    let config = VisionConfig {
        side: config.input.size,
        stem: config.stem.out_channels,
        blocks: config.blocks.iter().map(block).collect(),
        features: config.head.out_channels,
    };
    let path = [FOLDED, WEIGHTS_FILE].map(|name| dir.join(name)).into_iter().find(|p| p.is_file());
    let path = path.unwrap_or_else(|| dir.join(WEIGHTS_FILE));
    let vision = || {
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu)?;
        let own = tensors.into_iter().filter(|(name, _)| !name.starts_with("classifier."));
        Vision::new(config, &Weights::new(own)?, arithmetic)
    };
    vision().map_err(|source| PretrainedError::Weights { path: path.clone(), source })
}
