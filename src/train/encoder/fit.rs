use candle_core::Result;

use super::examples::Example;
use super::lessons::Lessons;
use super::net::{Batch, Drop, Net};
use super::recipe::Fit;
use crate::eval::SplitMix64;
use crate::nn::Dropout;
use crate::preprocess::mix;
use crate::train::adam::AdamW;
use crate::train::checkpoint::{Checkpoint, State};
use crate::train::common::{Progress, log_loss};

/// What a fit reads and where it keeps its place.
pub(super) struct Job<'a> {
    pub(super) lessons: &'a Lessons<'a>,
    pub(super) valid: &'a [Example],
    pub(super) fit: &'a Fit,
    pub(super) seed: u64,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) fingerprint: &'a str,
}

impl Job<'_> {
    fn batches(&self) -> usize {
        self.lessons.len().div_ceil(self.fit.batch)
    }

    /// The learning rate of the step that ends with batch `done` of all: up to the full rate over
    /// the warm-up, then in a line to 0.
    fn rate(&self, done: usize) -> f64 {
        let total = (self.batches() * self.fit.epochs).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a share of small counts")]
        let at = done as f64 / total as f64;
        let warm = self.fit.warm_up;
        let share = if at < warm { at / warm } else { (1.0 - at) / (1.0 - warm) };
        self.fit.learning_rate * share.max(0.0)
    }
}

/// Fits `net` through all its epochs. There is no early stop: the loss on the validation rows rises
/// while the net grows sure of itself, which calibration mends, and the ranking still gets better.
pub(super) fn fit(net: &Net, job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<State> {
    let mut adam = AdamW::new(net.groups(job.fit), job.fit.learning_rate);
    let mut state = match job.checkpoint.resume(job.fingerprint, &mut adam) {
        Some((state, _)) => state,
        None => State::new(job.fingerprint.to_owned()),
    };
    while state.epoch < job.fit.epochs {
        state.epoch += 1;
        let train_loss = epoch(net, &mut adam, job, &state, progress)?;
        let evidence = net.evidence(job.valid, job.fit.batch)?;
        let rows = evidence.iter().zip(job.valid).map(|(z, e)| (net.prior() + z, e.target.label));
        let valid_loss = log_loss(rows);
        (state.best_loss, state.best_epoch) = (valid_loss, state.epoch);
        state.losses.push((train_loss, valid_loss));
        job.checkpoint.save(&mut state, &adam, &[])?;
    }
    Ok(state)
}

fn epoch(
    net: &Net,
    adam: &mut AdamW,
    job: &Job<'_>,
    state: &State,
    progress: &mut dyn FnMut(Progress),
) -> Result<f64> {
    // Each epoch has its own stream, so that a resumed training draws what an unbroken one drew.
    let seed = mix(job.seed ^ (state.epoch as u64) << 32);
    let mut random = SplitMix64::new(seed);
    let mut dropout = Dropout::new(narrow(job.fit.dropout), seed);
    let mut examples = job.lessons.epoch(seed);
    random.shuffle(&mut examples);
    let before = (state.epoch - 1) * job.batches();
    let (mut sum, mut count) = (0.0, 0_u32);
    for (i, chunk) in examples.chunks(job.fit.batch).enumerate() {
        let drop = Drop { fit: job.fit, random: &mut random };
        let batch = Batch::new(chunk, net.heads_config(), Some(drop))?;
        let loss = net.loss(&batch, job.fit, &mut dropout)?;
        adam.accumulate(&loss.backward()?)?;
        let done = before + i + 1;
        if (i + 1) % job.fit.accumulate == 0 || i + 1 == job.batches() {
            adam.set_rate(job.rate(done));
            adam.step(Some(job.fit.clip))?;
        }
        sum += f64::from(loss.to_scalar::<f32>()?);
        count += 1;
        progress(Progress {
            done,
            total: job.batches() * job.fit.epochs,
            epoch: state.epoch,
            epochs: job.fit.epochs,
            train_loss: sum / f64::from(count),
            valid_loss: state.losses.last().map_or(f64::NAN, |(_, valid)| *valid),
            best_epoch: state.best_epoch,
        });
    }
    Ok(sum / f64::from(count.max(1)))
}

#[expect(clippy::cast_possible_truncation, reason = "a share")]
fn narrow(share: f64) -> f32 {
    share as f32
}
