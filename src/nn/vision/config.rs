use std::ops::Range;

use candle_core::Result;

use crate::nn::encoder::Weights;
use crate::nn::engine::{Dense, Precision};

/// The shape of an EfficientNet-Lite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisionConfig {
    /// Pixels of a picture's side.
    pub side: usize,
    /// Channels after the first convolution.
    pub stem: usize,
    pub blocks: Vec<BlockConfig>,
    /// Numbers of the vector that comes out.
    pub features: usize,
}

/// An inverted residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockConfig {
    /// Width and height of the window.
    pub kernel: usize,
    /// Places from one window to the next.
    pub step: usize,
    /// How many times wider than its input the block is inside; 1: it is not widened.
    pub expand: usize,
    /// Channels that come out.
    pub out: usize,
}

/// The largest side, channels and features that make sense: a broken file asks for no more memory.
const MOST: usize = 4096;
/// The largest window.
const MAX_KERNEL: usize = 7;

impl VisionConfig {
    /// # Errors
    /// When a size is 0 or out of all proportion.
    pub(super) fn check(&self) -> Result<()> {
        let sizes = [self.side, self.stem, self.features];
        let blocks = self.blocks.iter().flat_map(|b| [b.kernel, b.step, b.expand, b.out]);
        let large = self.blocks.iter().any(|b| b.kernel > MAX_KERNEL || b.step > b.kernel);
        if large || sizes.into_iter().chain(blocks).any(|size| size == 0 || size > MOST) {
            candle_core::bail!("an image encoder of {self:?} can't be");
        }
        Ok(())
    }

    /// Products of one picture.
    pub fn products(&self) -> usize {
        let (mut side, mut from) = (self.side.div_ceil(2), self.stem);
        let mut sum = side * side * self.stem * 27;
        for BlockConfig { kernel, step, expand, out } in &self.blocks {
            let wide = from * expand;
            let after = side.div_ceil(*step);
            if *expand > 1 {
                sum += side * side * from * wide;
            }
            sum += after * after * wide * (kernel * kernel + out);
            (side, from) = (after, *out);
        }
        sum + side * side * from * self.features
    }
}

/// Windows along a side, padded so that there are ⌈side / step⌉ of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) kernel: usize,
    pub(super) step: usize,
    /// Places before the first at which the first window begins.
    pub(super) before: usize,
    side: usize,
}

impl Windows {
    pub(super) fn new(kernel: usize, step: usize, side: usize) -> Self {
        let count = side.div_ceil(step);
        let padding = ((count - 1) * step + kernel).saturating_sub(side);
        Self { kernel, step, before: padding / 2, side }
    }

    pub(super) fn count(self) -> usize {
        self.side.div_ceil(self.step)
    }

    /// The place that is number `at` of a window, unless it is padding.
    pub(super) fn place(self, window: usize, at: usize) -> Option<usize> {
        (window * self.step + at).checked_sub(self.before).filter(|place| *place < self.side)
    }

    /// The rows that some windows lie on, those that are there.
    pub(super) fn rows(self, windows: Range<usize>) -> Range<usize> {
        let last = (windows.end - 1) * self.step + self.kernel;
        let begin = (windows.start * self.step).saturating_sub(self.before);
        begin..last.saturating_sub(self.before).min(self.side)
    }

    /// How many places of a window are padding before the first, and its first place that is there.
    pub(super) fn begin(self, window: usize) -> (usize, usize) {
        let begin = window * self.step;
        (self.before.saturating_sub(begin), begin.saturating_sub(self.before))
    }
}

/// A product for each place: `name.weight`, to × from × 1 × 1, and `name.bias`. Its rows come with
/// `inner` numbers, of which those behind the first `from` do not count.
pub(super) fn filled(
    weights: &Weights,
    name: &str,
    (from, to): (usize, usize),
    inner: usize,
    precision: Precision,
) -> Result<Dense> {
    let weight = weights.get(&format!("{name}.weight"), &[to, from, 1, 1])?;
    let weight = weight.reshape((to, from))?.pad_with_zeros(1, 0, inner - from)?;
    let bias = weights.get(&format!("{name}.bias"), &[to])?.to_vec1()?;
    Ok(Dense::from_values(&weight.flatten_all()?.to_vec1::<f32>()?, bias, inner, precision))
}
