use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{numbers, values};

/// Rows that one thread works through at a time.
const ROWS: usize = 64;

/// Adds `bias` (width) to each row of `x` (rows × width).
///
/// # Errors
/// When the shapes do not fit or a tensor is not f32.
pub(in crate::nn) fn add_bias(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    if bias.dims1()? != width {
        candle_core::bail!("a bias of {:?} on {:?}", bias.shape(), x.shape());
    }
    x.contiguous()?.apply_op2(bias, AddBias)
}

struct AddBias;

impl CustomOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add_bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, bias) = (numbers(x, x_layout)?, numbers(bias, bias_layout)?);
        let width = bias.len();
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).for_each(|(out, x)| {
            for (out, row) in out.chunks_mut(width).zip(x.chunks(width)) {
                for ((o, x), b) in out.iter_mut().zip(row).zip(bias) {
                    *o = x + b;
                }
            }
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let width = bias.dims1()?;
        let grads = values(grad)?;
        let sums: Vec<Vec<f32>> = grads
            .par_chunks(ROWS * width)
            .map(|rows| {
                let mut sum = vec![0.0_f32; width];
                for row in rows.chunks(width) {
                    sum.iter_mut().zip(row).for_each(|(s, g)| *s += g);
                }
                sum
            })
            .collect();
        let mut of_bias = vec![0.0_f32; width];
        for sum in &sums {
            of_bias.iter_mut().zip(sum).for_each(|(a, b)| *a += b);
        }
        Ok((Some(grad.clone()), Some(Tensor::from_vec(of_bias, width, bias.device())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gradient;
    use super::*;

    #[test]
    fn it_adds_and_its_gradients_are_the_slopes() {
        let (x, bias) = (gradient::noise(1, &[70, 3], 1.0), gradient::noise(2, &[3], 1.0));
        let got = add_bias(&x, &bias).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(got, x.broadcast_add(&bias).unwrap().to_vec2::<f32>().unwrap());
        gradient::check(&[x, bias], |v| add_bias(&v[0], &v[1]));
    }
}
