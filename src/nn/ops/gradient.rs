//! Gradients against finite differences.

use candle_core::{Device, Result, Tensor, Var};

use crate::preprocess::mix;

/// Numbers spread evenly over −`scale`..`scale`, the same for the same seed.
pub(in crate::nn) fn noise(seed: u64, shape: &[usize], scale: f32) -> Tensor {
    let n: usize = shape.iter().product();
    let unit = |i: usize| (mix(seed << 32 | i as u64) >> 40) as f32 / (1_u32 << 23) as f32 - 1.0;
    let values: Vec<f32> = (0..n).map(|i| unit(i) * scale).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Checks the gradient of a fixed weighted sum of `f`'s outputs by every number of every input.
pub(in crate::nn) fn check(inputs: &[Tensor], f: impl Fn(&[Var]) -> Result<Tensor>) {
    let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(t).unwrap()).collect();
    let loss = |vars: &[Var]| {
        let out = f(vars).unwrap();
        let weights = noise(99, out.dims(), 1.0);
        (out * weights).unwrap().sum_all().unwrap()
    };
    let grads = loss(&vars).backward().unwrap();
    for (which, var) in vars.iter().enumerate() {
        let got = grads.get(var.as_tensor()).unwrap_or_else(|| panic!("input {which} has none"));
        let got: Vec<f32> = got.flatten_all().unwrap().to_vec1().unwrap();
        let kept: Vec<f32> = var.flatten_all().unwrap().to_vec1().unwrap();
        const STEP: f32 = 1e-2;
        for (i, got) in got.iter().enumerate() {
            let at = |shift: f32| {
                let mut moved = kept.clone();
                moved[i] += shift;
                var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap()).unwrap();
                f64::from(loss(&vars).to_scalar::<f32>().unwrap())
            };
            // Fourth order, so that the step can be large enough for f32.
            let near = at(STEP) - at(-STEP);
            let far = at(2.0 * STEP) - at(-2.0 * STEP);
            let want = (8.0 * near - far) / (12.0 * f64::from(STEP));
            let close = (f64::from(*got) - want).abs() < 2e-3 * want.abs().max(1.0);
            assert!(close, "input {which}, number {i}: got {got}, want {want}");
        }
        var.set(&Tensor::from_vec(kept, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
}
