//! Inverse transforms to a part of the size.
//!
//! The mean of neighbouring pairs of pixels of the 8-point transform is the 4-point transform of the
//! low coefficients, each times cos(uπ/16), but for the high ones folded onto them. So these weights
//! stand in the quantisation table and the high coefficients are left out: the picture is the full
//! one shrunk by means, less its aliasing.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Places for the coefficients that count; the last half takes those that do not.
pub(super) const SLOTS: usize = 32;

/// Places in zigzag order, and those past the last that the end of a block moves to.
pub(super) const PLACES: usize = 128;

/// A block's coefficients as they are coded, in rows of four.
pub(super) type Block = [i32; SLOTS];

/// Which coefficients of the zigzag order count, and what they are multiplied by.
#[derive(Debug, Clone)]
pub(super) struct Scaled {
    pub(super) slot: [u8; PLACES],
    /// By slot: the quantisation step with the weights of the transform.
    factor: [f32; 16],
    /// The last place in zigzag order that counts.
    pub(super) last: u32,
}

const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

impl Scaled {
    /// For blocks of `side` x `side` pixels: 1, 2 or 4.
    pub(super) fn new(quant: &[u16; 64], side: usize) -> Self {
        let mut scaled = Self { slot: [SLOTS as u8 - 1; PLACES], factor: [0.0; 16], last: 0 };
        for (k, place) in ZIGZAG.iter().enumerate() {
            let (v, u) = (usize::from(place / 8), usize::from(place % 8));
            if u < side && v < side {
                scaled.slot[k] = (4 * v + u) as u8;
                scaled.factor[4 * v + u] = f32::from(quant[k]) * weight(u, side) * weight(v, side);
                scaled.last = k as u32;
            }
        }
        scaled
    }
}

/// The factor of the `u`-th coefficient of one direction.
fn weight(u: usize, side: usize) -> f32 {
    // Means of 2, 4 or 8 neighbours, halving the length each time.
    let (mut mean, mut length) = (1.0, 8);
    while length > side {
        mean *= (u as f32 * PI / (2 * length) as f32).cos();
        length /= 2;
    }
    // 1/2 C(u) of the 8-point transform; the 4-point one takes cos(π/4) of its third out.
    let norm = if u == 0 { 0.5 * FRAC_1_SQRT_2 } else { 0.5 };
    let inner = if side == 4 && u == 2 || side == 2 && u == 1 { FRAC_1_SQRT_2 } else { 1.0 };
    mean * norm * inner
}

/// To a pixel; halves go to the even number.
#[inline(always)]
fn pixel(x: f32) -> u8 {
    // 2^23 moves the whole part into the low bits; 128 is the level shift.
    ((x + 128.0).clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

/// cos(π/8), cos(3π/8)
const C1: f32 = 0.923_879_5;
const C3: f32 = 0.382_683_43;

/// The inverse transform of a block to 4 x 4 pixels, in its plain form.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn four_plain(block: &Block, scaled: &Scaled) -> [[u8; 4]; 4] {
    type Row = [f32; 4];
    fn each(f: impl FnMut(usize) -> f32) -> Row {
        std::array::from_fn(f)
    }
    fn pass([a, b, c, d]: [Row; 4]) -> [Row; 4] {
        let even = each(|i| a[i] + c[i]);
        let odd = each(|i| a[i] - c[i]);
        let outer = each(|i| b[i] * C1 + d[i] * C3);
        let inner = each(|i| b[i] * C3 - d[i] * C1);
        [
            each(|i| even[i] + outer[i]),
            each(|i| odd[i] + inner[i]),
            each(|i| odd[i] - inner[i]),
            each(|i| even[i] - outer[i]),
        ]
    }
    fn transposed(m: [Row; 4]) -> [Row; 4] {
        std::array::from_fn(|i| std::array::from_fn(|j| m[j][i]))
    }
    let row = |i: usize| each(|j| block[4 * i + j] as f32 * scaled.factor[4 * i + j]);
    transposed(pass(transposed(pass([row(0), row(1), row(2), row(3)])))).map(|row| row.map(pixel))
}

/// The same bytes as the plain form, with instructions that every x86-64 has.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn four_sse2(block: &Block, scaled: &Scaled) -> [[u8; 4]; 4] {
    use std::arch::x86_64::{
        __m128, _mm_add_ps, _mm_cvtepi32_ps, _mm_cvtps_epi32, _mm_cvtsi128_si32, _mm_min_ps,
        _mm_movehl_ps, _mm_movelh_ps, _mm_mul_ps, _mm_packs_epi32, _mm_packus_epi16, _mm_set_epi32,
        _mm_set_ps, _mm_set1_ps, _mm_srli_si128, _mm_sub_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
    };
    #[target_feature(enable = "sse2")]
    #[inline]
    fn pass([a, b, c, d]: [__m128; 4]) -> [__m128; 4] {
        let (c1, c3) = (_mm_set1_ps(C1), _mm_set1_ps(C3));
        let (even, odd) = (_mm_add_ps(a, c), _mm_sub_ps(a, c));
        let outer = _mm_add_ps(_mm_mul_ps(b, c1), _mm_mul_ps(d, c3));
        let inner = _mm_sub_ps(_mm_mul_ps(b, c3), _mm_mul_ps(d, c1));
        [
            _mm_add_ps(even, outer),
            _mm_add_ps(odd, inner),
            _mm_sub_ps(odd, inner),
            _mm_sub_ps(even, outer),
        ]
    }
    #[target_feature(enable = "sse2")]
    #[inline]
    fn transposed([a, b, c, d]: [__m128; 4]) -> [__m128; 4] {
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        [
            _mm_movelh_ps(ab, cd),
            _mm_movehl_ps(cd, ab),
            _mm_movelh_ps(ab_high, cd_high),
            _mm_movehl_ps(cd_high, ab_high),
        ]
    }
    let row = |i: usize| {
        let (x, f) = (&block[4 * i..4 * i + 4], &scaled.factor[4 * i..4 * i + 4]);
        let x = _mm_cvtepi32_ps(_mm_set_epi32(x[3], x[2], x[1], x[0]));
        _mm_mul_ps(x, _mm_set_ps(f[3], f[2], f[1], f[0]))
    };
    let rows = transposed(pass(transposed(pass([row(0), row(1), row(2), row(3)]))));
    // Above 255 first, since a number too large for 32 bits would become a negative one.
    let whole = rows.map(|row| {
        _mm_cvtps_epi32(_mm_min_ps(_mm_add_ps(row, _mm_set1_ps(128.0)), _mm_set1_ps(255.0)))
    });
    let bytes =
        _mm_packus_epi16(_mm_packs_epi32(whole[0], whole[1]), _mm_packs_epi32(whole[2], whole[3]));
    [
        _mm_cvtsi128_si32(bytes).to_le_bytes(),
        _mm_cvtsi128_si32(_mm_srli_si128::<4>(bytes)).to_le_bytes(),
        _mm_cvtsi128_si32(_mm_srli_si128::<8>(bytes)).to_le_bytes(),
        _mm_cvtsi128_si32(_mm_srli_si128::<12>(bytes)).to_le_bytes(),
    ]
}

/// Writes a block of 4 x 4 pixels at `at` of rows that lie `stride` apart.
#[inline(always)]
pub(super) fn four(block: &Block, scaled: &Scaled, out: &mut [u8], at: usize, stride: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is a part of x86-64.
    let rows = unsafe { four_sse2(block, scaled) };
    #[cfg(not(target_arch = "x86_64"))]
    let rows = four_plain(block, scaled);
    for (i, row) in rows.iter().enumerate() {
        let at = at + i * stride;
        out[at..at + 4].copy_from_slice(row);
    }
}

/// Writes a block of 2 x 2 pixels.
#[inline(always)]
pub(super) fn two(block: &Block, scaled: &Scaled, out: &mut [u8], at: usize, stride: usize) {
    let x = |i: usize| block[i] as f32 * scaled.factor[i];
    let (a, b, c, d) = (x(0), x(1), x(4), x(5));
    out[at] = pixel(a + b + c + d);
    out[at + 1] = pixel(a - b + c - d);
    out[at + stride] = pixel(a + b - c - d);
    out[at + stride + 1] = pixel(a - b - c + d);
}

/// Writes a pixel.
#[inline(always)]
pub(super) fn one(block: &Block, scaled: &Scaled, out: &mut [u8], at: usize) {
    out[at] = pixel(block[0] as f32 * scaled.factor[0]);
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same_bytes() {
        let mut state = 1_u32;
        for round in 0..20_000 {
            let mut next = |most: i32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as i32 % (2 * most + 1) - most
            };
            let most = [3, 100, 2_047, 40_000][round % 4];
            let quant = std::array::from_fn(|_| next(120).unsigned_abs() as u16 + 1);
            let scaled = Scaled::new(&quant, 4);
            let block = std::array::from_fn(|i| if i < 16 { next(most) } else { 0 });
            // SAFETY: SSE2 is a part of x86-64.
            let got = unsafe { four_sse2(&block, &scaled) };
            assert_eq!(got, four_plain(&block, &scaled), "{block:?}");
        }
    }
}
