use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, values};

/// Numbers that one thread works through at a time.
const CHUNK: usize = 16 * 1024;

/// x · Φ(x), the Gaussian error linear unit in its exact form (Hendrycks and Gimpel, 2016).
///
/// # Errors
/// When `x` is not f32.
pub(in crate::nn) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Gelu)
}

struct Gelu;

/// eˣ for x ≤ 0 to a relative 2e-7: 2ⁿ · p(r) with |r| ≤ ln 2 / 2 and the Taylor polynomial of
/// degree 7. Plain arithmetic, so that the compiler can do several at once.
#[inline]
fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Adding and taking it away rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.max(-87.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    #[expect(clippy::cast_possible_truncation, reason = "n is whole and within -126..=0")]
    let power = ((n as i32) + 127) << 23;
    #[expect(clippy::cast_sign_loss, reason = "the exponent's bits are positive")]
    let power = f32::from_bits(power as u32);
    p * power
}

/// Φ(x) and e^(−x²/2): the error function by Abramowitz and Stegun, formula 7.1.26, whose error is
/// below 1.5e-7.
#[inline]
fn normal(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut p = 1.061_405_4;
    for c in [-1.453_152_1, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        p = p * t + c;
    }
    let density = exp(-z * z);
    let tail = 0.5 * p * t * density;
    (if x < 0.0 { tail } else { 1.0 - tail }, density)
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| {
            for (o, x) in out.iter_mut().zip(x) {
                *o = x * normal(*x).0;
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut out = values(grad)?;
        let x_values = values(x)?;
        /// 1 / √(2π)
        const DENSITY: f32 = 0.398_942_3;
        out.par_chunks_mut(CHUNK).zip(x_values.par_chunks(CHUNK)).for_each(|(out, x)| {
            for (o, x) in out.iter_mut().zip(x) {
                let (below, density) = normal(*x);
                *o *= below + x * DENSITY * density;
            }
        });
        Ok(Some(Tensor::from_vec(out, x.shape(), x.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient;
    use super::*;

    #[test]
    fn it_is_candles_own_to_a_millionth() {
        let x: Vec<f32> = (-1200..=1200).map(|i| i as f32 / 100.0).collect();
        let x = Tensor::new(x, &Device::Cpu).unwrap();
        let want = x.gelu_erf().unwrap().to_vec1::<f32>().unwrap();
        let got = gelu(&x).unwrap().to_vec1::<f32>().unwrap();
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn its_gradient_is_the_slope() {
        let x = gradient::noise(1, &[3, 7], 2.0);
        gradient::check(&[x], |v| gelu(v[0].as_tensor()));
    }
}
