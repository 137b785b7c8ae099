//! `AdamW` with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2), with its state
//! in the open so that a checkpoint can hold it.

use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// A trained tensor with its own decay.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: &'static str,
    pub var: Var,
    /// What the learning rate is multiplied with for this tensor.
    pub rate: f64,
    pub decay: f64,
}

/// The optimiser and its two moments a group.
#[derive(Debug)]
pub struct AdamW {
    groups: Vec<Group>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    step: u32,
    rate: f64,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// # Errors
    /// When memory for the moments can't be had.
    pub fn new(groups: Vec<Group>, rate: f64) -> Result<Self> {
        let zeros = |g: &Group| g.var.zeros_like();
        let first = groups.iter().map(zeros).collect::<Result<_>>()?;
        let second = groups.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Self { groups, first, second, step: 0, rate })
    }

    /// One step down the gradient.
    ///
    /// # Errors
    /// When a group got no gradient: a tensor that is meant to learn and can't is a mistake.
    pub fn step(&mut self, grads: &GradStore) -> Result<()> {
        self.step += 1;
        let n = f64::from(self.step);
        let (fix1, fix2) = (1.0 - BETA1.powf(n), 1.0 - BETA2.powf(n));
        for (i, group) in self.groups.iter().enumerate() {
            let Some(grad) = grads.get(group.var.as_tensor()) else {
                candle_core::bail!("{} got no gradient", group.name);
            };
            let rate = self.rate * group.rate;
            let first = ((&self.first[i] * BETA1)? + (grad * (1.0 - BETA1))?)?;
            let second = ((&self.second[i] * BETA2)? + (grad.sqr()? * (1.0 - BETA2))?)?;
            let scale = ((&second / fix2)?.sqrt()? + EPSILON)?;
            let update = ((&first / fix1)? / scale)?;
            let kept = (group.var.as_tensor() * (1.0 - rate * group.decay))?;
            group.var.set(&(kept - (update * rate)?)?)?;
            self.first[i] = first;
            self.second[i] = second;
        }
        Ok(())
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The state by name, to be saved.
    pub(super) fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = Vec::new();
        for (i, group) in self.groups.iter().enumerate() {
            state.push((group.name.to_owned(), group.var.as_tensor().clone()));
            state.push((format!("{}.first", group.name), self.first[i].clone()));
            state.push((format!("{}.second", group.name), self.second[i].clone()));
        }
        state
    }

    pub(super) fn steps(&self) -> u32 {
        self.step
    }

    /// Puts a saved state back.
    pub(super) fn restore(
        &mut self,
        step: u32,
        state: &std::collections::HashMap<String, Tensor>,
    ) -> Result<()> {
        let get = |name: String| {
            state.get(&name).cloned().ok_or_else(|| {
                candle_core::Error::Msg(format!("the checkpoint has no tensor {name:?}"))
            })
        };
        for (i, group) in self.groups.iter().enumerate() {
            group.var.set(&get(group.name.to_owned())?)?;
            self.first[i] = get(format!("{}.first", group.name))?;
            self.second[i] = get(format!("{}.second", group.name))?;
        }
        self.step = step;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        // f(x) = x²/2 at x = 1: the gradient is 1, so the first update is the rate itself.
        let var = Var::new(&[1_f64], &Device::Cpu).unwrap();
        let group = Group { name: "x", var: var.clone(), rate: 1.0, decay: 0.5 };
        let mut adam = AdamW::new(vec![group], 0.1).unwrap();
        let loss = (var.as_tensor().sqr().unwrap() / 2.0).unwrap().sum_all().unwrap();
        adam.step(&loss.backward().unwrap()).unwrap();
        let x = var.as_tensor().to_vec1::<f64>().unwrap()[0];
        assert!((x - (1.0 * (1.0 - 0.05) - 0.1)).abs() < 1e-6, "{x}");
    }

    #[test]
    fn a_tensor_without_a_gradient_is_an_error() {
        let (x, y) =
            (Var::new(&[1_f64], &Device::Cpu).unwrap(), Var::new(&[1_f64], &Device::Cpu).unwrap());
        let groups = vec![
            Group { name: "x", var: x.clone(), rate: 1.0, decay: 0.0 },
            Group { name: "idle", var: y, rate: 1.0, decay: 0.0 },
        ];
        let mut adam = AdamW::new(groups, 0.1).unwrap();
        let grads = x.as_tensor().sum_all().unwrap().backward().unwrap();
        assert!(adam.step(&grads).unwrap_err().to_string().contains("idle got no gradient"));
    }
}
