//! What is read off a text's vector: log-odds, how much a price counts, the legal class.

use candle_core::{Result, Tensor};

use super::encoder::Weights;
use super::linear::Linear;

/// Sizes of [`Heads`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadsConfig {
    /// Numbers of a text's vector.
    pub hidden: usize,
    /// Signs that are weighed beside the wording.
    pub signs: usize,
    /// Things that are known of a price or not.
    pub flags: usize,
    /// How far a price is below each of so many borders.
    pub hinges: usize,
    pub classes: usize,
}

/// The heads, on the tensors that they were given.
///
/// ```text
/// text  = h·w + b + Σ signs
/// price = Σ_f flag_f (h·u_f + c_f) + Σ_k hinge_k softplus(h·v_k + d_k)
/// class = softmax(C h + e)
/// ```
///
/// What a price means depends on the goods, so its weights are read off the text; softplus keeps
/// the hinges' weights positive, so that whatever the text, a lower price never lowers the sum.
#[derive(Debug)]
pub struct Heads {
    text: Linear,
    signs: Tensor,
    flags: Linear,
    hinges: Linear,
    class: Linear,
}

/// What the heads say of a batch.
#[derive(Debug)]
pub struct Said {
    /// Log-odds of the wording, texts.
    pub text: Tensor,
    /// Log-odds of the signs, texts.
    pub signs: Tensor,
    /// Log-odds of the price, texts; 0 where all flags and hinges are.
    pub price: Tensor,
    /// Unnormalised log-probabilities, texts × classes.
    pub class: Tensor,
}

/// A batch's input beside its texts.
#[derive(Debug)]
pub struct Beside {
    /// texts × signs.
    pub signs: Tensor,
    /// texts × flags.
    pub flags: Tensor,
    /// texts × hinges, at least 0.
    pub hinges: Tensor,
}

impl Heads {
    /// The names and shapes of the tensors that [`Self::new`] wants.
    pub fn shapes(config: &HeadsConfig) -> Vec<(&'static str, Vec<usize>)> {
        let HeadsConfig { hidden, signs, flags, hinges, classes } = *config;
        vec![
            ("heads.text.weight", vec![1, hidden]),
            ("heads.text.bias", vec![1]),
            ("heads.signs", vec![signs]),
            ("heads.flags.weight", vec![flags, hidden]),
            ("heads.flags.bias", vec![flags]),
            ("heads.hinges.weight", vec![hinges, hidden]),
            ("heads.hinges.bias", vec![hinges]),
            ("heads.class.weight", vec![classes, hidden]),
            ("heads.class.bias", vec![classes]),
        ]
    }

    /// # Errors
    /// When a tensor is missing or has another shape than `config` says.
    pub fn new(config: &HeadsConfig, weights: &Weights) -> Result<Self> {
        let HeadsConfig { hidden, signs, flags, hinges, classes } = *config;
        Ok(Self {
            text: Linear::new(weights, "heads.text", (hidden, 1))?,
            signs: weights.get("heads.signs", &[signs])?,
            flags: Linear::new(weights, "heads.flags", (hidden, flags))?,
            hinges: Linear::new(weights, "heads.hinges", (hidden, hinges))?,
            class: Linear::new(weights, "heads.class", (hidden, classes))?,
        })
    }

    /// The weight of each sign.
    pub fn signs(&self) -> &Tensor {
        &self.signs
    }

    /// Log-odds of the wording alone, one a text.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn text(&self, vectors: &Tensor) -> Result<Tensor> {
        self.text.forward(vectors)?.squeeze(1)
    }

    /// Reads the vectors of a batch, texts × hidden.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, vectors: &Tensor, beside: &Beside) -> Result<Said> {
        let flags = (self.flags.forward(vectors)? * &beside.flags)?.sum(1)?;
        let hinges = (softplus(&self.hinges.forward(vectors)?)? * &beside.hinges)?.sum(1)?;
        Ok(Said {
            text: self.text(vectors)?,
            signs: beside.signs.matmul(&self.signs.unsqueeze(1)?)?.squeeze(1)?,
            price: (flags + hinges)?,
            class: self.class.forward(vectors)?,
        })
    }
}

/// ln(1 + eˣ), in the form that can't overflow.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

#[cfg(test)]
mod tests {
    use super::super::ops::gradient::{check, noise};
    use super::*;

    const CONFIG: HeadsConfig =
        HeadsConfig { hidden: 5, signs: 3, flags: 2, hinges: 4, classes: 3 };

    fn heads(tensors: impl Iterator<Item = Tensor>) -> Result<Heads> {
        let names = Heads::shapes(&CONFIG).into_iter().map(|(n, _)| n.to_owned());
        Heads::new(&CONFIG, &Weights::new(names.zip(tensors))?)
    }

    fn random() -> Vec<Tensor> {
        let shapes = Heads::shapes(&CONFIG).into_iter().enumerate();
        shapes.map(|(seed, (_, shape))| noise(seed as u64, &shape, 0.8)).collect()
    }

    fn beside(hinges: Tensor) -> Beside {
        Beside { signs: noise(51, &[2, 3], 1.0), flags: noise(52, &[2, 2], 1.0), hinges }
    }

    #[test]
    fn every_tensor_learns() {
        let vectors = noise(50, &[2, 5], 1.0);
        check(&random(), |vars| {
            let heads = heads(vars.iter().map(|v| v.as_tensor().clone()))?;
            let said = heads.forward(&vectors, &beside(noise(53, &[2, 4], 1.0).abs()?))?;
            let sum = ((said.text + said.signs)? + said.price)?.unsqueeze(1)?;
            Tensor::cat(&[sum, said.class], 1)
        });
    }

    #[test]
    fn a_lower_price_never_lowers_the_sum() {
        let heads = heads(random().into_iter()).unwrap();
        let price = |below: f32| {
            let hinges = Tensor::full(below, (2, 4), &candle_core::Device::Cpu).unwrap();
            let said = heads.forward(&noise(54, &[2, 5], 9.0), &beside(hinges)).unwrap();
            said.price.to_vec1::<f32>().unwrap()
        };
        for text in 0..2 {
            assert!(price(0.5)[text] >= price(0.0)[text] && price(3.0)[text] >= price(0.5)[text]);
        }
    }

    #[test]
    fn nothing_known_of_the_price_is_nothing_said_of_it() {
        let heads = heads(random().into_iter()).unwrap();
        let zeros = |n| Tensor::zeros((1, n), candle_core::DType::F32, &candle_core::Device::Cpu);
        let beside = Beside {
            signs: zeros(3).unwrap(),
            flags: zeros(2).unwrap(),
            hinges: zeros(4).unwrap(),
        };
        let said = heads.forward(&noise(55, &[1, 5], 1.0), &beside).unwrap();
        assert!(said.price.to_vec1::<f32>().unwrap()[0].abs() < 1e-9);
        assert!(said.text.to_vec1::<f32>().unwrap()[0].abs() > 1e-3);
    }
}
