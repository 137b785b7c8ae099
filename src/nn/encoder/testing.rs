//! A small encoder for tests.

use candle_core::{Device, Tensor};

use super::{EncoderConfig, Weights};
use crate::nn::ops::gradient::noise;

pub(in crate::nn) const SMALL: EncoderConfig = EncoderConfig {
    vocabulary: 11,
    hidden: 8,
    layers: 2,
    heads: 2,
    intermediate: 12,
    positions: 6,
    norm_eps: 1e-12,
};

/// Names and shapes of all tensors.
fn shapes(config: &EncoderConfig) -> Vec<(String, Vec<usize>)> {
    let (hidden, wide) = (config.hidden, config.intermediate);
    let mut all = Vec::new();
    for (name, rows) in
        [("word", config.vocabulary), ("position", config.positions), ("token_type", 2)]
    {
        all.push((format!("embeddings.{name}_embeddings.weight"), vec![rows, hidden]));
    }
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for i in 0..config.layers {
        let layer = format!("encoder.layer.{i}");
        for (part, to, from) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", wide, hidden),
            ("output.dense", hidden, wide),
        ] {
            all.push((format!("{layer}.{part}.weight"), vec![to, from]));
            all.push((format!("{layer}.{part}.bias"), vec![to]));
        }
        norms.push(format!("{layer}.attention.output.LayerNorm"));
        norms.push(format!("{layer}.output.LayerNorm"));
    }
    for norm in norms {
        all.push((format!("{norm}.weight"), vec![hidden]));
        all.push((format!("{norm}.bias"), vec![hidden]));
    }
    all
}

pub(in crate::nn) fn random(config: &EncoderConfig) -> Vec<(String, Tensor)> {
    let tensors = shapes(config).into_iter().enumerate().map(|(seed, (name, shape))| {
        let tensor = noise(seed as u64, &shape, 0.4);
        (name, tensor)
    });
    tensors.collect()
}

/// The encoder that training starts from, with the vectors that came with it.
pub(in crate::nn) struct Golden {
    pub(in crate::nn) config: EncoderConfig,
    pub(in crate::nn) weights: Weights,
    pub(in crate::nn) cases: Vec<GoldenCase>,
}

#[derive(serde::Deserialize)]
pub(in crate::nn) struct GoldenCase {
    pub(in crate::nn) ids: Vec<u32>,
    /// Of length 1.
    pub(in crate::nn) embedding: Vec<f32>,
}

/// `None`, which is said, where the encoder is not on this machine.
pub(in crate::nn) fn golden() -> Option<Golden> {
    #[derive(serde::Deserialize)]
    struct File {
        cases: Vec<GoldenCase>,
    }
    let dir =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/text-encoder");
    let Ok(file) = std::fs::read(dir.join("golden.json")) else {
        eprintln!("skipped: {} is not there", dir.display());
        return None;
    };
    let file: File = serde_json::from_slice(&file).unwrap();
    let tensors =
        candle_core::safetensors::load(dir.join("model.safetensors"), &Device::Cpu).unwrap();
    let config = EncoderConfig {
        vocabulary: 36_309,
        hidden: 384,
        layers: 12,
        heads: 12,
        intermediate: 1536,
        positions: 512,
        norm_eps: 1e-12,
    };
    Some(Golden { config, weights: Weights::new(tensors).unwrap(), cases: file.cases })
}
