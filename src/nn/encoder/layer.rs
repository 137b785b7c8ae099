use candle_core::{Result, Tensor};

use super::{EncoderConfig, Packed, Weights};
use crate::nn::dropout::Dropout;
use crate::nn::linear::Linear;
use crate::nn::ops::{attention, gelu, layer_norm};

#[derive(Debug)]
pub(super) struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl Norm {
    pub(super) fn new(weights: &Weights, name: &str, config: &EncoderConfig) -> Result<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "a small number either way")]
        let eps = config.norm_eps as f32;
        Ok(Self {
            weight: weights.get(&format!("{name}.weight"), &[config.hidden])?,
            bias: weights.get(&format!("{name}.bias"), &[config.hidden])?,
            eps,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

#[derive(Debug)]
pub(super) struct Layer {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

impl Layer {
    pub(super) fn new(weights: &Weights, name: &str, config: &EncoderConfig) -> Result<Self> {
        let (hidden, wide) = (config.hidden, config.intermediate);
        let linear = |part: &str, sizes| Linear::new(weights, &format!("{name}.{part}"), sizes);
        let norm = |part: &str| Norm::new(weights, &format!("{name}.{part}.LayerNorm"), config);
        Ok(Self {
            heads: config.heads,
            query: linear("attention.self.query", (hidden, hidden))?,
            key: linear("attention.self.key", (hidden, hidden))?,
            value: linear("attention.self.value", (hidden, hidden))?,
            attended: linear("attention.output.dense", (hidden, hidden))?,
            attended_norm: norm("attention.output")?,
            widen: linear("intermediate.dense", (hidden, wide))?,
            narrow: linear("output.dense", (wide, hidden))?,
            norm: norm("output")?,
        })
    }

    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        batch: &Packed,
        dropout: &mut Dropout,
    ) -> Result<Tensor> {
        let (query, key) = (self.query.forward(hidden)?, self.key.forward(hidden)?);
        let value = self.value.forward(hidden)?;
        let seen = attention(&query, &key, &value, batch.bounds(), self.heads)?;
        let seen = dropout.apply(&self.attended.forward(&seen)?)?;
        let hidden = self.attended_norm.forward(&(seen + hidden)?)?;
        let thought = self.narrow.forward(&gelu(&self.widen.forward(&hidden)?)?)?;
        self.norm.forward(&(dropout.apply(&thought)? + hidden)?)
    }
}
