//! The encoder as scoring runs it: the same arithmetic as [`Encoder`](super::Encoder), laid out for speed.
//!
//! ```text
//! ids ── embeddings, norm ──> x, tokens × hidden
//!     ── per layer: q, k, v in one product ── attention inside each text ── product, + x, norm
//!                   ── product, GELU, product, + x, norm ──> x
//!     ── mean over each text's tokens ──> texts × hidden
//! ```
//!
//! Texts stand one after the other without padding. Weights are packed once, when a model is loaded. A
//! layer goes through the tokens in blocks that stay in the nearest caches, and works in memory that a
//! thread keeps. No number depends on which texts are read together (see [`kernels`](super::kernels)).

mod attention;
mod dense;
mod readout;

use std::cell::RefCell;
use std::time::Instant;

use candle_core::Result;
use rayon::prelude::*;

use dense::{Dense, Norm};
pub use dense::{NoSuchPrecision, Precision};
pub use readout::{Opinion, PriceView, Readout};

use super::encoder::{EncoderConfig, Weights};
use super::kernels::{Level, PANEL, Quantised, Rows, TILE, add_norm, gelu};

/// With which instructions and numbers to calculate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arithmetic {
    pub level: Level,
    pub precision: Precision,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { level: Level::best(), precision: Precision::default() }
    }
}

impl Arithmetic {
    /// Products a second that one thread reaches on numbers that stay in the nearest cache.
    pub fn peak(self) -> f64 {
        const INNER: usize = 256;
        const TIMES: usize = 200;
        let numbers: Vec<f32> = (0..INNER * PANEL).map(|i| (i % 7) as f32 - 3.0).collect();
        let dense = Dense::from_values(&numbers, vec![0.0; PANEL], INNER, self.precision);
        let input = rows(&numbers, INNER, TILE);
        let (mut steps, mut out) = (Quantised::default(), vec![0.0; TILE * PANEL]);
        let mut rounds = (0..20).map(|_| {
            dense.prepare(self.level, input, &mut steps);
            let start = Instant::now();
            for _ in 0..TIMES {
                dense.multiply(self.level, input, &steps, &mut out);
            }
            start.elapsed().as_secs_f64()
        });
        let first = rounds.next().unwrap_or(f64::INFINITY);
        let best = rounds.fold(first, f64::min);
        (TIMES * INNER * PANEL * TILE) as f64 / best
    }
}

/// Tokens that go through a layer's products together.
const BLOCK: usize = 48;
/// Tokens that one thread takes at a time: fewer would not be worth the way to it, more no faster.
const SHARE: std::ops::RangeInclusive<usize> = 64..=512;

#[derive(Debug)]
struct Layer {
    /// Query, key and value.
    seen: Dense,
    attended: Dense,
    attended_norm: Norm,
    widen: Dense,
    narrow: Dense,
    norm: Norm,
}

/// An encoder ready to score.
#[derive(Debug)]
pub struct Engine {
    config: EncoderConfig,
    level: Level,
    words: Vec<f32>,
    /// With the embedding of the only type added.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// Memory that a thread keeps from one text to the next.
#[derive(Debug, Default)]
struct Scratch {
    x: Vec<f32>,
    seen: Vec<f32>,
    context: Vec<f32>,
    out: Vec<f32>,
    wide: Vec<f32>,
    steps: Quantised,
    head: attention::Head,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// At least `len` numbers of `buffer`.
fn room(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

impl Engine {
    /// # Errors
    /// When a tensor is missing or has another shape than `config` says.
    pub fn new(config: EncoderConfig, weights: &Weights, arithmetic: Arithmetic) -> Result<Self> {
        config.check()?;
        let (hidden, wide) = (config.hidden, config.intermediate);
        let table = |name: &str, rows: usize| {
            let name = format!("embeddings.{name}_embeddings.weight");
            weights.get(&name, &[rows, hidden])?.flatten_all()?.to_vec1::<f32>()
        };
        let norm =
            |name: &str| Norm::new(weights, &format!("{name}.LayerNorm"), hidden, config.norm_eps);
        let kind = table("token_type", weights.rows("embeddings.token_type_embeddings.weight")?)?;
        let mut positions = table("position", config.positions)?;
        for row in positions.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&kind).for_each(|(x, k)| *x += k);
        }
        let layer = |i: usize| {
            let name = format!("encoder.layer.{i}");
            let dense =
                |part: &str, sizes| arithmetic.dense(weights, &[format!("{name}.{part}")], sizes);
            let seen = ["query", "key", "value"].map(|s| format!("{name}.attention.self.{s}"));
            Ok(Layer {
                seen: arithmetic.dense(weights, &seen, (hidden, hidden))?,
                attended: dense("attention.output.dense", (hidden, hidden))?,
                attended_norm: norm(&format!("{name}.attention.output"))?,
                widen: dense("intermediate.dense", (hidden, wide))?,
                narrow: dense("output.dense", (wide, hidden))?,
                norm: norm(&format!("{name}.output"))?,
            })
        };
        Ok(Self {
            level: arithmetic.level,
            words: table("word", config.vocabulary)?,
            positions,
            norm: norm("embeddings")?,
            layers: (0..config.layers).map(layer).collect::<Result<_>>()?,
            config,
        })
    }

    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// One vector a text, texts × hidden: the mean over its tokens; 0 for a text without any.
    ///
    /// # Errors
    /// When an id is not in the vocabulary or a text is longer than the positions.
    pub fn embed(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        for text in texts {
            if text.len() > self.config.positions {
                candle_core::bail!("{} tokens, {} at most", text.len(), self.config.positions);
            }
            if let Some(id) = text.iter().find(|id| **id as usize >= self.config.vocabulary) {
                candle_core::bail!("{id} is not in the vocabulary");
            }
        }
        let mut vectors = vec![0.0; texts.len() * self.config.hidden];
        let tokens: usize = texts.iter().map(|t| t.len()).sum();
        let most = tokens.div_ceil(rayon::current_num_threads());
        let most = most.clamp(*SHARE.start(), *SHARE.end());
        let mut shares = Vec::new();
        let (mut rest, mut out) = (texts, vectors.as_mut_slice());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(share(rest, most));
            let (here, there) = out.split_at_mut(now.len() * self.config.hidden);
            shares.push((now, here));
            (rest, out) = (later, there);
        }
        shares.into_par_iter().for_each(|(texts, out)| {
            SCRATCH.with_borrow_mut(|scratch| self.embed_share(texts, scratch, out));
        });
        Ok(vectors)
    }

    /// On one thread.
    fn embed_share(&self, texts: &[&[u32]], scratch: &mut Scratch, out: &mut [f32]) {
        let hidden = self.config.hidden;
        let tokens: usize = texts.iter().map(|t| t.len()).sum();
        let x = room(&mut scratch.x, tokens * hidden);
        let places = texts.iter().flat_map(|text| text.iter().enumerate());
        for (row, (place, id)) in x.chunks_exact_mut(hidden).zip(places) {
            row.copy_from_slice(&self.words[*id as usize * hidden..][..hidden]);
            let position = &self.positions[place * hidden..][..hidden];
            add_norm(self.level, row, position, self.norm.scale());
        }
        for layer in &self.layers {
            self.layer(layer, texts, scratch);
        }
        let mut rows = scratch.x.chunks_exact(hidden);
        for (text, out) in texts.iter().zip(out.chunks_exact_mut(hidden)) {
            for row in rows.by_ref().take(text.len()) {
                out.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            let tokens = text.len().max(1) as f32;
            out.iter_mut().for_each(|sum| *sum /= tokens);
        }
    }

    fn layer(&self, layer: &Layer, texts: &[&[u32]], scratch: &mut Scratch) {
        let (level, hidden) = (self.level, self.config.hidden);
        let Scratch { x, seen, context, out, wide, steps, head } = scratch;
        let tokens: usize = texts.iter().map(|t| t.len()).sum();
        let x = &mut x[..tokens * hidden];

        let width = layer.seen.width();
        let seen = room(seen, tokens * width);
        for (x, seen) in x.chunks(BLOCK * hidden).zip(seen.chunks_mut(BLOCK * width)) {
            layer.seen.forward(level, rows(x, hidden, x.len() / hidden), steps, seen);
        }
        let context = room(context, tokens * hidden);
        let (mut seen, mut to) = (&*seen, &mut *context);
        for text in texts {
            let (here, later) = seen.split_at(text.len() * width);
            let (out, after) = to.split_at_mut(text.len() * hidden);
            head.attend(level, &self.config, here, out);
            (seen, to) = (later, after);
        }
        let out = room(out, BLOCK * layer.narrow.width());
        let wide = room(wide, BLOCK * layer.widen.width());
        for (x, context) in x.chunks_mut(BLOCK * hidden).zip(context.chunks(BLOCK * hidden)) {
            let count = x.len() / hidden;
            layer.attended.forward(level, rows(context, hidden, count), steps, out);
            self.add(x, out, &layer.attended_norm);
            layer.widen.forward(level, rows(x, hidden, count), steps, wide);
            gelu(level, &mut wide[..count * layer.widen.width()]);
            layer.narrow.forward(level, rows(wide, layer.widen.width(), count), steps, out);
            self.add(x, out, &layer.norm);
        }
    }

    /// x + `out`, normalised; `out`'s rows may end in zeros.
    fn add(&self, x: &mut [f32], out: &[f32], norm: &Norm) {
        let hidden = self.config.hidden;
        let width = hidden.next_multiple_of(PANEL);
        if width == hidden {
            add_norm(self.level, x, out, norm.scale());
        } else {
            for (x, out) in x.chunks_exact_mut(hidden).zip(out.chunks_exact(width)) {
                add_norm(self.level, x, &out[..hidden], norm.scale());
            }
        }
    }
}

/// `count` rows that stand without a gap.
fn rows(values: &[f32], width: usize, count: usize) -> Rows<'_> {
    Rows { values, stride: width, count }
}

/// How many of `texts`, one at least, have `most` tokens together.
fn share(texts: &[&[u32]], most: usize) -> usize {
    let mut tokens = 0;
    let fits = texts.iter().take_while(|text| {
        tokens += text.len();
        tokens <= most
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests;
