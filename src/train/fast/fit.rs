use candle_core::{DType, Device, Result, Tensor, Var};

use super::examples::Example;
use super::recipe::Fit;
use crate::eval::SplitMix64;
use crate::nn::{BagWeights, softplus};
use crate::signals::{FeatureSpace, PRICE_FEATURES};
use crate::train::adam::{AdamW, Group};
use crate::train::checkpoint::{Checkpoint, State};
use crate::train::common::{Progress, log_loss};

/// The parameters while they learn.
///
/// The price part's hinges are squares, so that they can't become negative: a lower price never
/// lowers the risk.
#[derive(Debug)]
pub(super) struct Learner {
    embedding: Tensor,
    head: Var,
    buckets: Var,
    signs: Var,
    intercept: Var,
    price_bias: Var,
    price_roots: Var,
    prior: f64,
    device: Device,
}

/// The parameters as numbers.
#[derive(Debug, Clone)]
pub(super) struct Learned {
    pub(super) weights: Vec<f32>,
    pub(super) intercept: f64,
    pub(super) price: [f64; PRICE_FEATURES],
    pub(super) tensors: Vec<(String, Tensor)>,
}

impl Learner {
    pub(super) fn new(embedding: &Tensor, space: FeatureSpace, prior: f64) -> Result<Self> {
        let device = Device::Cpu;
        let zeros = |n: usize| Var::zeros(n, DType::F32, &device);
        Ok(Self {
            embedding: embedding.to_dtype(DType::F32)?,
            head: zeros(embedding.dim(1)?)?,
            buckets: zeros(space.buckets())?,
            signs: zeros(space.len() - space.concepts_at())?,
            intercept: zeros(1)?,
            price_bias: zeros(1)?,
            price_roots: Var::from_tensor(&Tensor::full(0.3_f32, PRICE_FEATURES - 1, &device)?)?,
            prior,
            device,
        })
    }

    pub(super) fn groups(&self, fit: &Fit) -> Vec<Group> {
        vec![
            Group::new("head", &self.head, fit.rate_head, fit.decay_head),
            Group::new("buckets", &self.buckets, 1.0, fit.decay_buckets),
            Group::new("signs", &self.signs, fit.rate_signs, fit.decay_signs),
            Group::new("intercept", &self.intercept, 1.0, 0.0),
            Group::new("price_bias", &self.price_bias, fit.rate_signs, fit.decay_signs),
            Group::new("price_roots", &self.price_roots, fit.rate_signs, fit.decay_signs),
        ]
    }

    fn bag(&self) -> BagWeights {
        BagWeights {
            embedding: self.embedding.clone(),
            head: self.head.as_tensor().clone(),
            buckets: self.buckets.as_tensor().clone(),
            signs: self.signs.as_tensor().clone(),
        }
    }

    fn price_weights(&self) -> Result<Tensor> {
        Tensor::cat(&[self.price_bias.as_tensor(), &self.price_roots.as_tensor().sqr()?], 0)
    }

    /// Log-odds of a batch.
    fn forward(&self, batch: &Batch) -> Result<Tensor> {
        let weights = self.bag().flatten()?;
        let text = BagWeights::forward(&weights, &batch.indices, &batch.values)?;
        let price = batch.price.matmul(&self.price_weights()?.unsqueeze(1)?)?.squeeze(1)?;
        (text + price)?.broadcast_add(self.intercept.as_tensor())? + self.prior
    }

    pub(super) fn learned(&self) -> Result<Learned> {
        let price: Vec<f64> = self.price_weights()?.to_dtype(DType::F64)?.to_vec1()?;
        let intercept = self.intercept.to_dtype(DType::F64)?.to_vec1::<f64>()?[0];
        let tensors = [
            ("head", &self.head),
            ("buckets", &self.buckets),
            ("signs", &self.signs),
            ("intercept", &self.intercept),
            ("price_bias", &self.price_bias),
            ("price_roots", &self.price_roots),
        ];
        let tensors = tensors
            .into_iter()
            .map(|(name, var)| Ok((name.to_owned(), var.as_tensor().copy()?)))
            .collect::<Result<_>>()?;
        Ok(Learned {
            weights: self.bag().flatten()?.to_vec1()?,
            intercept,
            price: std::array::from_fn(|i| price[i]),
            tensors,
        })
    }

    pub(super) fn put_back(&self, tensors: &[(String, Tensor)]) -> Result<()> {
        for (name, tensor) in tensors {
            let var = match name.as_str() {
                "head" => &self.head,
                "buckets" => &self.buckets,
                "signs" => &self.signs,
                "intercept" => &self.intercept,
                "price_bias" => &self.price_bias,
                "price_roots" => &self.price_roots,
                _ => continue,
            };
            var.set(tensor)?;
        }
        Ok(())
    }
}

impl Learned {
    /// Log-odds of an example over the prior.
    pub(super) fn evidence(&self, example: &Example) -> f64 {
        let text: f64 = example
            .text
            .iter()
            .map(|(i, v)| f64::from(self.weights[*i as usize]) * f64::from(*v))
            .sum();
        let price: f64 = example.price.map_or(0.0, |features| {
            features.iter().zip(self.price).map(|(f, w)| f64::from(*f) * w).sum()
        });
        self.intercept + text + price
    }
}

/// Examples as tensors; rows are padded with value 0.
struct Batch {
    indices: Tensor,
    values: Tensor,
    price: Tensor,
    labels: Tensor,
}

impl Batch {
    fn new(
        examples: &[&Example],
        fit: &Fit,
        random: &mut SplitMix64,
        device: &Device,
    ) -> Result<Self> {
        let mut coin = |share: f64| share > 0.0 && random.unit() < share;
        let width = examples.iter().map(|e| e.text.len()).max().unwrap_or(0).max(1);
        let n = examples.len();
        let mut indices = vec![0_u32; n * width];
        let mut values = vec![0_f32; n * width];
        let mut price = Vec::with_capacity(n * PRICE_FEATURES);
        #[expect(clippy::cast_possible_truncation, reason = "training runs in f32")]
        let boost = (1.0 / (1.0 - fit.drop_features)) as f32;
        for (row, example) in examples.iter().enumerate() {
            for (column, (index, value)) in example.text.iter().enumerate() {
                indices[row * width + column] = *index;
                if !coin(fit.drop_features) {
                    values[row * width + column] = value * boost;
                }
            }
            let kept = example.price.filter(|_| !coin(fit.drop_price));
            price.extend(kept.unwrap_or([0.0; PRICE_FEATURES]));
        }
        let labels: Vec<f32> = examples.iter().map(|e| f32::from(u8::from(e.label))).collect();
        Ok(Self {
            indices: Tensor::from_vec(indices, (n, width), device)?,
            values: Tensor::from_vec(values, (n, width), device)?,
            price: Tensor::from_vec(price, (n, PRICE_FEATURES), device)?,
            labels: Tensor::from_vec(labels, n, device)?,
        })
    }

    /// Mean of −ln p(label).
    fn loss(&self, logits: &Tensor) -> Result<Tensor> {
        // ln(1 + e^z) − y z
        (softplus(logits)? - (logits * &self.labels)?)?.mean_all()
    }
}

/// What a fit reads and where it keeps its place.
pub(super) struct Job<'a> {
    pub(super) train: &'a [Example],
    pub(super) valid: &'a [Example],
    pub(super) fit: &'a Fit,
    pub(super) seed: u64,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) fingerprint: &'a str,
}

/// Fits `learner` and leaves it at the epoch of the smallest validation loss.
pub(super) fn fit(
    learner: &Learner,
    job: &Job<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<State> {
    let mut adam = AdamW::new(learner.groups(job.fit), job.fit.learning_rate);
    let (mut state, mut best) = job
        .checkpoint
        .resume(job.fingerprint, &mut adam)
        .unwrap_or_else(|| (State::new(job.fingerprint.to_owned()), Vec::new()));
    while state.epoch < job.fit.epochs && state.epoch - state.best_epoch < job.fit.patience.max(1) {
        state.epoch += 1;
        let train_loss = epoch(learner, &mut adam, job, state.epoch)?;
        let learned = learner.learned()?;
        let valid_loss =
            log_loss(job.valid.iter().map(|e| (learner.prior + learned.evidence(e), e.label)));
        if valid_loss < state.best_loss {
            (state.best_loss, state.best_epoch) = (valid_loss, state.epoch);
            best = learned.tensors;
        }
        state.losses.push((train_loss, valid_loss));
        job.checkpoint.save(&mut state, &adam, &best)?;
        progress(Progress {
            done: state.epoch,
            total: job.fit.epochs,
            epoch: state.epoch,
            epochs: job.fit.epochs,
            train_loss,
            valid_loss,
            best_epoch: state.best_epoch,
        });
    }
    learner.put_back(&best)?;
    Ok(state)
}

fn epoch(learner: &Learner, adam: &mut AdamW, job: &Job<'_>, epoch: usize) -> Result<f64> {
    // Each epoch has its own stream, so that a resumed training draws what an unbroken one drew.
    let mut random = SplitMix64::new(crate::preprocess::mix(job.seed ^ (epoch as u64) << 32));
    let mut order: Vec<&Example> = job.train.iter().collect();
    random.shuffle(&mut order);
    let (mut sum, mut batches) = (0.0, 0_u32);
    for chunk in order.chunks(job.fit.batch) {
        let batch = Batch::new(chunk, job.fit, &mut random, &learner.device)?;
        let loss = batch.loss(&learner.forward(&batch)?)?;
        adam.accumulate(&loss.backward()?)?;
        adam.step(None)?;
        sum += f64::from(loss.to_scalar::<f32>()?);
        batches += 1;
    }
    Ok(sum / f64::from(batches.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit_of(epochs: usize) -> Fit {
        Fit {
            epochs,
            patience: 100,
            batch: 4,
            learning_rate: 0.05,
            rate_head: 1.0,
            rate_signs: 1.0,
            decay_buckets: 0.0,
            decay_head: 0.0,
            decay_signs: 0.0,
            drop_price: 0.2,
            drop_features: 0.1,
            min_listings: 1,
        }
    }

    fn examples() -> Vec<Example> {
        (0..8_u8)
            .map(|i| Example {
                text: vec![(u32::from(i % 4), 1.0), (4 + u32::from(i), 0.5)],
                price: (i % 2 == 0).then_some([1.0, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0]),
                label: i % 4 < 2,
            })
            .collect()
    }

    fn trained(epochs: usize, dir: &std::path::Path) -> (State, Learned) {
        let space = FeatureSpace { pieces: 4, bucket_bits: 4, concepts: 2 };
        let embedding =
            Tensor::new(&[[1_f32, 0.], [0., 1.], [1., 1.], [0.5, -1.]], &Device::Cpu).unwrap();
        let learner = Learner::new(&embedding, space, 0.0).unwrap();
        let (examples, fit_options) = (examples(), fit_of(epochs));
        let job = Job {
            train: &examples,
            valid: &examples,
            fit: &fit_options,
            seed: 7,
            checkpoint: &Checkpoint::new(dir),
            fingerprint: "f",
        };
        let state = fit(&learner, &job, &mut |_| {}).unwrap();
        let learned = learner.learned().unwrap();
        (state, learned)
    }

    #[test]
    fn a_few_rows_are_learned_by_heart() {
        let dir = tempfile::tempdir().unwrap();
        let (state, learned) = trained(60, dir.path());
        assert!(state.best_loss < 0.25, "{}", state.best_loss);
        assert!(learned.price[1..].iter().all(|w| *w >= 0.0));
        for example in examples() {
            assert_eq!(learned.evidence(&example) > 0.0, example.label);
        }
    }

    #[test]
    fn a_stopped_training_goes_on_as_if_it_had_not_stopped() {
        let (whole, halves) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (state, learned) = trained(12, whole.path());
        trained(5, halves.path());
        let (resumed, again) = trained(12, halves.path());
        assert_eq!(resumed.losses, state.losses);
        assert_eq!(again.weights, learned.weights);
        assert_eq!(trained(12, tempfile::tempdir().unwrap().path()).0.losses, state.losses);
    }
}
