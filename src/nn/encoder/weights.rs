use std::collections::HashMap;

use candle_core::{DType, Result, Tensor};

/// Tensors by name.
#[derive(Debug, Clone, Default)]
pub struct Weights(HashMap<String, Tensor>);

impl Weights {
    /// The tensors of a checkpoint, in f32; a `bert.` before the names is left out.
    ///
    /// # Errors
    /// When one can't be converted.
    pub fn new(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Result<Self> {
        let tensors = tensors.into_iter().map(|(name, tensor)| {
            let name = name.strip_prefix("bert.").map(str::to_owned).unwrap_or(name);
            Ok((name, tensor.to_dtype(DType::F32)?))
        });
        Ok(Self(tensors.collect::<Result<_>>()?))
    }

    /// # Errors
    /// When there is no such tensor or it has another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.find(name)?;
        if tensor.dims() != shape {
            candle_core::bail!("{name} is {:?}, want {shape:?}", tensor.dims());
        }
        Ok(tensor.clone())
    }

    /// The first dimension of a tensor.
    pub(in crate::nn) fn rows(&self, name: &str) -> Result<usize> {
        self.find(name)?.dim(0)
    }

    fn find(&self, name: &str) -> Result<&Tensor> {
        let missing = || candle_core::Error::Msg(format!("there is no tensor {name:?}"));
        self.0.get(name).ok_or_else(missing)
    }

    /// Puts `tensor` in the place of what `name` was.
    pub fn set(&mut self, name: &str, tensor: Tensor) {
        self.0.insert(name.to_owned(), tensor);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}
