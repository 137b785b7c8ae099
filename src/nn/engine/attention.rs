use crate::nn::encoder::EncoderConfig;
use crate::nn::kernels::{Level, PANEL, Rows, multiply, softmax};

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
    out: Vec<f32>,
}

impl Head {
    /// Scaled dot-product attention (Vaswani et al., 2017) inside one text: `seen` has a token's
    /// query, key and value side by side, `out` gets tokens × hidden.
    pub(super) fn attend(
        &mut self,
        level: Level,
        config: &EncoderConfig,
        seen: &[f32],
        out: &mut [f32],
    ) {
        let (hidden, width) = (config.hidden, config.hidden / config.heads);
        let tokens = out.len() / hidden;
        if tokens == 0 {
            return;
        }
        let stride = seen.len() / tokens;
        let padded = tokens.next_multiple_of(PANEL);
        let wide = width.next_multiple_of(PANEL);
        let scale = 1.0 / (width as f32).sqrt();
        for head in 0..config.heads {
            let of = |part: usize| part * hidden + head * width;
            let keys = room(&mut self.keys, padded * width);
            // A panel's columns past the last token are left from before: softmax passes over them.
            let values = room(&mut self.values, tokens * wide);
            for (at, row) in seen.chunks_exact(stride).enumerate() {
                let panel = &mut keys[at / PANEL * PANEL * width + at % PANEL..];
                for (d, key) in row[of(1)..][..width].iter().enumerate() {
                    panel[d * PANEL] = *key;
                }
                put(values, (at, tokens), &row[of(2)..][..width]);
            }
            let (shares, seen_out) =
                (room(&mut self.shares, SOME * padded), room(&mut self.out, SOME * wide));
            for from in (0..tokens).step_by(SOME) {
                let count = SOME.min(tokens - from);
                let queries = Rows { values: &seen[from * stride + of(0)..], stride, count };
                multiply(level, queries, (keys, width), shares, padded);
                softmax(level, &mut shares[..count * padded], (padded, tokens), scale);
                let shares = Rows { values: shares, stride: padded, count };
                multiply(level, shares, (values, tokens), seen_out, wide);
                for (row, seen) in seen_out.chunks_exact(wide).take(count).enumerate() {
                    out[(from + row) * hidden + head * width..][..width]
                        .copy_from_slice(&seen[..width]);
                }
            }
        }
    }
}

/// Puts `value` where row `at` of `tokens` stands in panels; a last panel is filled with zeros.
fn put(panels: &mut [f32], (at, tokens): (usize, usize), value: &[f32]) {
    for (panel, part) in panels.chunks_exact_mut(tokens * PANEL).zip(value.chunks(PANEL)) {
        let row = &mut panel[at * PANEL..][..PANEL];
        row[..part.len()].copy_from_slice(part);
        row[part.len()..].fill(0.0);
    }
}
