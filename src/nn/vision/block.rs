use std::ops::Range;

use candle_core::Result;

use super::BandScratch;
use super::config::{BlockConfig, Windows, filled};
use crate::nn::encoder::Weights;
use crate::nn::engine::{Arithmetic, Dense};
use crate::nn::kernels::{
    Aligned, Depthwise, LANES, Level, MapRows, Outcome, Rows, STEP, add, depthwise,
};

/// Numbers of wide rows that a band may take: they are to stay in a near cache.
const BAND: usize = 96 << 10;

/// An inverted residual block: widen, windows on each channel by itself, narrow.
#[derive(Debug)]
pub(super) struct Block {
    /// From one place of the input to the next: the channels, filled up to whole lanes.
    stride: usize,
    expand: Option<Dense>,
    windows: Windows,
    /// kernel × kernel × wide, filled up to whole lanes.
    weight: Aligned,
    bias: Aligned,
    project: Dense,
    /// Whether what came in is added to what comes out.
    residual: bool,
    side: usize,
}

impl Block {
    /// The block `name` on a map of `from` channels, `side` × `side` places.
    pub(super) fn new(
        config: &BlockConfig,
        (from, side): (usize, usize),
        (weights, name): (&Weights, &str),
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let BlockConfig { kernel, step, expand, out } = *config;
        let wide = from * expand;
        let product = |part: &str, sizes, inner| {
            filled(weights, &format!("{name}.{part}"), sizes, inner, arithmetic.precision)
        };
        let own = weights.get(&format!("{name}.depthwise.weight"), &[wide, 1, kernel, kernel])?;
        let own = own.flatten_all()?.to_vec1::<f32>()?;
        let stride = wide.next_multiple_of(LANES);
        let mut weight = vec![0.0; kernel * kernel * stride];
        for (channel, window) in own.chunks_exact(kernel * kernel).enumerate() {
            for (at, w) in window.iter().enumerate() {
                weight[at * stride + channel] = *w;
            }
        }
        let mut bias: Vec<f32> =
            weights.get(&format!("{name}.depthwise.bias"), &[wide])?.to_vec1()?;
        bias.resize(stride, 0.0);
        Ok(Self {
            stride: from.next_multiple_of(LANES),
            expand: if expand > 1 { Some(product("expand", (from, wide), from)?) } else { None },
            windows: Windows::new(kernel, step, side),
            weight: weight.as_slice().into(),
            bias: bias.as_slice().into(),
            project: product("project", (wide, out), stride)?,
            residual: step == 1 && from == out,
            side,
        })
    }

    /// Places of a side of what comes out.
    pub(super) fn side_after(&self) -> usize {
        self.windows.count()
    }

    /// From one place of what comes out to the next.
    pub(super) fn width(&self) -> usize {
        self.project.width()
    }

    fn wide(&self) -> usize {
        self.bias.len()
    }

    /// Some rows of what comes of the map `input`, `from` the first.
    pub(super) fn forward(
        &self,
        level: Level,
        input: &[f32],
        from: usize,
        out: &mut [f32],
        band: &mut BandScratch,
    ) {
        let BandScratch { wide, deep, steps, .. } = band;
        let (line, row) = (self.side * self.wide(), self.side_after() * self.width());
        let Windows { kernel, step, .. } = self.windows;
        let most = ((BAND / line).saturating_sub(kernel) / step + 1).min(out.len() / row);
        let wide = wide.room(((most - 1) * step + kernel) * line);
        // The input's rows that `wide` holds.
        let mut have: Range<usize> = 0..0;
        for (at, out) in out.chunks_mut(most * row).enumerate() {
            let first = from + at * most;
            let windows = first..first + out.len() / row;
            let want = self.windows.rows(windows.clone());
            let source = match &self.expand {
                None => &input[want.start * line..want.end * line],
                Some(expand) => {
                    let kept = have.end.saturating_sub(want.start);
                    if kept > 0 {
                        let begin = (want.start - have.start) * line;
                        wide.copy_within(begin..begin + kept * line, 0);
                    }
                    let fresh = (want.start + kept) * self.side..want.end * self.side;
                    let values = &input[fresh.start * self.stride..fresh.end * self.stride];
                    let rows = Rows { values, stride: self.stride, count: fresh.len() };
                    expand.forward_cut(level, rows, steps, &mut wide[kept * line..]);
                    have = want.clone();
                    &wide[..want.len() * line]
                }
            };
            let (count, inner) = (out.len() / self.width(), self.wide());
            let source = (source, want.start);
            let rows = if self.project.is_int8() {
                let steps = steps.fixed((count, inner), (0.0, STEP));
                self.convolve(level, source, windows, steps);
                Rows { values: &[], stride: inner, count }
            } else {
                let values = deep.room(count * inner);
                self.convolve(level, source, windows, values);
                Rows { values, stride: inner, count }
            };
            self.project.multiply(level, rows, steps, out);
            if self.residual {
                add(level, out, &input[first * row..][..out.len()]);
            }
        }
    }

    /// The rows `windows` over the wide rows `source`, of which `begin` is the map's first.
    fn convolve<O: Outcome>(
        &self,
        level: Level,
        (source, begin): (&[f32], usize),
        windows: Range<usize>,
        out: &mut [O],
    ) {
        let Windows { kernel, step, before, .. } = self.windows;
        let by = Depthwise { kernel, step, before, weight: &self.weight, bias: &self.bias };
        let rows = MapRows { values: source, begin, width: self.side };
        depthwise(level, by, rows, windows, out);
    }
}
