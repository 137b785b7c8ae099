//! A linear model over a bag of sparse features, some of which share an embedding.
//!
//! ```text
//! w = [ E h ; b ; s ]        E: pieces × dims, frozen;  h: dims;  b: buckets;  s: signs
//! z(x) = c + Σ_i w[i] x_i
//! ```
//!
//! Being linear, it explains itself: the share of feature i in z is `w[i] x[i]`. The pieces' weights
//! go through the embedding, so a piece that training never met is weighed like those near it.

use candle_core::{DType, Device, Result, Tensor};

/// Sizes of a [`BagWeights`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BagConfig {
    pub pieces: usize,
    pub dims: usize,
    pub buckets: usize,
    pub signs: usize,
}

/// The parameters, as tensors.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use thatgia::nn::{BagConfig, BagWeights};
///
/// # fn main() -> candle_core::Result<()> {
/// let cpu = Device::Cpu;
/// let bag = BagWeights {
///     embedding: Tensor::new(&[[1_f32, 0.], [0., 2.]], &cpu)?,
///     head: Tensor::new(&[3_f32, 5.], &cpu)?,
///     buckets: Tensor::new(&[7_f32], &cpu)?,
///     signs: Tensor::new(&[-1_f32], &cpu)?,
/// };
/// assert_eq!(bag.config()?, BagConfig { pieces: 2, dims: 2, buckets: 1, signs: 1 });
/// assert_eq!(bag.flatten()?.to_vec1::<f32>()?, [3., 10., 7., -1.]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BagWeights {
    /// pieces × dims.
    pub embedding: Tensor,
    /// dims.
    pub head: Tensor,
    /// buckets.
    pub buckets: Tensor,
    /// signs.
    pub signs: Tensor,
}

impl BagWeights {
    /// The sizes that the tensors have.
    ///
    /// # Errors
    /// When a tensor has another rank, or the head does not fit the embedding.
    pub fn config(&self) -> Result<BagConfig> {
        let (pieces, dims) = self.embedding.dims2()?;
        if self.head.dims1()? != dims {
            candle_core::bail!("head {:?} does not fit {dims} dims", self.head.shape());
        }
        let (buckets, signs) = (self.buckets.dims1()?, self.signs.dims1()?);
        Ok(BagConfig { pieces, dims, buckets, signs })
    }

    /// One weight for each feature: pieces, buckets, signs; f32, differentiable.
    ///
    /// # Errors
    /// When the tensors do not fit one another.
    pub fn flatten(&self) -> Result<Tensor> {
        let embedding = self.embedding.to_dtype(DType::F32)?;
        let pieces = embedding.matmul(&self.head.unsqueeze(1)?)?.squeeze(1)?;
        Tensor::cat(&[&pieces, &self.buckets, &self.signs], 0)
    }

    /// Log-odds of a batch: `indices` and `values` are batch × features, padded with value 0.
    ///
    /// # Errors
    /// When an index is out of range or the shapes differ.
    pub fn forward(weights: &Tensor, indices: &Tensor, values: &Tensor) -> Result<Tensor> {
        let picked = weights.index_select(&indices.flatten_all()?, 0)?;
        (picked.reshape(indices.shape())? * values)?.sum(1)
    }

    /// Reads the tensors by their names in a checkpoint.
    ///
    /// # Errors
    /// When one is missing or has the wrong shape.
    pub fn from_tensors(tensors: &std::collections::HashMap<String, Tensor>) -> Result<Self> {
        let get = |name: &str| {
            tensors.get(name).cloned().ok_or_else(|| {
                candle_core::Error::Msg(format!("the checkpoint has no tensor {name:?}"))
            })
        };
        let bag = Self {
            embedding: get("embedding")?.to_device(&Device::Cpu)?,
            head: get("head")?.to_dtype(DType::F32)?,
            buckets: get("buckets")?.to_dtype(DType::F32)?,
            signs: get("signs")?.to_dtype(DType::F32)?,
        };
        bag.config()?;
        Ok(bag)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    fn var(values: &[f32]) -> Var {
        Var::new(values, &Device::Cpu).unwrap()
    }

    #[test]
    fn every_trained_tensor_gets_its_gradient() {
        let (head, buckets, signs) = (var(&[3., 5.]), var(&[7.]), var(&[-1.]));
        let bag = BagWeights {
            embedding: Tensor::new(&[[1_f32, 0.], [0., 2.]], &Device::Cpu).unwrap(),
            head: head.as_tensor().clone(),
            buckets: buckets.as_tensor().clone(),
            signs: signs.as_tensor().clone(),
        };
        let indices = Tensor::new(&[[1_u32, 2, 0], [3, 0, 0]], &Device::Cpu).unwrap();
        let values = Tensor::new(&[[1_f32, 0.5, 0.], [2., 1., 0.]], &Device::Cpu).unwrap();
        let weights = bag.flatten().unwrap();
        let z = BagWeights::forward(&weights, &indices, &values).unwrap();
        assert_eq!(z.to_vec1::<f32>().unwrap(), [13.5, 1.]);
        let grads = z.sum_all().unwrap().backward().unwrap();
        let of = |v: &Var| grads.get(v.as_tensor()).unwrap().to_vec1::<f32>().unwrap();
        // z0 = 2·h1 + 0.5·b0, z1 = 2·s0 + h0
        assert_eq!(of(&head), [1., 2.]);
        assert_eq!(of(&buckets), [0.5]);
        assert_eq!(of(&signs), [2.]);
    }

    #[test]
    fn a_checkpoint_that_does_not_fit_is_refused() {
        let mut tensors = std::collections::HashMap::new();
        assert!(BagWeights::from_tensors(&tensors).is_err());
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        for (name, shape) in
            [("embedding", vec![4, 3]), ("head", vec![2]), ("buckets", vec![8]), ("signs", vec![1])]
        {
            tensors.insert(name.to_owned(), zeros(&shape));
        }
        assert!(BagWeights::from_tensors(&tensors).is_err());
        tensors.insert("head".to_owned(), zeros(&[3]));
        assert!(BagWeights::from_tensors(&tensors).is_ok());
    }
}
