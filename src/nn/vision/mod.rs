//! The image encoder as scoring runs it: an EfficientNet-Lite, its normalisation folded into its weights.
//!
//! ```text
//! pixels ── 3 × 3, every second place ──> map, places × channels
//!        ── per block: widen each place ── k × k on each channel by itself ── narrow, + what came in ──> map
//!        ── widen each place ── mean over places ──> features
//! ```
//!
//! The channels of a place lie side by side, so that widening and narrowing are products of the text
//! encoder's kind and share its kernels and its numbers of 8 bits. A block goes through its map in bands of
//! rows that stay in a near cache: the wide rows, six times the map, are never all there. Sums over
//! windows stay in full numbers. No number depends on which pictures are read together.
//!
//! Convolutions are padded as `TensorFlow` pads ("SAME"): where the padding is odd, the odd row or column
//! stands behind (as in the original of Tan and Le, 2019, and the published Lite weights).

mod block;
mod config;

use std::cell::Cell;

use candle_core::Result;
use rayon::prelude::*;

use block::Block;
pub use config::{BlockConfig, VisionConfig};
use config::{Windows, filled};

use super::encoder::Weights;
use super::engine::{Arithmetic, Dense};
use super::kernels::{Aligned, Level, Quantised, Rows, add};

/// Colours of a pixel.
const COLOURS: usize = 3;
/// A colour c is read as (c − MEAN) / SCALE.
const MEAN: f32 = 127.0;
const SCALE: f32 = 128.0;
/// Width and height of the first convolution, and the places from one window to the next.
const STEM: (usize, usize) = (3, 2);

/// An image encoder ready to use.
#[derive(Debug)]
pub struct Vision {
    config: VisionConfig,
    level: Level,
    stem: Dense,
    windows: Windows,
    blocks: Vec<Block>,
    head: Dense,
}

/// Memory for a picture, kept from one time to the next.
#[derive(Debug, Default)]
struct Scratch {
    /// The map now and the one that comes of it.
    maps: [Aligned; 2],
}

/// Memory for a band of rows.
#[derive(Debug, Default)]
struct BandScratch {
    /// What goes into a product where it does not lie there already.
    input: Aligned,
    wide: Aligned,
    deep: Aligned,
    steps: Quantised,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
    static BANDS: Cell<BandScratch> = Cell::default();
}

impl Vision {
    /// From weights with folded normalisation: `stem`, `blocks.N.{expand,depthwise,project}` and `head`,
    /// each `.weight` (out × in × k × k) and `.bias`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape than `config` says, or `config` can't be.
    pub fn new(config: VisionConfig, weights: &Weights, arithmetic: Arithmetic) -> Result<Self> {
        config.check()?;
        let (kernel, step) = STEM;
        let shape = [config.stem, COLOURS, kernel, kernel];
        // A window's numbers lie row by row, the colours of a pixel side by side.
        let stem = weights.get("stem.weight", &shape)?.permute((0, 2, 3, 1))?;
        let stem = stem.flatten_all()?.to_vec1::<f32>()?;
        let bias = weights.get("stem.bias", &[config.stem])?.to_vec1()?;
        let (mut from, mut side) = (config.stem, config.side.div_ceil(step));
        let mut blocks = Vec::with_capacity(config.blocks.len());
        for (at, block) in config.blocks.iter().enumerate() {
            let of = (from, side);
            blocks.push(Block::new(block, of, (weights, &format!("blocks.{at}")), arithmetic)?);
            (from, side) = (block.out, side.div_ceil(block.step));
        }
        let precision = arithmetic.precision;
        Ok(Self {
            level: arithmetic.level,
            stem: Dense::from_values(&stem, bias, kernel * kernel * COLOURS, precision),
            windows: Windows::new(kernel, step, config.side),
            blocks,
            head: filled(weights, "head", (from, config.features), from, precision)?,
            config,
        })
    }

    pub fn config(&self) -> &VisionConfig {
        &self.config
    }

    /// One vector a picture, pictures × features: the mean over the last map's places. A picture is
    /// side × side pixels of red, green and blue.
    ///
    /// # Errors
    /// When a picture has another size.
    pub fn embed(&self, pictures: &[&[u8]]) -> Result<Vec<f32>> {
        let VisionConfig { side, features, .. } = self.config;
        if let Some(odd) = pictures.iter().find(|p| p.len() != side * side * COLOURS) {
            candle_core::bail!("{} bytes, {side} x {side} pixels have another size", odd.len());
        }
        let mut vectors = vec![0.0; pictures.len() * features];
        // Where there are fewer pictures than threads, several threads work on one.
        let threads = (rayon::current_num_threads() / pictures.len().max(1)).max(1);
        let each = pictures.par_iter().zip(vectors.par_chunks_exact_mut(features));
        each.with_max_len(1).for_each(|(picture, out)| {
            // Taken out, since this thread may begin another picture while it waits for a band.
            let mut scratch = SCRATCH.take();
            self.embed_one(picture, threads, &mut scratch, out);
            SCRATCH.set(scratch);
        });
        Ok(vectors)
    }

    fn embed_one(&self, picture: &[u8], threads: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let [mut now, mut next] = scratch.maps.each_mut();
        let mut side = self.windows.count();
        let first = now.room(side * side * self.stem.width());
        in_pieces(first, side * self.stem.width(), threads, |from, rows, band| {
            self.stem(picture, from, rows, band);
        });
        let mut width = self.stem.width();
        for block in &self.blocks {
            let input = &now[..side * side * width];
            (side, width) = (block.side_after(), block.width());
            let output = next.room(side * side * width);
            in_pieces(output, side * width, threads, |from, rows, band| {
                block.forward(self.level, input, from, rows, band);
            });
            std::mem::swap(&mut now, &mut next);
        }
        let places = side * side;
        let rows = Rows { values: &now[..places * width], stride: width, count: places };
        let mut band = BANDS.take();
        let wide = self.head.width();
        let last = band.wide.room(places * wide);
        self.head.forward_cut(self.level, rows, &mut band.steps, last);
        for row in last.chunks_exact(wide) {
            add(self.level, out, &row[..out.len()]);
        }
        BANDS.set(band);
        out.iter_mut().for_each(|sum| *sum /= places as f32);
    }

    /// Some rows of the first map, `from` the first.
    fn stem(&self, picture: &[u8], from: usize, out: &mut [f32], band: &mut BandScratch) {
        let (kernel, side) = (self.windows.kernel, self.config.side);
        let (count, line) = (self.windows.count(), side * COLOURS);
        let (taken, inner) = (kernel * COLOURS, kernel * kernel * COLOURS);
        let width = self.stem.width();
        let BandScratch { input, steps, .. } = band;
        for (at, out) in out.chunks_exact_mut(count * width).enumerate() {
            let lines = (0..kernel).map(|row| {
                let y = self.windows.place(from + at, row);
                (row, y.map(|y| &picture[y * line..][..line]))
            });
            if self.stem.is_int8() {
                // A pixel is a step of 8 bits as it is.
                let steps = steps.fixed((count, inner), (-MEAN / SCALE, 1.0 / SCALE));
                let deep = steps.len() / count;
                for (row, pixels) in lines {
                    for (x, window) in steps.chunks_exact_mut(deep).enumerate() {
                        self.window(x, pixels, &mut window[row * taken..][..taken], |p| p, 127);
                    }
                }
            } else {
                let input = input.room(count * inner);
                let number = |pixel| (f32::from(pixel) - MEAN) / SCALE;
                for (row, pixels) in lines {
                    for (x, window) in input.chunks_exact_mut(inner).enumerate() {
                        self.window(x, pixels, &mut window[row * taken..][..taken], number, 0.0);
                    }
                }
            }
            let rows = Rows { values: input, stride: inner, count };
            self.stem.multiply_cut(self.level, rows, steps, out);
        }
    }

    /// One row of window `x` of the first convolution; `empty` stands where there is no pixel.
    fn window<T: Copy>(
        &self,
        x: usize,
        pixels: Option<&[u8]>,
        to: &mut [T],
        number: impl Fn(u8) -> T,
        empty: T,
    ) {
        let (skip, begin) = self.windows.begin(x);
        let pixels = pixels.and_then(|pixels| pixels.get(begin * COLOURS..)).unwrap_or_default();
        let (before, to) = to.split_at_mut(skip * COLOURS);
        before.fill(empty);
        let here = pixels.len().min(to.len());
        for (to, pixel) in to.iter_mut().zip(pixels) {
            *to = number(*pixel);
        }
        to[here..].fill(empty);
    }
}

/// Calls `f` with the first row of each piece of `rows`, its rows, and memory to work in; as many
/// pieces as threads.
fn in_pieces(
    rows: &mut [f32],
    row: usize,
    threads: usize,
    f: impl Fn(usize, &mut [f32], &mut BandScratch) + Sync + Send,
) {
    let one = |(from, rows): (usize, &mut [f32])| {
        let mut band = BANDS.take();
        f(from, rows, &mut band);
        BANDS.set(band);
    };
    if threads <= 1 {
        one((0, rows));
        return;
    }
    let piece = (rows.len() / row).div_ceil(threads);
    let pieces = rows.par_chunks_mut(piece * row).enumerate().with_max_len(1);
    pieces.for_each(|(at, rows)| one((at * piece, rows)));
}

#[cfg(test)]
mod tests;
