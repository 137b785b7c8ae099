use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, values};
use crate::nn::kernels::normal;

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
