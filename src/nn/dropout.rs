use candle_core::{Result, Tensor};

use crate::preprocess::mix;

/// Sets numbers to zero at random while a model learns, and scales up the others, so that sums
/// keep their expected size (Srivastava et al., 2014). The same seed drops the same numbers.
#[derive(Debug, Clone)]
pub struct Dropout {
    rate: f32,
    state: u64,
}

impl Dropout {
    /// Changes nothing: for scoring.
    pub fn off() -> Self {
        Self { rate: 0.0, state: 0 }
    }

    /// Drops the share `rate` of the numbers; below 0 or from 1 on it is taken as 0.
    pub fn new(rate: f32, seed: u64) -> Self {
        Self { rate: if (0.0..1.0).contains(&rate) { rate } else { 0.0 }, state: mix(seed) }
    }

    /// # Errors
    /// When the tensor is not f32.
    pub fn apply(&mut self, x: &Tensor) -> Result<Tensor> {
        if self.rate <= 0.0 {
            return Ok(x.clone());
        }
        let kept = 1.0 / (1.0 - self.rate);
        /// Numbers decided by 16 bits each.
        const STEPS: f32 = 65536.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..65536")]
        let border = (self.rate * STEPS) as u16;
        let mut mask = Vec::with_capacity(x.elem_count() + 3);
        while mask.len() < x.elem_count() {
            self.state = self.state.wrapping_add(1);
            let bits = mix(self.state);
            for lane in 0..4 {
                let lane = (bits >> (16 * lane)) & 0xffff;
                mask.push(if lane < u64::from(border) { 0.0 } else { kept });
            }
        }
        mask.truncate(x.elem_count());
        x * Tensor::from_vec(mask, x.shape(), x.device())?
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn ones(n: usize) -> Tensor {
        Tensor::ones(n, DType::F32, &Device::Cpu).unwrap()
    }

    #[test]
    fn it_drops_its_share_and_keeps_the_mean() {
        let got = Dropout::new(0.25, 1).apply(&ones(100_001)).unwrap().to_vec1::<f32>().unwrap();
        let dropped = got.iter().filter(|x| **x == 0.0).count();
        assert!((24_000..26_000).contains(&dropped), "{dropped}");
        assert!(got.iter().all(|x| *x == 0.0 || (x - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn a_seed_repeats_and_a_call_differs_from_the_next() {
        let two = |seed| {
            let mut dropout = Dropout::new(0.5, seed);
            [0, 1].map(|_| dropout.apply(&ones(64)).unwrap().to_vec1::<f32>().unwrap())
        };
        assert_eq!(two(7), two(7));
        assert_ne!(two(7), two(8));
        let [first, second] = two(7);
        assert_ne!(first, second);
    }

    #[test]
    fn off_is_off() {
        for mut dropout in [Dropout::off(), Dropout::new(0.0, 1), Dropout::new(1.0, 1)] {
            let got = dropout.apply(&ones(9)).unwrap();
            assert_eq!(got.to_vec1::<f32>().unwrap(), [1.0; 9]);
        }
    }
}
