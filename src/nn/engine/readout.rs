use candle_core::Result;

use super::dense::{Dense, Precision};
use crate::nn::encoder::Weights;
use crate::nn::heads::HeadsConfig;
use crate::nn::kernels::{Level, Quantised, Rows};

/// The heads as scoring reads them: [`Heads`](crate::nn::Heads) without its signs, which are
/// added outside, each with its evidence.
#[derive(Debug)]
pub struct Readout {
    config: HeadsConfig,
    level: Level,
    /// Text, flags, hinges and classes side by side.
    all: Dense,
    signs: Vec<f32>,
}

/// What is known of a listing's price, as the heads weigh it.
#[derive(Debug, Clone, Copy)]
pub struct PriceView<'a> {
    pub flags: &'a [f32],
    pub hinges: &'a [f32],
}

/// What the heads say of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Log-odds of the wording.
    pub text: f32,
    /// Log-odds of the price; 0 where nothing is known of it.
    pub price: f32,
    /// Unnormalised log-probabilities.
    pub classes: Vec<f32>,
}

impl Readout {
    /// # Errors
    /// When a tensor is missing or has another shape than `config` says.
    pub fn new(config: &HeadsConfig, weights: &Weights, level: Level) -> Result<Self> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        let parts = [
            ("text", 1),
            ("flags", config.flags),
            ("hinges", config.hinges),
            ("class", config.classes),
        ];
        for (name, rows) in parts {
            let of = |part: &str, shape: &[usize]| {
                weights.get(&format!("heads.{name}.{part}"), shape)?.flatten_all()?.to_vec1::<f32>()
            };
            weight.extend(of("weight", &[rows, config.hidden])?);
            bias.extend(of("bias", &[rows])?);
        }
        Ok(Self {
            config: *config,
            level,
            // A few numbers: nothing is won by fewer bits.
            all: Dense::from_values(&weight, bias, config.hidden, Precision::Full),
            signs: weights.get("heads.signs", &[config.signs])?.to_vec1()?,
        })
    }

    /// The weight of each sign.
    pub fn signs(&self) -> &[f32] {
        &self.signs
    }

    fn numbers(&self, vectors: &[f32]) -> Vec<f32> {
        let hidden = self.config.hidden;
        let count = vectors.len() / hidden;
        let mut out = vec![0.0; count * self.all.width()];
        let rows = Rows { values: vectors, stride: hidden, count };
        self.all.forward(self.level, rows, &mut Quantised::default(), &mut out);
        out
    }

    /// Log-odds of the wording alone, for each of some vectors.
    pub fn text(&self, vectors: &[f32]) -> Vec<f32> {
        self.numbers(vectors).chunks_exact(self.all.width()).map(|row| row[0]).collect()
    }

    /// Reads one text's vector.
    ///
    /// # Panics
    /// When the vector is of another length.
    pub fn read(&self, vector: &[f32], price: PriceView<'_>) -> Opinion {
        let HeadsConfig { hidden, flags, hinges, classes, .. } = self.config;
        assert_eq!(vector.len(), hidden, "one vector");
        let row = self.numbers(vector);
        let (text, rest) = (row[0], &row[1..]);
        let (of_flags, rest) = rest.split_at(flags);
        let (of_hinges, rest) = rest.split_at(hinges);
        let mut sum = 0.0;
        for (weight, flag) in of_flags.iter().zip(price.flags) {
            sum += weight * flag;
        }
        for (weight, hinge) in of_hinges.iter().zip(price.hinges) {
            sum += softplus(*weight) * hinge;
        }
        Opinion { text, price: sum, classes: rest[..classes].to_vec() }
    }
}

/// ln(1 + eˣ), in the form that can't overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
