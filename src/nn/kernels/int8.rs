use super::float::{Rows, by_rows, halves};
use super::level::{Level, Set};
use super::rows::{gelu_quantise, quantise};
use super::{LANES, PANEL, tiles};

/// Products that one instruction adds up.
const GROUP: usize = 4;

/// A matrix of 8-bit numbers to multiply with, a scale a column, in panels:
/// `[columns / PANEL][inner / GROUP][PANEL][GROUP]`, filled up with zeros.
#[derive(Debug, Clone)]
pub(in crate::nn) struct Int8Panels {
    inner: usize,
    values: Vec<i8>,
    /// What one step of a column is worth.
    scales: Vec<f32>,
    /// The sum of a column: what an offset of all inputs adds.
    sums: Vec<f32>,
}

impl Int8Panels {
    /// From `weight`, columns × `inner`, each column rounded to 255 steps around 0.
    pub(in crate::nn) fn new(weight: &[f32], inner: usize) -> Self {
        let columns = weight.len() / inner;
        let (padded, deep) = (columns.next_multiple_of(PANEL), inner.next_multiple_of(GROUP));
        let mut this = Self {
            inner,
            values: vec![0; padded * deep],
            scales: vec![0.0; padded],
            sums: vec![0.0; padded],
        };
        for (column, row) in weight.chunks_exact(inner).enumerate() {
            let most = row.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            let scale = most / 127.0;
            let panel = &mut this.values[column / PANEL * deep * PANEL..];
            let mut sum = 0_i32;
            for (at, value) in row.iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "within -127..=127")]
                let step = if most > 0.0 { (value / scale).round() as i8 } else { 0 };
                sum += i32::from(step);
                let place = (at / GROUP * PANEL + column % PANEL) * GROUP + at % GROUP;
                panel[place] = step;
            }
            this.scales[column] = scale;
            this.sums[column] = sum as f32 * scale;
        }
        this
    }

    fn deep(&self) -> usize {
        self.inner.next_multiple_of(GROUP)
    }

    /// `out = a · self + bias`; `out` has `a`'s rows, each as long as `bias`: as many numbers as there
    /// are columns, filled up to whole [`LANES`].
    ///
    /// # Panics
    /// When the sizes do not fit.
    pub(in crate::nn) fn multiply(
        &self,
        level: Level,
        a: &Quantised,
        bias: &[f32],
        out: &mut [f32],
    ) {
        let (columns, deep, rows) = (bias.len(), self.deep(), a.rows());
        assert!(a.deep == deep && a.steps.len() >= rows * deep, "rows");
        assert!(columns.next_multiple_of(PANEL) == self.scales.len(), "bias");
        assert!(out.len() >= rows * columns, "out");
        for (at, panel) in self.values.chunks_exact(deep * PANEL).enumerate() {
            let halves = halves(columns, at);
            let of = at * PANEL..at * PANEL + halves * LANES;
            for (from, to) in tiles(rows) {
                let tile = Tile {
                    a: &a.steps[from * deep..to * deep],
                    deep,
                    panel,
                    ranges: &a.ranges[from..to],
                    scales: &self.scales[of.clone()],
                    sums: &self.sums[of.clone()],
                    bias: &bias[of.clone()],
                    out: &mut out[from * columns + of.start..],
                    stride: columns,
                };
                by_rows!(to - from, halves, level, tile);
            }
        }
    }
}

/// Rows of numbers as steps of 8 bits between each row's least and largest.
#[derive(Debug, Clone, Default)]
pub(in crate::nn) struct Quantised {
    /// Numbers of a row, a multiple of [`GROUP`].
    deep: usize,
    steps: Vec<u8>,
    /// Least number and width of a step, a row.
    ranges: Vec<(f32, f32)>,
}

impl Quantised {
    /// Takes `inner` numbers of each of `rows`.
    pub(in crate::nn) fn fill(&mut self, level: Level, rows: Rows<'_>, inner: usize) {
        for (at, (steps, range)) in self.room(rows.count, inner).enumerate() {
            let row = &rows.values[at * rows.stride..][..inner];
            quantise(level, row, &mut steps[..inner], range);
        }
    }

    /// Takes x · Φ(x) of the numbers, `count` rows of `inner`.
    pub(in crate::nn) fn fill_gelu(&mut self, level: Level, rows: &mut [f32], inner: usize) {
        let count = rows.len() / inner;
        for (row, (steps, range)) in rows.chunks_exact_mut(inner).zip(self.room(count, inner)) {
            gelu_quantise(level, row, &mut steps[..inner], range);
        }
    }

    /// Room for the steps of `count` rows of `inner` numbers, all between `least` and 255 steps above:
    /// rows of as many bytes as the whole [`GROUP`]s have, all of them to be written.
    pub(in crate::nn) fn fixed(
        &mut self,
        (count, inner): (usize, usize),
        (least, step): (f32, f32),
    ) -> &mut [u8] {
        self.grow(count, inner);
        self.ranges.fill((least, step));
        &mut self.steps[..count * self.deep]
    }

    fn room(
        &mut self,
        count: usize,
        inner: usize,
    ) -> impl Iterator<Item = (&mut [u8], &mut (f32, f32))> {
        self.grow(count, inner);
        self.steps.chunks_exact_mut(self.deep).zip(&mut self.ranges)
    }

    /// What is left from before lies past a row's `inner` numbers, where the weights are 0.
    fn grow(&mut self, count: usize, inner: usize) {
        self.deep = inner.next_multiple_of(GROUP);
        if self.steps.len() < count * self.deep {
            self.steps.resize(count * self.deep, 0);
        }
        self.ranges.resize(count, (0.0, 0.0));
    }

    fn rows(&self) -> usize {
        self.ranges.len()
    }
}

/// Some rows against one panel; the sizes were checked by [`Int8Panels::multiply`].
struct Tile<'a> {
    a: &'a [u8],
    deep: usize,
    panel: &'a [i8],
    ranges: &'a [(f32, f32)],
    scales: &'a [f32],
    sums: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    stride: usize,
}

impl Tile<'_> {
    fn run<const R: usize, const H: usize>(mut self, level: Level) {
        match level.set() {
            Set::Plain => self.plain::<R, H>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: such a level exists only where the machine has the instructions.
            Set::Avx2 | Set::Avx512 => unsafe { self.avx2::<R, H>() },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Vnni => unsafe { self.vnni::<R, H>() },
        }
    }

    /// From whole numbers back to real ones: `sum` steps of products.
    #[inline(always)]
    fn put<const H: usize>(&mut self, r: usize, sums: &[i32; PANEL]) {
        let (least, step) = self.ranges[r];
        let count = H * LANES;
        let out = &mut self.out[r * self.stride..][..count];
        let (scales, of, bias) = (&self.scales[..count], &self.sums[..count], &self.bias[..count]);
        for c in 0..count {
            let offset = least.mul_add(of[c], bias[c]);
            out[c] = (step * scales[c]).mul_add(sums[c] as f32, offset);
        }
    }

    fn plain<const R: usize, const H: usize>(&mut self) {
        for r in 0..R {
            let mut sums = [0_i32; PANEL];
            let row = &self.a[r * self.deep..][..self.deep];
            let groups = self.panel.as_chunks::<{ PANEL * GROUP }>().0;
            for (a, b) in row.as_chunks::<GROUP>().0.iter().zip(groups) {
                for (sum, b) in sums.iter_mut().zip(b.as_chunks::<GROUP>().0) {
                    *sum +=
                        a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>();
                }
            }
            self.put::<H>(r, &sums);
        }
    }

    /// Widened to 16 bits: 8-bit products added in pairs would not always fit.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<const R: usize, const H: usize>(&mut self) {
        use std::arch::x86_64::{
            __m128i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_cvtepi8_epi16,
            _mm256_cvtepu8_epi16, _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256,
        };
        /// Columns at a time: four a register.
        const SOME: usize = 8;
        const FEW: usize = 4;
        let groups = self.deep / GROUP;
        let mut all = [[0_i32; PANEL]; R];
        for from in (0..R).step_by(FEW) {
            let rows = FEW.min(R - from);
            let starts: [usize; FEW] =
                std::array::from_fn(|r| (from + r.min(rows - 1)) * self.deep);
            for columns in (0..H * LANES).step_by(SOME) {
                let mut sums = [[_mm256_setzero_si256(); 2]; FEW];
                for at in 0..groups {
                    // SAFETY: a panel has `deep` × PANEL numbers, a row of `a` has `deep`.
                    unsafe {
                        let b = self.panel.as_ptr().add((at * PANEL + columns) * GROUP);
                        let b = b.cast::<__m128i>();
                        let b = [
                            _mm256_cvtepi8_epi16(_mm_loadu_si128(b)),
                            _mm256_cvtepi8_epi16(_mm_loadu_si128(b.add(1))),
                        ];
                        for r in 0..FEW {
                            let a = self.a.as_ptr().add(starts[r] + at * GROUP).cast::<i32>();
                            let a = _mm256_cvtepu8_epi16(_mm_set1_epi32(a.read_unaligned()));
                            for (sum, b) in sums[r].iter_mut().zip(b) {
                                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(a, b));
                            }
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate().take(rows) {
                    for (at, sum) in sums.iter().enumerate() {
                        let mut pairs = [0_i32; 8];
                        // SAFETY: eight numbers of 32 bits are 256 bits.
                        unsafe { _mm256_storeu_si256(pairs.as_mut_ptr().cast(), *sum) };
                        for c in 0..4 {
                            all[from + r][columns + at * 4 + c] = pairs[2 * c] + pairs[2 * c + 1];
                        }
                    }
                }
            }
        }
        for (r, sums) in all.iter().enumerate() {
            self.put::<H>(r, sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")]
    fn vnni<const R: usize, const H: usize>(&mut self) {
        use std::arch::x86_64::{
            _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
            _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps,
            _mm512_setzero_si512, _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_si512(); 2]; R];
        for at in 0..self.deep / GROUP {
            // SAFETY: a panel has `deep` × PANEL numbers, each of R rows of `a` has `deep`.
            unsafe {
                let b = self.panel.as_ptr().add(at * PANEL * GROUP);
                let b = [_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(64).cast())];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let a = self.a.as_ptr().add(r * self.deep + at * GROUP).cast::<i32>();
                    let a = _mm512_set1_epi32(a.read_unaligned());
                    sums[0] = _mm512_dpbusd_epi32(sums[0], a, b[0]);
                    if H == 2 {
                        sums[1] = _mm512_dpbusd_epi32(sums[1], a, b[1]);
                    }
                }
            }
        }
        for half in 0..H {
            let at = half * LANES;
            // SAFETY: there are LANES scales, sums and biases a half, each of R rows of `out` has as many.
            unsafe {
                let of = |values: &[f32]| _mm512_loadu_ps(values.as_ptr().add(at));
                let (scales, columns, bias) = (of(self.scales), of(self.sums), of(self.bias));
                for (r, sums) in sums.iter().enumerate() {
                    let (least, step) = self.ranges[r];
                    let offset = _mm512_fmadd_ps(_mm512_set1_ps(least), columns, bias);
                    let worth = _mm512_mul_ps(_mm512_set1_ps(step), scales);
                    let out = _mm512_fmadd_ps(worth, _mm512_cvtepi32_ps(sums[half]), offset);
                    _mm512_storeu_ps(self.out.as_mut_ptr().add(r * self.stride + at), out);
                }
            }
        }
    }
}
