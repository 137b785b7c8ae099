//! `AdamW` with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2), with its state
//! in the open so that a checkpoint can hold it.

use candle_core::{Result, Tensor, Var, backprop::GradStore};

/// A trained tensor with its own rate and decay.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: String,
    pub var: Var,
    /// What the learning rate is multiplied with for this tensor.
    pub rate: f64,
    pub decay: f64,
}

impl Group {
    pub fn new(name: &str, var: &Var, rate: f64, decay: f64) -> Self {
        Self { name: name.to_owned(), var: var.clone(), rate, decay }
    }
}

/// The optimiser, its two moments a group, and the gradients since the last step.
#[derive(Debug)]
pub struct AdamW {
    groups: Vec<Group>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    step: u32,
    rate: f64,
    /// Sums of gradients, one a group, and how many were added up.
    pending: Vec<Tensor>,
    added: u32,
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
        Ok(Self { groups, first, second, step: 0, rate, pending: Vec::new(), added: 0 })
    }

    /// The learning rate from now on.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Adds the gradients of one batch to those of the next step.
    ///
    /// # Errors
    /// When a group got no gradient: a tensor that is meant to learn and can't is a mistake.
    pub fn accumulate(&mut self, grads: &GradStore) -> Result<()> {
        let fresh = self.groups.iter().map(|group| {
            let missing =
                || candle_core::Error::Msg(format!("{} got no gradient", group.name)).bt();
            grads.get(group.var.as_tensor()).ok_or_else(missing)
        });
        let fresh: Vec<&Tensor> = fresh.collect::<Result<_>>()?;
        self.pending = if self.added == 0 {
            fresh.into_iter().cloned().collect()
        } else {
            self.pending.iter().zip(fresh).map(|(sum, grad)| sum + grad).collect::<Result<_>>()?
        };
        self.added += 1;
        Ok(())
    }

    /// One step down the mean of the gradients since the last one, cut to the length `clip`
    /// (Pascanu, Mikolov and Bengio, 2013); without gradients nothing is done.
    ///
    /// # Errors
    /// When the arithmetic fails.
    pub fn step(&mut self, clip: Option<f64>) -> Result<()> {
        if self.added == 0 {
            return Ok(());
        }
        let mut scale = 1.0 / f64::from(self.added);
        if let Some(clip) = clip {
            let mut squares = 0.0;
            for grad in &self.pending {
                squares += f64::from(grad.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
            let length = squares.sqrt() * scale;
            scale *= (clip / length.max(f64::MIN_POSITIVE)).min(1.0);
        }
        self.step += 1;
        self.added = 0;
        let n = f64::from(self.step);
        let (fix1, fix2) = (1.0 - BETA1.powf(n), 1.0 - BETA2.powf(n));
        for (i, grad) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            let group = &self.groups[i];
            let rate = self.rate * group.rate;
            let grad = (grad * scale)?;
            let first = ((&self.first[i] * BETA1)? + (&grad * (1.0 - BETA1))?)?;
            let second = ((&self.second[i] * BETA2)? + (grad.sqr()? * (1.0 - BETA2))?)?;
            let size = ((&second / fix2)?.sqrt()? + EPSILON)?;
            let update = ((&first / fix1)? / size)?;
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
            state.push((group.name.clone(), group.var.as_tensor().clone()));
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
        let get = |name: &str| {
            state.get(name).cloned().ok_or_else(|| {
                candle_core::Error::Msg(format!("the checkpoint has no tensor {name:?}"))
            })
        };
        for (i, group) in self.groups.iter().enumerate() {
            group.var.set(&get(&group.name)?)?;
            self.first[i] = get(&format!("{}.first", group.name))?;
            self.second[i] = get(&format!("{}.second", group.name))?;
        }
        self.step = step;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn var(x: f32) -> Var {
        Var::new(&[x], &Device::Cpu).unwrap()
    }

    fn value(var: &Var) -> f32 {
        var.as_tensor().to_vec1::<f32>().unwrap()[0]
    }

    /// Gradient of `scale` · x²/2.
    fn half_square(var: &Var, scale: f64) -> GradStore {
        let loss = (var.as_tensor().sqr().unwrap() * (scale / 2.0)).unwrap();
        loss.sum_all().unwrap().backward().unwrap()
    }

    #[test]
    fn the_first_step_is_that_of_the_paper() {
        // f(x) = x²/2 at x = 1: the gradient is 1, so the first update is the rate itself.
        let x = var(1.0);
        let mut adam = AdamW::new(vec![Group::new("x", &x, 1.0, 0.5)], 0.1).unwrap();
        adam.accumulate(&half_square(&x, 1.0)).unwrap();
        adam.step(None).unwrap();
        assert!((value(&x) - (1.0 * (1.0 - 0.05) - 0.1)).abs() < 1e-6, "{}", value(&x));
        adam.step(None).unwrap();
        assert_eq!(adam.steps(), 1, "nothing to step down");
    }

    #[test]
    fn batches_add_up_to_their_mean_and_long_gradients_are_cut() {
        let moments = |batches: &[f64], clip| {
            let x = var(1.0);
            let mut adam = AdamW::new(vec![Group::new("x", &x, 1.0, 0.0)], 0.1).unwrap();
            for scale in batches {
                adam.accumulate(&half_square(&x, *scale)).unwrap();
            }
            adam.step(clip).unwrap();
            adam.first[0].to_vec1::<f32>().unwrap()[0]
        };
        assert!((moments(&[1.0, 3.0], None) - 0.2).abs() < 1e-6);
        assert!((moments(&[1.0, 3.0], Some(0.5)) - 0.05).abs() < 1e-6);
        assert!((moments(&[0.2], Some(0.5)) - 0.02).abs() < 1e-6);
    }

    #[test]
    fn a_tensor_without_a_gradient_is_an_error() {
        let (x, y) = (var(1.0), var(1.0));
        let groups = vec![Group::new("x", &x, 1.0, 0.0), Group::new("idle", &y, 1.0, 0.0)];
        let mut adam = AdamW::new(groups, 0.1).unwrap();
        let error = adam.accumulate(&half_square(&x, 1.0)).unwrap_err();
        assert!(error.to_string().contains("idle got no gradient"));
    }
}
