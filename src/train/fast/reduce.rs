use candle_core::{DType, Device, Result, Tensor};

use crate::eval::SplitMix64;

/// Rounds of the subspace iteration; the leading directions settle long before.
const ROUNDS: usize = 24;

/// Reduces embeddings (pieces × width) to their `dims` leading principal directions, centred and
/// scaled so that a row's expected length is 1.
///
/// Subspace iteration with Gram–Schmidt (Golub and Van Loan, *Matrix Computations*, section 8.2);
/// deterministic.
pub(super) fn reduce(embedding: &Tensor, dims: usize) -> Result<Tensor> {
    let embedding = embedding.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let (rows, width) = embedding.dims2()?;
    if dims == 0 || dims > width {
        candle_core::bail!("can't reduce {width} dims to {dims}");
    }
    let centred = embedding.broadcast_sub(&embedding.mean_keepdim(0)?)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of rows, for an average")]
    let n = rows as f64;
    let covariance = (centred.t()?.matmul(&centred)? / n)?;
    let mut basis = start(width, dims)?;
    for _ in 0..ROUNDS {
        basis = orthonormal(&covariance.matmul(&basis)?)?;
    }
    let reduced = centred.matmul(&basis)?;
    let length = reduced.sqr()?.sum(1)?.mean_all()?.to_scalar::<f32>()?.sqrt();
    reduced / f64::from(length.max(f32::MIN_POSITIVE))
}

/// A fixed matrix whose columns are in general position.
fn start(width: usize, dims: usize) -> Result<Tensor> {
    let mut random = SplitMix64::new(1);
    let values: Vec<f32> = (0..width * dims)
        .map(|_| f32::from(u16::try_from(random.below(2001)).unwrap_or(0)) / 1000.0 - 1.0)
        .collect();
    orthonormal(&Tensor::from_vec(values, (width, dims), &Device::Cpu)?)
}

/// Gram–Schmidt over the columns.
fn orthonormal(matrix: &Tensor) -> Result<Tensor> {
    let columns = matrix.t()?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
    for mut column in columns {
        for _ in 0..2 {
            for done in &basis {
                let dot: f64 = column.iter().zip(done).map(|(a, b)| a * b).sum();
                column.iter_mut().zip(done).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let length = column.iter().map(|a| a * a).sum::<f64>().sqrt();
        if length < 1e-12 {
            candle_core::bail!("the embeddings have fewer directions than asked for");
        }
        column.iter_mut().for_each(|a| *a /= length);
        basis.push(column);
    }
    Tensor::new(basis, &Device::Cpu)?.t()?.contiguous()?.to_dtype(DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_directions_are_kept() {
        // Points on a line in three dimensions, with a little noise off it: one direction tells
        // them apart, in their order.
        let rows: Vec<Vec<f32>> = (-5_i16..=5)
            .map(|i| {
                let t = f32::from(i);
                vec![2.0 * t + 1.0, -t, 0.01 * t * t]
            })
            .collect();
        let reduced = reduce(&Tensor::new(rows, &Device::Cpu).unwrap(), 1).unwrap();
        let line: Vec<f32> = reduced.flatten_all().unwrap().to_vec1().unwrap();
        let up = line.windows(2).all(|w| w[0] < w[1]);
        let down = line.windows(2).all(|w| w[0] > w[1]);
        assert!(up || down, "{line:?}");
        let mean_square: f32 = line.iter().map(|x| x * x).sum::<f32>() / 11.0;
        assert!((mean_square - 1.0).abs() < 1e-4);
    }

    #[test]
    fn more_directions_than_there_are_is_an_error() {
        let rows = Tensor::new(&[[1_f32, 2.], [2., 4.], [3., 6.]], &Device::Cpu).unwrap();
        assert!(reduce(&rows, 2).is_err());
        assert!(reduce(&rows, 3).is_err());
    }
}
