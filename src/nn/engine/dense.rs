use std::str::FromStr;

use candle_core::Result;

use super::Arithmetic;
use crate::nn::encoder::Weights;
use crate::nn::kernels::{
    Columns, Int8Panels, LANES, Level, Quantised, Rows, Scale, add_cut, add_rows, cut, gelu,
    multiply, panels,
};

/// How a matrix's numbers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit numbers.
    Full,
    /// 8-bit steps, a scale for each row of inputs and each column of weights.
    #[default]
    Int8,
}

impl FromStr for Precision {
    type Err = NoSuchPrecision;

    fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
        match name {
            "full" => Ok(Self::Full),
            "int8" => Ok(Self::Int8),
            _ => Err(NoSuchPrecision(name.to_owned())),
        }
    }
}

/// There is no such precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither full nor int8")]
pub struct NoSuchPrecision(String);

#[derive(Debug)]
enum Panels {
    Full(Vec<f32>),
    Int8(Int8Panels),
}

/// x Wᵀ + b, for the rows that scoring has.
#[derive(Debug)]
pub(in crate::nn) struct Dense {
    panels: Panels,
    inner: usize,
    /// As long as a row of output: the columns, filled up to whole lanes.
    bias: Vec<f32>,
}

impl Dense {
    /// Several layers of the same input, side by side; each `name.weight` and `name.bias`, of
    /// `(from, to)` numbers.
    pub(super) fn new(
        weights: &Weights,
        names: &[String],
        (from, to): (usize, usize),
        precision: Precision,
    ) -> Result<Self> {
        let (mut all, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            let weight = weights.get(&format!("{name}.weight"), &[to, from])?;
            all.extend(weight.flatten_all()?.to_vec1::<f32>()?);
            bias.extend(weights.get(&format!("{name}.bias"), &[to])?.to_vec1::<f32>()?);
        }
        Ok(Self::from_values(&all, bias, from, precision))
    }

    /// From outputs × `inner` weights.
    pub(in crate::nn) fn from_values(
        weight: &[f32],
        mut bias: Vec<f32>,
        inner: usize,
        precision: Precision,
    ) -> Self {
        bias.resize(bias.len().next_multiple_of(LANES), 0.0);
        let panels = match precision {
            Precision::Full => Panels::Full(panels(weight, inner)),
            Precision::Int8 => Panels::Int8(Int8Panels::new(weight, inner)),
        };
        Self { panels, inner, bias }
    }

    /// Numbers of a row of output.
    pub(in crate::nn) fn width(&self) -> usize {
        self.bias.len()
    }

    /// Brings `rows` into the form that [`Self::multiply`] takes: `steps`, where there are any.
    pub(super) fn prepare(&self, level: Level, rows: Rows<'_>, steps: &mut Quantised) {
        if let Panels::Int8(_) = self.panels {
            steps.fill(level, rows, self.inner);
        }
    }

    /// Writes rows of [`Self::width`] numbers for `rows`, which were prepared; where [`Self::is_int8`], only
    /// their count is looked at.
    pub(in crate::nn) fn multiply(
        &self,
        level: Level,
        rows: Rows<'_>,
        steps: &Quantised,
        out: &mut [f32],
    ) {
        let out = &mut out[..rows.count * self.width()];
        match &self.panels {
            Panels::Full(panels) => {
                multiply(level, rows, Columns::new(panels, self.inner), out, self.width());
                add_rows(level, out, &self.bias);
            }
            Panels::Int8(panels) => panels.multiply(level, steps, &self.bias, out),
        }
    }

    /// Whether it takes steps of 8 bits.
    pub(in crate::nn) fn is_int8(&self) -> bool {
        matches!(self.panels, Panels::Int8(_))
    }

    /// [`Self::forward`], then cut to between 0 and 6.
    pub(in crate::nn) fn forward_cut(
        &self,
        level: Level,
        rows: Rows<'_>,
        steps: &mut Quantised,
        out: &mut [f32],
    ) {
        self.prepare(level, rows, steps);
        self.multiply_cut(level, rows, steps, out);
    }

    /// [`Self::multiply`], then cut to between 0 and 6.
    pub(in crate::nn) fn multiply_cut(
        &self,
        level: Level,
        rows: Rows<'_>,
        steps: &Quantised,
        out: &mut [f32],
    ) {
        let out = &mut out[..rows.count * self.width()];
        match &self.panels {
            Panels::Full(panels) => {
                multiply(level, rows, Columns::new(panels, self.inner), out, self.width());
                add_cut(level, out, &self.bias);
            }
            Panels::Int8(panels) => {
                panels.multiply(level, steps, &self.bias, out);
                cut(level, out);
            }
        }
    }

    /// [`Self::forward`] of x · Φ(x) of `input`, rows without a gap; `input` is used up.
    pub(super) fn forward_gelu(
        &self,
        level: Level,
        input: &mut [f32],
        steps: &mut Quantised,
        out: &mut [f32],
    ) {
        match &self.panels {
            Panels::Full(_) => gelu(level, input),
            Panels::Int8(_) => steps.fill_gelu(level, input, self.inner),
        }
        let count = input.len() / self.inner;
        let rows = Rows { values: input, stride: self.inner, count };
        self.multiply(level, rows, steps, out);
    }

    /// Writes rows of [`Self::width`] numbers for `rows`; `steps` is room to work in.
    pub(in crate::nn) fn forward(
        &self,
        level: Level,
        rows: Rows<'_>,
        steps: &mut Quantised,
        out: &mut [f32],
    ) {
        self.prepare(level, rows, steps);
        self.multiply(level, rows, steps, out);
    }
}

/// The layer's norm: scale and shift.
#[derive(Debug)]
pub(super) struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl Norm {
    pub(super) fn new(weights: &Weights, name: &str, width: usize, eps: f64) -> Result<Self> {
        let values = |part: &str| weights.get(&format!("{name}.{part}"), &[width])?.to_vec1();
        #[expect(clippy::cast_possible_truncation, reason = "a small number either way")]
        let eps = eps as f32;
        Ok(Self { weight: values("weight")?, bias: values("bias")?, eps })
    }

    pub(super) fn scale(&self) -> Scale<'_> {
        Scale { weight: &self.weight, bias: &self.bias, eps: self.eps }
    }
}

impl Arithmetic {
    pub(super) fn dense(
        self,
        weights: &Weights,
        names: &[String],
        sizes: (usize, usize),
    ) -> Result<Dense> {
        Dense::new(weights, names, sizes, self.precision)
    }
}
