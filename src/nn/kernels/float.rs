use super::level::{Level, Set};
use super::{LANES, PANEL, tiles};

/// A matrix to multiply with, in panels: `[columns / PANEL][inner][PANEL]`, the last panel filled up
/// with zeros. From `weight`, columns × `inner`: the transposed of what is multiplied with.
pub(in crate::nn) fn panels(weight: &[f32], inner: usize) -> Vec<f32> {
    let columns = weight.len() / inner;
    let mut values = vec![0.0; columns.next_multiple_of(PANEL) * inner];
    for (column, row) in weight.chunks_exact(inner).enumerate() {
        let panel = &mut values[column / PANEL * inner * PANEL..];
        for (at, value) in row.iter().enumerate() {
            panel[at * PANEL + column % PANEL] = *value;
        }
    }
    values
}

/// Rows of numbers with a stride between them.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Rows<'a> {
    pub(in crate::nn) values: &'a [f32],
    pub(in crate::nn) stride: usize,
    pub(in crate::nn) count: usize,
}

/// A matrix to multiply with, in panels (see [`panels`]).
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Columns<'a> {
    pub(in crate::nn) values: &'a [f32],
    pub(in crate::nn) inner: usize,
    /// From one row of a panel to the next: [`PANEL`], or more where there is a single panel that
    /// stands among other numbers.
    pub(in crate::nn) stride: usize,
}

impl<'a> Columns<'a> {
    pub(in crate::nn) fn new(values: &'a [f32], inner: usize) -> Self {
        Self { values, inner, stride: PANEL }
    }

    fn panels(&self) -> impl Iterator<Item = &'a [f32]> {
        let one = match self.stride {
            PANEL => self.inner * PANEL,
            _ => self.values.len().max(1),
        };
        self.values.chunks(one.max(1))
    }
}

/// `out = a · b`: `out` has `a`'s rows with `out_stride` between them, of which as many numbers are
/// written as `b` has columns; of the last panel half as many, where `out_stride` has room for no more.
///
/// # Panics
/// When the sizes do not fit.
pub(in crate::nn) fn multiply(
    level: Level,
    a: Rows<'_>,
    b: Columns<'_>,
    out: &mut [f32],
    out_stride: usize,
) {
    let inner = b.inner;
    if a.count == 0 || inner == 0 {
        return;
    }
    assert!(a.stride >= inner && a.values.len() >= (a.count - 1) * a.stride + inner, "rows");
    for (at, panel) in b.panels().enumerate() {
        assert!(panel.len() >= (inner - 1) * b.stride + PANEL && b.stride >= PANEL, "panel");
        let halves = halves(out_stride, at);
        let columns = at * PANEL + halves * LANES;
        assert!(out.len() >= (a.count - 1) * out_stride + columns, "out");
        for (from, to) in tiles(a.count) {
            let tile = Tile {
                a: &a.values[from * a.stride..],
                a_stride: a.stride,
                inner,
                panel,
                panel_stride: b.stride,
                out: &mut out[from * out_stride + at * PANEL..],
                out_stride,
            };
            by_rows!(to - from, halves, level, tile);
        }
    }
}

/// Halves of panel `at` that a row of `stride` numbers has room for.
///
/// # Panics
/// When there is no room for one.
pub(super) fn halves(stride: usize, at: usize) -> usize {
    let room = stride.saturating_sub(at * PANEL);
    assert!(room >= LANES, "a row of {stride} has no room for panel {at}");
    if room >= PANEL { 2 } else { 1 }
}

/// Some rows against one panel; the sizes were checked by [`multiply`].
struct Tile<'a> {
    a: &'a [f32],
    a_stride: usize,
    inner: usize,
    panel: &'a [f32],
    panel_stride: usize,
    out: &'a mut [f32],
    out_stride: usize,
}

macro_rules! by_rows {
    ($rows:expr, $halves:expr, $level:ident, $tile:ident) => {
        match $halves {
            1 => by_rows!(@ $rows, 1, $level, $tile),
            _ => by_rows!(@ $rows, 2, $level, $tile),
        }
    };
    (@ $rows:expr, $halves:literal, $level:ident, $tile:ident) => {
        match $rows {
            1 => $tile.run::<1, $halves>($level),
            2 => $tile.run::<2, $halves>($level),
            3 => $tile.run::<3, $halves>($level),
            4 => $tile.run::<4, $halves>($level),
            5 => $tile.run::<5, $halves>($level),
            6 => $tile.run::<6, $halves>($level),
            7 => $tile.run::<7, $halves>($level),
            8 => $tile.run::<8, $halves>($level),
            9 => $tile.run::<9, $halves>($level),
            10 => $tile.run::<10, $halves>($level),
            11 => $tile.run::<11, $halves>($level),
            _ => $tile.run::<12, $halves>($level),
        }
    };
}
pub(super) use by_rows;

impl Tile<'_> {
    fn run<const R: usize, const H: usize>(self, level: Level) {
        match level.set() {
            Set::Plain => self.plain::<R, H>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: such a level exists only where the machine has the instructions.
            Set::Avx2 => unsafe { self.avx2::<R, H>() },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx512 | Set::Vnni => unsafe { self.avx512::<R, H>() },
        }
    }

    fn plain<const R: usize, const H: usize>(self) {
        for r in 0..R {
            let mut sums = [0.0_f32; PANEL];
            let row = &self.a[r * self.a_stride..][..self.inner];
            for (a, b) in row.iter().zip(self.panel.chunks(self.panel_stride)) {
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
            let sums = &sums[..H * LANES];
            self.out[r * self.out_stride..][..sums.len()].copy_from_slice(sums);
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<const R: usize, const H: usize>(self) {
        use std::arch::x86_64::{
            _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        };
        /// Rows at a time: with two registers a row and two of `b`, as many as there are.
        const FEW: usize = 6;
        for from in (0..R).step_by(FEW) {
            let rows = FEW.min(R - from);
            for half in [0, LANES].into_iter().take(H) {
                let mut sums = [[_mm256_setzero_ps(); 2]; FEW];
                // Rows past the last one are read as the last.
                let starts: [usize; FEW] =
                    std::array::from_fn(|r| (from + r.min(rows - 1)) * self.a_stride);
                for at in 0..self.inner {
                    // SAFETY: each of a panel's `inner` rows has PANEL numbers, a row of `a` has `inner`.
                    unsafe {
                        let b = self.panel.as_ptr().add(at * self.panel_stride + half);
                        let b = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
                        for r in 0..FEW {
                            let a = _mm256_set1_ps(*self.a.as_ptr().add(starts[r] + at));
                            sums[r][0] = _mm256_fmadd_ps(a, b[0], sums[r][0]);
                            sums[r][1] = _mm256_fmadd_ps(a, b[1], sums[r][1]);
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate().take(rows) {
                    // SAFETY: `out` has LANES numbers a half from there.
                    unsafe {
                        let out = self.out.as_mut_ptr().add((from + r) * self.out_stride + half);
                        _mm256_storeu_ps(out, sums[0]);
                        _mm256_storeu_ps(out.add(8), sums[1]);
                    }
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn avx512<const R: usize, const H: usize>(self) {
        use std::arch::x86_64::{
            _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_ps(); 2]; R];
        for at in 0..self.inner {
            // SAFETY: each of a panel's `inner` rows has PANEL numbers, each of R rows of `a` has
            // `inner`.
            unsafe {
                let b = self.panel.as_ptr().add(at * self.panel_stride);
                let b = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(LANES))];
                for (r, sums) in sums.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(*self.a.as_ptr().add(r * self.a_stride + at));
                    sums[0] = _mm512_fmadd_ps(a, b[0], sums[0]);
                    if H == 2 {
                        sums[1] = _mm512_fmadd_ps(a, b[1], sums[1]);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            // SAFETY: each of R rows of `out` has LANES numbers a half.
            unsafe {
                let out = self.out.as_mut_ptr().add(r * self.out_stride);
                _mm512_storeu_ps(out, sums[0]);
                if H == 2 {
                    _mm512_storeu_ps(out.add(LANES), sums[1]);
                }
            }
        }
    }
}
