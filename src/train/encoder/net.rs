use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Result, Tensor, Var};

use super::examples::{Example, Target};
use super::recipe::Fit;
use crate::eval::SplitMix64;
use crate::nn::{
    Beside, Dropout, Encoder, EncoderConfig, Heads, HeadsConfig, Packed, Said, Weights, softplus,
};
use crate::signals::{PRICE_FLAGS, PRICE_HINGES, PriceInput};
use crate::train::adam::Group;

/// The encoder and its heads while they learn.
#[derive(Debug)]
pub(super) struct Net {
    encoder: Encoder,
    heads: Heads,
    config: HeadsConfig,
    /// Tells slices apart; only to learn from, so it does not go into the model.
    slices: (Var, Var),
    vars: BTreeMap<String, Var>,
    prior: f64,
}

/// How far the heads' first weights lie from zero, where all would stay alike.
const SPREAD: f32 = 0.02;
/// Where the hinges' weights begin, before softplus.
const HINGE_START: f32 = -3.0;
/// Where they stay when the price is never read: softplus makes 0 of it.
const HINGE_OFF: f32 = -100.0;

/// Where a training begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) prior: f64,
    pub(super) seed: u64,
    /// Whether the price is ever read.
    pub(super) priced: bool,
}

impl Net {
    pub(super) fn new(
        config: EncoderConfig,
        sizes: (HeadsConfig, usize),
        mut weights: Weights,
        start: Start,
    ) -> Result<Self> {
        let (heads, slices) = sizes;
        let Start { prior, seed, priced } = start;
        let mut random = SplitMix64::new(seed);
        let mut start = |shape: &[usize], size: f32| -> Result<Var> {
            let n = shape.iter().product();
            let mut next = || {
                let half = u16::try_from(random.next_u64() >> 48).unwrap_or(0);
                f32::from(half) / 32768.0 - 1.0
            };
            let values: Vec<f32> = (0..n).map(|_| next() * size).collect();
            Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)
        };
        let mut vars = BTreeMap::new();
        for (name, shape) in Heads::shapes(&heads) {
            let var = match name {
                "heads.hinges.bias" => {
                    let at = if priced { HINGE_START } else { HINGE_OFF };
                    Var::from_tensor(&Tensor::full(at, shape, &Device::Cpu)?)?
                }
                "heads.hinges.weight" | "heads.flags.weight" if !priced => {
                    Var::zeros(shape, DType::F32, &Device::Cpu)?
                }
                _ if name.ends_with("weight") => start(&shape, SPREAD)?,
                _ => Var::zeros(shape, DType::F32, &Device::Cpu)?,
            };
            vars.insert(name.to_owned(), var);
        }
        let slices = (
            start(&[slices, heads.hidden], SPREAD)?,
            Var::zeros(slices, DType::F32, &Device::Cpu)?,
        );
        for (name, tensor) in weights.iter() {
            let layer = name.strip_prefix("encoder.layer.").and_then(|rest| rest.split('.').next());
            let kept = layer.and_then(|i| i.parse().ok()).is_some_and(|i: usize| i < config.layers);
            if kept || name.starts_with("embeddings.LayerNorm") {
                vars.insert(name.to_owned(), Var::from_tensor(tensor)?);
            }
        }
        for (name, var) in &vars {
            weights.set(name, var.as_tensor().clone());
        }
        Ok(Self {
            encoder: Encoder::new(config, &weights)?,
            heads: Heads::new(&heads, &weights)?,
            config: heads,
            slices,
            vars,
            prior,
        })
    }

    /// What learns, and how fast.
    pub(super) fn groups(&self, fit: &Fit) -> Vec<Group> {
        let layers = self.encoder.config().layers;
        let mut groups = Vec::new();
        for (name, var) in &self.vars {
            let below = |layer: usize| {
                fit.rate_layers.powi(i32::try_from(layers - layer).unwrap_or(i32::MAX))
            };
            let bare = var.rank() < 2;
            if name == "heads.signs" {
                groups.push(Group::new(name, var, fit.rate_signs, fit.decay_heads));
            } else if name.starts_with("heads.") {
                let decay = if bare { 0.0 } else { fit.decay_heads };
                groups.push(Group::new(name, var, fit.rate_heads, decay));
            } else {
                let layer = name.split('.').nth(2).and_then(|i| i.parse::<usize>().ok());
                let (learns, rate) = match layer {
                    Some(layer) => (layer >= fit.freeze, below(layer)),
                    None => (fit.freeze == 0, below(0)),
                };
                if learns {
                    let decay = if bare { 0.0 } else { fit.decay };
                    groups.push(Group::new(name, var, rate, decay));
                }
            }
        }
        groups.push(Group::new("slices.weight", &self.slices.0, fit.rate_heads, fit.decay_heads));
        groups.push(Group::new("slices.bias", &self.slices.1, fit.rate_heads, 0.0));
        groups
    }

    /// What goes into the model's file, by name.
    pub(super) fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        let copy = |(name, var): (&String, &Var)| Ok((name.clone(), var.as_tensor().copy()?));
        self.vars.iter().map(copy).collect()
    }

    pub(super) fn put_back(&self, tensors: &[(String, Tensor)]) -> Result<()> {
        for (name, tensor) in tensors {
            if let Some(var) = self.vars.get(name) {
                var.set(tensor)?;
            }
        }
        Ok(())
    }

    fn said(&self, batch: &Batch, dropout: &mut Dropout) -> Result<(Said, Tensor)> {
        let vectors = self.encoder.embed(&batch.texts, dropout)?;
        let vectors = dropout.apply(&vectors)?;
        let said = self.heads.forward(&vectors, &batch.beside)?;
        let slices = vectors.matmul(&self.slices.0.t()?)?.broadcast_add(&self.slices.1)?;
        Ok((said, slices))
    }

    /// The loss of a batch.
    pub(super) fn loss(&self, batch: &Batch, fit: &Fit, dropout: &mut Dropout) -> Result<Tensor> {
        let (said, slices) = self.said(batch, dropout)?;
        let z = (((&said.text + &said.signs)? + &said.price)? + self.prior)?;
        let label = (softplus(&z)? - (z * &batch.labels)?)?;
        let class = (cross_entropy(&said.class, &batch.classes)? * fit.class_loss)?;
        let slice = (cross_entropy(&slices, &batch.slices)? * fit.slice_loss)?;
        let sum = (((label + class)? * &batch.weights)? + (slice * &batch.sliced)?)?;
        sum.mean_all()
    }

    /// Log-odds over the prior, one an example.
    pub(super) fn evidence(&self, examples: &[Example], batch: usize) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(examples.len());
        for chunk in examples.chunks(batch) {
            let batch = Batch::new(chunk, &self.config, None)?;
            let (said, _) = self.said(&batch, &mut Dropout::off())?;
            let sum = ((said.text + said.signs)? + said.price)?;
            out.extend(sum.to_vec1::<f32>()?.into_iter().map(f64::from));
        }
        Ok(out)
    }

    pub(super) fn heads_config(&self) -> &HeadsConfig {
        &self.config
    }

    pub(super) fn prior(&self) -> f64 {
        self.prior
    }
}

/// −ln softmax(z)\[class\], one a row.
fn cross_entropy(z: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let highest = z.max_keepdim(D::Minus1)?.detach();
    let shifted = z.broadcast_sub(&highest)?;
    let sum = shifted.exp()?.sum(D::Minus1)?.log()?;
    let own = shifted.gather(&classes.unsqueeze(1)?, 1)?.squeeze(1)?;
    sum - own
}

/// What is left out of listings at random while learning.
pub(super) struct Drop<'a> {
    pub(super) fit: &'a Fit,
    pub(super) random: &'a mut SplitMix64,
}

impl Drop<'_> {
    fn coin(&mut self, share: f64) -> bool {
        self.random.unit() < share
    }
}

/// Examples as tensors.
pub(super) struct Batch {
    texts: Packed,
    beside: Beside,
    labels: Tensor,
    /// What each example weighs, and what it weighs by its slice.
    weights: Tensor,
    sliced: Tensor,
    classes: Tensor,
    slices: Tensor,
}

impl Batch {
    pub(super) fn new(
        examples: &[Example],
        config: &HeadsConfig,
        mut drop: Option<Drop<'_>>,
    ) -> Result<Self> {
        let n = examples.len();
        let mut signs = vec![0.0_f32; n * config.signs];
        let (mut flags, mut hinges) =
            (Vec::with_capacity(n * PRICE_FLAGS), Vec::with_capacity(n * PRICE_HINGES));
        for (row, example) in examples.iter().enumerate() {
            for sign in &example.signs {
                let dropped = drop.as_mut().is_some_and(|d| d.coin(d.fit.drop_signs));
                signs[row * config.signs + sign] = f32::from(u8::from(!dropped));
            }
            let dropped = drop.as_mut().is_some_and(|d| d.coin(d.fit.drop_price));
            let price = if dropped { PriceInput::default() } else { example.price };
            flags.extend(price.flags);
            hinges.extend(price.hinges);
        }
        let cpu = &Device::Cpu;
        let column = |of: fn(&Target) -> f32| {
            let numbers: Vec<f32> = examples.iter().map(|e| of(&e.target)).collect();
            Tensor::from_vec(numbers, n, cpu)
        };
        let index = |of: fn(&Target) -> u32| {
            let numbers: Vec<u32> = examples.iter().map(|e| of(&e.target)).collect();
            Tensor::from_vec(numbers, n, cpu)
        };
        Ok(Self {
            texts: Packed::new(examples.iter().map(|e| e.ids.as_slice())),
            beside: Beside {
                signs: Tensor::from_vec(signs, (n, config.signs), cpu)?,
                flags: Tensor::from_vec(flags, (n, PRICE_FLAGS), cpu)?,
                hinges: Tensor::from_vec(hinges, (n, PRICE_HINGES), cpu)?,
            },
            labels: column(|t| f32::from(u8::from(t.label)))?,
            weights: column(|t| t.weight)?,
            classes: index(|t| t.class)?,
            slices: index(|t| t.slice.unwrap_or(0))?,
            sliced: column(|t| if t.slice.is_some() { t.weight } else { 0.0 })?,
        })
    }
}
