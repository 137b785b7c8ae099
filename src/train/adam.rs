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
    moments: Vec<Moments>,
    step: u32,
    rate: f64,
    /// Sums of gradients, one a group, and how many were added up.
    pending: Vec<Vec<f32>>,
    added: u32,
}

/// Running means of a group's gradients and of their squares.
#[derive(Debug)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// The numbers of one step.
struct Step {
    /// What gradients are multiplied with.
    scale: f32,
    /// The rate over the first moment's bias.
    rate: f32,
    /// One over the second moment's bias.
    fix: f32,
    /// What is left of a weight after its decay.
    keep: f32,
}

impl Moments {
    fn new(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count] }
    }

    /// Takes a gradient in and moves the weights.
    fn step(&mut self, weights: &mut [f32], grads: &[f32], step: &Step) {
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weight, grad), (first, second)) in weights.iter_mut().zip(grads).zip(moments) {
            let grad = grad * step.scale;
            *first = BETA1 * *first + (1.0 - BETA1) * grad;
            *second = BETA2 * *second + (1.0 - BETA2) * grad * grad;
            let size = (*second * step.fix).sqrt() + EPSILON;
            *weight = *weight * step.keep - step.rate * *first / size;
        }
    }
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

impl AdamW {
    pub fn new(groups: Vec<Group>, rate: f64) -> Self {
        let moments = groups.iter().map(|g| Moments::new(g.var.elem_count())).collect();
        Self { groups, moments, step: 0, rate, pending: Vec::new(), added: 0 }
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
        self.pending.resize_with(self.groups.len(), Vec::new);
        for (group, sum) in self.groups.iter().zip(&mut self.pending) {
            let Some(grad) = grads.get(group.var.as_tensor()) else {
                candle_core::bail!("{} got no gradient", group.name);
            };
            let grad = values(grad)?;
            if self.added == 0 {
                *sum = grad;
            } else {
                sum.iter_mut().zip(&grad).for_each(|(a, b)| *a += b);
            }
        }
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
            let square = |grads: &Vec<f32>| grads.iter().map(|g| f64::from(g * g)).sum::<f64>();
            let length = self.pending.iter().map(square).sum::<f64>().sqrt() * scale;
            scale *= (clip / length.max(f64::MIN_POSITIVE)).min(1.0);
        }
        self.step += 1;
        self.added = 0;
        let fix = |beta: f32| 1.0 - f64::from(beta).powf(f64::from(self.step));
        #[expect(clippy::cast_possible_truncation, reason = "training runs in f32")]
        let narrow = |x: f64| x as f32;
        for (i, group) in self.groups.iter().enumerate() {
            let rate = self.rate * group.rate;
            let step = Step {
                scale: narrow(scale),
                rate: narrow(rate / fix(BETA1)),
                fix: narrow(1.0 / fix(BETA2)),
                keep: narrow(1.0 - rate * group.decay),
            };
            let mut weights = values(group.var.as_tensor())?;
            self.moments[i].step(&mut weights, &self.pending[i], &step);
            group.var.set(&Tensor::from_vec(weights, group.var.shape(), group.var.device())?)?;
        }
        Ok(())
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The state by name, to be saved.
    pub(super) fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let mut state = Vec::new();
        for (group, moments) in self.groups.iter().zip(&self.moments) {
            let (name, var) = (&group.name, &group.var);
            let tensor = |of: &[f32]| Tensor::from_slice(of, var.shape(), var.device());
            state.push((name.clone(), var.as_tensor().clone()));
            state.push((format!("{name}.first"), tensor(&moments.first)?));
            state.push((format!("{name}.second"), tensor(&moments.second)?));
        }
        Ok(state)
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
        for (group, moments) in self.groups.iter().zip(&mut self.moments) {
            group.var.set(&get(&group.name)?)?;
            moments.first = values(&get(&format!("{}.first", group.name))?)?;
            moments.second = values(&get(&format!("{}.second", group.name))?)?;
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
        let mut adam = AdamW::new(vec![Group::new("x", &x, 1.0, 0.5)], 0.1);
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
            let mut adam = AdamW::new(vec![Group::new("x", &x, 1.0, 0.0)], 0.1);
            for scale in batches {
                adam.accumulate(&half_square(&x, *scale)).unwrap();
            }
            adam.step(clip).unwrap();
            adam.moments[0].first[0]
        };
        assert!((moments(&[1.0, 3.0], None) - 0.2).abs() < 1e-6);
        assert!((moments(&[1.0, 3.0], Some(0.5)) - 0.05).abs() < 1e-6);
        assert!((moments(&[0.2], Some(0.5)) - 0.02).abs() < 1e-6);
    }

    #[test]
    fn a_tensor_without_a_gradient_is_an_error() {
        let (x, y) = (var(1.0), var(1.0));
        let groups = vec![Group::new("x", &x, 1.0, 0.0), Group::new("idle", &y, 1.0, 0.0)];
        let mut adam = AdamW::new(groups, 0.1);
        let error = adam.accumulate(&half_square(&x, 1.0)).unwrap_err();
        assert!(error.to_string().contains("idle got no gradient"));
    }
}
