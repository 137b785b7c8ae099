//! What is done to a row: sums in [`LANES`] lanes, folded in one order.

use super::LANES;
use super::level::{Level, Set};
use super::math::{exp, normal};

type Lanes = [f32; LANES];

/// The same code, compiled for each level.
macro_rules! for_each_level {
    ($(#[$doc:meta])* $name:ident as $body:ident($($arg:ident: $of:ty),*)) => {
        $(#[$doc])*
        pub(in crate::nn) fn $name(level: Level, $($arg: $of),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $of),*) {
                $body($($arg),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
            fn avx512($($arg: $of),*) {
                $body($($arg),*);
            }
            match level.set() {
                Set::Plain => $body($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: such a level exists only where the machine has the instructions.
                Set::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Set::Avx512 | Set::Vnni => unsafe { avx512($($arg),*) },
            }
        }
    };
}

/// The larger; unlike `f32::max` one instruction, since it does not look for NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn fold(lanes: Lanes, f: impl Fn(f32, f32) -> f32) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| f(lanes[i], lanes[i + 8]));
    let four: [f32; 4] = std::array::from_fn(|i| f(eight[i], eight[i + 4]));
    f(f(four[0], four[2]), f(four[1], four[3]))
}

#[inline(always)]
fn reduce(
    row: &[f32],
    start: f32,
    f: impl Fn(f32, f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = f(lanes[i], chunk[i]);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, *x);
    }
    fold(lanes, join)
}

#[inline(always)]
fn each(row: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in row {
        *x = f(*x);
    }
}

/// Scale and shift of a normalisation, and what is added to the variance.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Scale<'a> {
    pub(in crate::nn) weight: &'a [f32],
    pub(in crate::nn) bias: &'a [f32],
    pub(in crate::nn) eps: f32,
}

for_each_level! {
    /// Layer normalisation of each row of `rows` plus the same of `added`; a row is as long as
    /// the weights.
    add_norm as add_norm_rows(rows: &mut [f32], added: &[f32], scale: Scale<'_>)
}

#[inline(always)]
fn add_norm_rows(rows: &mut [f32], added: &[f32], scale: Scale<'_>) {
    let width = scale.weight.len();
    for (row, added) in rows.chunks_exact_mut(width).zip(added.chunks_exact(width)) {
        for (x, y) in row.iter_mut().zip(added) {
            *x += *y;
        }
        let n = width as f32;
        let mean = reduce(row, 0.0, |sum, x| sum + x, |a, b| a + b) / n;
        let square = |sum: f32, x: f32| (x - mean) * (x - mean) + sum;
        let variance = reduce(row, 0.0, square, |a, b| a + b) / n;
        let by = 1.0 / (variance + scale.eps).sqrt();
        for ((x, w), b) in row.iter_mut().zip(scale.weight).zip(scale.bias) {
            *x = (*x - mean) * by * w + b;
        }
    }
}

for_each_level! {
    /// x · Φ(x), the Gaussian error linear unit.
    gelu as gelu_rows(rows: &mut [f32])
}

#[inline(always)]
fn gelu_rows(rows: &mut [f32]) {
    each(rows, |x| x * normal(x).0);
}

for_each_level! {
    /// e to the power of `scale` times each of the first `count` numbers of each row of `stride`, less
    /// the row's largest, for `shape` = (`stride`, `count`); the others become 0. `parts` gets one over
    /// each row's sum: times it, the row is the softmax.
    softmax as softmax_rows(rows: &mut [f32], shape: (usize, usize), scale: f32, parts: &mut [f32])
}

#[inline(always)]
fn softmax_rows(rows: &mut [f32], (stride, count): (usize, usize), scale: f32, parts: &mut [f32]) {
    for (row, part) in rows.chunks_exact_mut(stride).zip(parts) {
        let (row, rest) = row.split_at_mut(count);
        let highest = reduce(row, f32::NEG_INFINITY, larger, larger);
        let power = |x: f32| exp((x - highest) * scale);
        let mut lanes = [0.0_f32; LANES];
        let (chunks, last) = row.as_chunks_mut::<LANES>();
        for chunk in chunks {
            let powers: Lanes = std::array::from_fn(|i| power(chunk[i]));
            lanes = std::array::from_fn(|i| lanes[i] + powers[i]);
            *chunk = powers;
        }
        for (lane, x) in lanes.iter_mut().zip(last) {
            *x = power(*x);
            *lane += *x;
        }
        *part = 1.0 / fold(lanes, |a, b| a + b);
        rest.fill(0.0);
    }
}

for_each_level! {
    /// Multiplies the first `width` numbers of each row of `stride`, for `shape` = (`stride`, `width`), by
    /// the row's number in `parts`.
    scale_rows as scale_each_row(rows: &mut [f32], shape: (usize, usize), parts: &[f32])
}

#[inline(always)]
fn scale_each_row(rows: &mut [f32], (stride, width): (usize, usize), parts: &[f32]) {
    for (row, part) in rows.chunks_mut(stride).zip(parts) {
        each(&mut row[..width], |x| x * *part);
    }
}

for_each_level! {
    /// One row as steps of 8 bits between its least number and its largest.
    quantise as quantise_row(row: &[f32], steps: &mut [u8], range: &mut (f32, f32))
}

#[inline(always)]
fn quantise_row(row: &[f32], steps: &mut [u8], range: &mut (f32, f32)) {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let (chunks, last) = row.as_chunks::<LANES>();
    for chunk in chunks {
        low = std::array::from_fn(|i| smaller(low[i], chunk[i]));
        high = std::array::from_fn(|i| larger(high[i], chunk[i]));
    }
    for (i, x) in last.iter().enumerate() {
        (low[i], high[i]) = (smaller(low[i], *x), larger(high[i], *x));
    }
    let (least, most) = (fold(low, smaller), fold(high, larger));
    let step = (most - least) / 255.0;
    let by = if step > 0.0 { 1.0 / step } else { 0.0 };
    *range = (least, step);
    let steps = &mut steps[..row.len()];
    for (q, x) in steps.iter_mut().zip(row) {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest byte is the step")]
        let step = (((x - least) * by) + ROUND).to_bits() as u8;
        *q = step;
    }
}

for_each_level! {
    /// x · Φ(x) of one row, then the row as steps of 8 bits.
    gelu_quantise as gelu_quantise_row(row: &mut [f32], steps: &mut [u8], range: &mut (f32, f32))
}

#[inline(always)]
fn gelu_quantise_row(row: &mut [f32], steps: &mut [u8], range: &mut (f32, f32)) {
    gelu_rows(row);
    quantise_row(row, steps, range);
}

for_each_level! {
    /// Adds `added` to each row.
    add_rows as add_to_rows(rows: &mut [f32], added: &[f32])
}

#[inline(always)]
fn add_to_rows(rows: &mut [f32], added: &[f32]) {
    for row in rows.chunks_exact_mut(added.len()) {
        for (x, y) in row.iter_mut().zip(added) {
            *x += *y;
        }
    }
}

for_each_level! {
    /// Adds `added` to each row, then cuts to between 0 and 6.
    add_cut as add_cut_rows(rows: &mut [f32], added: &[f32])
}

#[inline(always)]
fn add_cut_rows(rows: &mut [f32], added: &[f32]) {
    for row in rows.chunks_exact_mut(added.len()) {
        for (x, y) in row.iter_mut().zip(added) {
            *x = smaller(larger(*x + *y, 0.0), 6.0);
        }
    }
}

for_each_level! {
    /// Cuts to between 0 and 6.
    cut as cut_rows(rows: &mut [f32])
}

#[inline(always)]
fn cut_rows(rows: &mut [f32]) {
    each(rows, |x| smaller(larger(x, 0.0), 6.0));
}

for_each_level! {
    /// Adds number to number.
    add as add_numbers(to: &mut [f32], added: &[f32])
}

#[inline(always)]
fn add_numbers(to: &mut [f32], added: &[f32]) {
    for (x, y) in to.iter_mut().zip(added) {
        *x += *y;
    }
}
