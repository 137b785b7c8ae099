//! A convolution of each channel by itself, the channels of a place side by side.

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

/// How a row of places is convolved.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Depthwise<'a> {
    /// Width and height of the window.
    pub(in crate::nn) kernel: usize,
    /// Places from one window to the next.
    pub(in crate::nn) step: usize,
    /// Places before the first one at which its window begins, all of them 0.
    pub(in crate::nn) before: usize,
    /// kernel × kernel × channels.
    pub(in crate::nn) weight: &'a [f32],
    /// One a channel; the channels are a multiple of [`LANES`].
    pub(in crate::nn) bias: &'a [f32],
}

/// One row of windows over `lines`: rows of places × channels, of which the first is the windows'
/// row `top`; rows before it and behind the last count as 0. The sums are cut to between 0 and 6. `out`
/// has as many places as there are windows.
///
/// # Panics
/// When the sizes do not fit.
pub(in crate::nn) fn depthwise<O: Outcome>(
    level: Level,
    by: Depthwise<'_>,
    (lines, top): (&[&[f32]], usize),
    out: &mut [O],
) {
    let channels = by.bias.len();
    assert!(channels > 0 && channels.is_multiple_of(LANES) && by.step > 0, "channels");
    assert!(by.weight.len() == by.kernel * by.kernel * channels, "weight");
    assert!(top + lines.len() <= by.kernel, "lines");
    let width = lines.first().map_or(0, |line| line.len() / channels);
    assert!(lines.iter().all(|line| line.len() == width * channels), "line");
    let row = Row { by, lines, top, width, out };
    match level.set() {
        Set::Plain => row.plain(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: such a level exists only where the machine has the instructions.
        Set::Avx2 => unsafe { row.avx2() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx512 | Set::Vnni => unsafe { row.avx512() },
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

/// A row of windows; the sizes were checked by [`depthwise`].
struct Row<'a, O> {
    by: Depthwise<'a>,
    lines: &'a [&'a [f32]],
    top: usize,
    width: usize,
    out: &'a mut [O],
}

impl<O: Outcome> Row<'_, O> {
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
                3 => self.windows::<V, 3>(),
                5 => self.windows::<V, 5>(),
                _ => self.windows::<V, 0>(),
            }
        }
    }

    /// `K` is the kernel, or 0 where it is not known beforehand.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn windows<V: Vector, const K: usize>(&mut self) {
        let Depthwise { step, before, bias, .. } = self.by;
        let kernel = if K > 0 { K } else { self.by.kernel };
        let channels = bias.len();
        let count = self.out.len() / channels;
        // Windows that lie wholly inside, between those that reach over an edge.
        let from = before.div_ceil(step).min(count);
        let last = (self.width + before).checked_sub(kernel).map_or(0, |x| x / step + 1);
        let to = last.clamp(from, count.max(from));
        for at in (0..channels).step_by(LANES) {
            // SAFETY: `at` is a whole vector's begin; the windows from `from` to `to` lie inside.
            unsafe {
                let mut place = from;
                while place + TOGETHER <= to {
                    self.inside::<V, TOGETHER>(kernel, place, at);
                    place += TOGETHER;
                }
                while place < to {
                    self.inside::<V, 1>(kernel, place, at);
                    place += 1;
                }
            }
        }
        for place in (0..from).chain(to..count) {
            let mut at = 0;
            // SAFETY: there are as many channels from `at` on.
            unsafe {
                while at + TOGETHER * LANES <= channels {
                    self.over_an_edge::<V, TOGETHER>(kernel, place, at);
                    at += TOGETHER * LANES;
                }
                while at < channels {
                    self.over_an_edge::<V, 1>(kernel, place, at);
                    at += LANES;
                }
            }
        }
    }

    /// `N` windows from `place` on, channels from `at` on.
    ///
    /// # Safety
    /// As [`Self::run`]; the windows lie inside, and there are [`LANES`] channels from `at` on.
    #[inline(always)]
    unsafe fn inside<V: Vector, const N: usize>(&mut self, kernel: usize, place: usize, at: usize) {
        let Depthwise { step, before, weight, bias, .. } = self.by;
        let channels = bias.len();
        let begin = (place * step - before) * channels + at;
        // SAFETY: the windows' places are below `width`, so all that is read lies in the lines, and
        // `out` has the places written; `weight` has kernel² × channels.
        unsafe {
            let mut sums = [V::load(bias.as_ptr().add(at)); N];
            let mut weight = weight.as_ptr().add(self.top * kernel * channels + at);
            for line in self.lines {
                let mut x = line.as_ptr().add(begin);
                for _ in 0..kernel {
                    let w = V::load(weight);
                    for (n, sum) in sums.iter_mut().enumerate() {
                        *sum = sum.add_product(V::load(x.add(n * step * channels)), w);
                    }
                    weight = weight.add(channels);
                    x = x.add(channels);
                }
            }
            let out = self.out.as_mut_ptr().add(place * channels + at);
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
        kernel: usize,
        place: usize,
        at: usize,
    ) {
        let Depthwise { step, before, weight, bias, .. } = self.by;
        let channels = bias.len();
        // SAFETY: only places below `width` are read; `out` has the place; `weight` as above.
        unsafe {
            let mut sums: [V; N] =
                std::array::from_fn(|n| V::load(bias.as_ptr().add(at + n * LANES)));
            for (row, line) in self.lines.iter().enumerate() {
                for column in 0..kernel {
                    let Some(x) = (place * step + column).checked_sub(before) else { continue };
                    if x < self.width {
                        let of = ((self.top + row) * kernel + column) * channels + at;
                        let (w, x) =
                            (weight.as_ptr().add(of), line.as_ptr().add(x * channels + at));
                        for (n, sum) in sums.iter_mut().enumerate() {
                            let (w, x) = (V::load(w.add(n * LANES)), V::load(x.add(n * LANES)));
                            *sum = sum.add_product(x, w);
                        }
                    }
                }
            }
            for (n, sum) in sums.into_iter().enumerate() {
                O::put(sum, self.out.as_mut_ptr().add(place * channels + at + n * LANES));
            }
        }
    }
}
