use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

/// Texts as ids, one after the other.
#[derive(Debug, Clone)]
pub struct Packed {
    ids: Vec<u32>,
    /// Where each text begins, and the number of all tokens.
    bounds: Arc<[usize]>,
}

impl Packed {
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let (mut ids, mut bounds) = (Vec::new(), vec![0]);
        for text in texts {
            ids.extend_from_slice(text);
            bounds.push(ids.len());
        }
        Self { ids, bounds: bounds.into() }
    }

    pub fn texts(&self) -> usize {
        self.bounds.len() - 1
    }

    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Tokens of the longest text.
    pub fn longest(&self) -> usize {
        self.bounds.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0)
    }

    pub(super) fn bounds(&self) -> &Arc<[usize]> {
        &self.bounds
    }

    pub(super) fn ids(&self, device: &Device) -> Result<Tensor> {
        Tensor::new(self.ids.as_slice(), device)
    }

    /// Each token's place in its text.
    pub(super) fn positions(&self, device: &Device) -> Result<Tensor> {
        let of = |len: usize| 0..u32::try_from(len).unwrap_or(u32::MAX);
        let all: Vec<u32> = self.bounds.windows(2).flat_map(|w| of(w[1] - w[0])).collect();
        Tensor::new(all, device)
    }

    /// The mean over each text's tokens: tokens × hidden to texts × hidden. A text without tokens
    /// has mean 0.
    ///
    /// # Errors
    /// When the rows are not the batch's tokens.
    pub fn mean(&self, hidden: &Tensor) -> Result<Tensor> {
        let mut shares = vec![0.0_f32; self.texts() * self.tokens()];
        for (text, w) in self.bounds.windows(2).enumerate() {
            let row = &mut shares[text * self.tokens()..];
            row[w[0]..w[1]].fill(1.0 / (w[1] - w[0]).max(1) as f32);
        }
        Tensor::from_vec(shares, (self.texts(), self.tokens()), hidden.device())?.matmul(hidden)
    }
}
