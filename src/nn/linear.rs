use candle_core::{Result, Tensor};

use super::encoder::Weights;
use super::ops::add_bias;

/// x Wᵀ + b.
#[derive(Debug)]
pub(super) struct Linear {
    /// out × in.
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// The tensors `name.weight` and `name.bias`, of these sizes.
    pub(super) fn new(weights: &Weights, name: &str, (from, to): (usize, usize)) -> Result<Self> {
        Ok(Self {
            weight: weights.get(&format!("{name}.weight"), &[to, from])?,
            bias: weights.get(&format!("{name}.bias"), &[to])?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        add_bias(&x.matmul(&self.weight.t()?)?, &self.bias)
    }
}
