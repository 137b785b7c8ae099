//! Operations that candle has without a backward, or only in many small steps: each is one pass
//! over the data in both directions, and its gradient is checked against finite differences.
//!
//! All work on contiguous f32 on the CPU. Work is split by rows with fixed borders and sums are
//! taken in the rows' order, so results don't depend on the number of threads.

mod attention;
mod bias;
mod gelu;
mod layer_norm;

#[cfg(test)]
pub(super) mod gradient;

pub(super) use attention::attention;
pub(super) use bias::add_bias;
pub(super) use gelu::gelu;
pub(super) use layer_norm::layer_norm;

use candle_core::{CpuStorage, Layout, Result, Tensor};

/// The numbers of a contiguous f32 argument.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("the argument is not contiguous: {layout:?}");
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// The numbers of a tensor, row by row.
fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
