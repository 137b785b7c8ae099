//! From luma and chroma to red, green and blue, as JFIF says.

/// 16-bit fractions of the factors of JFIF, less the whole numbers that stand beside them.
const RED: i32 = 26_345; // 1.402 - 1
const BLUE: i32 = -14_942; // 1.772 - 2
const GREEN_CB: i32 = -22_554; // -0.344136
const GREEN_CR: i32 = 18_734; // 1 - 0.714136

/// The upper half of the product with eight times `x`, so in eighths.
#[inline(always)]
fn eighths(x: i16, factor: i32) -> i16 {
    ((i32::from(x << 3) * factor) >> 16) as i16
}

#[inline(always)]
fn to_u8(x: i16) -> u8 {
    x.clamp(0, 255) as u8
}

#[inline(always)]
fn pixel(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i16::from(y), i16::from(cb) - 128, i16::from(cr) - 128);
    let red = y + cr + ((eighths(cr, RED) + 4) >> 3);
    let green = y - cr + ((eighths(cb, GREEN_CB) + eighths(cr, GREEN_CR) + 4) >> 3);
    let blue = y + 2 * cb + ((eighths(cb, BLUE) + 4) >> 3);
    [to_u8(red), to_u8(green), to_u8(blue)]
}

#[inline(always)]
fn row_any(y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
    for (((out, y), cb), cr) in rgb.chunks_exact_mut(3).zip(y).zip(cb).zip(cr) {
        out.copy_from_slice(&pixel(*y, *cb, *cr));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn row_avx2(y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
    row_any(y, cb, cr, rgb);
}

/// Fills a row of `rgb`; the planes are at least as long. Whole numbers, so the same on any processor.
pub(super) fn row(y: &[u8], cb: &[u8], cr: &[u8], rgb: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { row_avx2(y, cb, cr, rgb) };
    }
    row_any(y, cb, cr, rgb);
}

/// Repeats every sample.
pub(super) fn double(from: &[u8], to: &mut [u8]) {
    for (pair, sample) in to.chunks_exact_mut(2).zip(from) {
        pair.fill(*sample);
    }
}

/// The means of two and two samples.
pub(super) fn halve<'a>(
    a: impl IntoIterator<Item = &'a u8>,
    b: impl IntoIterator<Item = &'a u8>,
    to: &mut [u8],
) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = (u16::from(*a) + u16::from(*b)).div_ceil(2) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_within_one_of_the_exact_ones() {
        let near = |got: u8, want: f64| (f64::from(got) - want.clamp(0.0, 255.0)).abs() <= 1.0;
        for y in (0..=255).step_by(5) {
            for cb in (0..=255).step_by(3) {
                for cr in (0..=255).step_by(3) {
                    let [r, g, b] = pixel(y, cb, cr);
                    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
                    assert!(near(r, y + 1.402 * cr));
                    assert!(near(g, y - 0.344_136 * cb - 0.714_136 * cr));
                    assert!(near(b, y + 1.772 * cb));
                }
            }
        }
    }

    #[test]
    fn every_set_of_instructions_gives_the_same_bytes() {
        let plane = |k: usize| (0..1001).map(|i| (i * k % 256) as u8).collect::<Vec<_>>();
        let (y, cb, cr) = (plane(7), plane(31), plane(101));
        let (mut plain, mut chosen) = (vec![0; 3003], vec![0; 3003]);
        row_any(&y, &cb, &cr, &mut plain);
        row(&y, &cb, &cr, &mut chosen);
        assert_eq!(plain, chosen);
    }
}
