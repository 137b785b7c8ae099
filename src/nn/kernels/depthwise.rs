//! A convolution of each channel by itself, the channels of a place side by side.

use std::ops::Range;

use super::LANES;
use super::level::{Level, Set};

/// Sums that are worked on together: enough to keep the processor busy.
const TOGETHER: usize = 4;

/// What the outcome is cut to, from 0 on.
const MOST: f32 = 6.0;

/// A step of an outcome of 8 bits.
pub(in crate::nn) const STEP: f32 = MOST / 255.0;

/// What an outcome is kept as: itself, or steps of [`STEP`] from 0 on.
pub(in crate::nn) trait Outcome: Copy {
    /// # Safety
    /// There is room for [`LANES`] at `to`, and the machine has the instructions of `V`.
    unsafe fn put<V: Vector>(sum: V, to: *mut Self);
}

impl Outcome for f32 {
    #[inline(always)]
    unsafe fn put<V: Vector>(sum: V, to: *mut Self) {
        // SAFETY: as said of the function.
        unsafe { sum.cut().store(to) };
    }
}

impl Outcome for u8 {
    #[inline(always)]
    unsafe fn put<V: Vector>(sum: V, to: *mut Self) {
        // SAFETY: as said of the function.
        unsafe { sum.cut().store_steps(to) };
    }
}

/// How a map is convolved.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Depthwise<'a> {
    /// Width and height of the window.
    pub(in crate::nn) kernel: usize,
    /// Places from one window to the next.
    pub(in crate::nn) step: usize,
    /// Places before the map's first at which its first windows begin, all of them 0.
    pub(in crate::nn) before: usize,
    /// kernel × kernel × channels.
    pub(in crate::nn) weight: &'a [f32],
    /// One a channel; the channels are a multiple of [`LANES`].
    pub(in crate::nn) bias: &'a [f32],
}

/// Some rows of a map: rows × width × channels.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct MapRows<'a> {
    pub(in crate::nn) values: &'a [f32],
    /// Which row of the map is the first.
    pub(in crate::nn) begin: usize,
    /// Places of a row.
    pub(in crate::nn) width: usize,
}

/// Bytes of a map's rows that the nearest cache keeps while some channels are worked on.
const NEAR: usize = 24 << 10;

/// The rows `windows` of windows over `rows`; what a window lacks of its rows counts as 0. The sums are
/// cut to between 0 and 6. `out` has as many places as there are windows.
///
/// # Panics
/// When the sizes do not fit.
pub(in crate::nn) fn depthwise<O: Outcome>(
    level: Level,
    by: Depthwise<'_>,
    rows: MapRows<'_>,
    windows: Range<usize>,
    out: &mut [O],
) {
    let channels = by.bias.len();
    assert!(channels > 0 && channels.is_multiple_of(LANES) && by.step > 0, "channels");
    assert!(by.weight.len() == by.kernel * by.kernel * channels, "weight");
    let line = rows.width * channels;
    assert!(line > 0 && rows.values.len().is_multiple_of(line), "rows");
    let count = rows.values.len() / line;
    let row = out.len() / windows.len().max(1);
    assert!(row > 0 && row.is_multiple_of(channels) && out.len() == windows.len() * row, "out");
    // So many rows of windows at a time that the rows below them stay near.
    let near = NEAR / (rows.width * LANES * size_of::<f32>());
    let some = near.saturating_sub(by.kernel) / by.step + 1;
    for (at, out) in out.chunks_mut(some * row).enumerate() {
        let from = windows.start + at * some;
        let windows = from..from + out.len() / row;
        let band = Band { by, rows, count, windows, out };
        match level.set() {
            Set::Plain => band.plain(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: such a level exists only where the machine has the instructions.
            Set::Avx2 => unsafe { band.avx2() },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx512 | Set::Vnni => unsafe { band.avx512() },
        }
    }
}

/// [`LANES`] numbers side by side.
pub(in crate::nn) trait Vector: Copy {
    /// # Safety
    /// There are [`LANES`] numbers at `from`, and the machine has the instructions.
    unsafe fn load(from: *const f32) -> Self;
    /// self + a · b, rounded once.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// Cut to between 0 and [`MOST`].
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn cut(self) -> Self;
    /// # Safety
    /// There is room for [`LANES`] numbers at `to`, and the machine has the instructions.
    unsafe fn store(self, to: *mut f32);
    /// As steps of [`STEP`], to the nearest whole one, the even one of two.
    ///
    /// # Safety
    /// There is room for [`LANES`] bytes at `to`, and the machine has the instructions.
    unsafe fn store_steps(self, to: *mut u8);
}

/// Steps of a number.
const BY: f32 = 1.0 / STEP;

impl Vector for [f32; LANES] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said of the function.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|i| a[i].mul_add(b[i], self[i]))
    }

    #[inline(always)]
    unsafe fn cut(self) -> Self {
        self.map(|x| if x > 0.0 { x } else { 0.0 }).map(|x| if x < MOST { x } else { MOST })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said of the function.
        unsafe { to.cast::<Self>().write_unaligned(self) };
    }

    #[inline(always)]
    unsafe fn store_steps(self, to: *mut u8) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=255")]
        let steps = self.map(|x| (x * BY).round_ties_even() as u8);
        // SAFETY: as said of the function.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(steps) };
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm_storeu_si128, _mm256_cvtps_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm256_storeu_si256, _mm512_cvtps_epi32, _mm512_cvtusepi32_epi8,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{BY, LANES, MOST, Vector};

    impl Vector for [__m256; 2] {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as said of the function.
            unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: as said of the function.
            unsafe { [_mm256_fmadd_ps(a[0], b[0], self[0]), _mm256_fmadd_ps(a[1], b[1], self[1])] }
        }

        #[inline(always)]
        unsafe fn cut(self) -> Self {
            // SAFETY: as said of the function.
            unsafe {
                let (least, most) = (_mm256_setzero_ps(), _mm256_set1_ps(MOST));
                self.map(|x| _mm256_min_ps(_mm256_max_ps(x, least), most))
            }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as said of the function.
            unsafe {
                _mm256_storeu_ps(to, self[0]);
                _mm256_storeu_ps(to.add(8), self[1]);
            }
        }

        #[inline(always)]
        unsafe fn store_steps(self, to: *mut u8) {
            let mut steps = [0_i32; LANES];
            // SAFETY: as said of the function; each half of the steps has room for eight.
            unsafe {
                for (half, x) in self.into_iter().enumerate() {
                    let whole = _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_set1_ps(BY)));
                    _mm256_storeu_si256(steps.as_mut_ptr().add(8 * half).cast(), whole);
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0..=255"
                )]
                to.cast::<[u8; LANES]>().write_unaligned(steps.map(|step| step as u8));
            }
        }
    }

    impl Vector for __m512 {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as said of the function.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: as said of the function.
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }

        #[inline(always)]
        unsafe fn cut(self) -> Self {
            // SAFETY: as said of the function.
            unsafe {
                let least = _mm512_max_ps(self, _mm512_setzero_ps());
                _mm512_min_ps(least, _mm512_set1_ps(MOST))
            }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as said of the function.
            unsafe { _mm512_storeu_ps(to, self) };
        }

        #[inline(always)]
        unsafe fn store_steps(self, to: *mut u8) {
            // SAFETY: as said of the function.
            unsafe {
                let whole = _mm512_cvtps_epi32(_mm512_mul_ps(self, _mm512_set1_ps(BY)));
                _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(whole));
            }
        }
    }
}

/// Some rows of windows; the sizes were checked by [`depthwise`].
struct Band<'a, O> {
    by: Depthwise<'a>,
    rows: MapRows<'a>,
    /// Rows of the map that are there.
    count: usize,
    windows: Range<usize>,
    out: &'a mut [O],
}

/// The rows of a window that are there: `first` is the first one's place in the window, `line` in
/// [`MapRows`].
#[derive(Clone, Copy)]
struct Seen {
    first: usize,
    line: usize,
    lines: usize,
}

impl<O: Outcome> Band<'_, O> {
    fn plain(mut self) {
        // SAFETY: any machine has plain instructions.
        unsafe { self.run::<[f32; LANES]>() }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2(mut self) {
        // SAFETY: the machine has the instructions.
        unsafe { self.run::<[std::arch::x86_64::__m256; 2]>() }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn avx512(mut self) {
        // SAFETY: the machine has the instructions.
        unsafe { self.run::<std::arch::x86_64::__m512>() }
    }

    /// # Safety
    /// The machine has the instructions of `V`.
    #[inline(always)]
    unsafe fn run<V: Vector>(&mut self) {
        // SAFETY: as said of the function.
        unsafe {
            match self.by.kernel {
                3 => self.band::<V, 3>(),
                5 => self.band::<V, 5>(),
                _ => self.band::<V, 0>(),
            }
        }
    }

    fn seen(&self, kernel: usize, window: usize) -> Seen {
        let begin = window * self.by.step;
        // Rows of the map, counted from `before` rows above it.
        let (top, bottom) = (self.rows.begin + self.by.before, begin + kernel);
        let from = begin.max(top);
        let to = bottom.min(top + self.count).max(from);
        Seen { first: from - begin, line: from - top, lines: to - from }
    }

    /// `K` is the kernel, or 0 where it is not known beforehand.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn band<V: Vector, const K: usize>(&mut self) {
        let Depthwise { step, before, bias, .. } = self.by;
        let kernel = if K > 0 { K } else { self.by.kernel };
        let channels = bias.len();
        let count = self.out.len() / channels / self.windows.len().max(1);
        // Windows that lie wholly inside, between those that reach over an edge.
        let from = before.div_ceil(step).min(count);
        let last = (self.rows.width + before).checked_sub(kernel).map_or(0, |x| x / step + 1);
        let to = last.clamp(from, count.max(from));
        let mut at = 0;
        while at < channels {
            for (row, window) in self.windows.clone().enumerate() {
                let seen = self.seen(kernel, window);
                let out = row * count;
                // SAFETY: `at` is a whole vector's begin; the windows from `from` to `to` lie inside.
                unsafe {
                    let mut place = from;
                    while place + TOGETHER <= to {
                        self.inside::<V, TOGETHER>((kernel, seen), place, at, out);
                        place += TOGETHER;
                    }
                    while place < to {
                        self.inside::<V, 1>((kernel, seen), place, at, out);
                        place += 1;
                    }
                }
            }
            at += LANES;
        }
        for (row, window) in self.windows.clone().enumerate() {
            let seen = self.seen(kernel, window);
            for place in (0..from).chain(to..count) {
                let mut at = 0;
                // SAFETY: there are as many channels from `at` on.
                unsafe {
                    while at + TOGETHER * LANES <= channels {
                        self.over_an_edge::<V, TOGETHER>((kernel, seen), place, at, row * count);
                        at += TOGETHER * LANES;
                    }
                    while at < channels {
                        self.over_an_edge::<V, 1>((kernel, seen), place, at, row * count);
                        at += LANES;
                    }
                }
            }
        }
    }

    /// `N` windows from `place` on, channels from `at` on; `out` is the place of the row's first.
    ///
    /// # Safety
    /// As [`Self::run`]; the windows lie inside, and there are [`LANES`] channels from `at` on.
    #[inline(always)]
    unsafe fn inside<V: Vector, const N: usize>(
        &mut self,
        (kernel, seen): (usize, Seen),
        place: usize,
        at: usize,
        out: usize,
    ) {
        let Depthwise { step, before, weight, bias, .. } = self.by;
        let channels = bias.len();
        let line = self.rows.width * channels;
        let begin = (place * step - before) * channels + at;
        // SAFETY: the windows' places are below the width and their lines below the count, so all that
        // is read lies in the rows, and `out` has the places written; `weight` has kernel² × channels.
        unsafe {
            let mut sums = [V::load(bias.as_ptr().add(at)); N];
            let mut weight = weight.as_ptr().add(seen.first * kernel * channels + at);
            let mut from = self.rows.values.as_ptr().add(seen.line * line + begin);
            for _ in 0..seen.lines {
                let mut x = from;
                for _ in 0..kernel {
                    let w = V::load(weight);
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = sum.add_product(V::load(x.add(n * step * channels)), w);
                    }
                    weight = weight.add(channels);
                    x = x.add(channels);
                }
                from = from.wrapping_add(line);
            }
            let out = self.out.as_mut_ptr().add((out + place) * channels + at);
            for (n, sum) in sums.into_iter().enumerate() {
                O::put(sum, out.add(n * channels));
            }
        }
    }

    /// `N` vectors of channels from `at` on of one window of which only some places are there.
    ///
    /// # Safety
    /// As [`Self::run`]; there are as many channels from `at` on.
    #[inline(always)]
    unsafe fn over_an_edge<V: Vector, const N: usize>(
        &mut self,
        (kernel, seen): (usize, Seen),
        place: usize,
        at: usize,
        out: usize,
    ) {
        let Depthwise { step, before, weight, bias, .. } = self.by;
        let (channels, width) = (bias.len(), self.rows.width);
        // SAFETY: only places below the width are read, of lines that are there; `out` has the place;
        // `weight` as above.
        unsafe {
            let mut sums: [V; N] =
                std::array::from_fn(|n| V::load(bias.as_ptr().add(at + n * LANES)));
            for row in 0..seen.lines {
                for column in 0..kernel {
                    let Some(x) = (place * step + column).checked_sub(before) else { continue };
                    if x < width {
                        let of = ((seen.first + row) * kernel + column) * channels + at;
                        let here = ((seen.line + row) * width + x) * channels + at;
                        let w = weight.as_ptr().add(of);
                        let x = self.rows.values.as_ptr().add(here);
                        for (n, sum) in sums.iter_mut().enumerate() {
                            let (w, x) = (V::load(w.add(n * LANES)), V::load(x.add(n * LANES)));
                            *sum = sum.add_product(x, w);
                        }
                    }
                }
            }
            for (n, sum) in sums.into_iter().enumerate() {
                O::put(sum, self.out.as_mut_ptr().add((out + place) * channels + at + n * LANES));
            }
        }
    }
}
