use std::ops::Range;

use crate::nn::encoder::EncoderConfig;
use crate::nn::kernels::{Columns, Level, PANEL, Rows, multiply, scale_rows, softmax};

use super::room;

/// Queries that are worked through together.
const SOME: usize = 48;

/// Room for one head of one text.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Keys as columns, in panels.
    keys: Vec<f32>,
    /// Values, a row a token, filled up to whole panels.
    values: Vec<f32>,
    shares: Vec<f32>,
    /// One over the sum of each row of shares.
    parts: Vec<f32>,
    out: Vec<f32>,
}

/// One text's tokens, each with its query, key and value side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
}

impl Head {
    /// Scaled dot-product attention (Vaswani et al., 2017) of the tokens in `asking` to all of
    /// their text; `out` gets as many rows of hidden numbers.
    pub(super) fn attend(
        &mut self,
        level: Level,
        config: &EncoderConfig,
        seen: Seen<'_>,
        asking: Range<usize>,
        out: &mut [f32],
    ) {
        let (hidden, width) = (config.hidden, config.hidden / config.heads);
        let Seen { values: seen, stride } = seen;
        let tokens = seen.len() / stride;
        let padded = tokens.next_multiple_of(PANEL);
        let scale = 1.0 / (width as f32).sqrt();
        for head in 0..config.heads {
            let of = |part: usize| part * hidden + head * width;
            // A panel's columns past the last token are left from before: softmax passes over them.
            let keys = room(&mut self.keys, padded * width);
            for (at, row) in seen.chunks_exact(stride).enumerate() {
                let panel = &mut keys[at / PANEL * PANEL * width + at % PANEL..];
                for (d, key) in row[of(1)..][..width].iter().enumerate() {
                    panel[d * PANEL] = *key;
                }
            }
            let values = if width == PANEL {
                Columns { values: &seen[of(2)..], inner: tokens, stride }
            } else {
                copied(&mut self.values, Seen { values: &seen[of(2)..], stride }, width, tokens)
            };
            let shares = room(&mut self.shares, SOME * padded);
            let parts = room(&mut self.parts, SOME);
            for from in asking.clone().step_by(SOME) {
                let count = SOME.min(asking.end - from);
                let queries = Rows { values: &seen[from * stride + of(0)..], stride, count };
                multiply(level, queries, Columns::new(keys, width), shares, padded);
                let shape = (padded, tokens);
                softmax(level, &mut shares[..count * padded], shape, scale, parts);
                let shares = Rows { values: shares, stride: padded, count };
                let out = &mut out[(from - asking.start) * hidden + head * width..];
                if width == PANEL {
                    multiply(level, shares, values, out, hidden);
                    scale_rows(level, out, (hidden, width), &parts[..count]);
                    continue;
                }
                let wide = width.next_multiple_of(PANEL);
                let full = room(&mut self.out, SOME * wide);
                multiply(level, shares, values, full, wide);
                scale_rows(level, full, (wide, width), &parts[..count]);
                for (out, full) in out.chunks_mut(hidden).zip(full.chunks_exact(wide)).take(count) {
                    out[..width].copy_from_slice(&full[..width]);
                }
            }
        }
    }
}

/// Values of another width than a panel's, in panels that end in zeros.
fn copied<'a>(
    room_for: &'a mut Vec<f32>,
    values: Seen<'_>,
    width: usize,
    tokens: usize,
) -> Columns<'a> {
    let panels = room(room_for, tokens * width.next_multiple_of(PANEL));
    for (at, row) in values.values.chunks(values.stride).enumerate() {
        let parts = row[..width].chunks(PANEL);
        for (panel, part) in panels.chunks_exact_mut(tokens * PANEL).zip(parts) {
            let row = &mut panel[at * PANEL..][..PANEL];
            row[..part.len()].copy_from_slice(part);
            row[part.len()..].fill(0.0);
        }
    }
    Columns::new(panels, tokens)
}
