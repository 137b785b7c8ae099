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

use std::cell::Cell;
use std::time::Instant;

use candle_core::Result;
use rayon::prelude::*;

use attention::Seen;
pub(super) use dense::Dense;
use dense::Norm;
pub use dense::{NoSuchPrecision, Precision};
pub use readout::{Opinion, PriceView, Readout};

use super::encoder::{EncoderConfig, Weights};
use super::kernels::{LANES, Level, PANEL, Quantised, Rows, TILE, add_norm};

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
/// Rows that threads share out: fewer would not be worth the way to another one.
const PIECE: usize = 8;
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

/// Memory for some texts, kept from one time to the next.
#[derive(Debug, Default)]
struct Scratch {
    x: Vec<f32>,
    /// Queries, keys and values of this layer and of the next.
    seen: [Vec<f32>; 2],
}

/// Memory for some rows.
#[derive(Debug, Default)]
struct RowScratch {
    context: Vec<f32>,
    out: Vec<f32>,
    wide: Vec<f32>,
    steps: Quantised,
    head: attention::Head,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
    static ROWS: Cell<RowScratch> = Cell::default();
}

/// Some texts on their way through the layers.
struct Share<'a> {
    texts: &'a [&'a [u32]],
    /// Where each text begins, and the number of all tokens.
    bounds: Vec<usize>,
    /// Rows that one thread works through at a time.
    piece: usize,
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
        let threads = rayon::current_num_threads();
        let mut vectors = vec![0.0; texts.len() * self.config.hidden];
        let tokens: usize = texts.iter().map(|t| t.len()).sum();
        let most = tokens.div_ceil(threads).clamp(*SHARE.start(), *SHARE.end());
        let mut shares = Vec::new();
        let (mut rest, mut out) = (texts, vectors.as_mut_slice());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(share(rest, most));
            let (here, there) = out.split_at_mut(now.len() * self.config.hidden);
            shares.push((now, here));
            (rest, out) = (later, there);
        }
        // Where there are fewer shares than threads, several threads work on one.
        let threads_each = threads / shares.len().max(1);
        shares.into_par_iter().for_each(|(texts, out)| {
            let share = Share::new(texts, threads_each);
            // Taken out, since this thread may begin another share while it waits for a piece.
            let mut scratch = SCRATCH.take();
            self.embed_share(&share, &mut scratch, out);
            SCRATCH.set(scratch);
        });
        Ok(vectors)
    }

    fn embed_share(&self, share: &Share<'_>, scratch: &mut Scratch, out: &mut [f32]) {
        let (hidden, tokens) = (self.config.hidden, share.tokens());
        if let Some(first) = self.layers.first() {
            let width = first.seen.width();
            let Scratch { x, seen: [seen, next] } = scratch;
            let x = room(x, tokens * hidden);
            let (mut seen, mut next) = (room(seen, tokens * width), room(next, tokens * width));
            let places = share.texts.iter().flat_map(|text| text.iter().enumerate());
            for (row, (place, id)) in x.chunks_exact_mut(hidden).zip(places) {
                row.copy_from_slice(&self.words[*id as usize * hidden..][..hidden]);
                let position = &self.positions[place * hidden..][..hidden];
                add_norm(self.level, row, position, self.norm.scale());
            }
            share.each_piece((&mut *x, hidden), (&mut *seen, width), |_, x, seen, room| {
                self.see(first, x, seen, &mut room.steps);
            });
            for (at, layer) in self.layers.iter().enumerate() {
                let after = self.layers.get(at + 1);
                share.each_piece((&mut *x, hidden), (&mut *next, width), |from, x, next, room| {
                    self.layer(layer, (share, from), (x, seen), room);
                    if let Some(after) = after {
                        self.see(after, x, next, &mut room.steps);
                    }
                });
                std::mem::swap(&mut seen, &mut next);
            }
        }
        let mut rows = scratch.x.chunks_exact(hidden);
        for (text, out) in share.texts.iter().zip(out.chunks_exact_mut(hidden)) {
            for row in rows.by_ref().take(text.len()) {
                out.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            let tokens = text.len().max(1) as f32;
            out.iter_mut().for_each(|sum| *sum /= tokens);
        }
    }

    /// Queries, keys and values of some rows.
    fn see(&self, layer: &Layer, x: &[f32], seen: &mut [f32], steps: &mut Quantised) {
        let (hidden, width) = (self.config.hidden, layer.seen.width());
        for (x, seen) in x.chunks(BLOCK * hidden).zip(seen.chunks_mut(BLOCK * width)) {
            layer.seen.forward(self.level, rows(x, hidden, x.len() / hidden), steps, seen);
        }
    }

    /// Takes the rows `x`, of which `from` is the share's first, through a layer.
    fn layer(
        &self,
        layer: &Layer,
        (share, from): (&Share<'_>, usize),
        (x, seen): (&mut [f32], &[f32]),
        room_for: &mut RowScratch,
    ) {
        let (level, hidden, stride) = (self.level, self.config.hidden, layer.seen.width());
        let RowScratch { context, out, wide, steps, head } = room_for;
        let context = room(context, x.len());
        let to = from + x.len() / hidden;
        for text in share.bounds.windows(2) {
            let (begin, end) = (text[0].max(from), text[1].min(to));
            if begin < end {
                let seen = Seen { values: &seen[text[0] * stride..text[1] * stride], stride };
                let asking = begin - text[0]..end - text[0];
                let out = &mut context[(begin - from) * hidden..(end - from) * hidden];
                head.attend(level, &self.config, seen, asking, out);
            }
        }
        let out = room(out, BLOCK * layer.narrow.width());
        let wide = room(wide, BLOCK * layer.widen.width());
        for (x, context) in x.chunks_mut(BLOCK * hidden).zip(context.chunks(BLOCK * hidden)) {
            let count = x.len() / hidden;
            layer.attended.forward(level, rows(context, hidden, count), steps, out);
            self.add(x, out, &layer.attended_norm);
            layer.widen.forward(level, rows(x, hidden, count), steps, wide);
            self.narrow(layer, &mut wide[..count * layer.widen.width()], steps, out);
            self.add(x, out, &layer.norm);
        }
    }

    /// The second product of the feed-forward part; `wide`'s rows may end in zeros.
    fn narrow(&self, layer: &Layer, wide: &mut [f32], steps: &mut Quantised, out: &mut [f32]) {
        let (inner, stride) = (self.config.intermediate, layer.widen.width());
        if inner != stride {
            // Close up, so that the rows have no gap.
            for at in 1..wide.len() / stride {
                wide.copy_within(at * stride..at * stride + inner, at * inner);
            }
        }
        let count = wide.len() / stride;
        layer.narrow.forward_gelu(self.level, &mut wide[..count * inner], steps, out);
    }

    /// x + `out`, normalised; `out`'s rows may end in zeros.
    fn add(&self, x: &mut [f32], out: &[f32], norm: &Norm) {
        let hidden = self.config.hidden;
        let width = hidden.next_multiple_of(LANES);
        if width == hidden {
            add_norm(self.level, x, out, norm.scale());
        } else {
            for (x, out) in x.chunks_exact_mut(hidden).zip(out.chunks_exact(width)) {
                add_norm(self.level, x, &out[..hidden], norm.scale());
            }
        }
    }
}

impl<'a> Share<'a> {
    fn new(texts: &'a [&'a [u32]], threads: usize) -> Self {
        let mut bounds = vec![0];
        bounds.extend(texts.iter().scan(0, |sum, text| {
            *sum += text.len();
            Some(*sum)
        }));
        let mut this = Self { texts, bounds, piece: 1 };
        this.piece = match threads {
            0 | 1 => this.tokens(),
            several => this.tokens().div_ceil(several).next_multiple_of(PIECE),
        };
        this.piece = this.piece.max(1);
        this
    }

    fn tokens(&self) -> usize {
        self.bounds.last().copied().unwrap_or(0)
    }

    /// Calls `f` with the first row of each piece, its rows of both, and memory to work in, on as
    /// many threads as there are pieces.
    fn each_piece(
        &self,
        (x, width): (&mut [f32], usize),
        (y, wide): (&mut [f32], usize),
        f: impl Fn(usize, &mut [f32], &mut [f32], &mut RowScratch) + Sync + Send,
    ) {
        let one = |(at, (x, y)): (usize, (&mut [f32], &mut [f32]))| {
            let mut room = ROWS.take();
            f(at * self.piece, x, y, &mut room);
            ROWS.set(room);
        };
        if self.piece >= self.tokens() {
            one((0, (x, y)));
            return;
        }
        let pieces = x.par_chunks_mut(self.piece * width);
        pieces.zip(y.par_chunks_mut(self.piece * wide)).enumerate().with_max_len(1).for_each(one);
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
