use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, values};

/// Rows that one thread works through at a time.
const ROWS: usize = 64;

/// Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016): `x` is rows × width,
/// `weight` and `bias` are width.
///
/// # Errors
/// When the shapes do not fit or a tensor is not f32.
pub(in crate::nn) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f32,
) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    if weight.dims1()? != width || bias.dims1()? != width {
        candle_core::bail!("layer norm of {width} numbers with {:?}", weight.shape());
    }
    x.contiguous()?.apply_op3(weight, bias, LayerNorm { eps })
}

struct LayerNorm {
    eps: f32,
}

impl LayerNorm {
    /// Mean and one over the standard deviation, summed in eight lanes.
    fn moments(&self, row: &[f32]) -> (f32, f32) {
        let sum = |f: &dyn Fn(f32) -> f32| {
            let mut lanes = [0.0_f32; 8];
            for chunk in row.chunks(8) {
                for (lane, x) in lanes.iter_mut().zip(chunk) {
                    *lane += f(*x);
                }
            }
            lanes.iter().sum::<f32>()
        };
        let n = row.len() as f32;
        let mean = sum(&|x| x) / n;
        let variance = sum(&|x| (x - mean) * (x - mean)) / n;
        (mean, 1.0 / (variance + self.eps).sqrt())
    }
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, x_layout)?;
        let (weight, bias) = (numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let width = weight.len();
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).for_each(|(out, x)| {
            for (out, row) in out.chunks_mut(width).zip(x.chunks(width)) {
                let (mean, scale) = self.moments(row);
                for i in 0..width {
                    out[i] = (row[i] - mean) * scale * weight[i] + bias[i];
                }
            }
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (x_values, weights, grads) = (values(x)?, values(weight)?, values(grad)?);
        let width = weights.len();
        let mut out = vec![0.0_f32; x_values.len()];
        let sums: Vec<(Vec<f32>, Vec<f32>)> = out
            .par_chunks_mut(ROWS * width)
            .zip(x_values.par_chunks(ROWS * width))
            .zip(grads.par_chunks(ROWS * width))
            .map(|((out, x), grad)| {
                let (mut of_weight, mut of_bias) = (vec![0.0_f32; width], vec![0.0_f32; width]);
                let rows = out.chunks_mut(width).zip(x.chunks(width)).zip(grad.chunks(width));
                for ((out, row), grad) in rows {
                    let (mean, scale) = self.moments(row);
                    let (mut sum, mut dot) = (0.0, 0.0);
                    for i in 0..width {
                        let normal = (row[i] - mean) * scale;
                        of_weight[i] += grad[i] * normal;
                        of_bias[i] += grad[i];
                        let g = grad[i] * weights[i];
                        sum += g;
                        dot += g * normal;
                    }
                    let (sum, dot) = (sum / width as f32, dot / width as f32);
                    for i in 0..width {
                        let normal = (row[i] - mean) * scale;
                        out[i] = scale * (grad[i] * weights[i] - sum - normal * dot);
                    }
                }
                (of_weight, of_bias)
            })
            .collect();
        let (mut of_weight, mut of_bias) = (vec![0.0_f32; width], vec![0.0_f32; width]);
        for (w, b) in &sums {
            of_weight.iter_mut().zip(w).for_each(|(a, b)| *a += b);
            of_bias.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(out, x.shape(), device)?),
            Some(Tensor::from_vec(of_weight, weight.shape(), device)?),
            Some(Tensor::from_vec(of_bias, bias.shape(), device)?),
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::gradient;
    use super::*;

    #[test]
    fn a_row_gets_mean_zero_and_deviation_one() {
        let x = Tensor::new(&[[1_f32, 3.], [5., 5.]], &Device::Cpu).unwrap();
        let weight = Tensor::new(&[2_f32, 1.], &Device::Cpu).unwrap();
        let bias = Tensor::new(&[0.5_f32, 0.], &Device::Cpu).unwrap();
        let got = layer_norm(&x, &weight, &bias, 1e-12).unwrap().to_vec2::<f32>().unwrap();
        for (got, want) in got.concat().iter().zip([-1.5, 1.0, 0.5, 0.0]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn its_gradients_are_the_slopes() {
        let x = gradient::noise(1, &[5, 9], 1.0);
        let (weight, bias) = (gradient::noise(2, &[9], 1.0), gradient::noise(3, &[9], 1.0));
        gradient::check(&[x, weight, bias], |v| layer_norm(&v[0], &v[1], &v[2], 1e-5));
    }

    #[test]
    fn many_rows_sum_like_few() {
        let x = gradient::noise(1, &[200, 4], 1.0);
        let (weight, bias) = (gradient::noise(2, &[4], 1.0), gradient::noise(3, &[4], 1.0));
        gradient::check(&[weight, bias], |v| layer_norm(&x, &v[0], &v[1], 1e-5));
    }
}
