use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::{Case, Measured, Opts, Variant};
use crate::config;
use crate::nn::{Arithmetic, Level, Vision};
use crate::preprocess::Pool;
use crate::registry::{image_encoder_dir, pretrained_vision};
use crate::scoring;

/// Pictures of a batch.
const CASES: [&str; 3] = ["1", "8", "32"];
/// Unmeasured rounds before the measured ones.
const WARM: usize = 2;

/// Measures the image encoder, from decoded pixels to vectors.
pub(super) fn run(
    opts: &Opts,
    pool: &Pool,
    tell: &mut dyn FnMut(&Measured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let level: Level = opts.instructions.parse().context("--instructions")?;
    let cases: Vec<&str> = match opts.cases.as_slice() {
        [] => CASES.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    let dir = match &opts.encoder {
        Some(dir) => dir.clone(),
        None => image_encoder_dir(&scoring::models_dir(&config::load(None)?.scoring)?),
    };
    let both = [Variant::F32, Variant::Int8];
    let variants = if opts.variant.is_empty() { &both[..] } else { &opts.variant };
    for variant in variants.iter().copied() {
        let arithmetic = Arithmetic { level, precision: variant.precision()? };
        let vision = pretrained_vision(&dir, arithmetic)?;
        let peak = pool.run(|| arithmetic.peak());
        for case in &cases {
            let count: usize = case
                .parse()
                .ok()
                .filter(|count| *count > 0)
                .with_context(|| format!("--cases: {case:?} is no number of pictures"))?;
            let pictures: Vec<Vec<u8>> =
                (0..count).map(|k| picture(k, vision.config().side)).collect();
            let refs: Vec<&[u8]> = pictures.iter().map(Vec::as_slice).collect();
            let times = pool.run(|| measure(&vision, &refs, opts.repeat))?;
            let case = Case {
                name: format!("encode_batch{count}"),
                variant,
                threads: opts.threads,
                items: count,
            };
            let mut measured = Measured::new(case, &times);
            let products = (count * vision.config().products()) as f64;
            let gops = products / measured.ms_median / 1e6;
            measured.gops = Some(gops);
            measured.share_of_peak = Some(gops * 1e9 / (peak * opts.threads as f64));
            tell(&measured)?;
        }
    }
    Ok(())
}

/// Pixels with edges and slopes: any will do, since all take the same time.
fn picture(number: usize, side: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(side * side * 3);
    for y in 0..side {
        for x in 0..side {
            for colour in 1..=3 {
                let value = (x ^ y) * colour + number * 40 + (x * x + y * y) / 64;
                pixels.push(u8::try_from(value % 256).unwrap_or_default());
            }
        }
    }
    pixels
}

fn measure(vision: &Vision, pictures: &[&[u8]], repeat: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(repeat);
    for round in 0..WARM + repeat {
        let start = Instant::now();
        let vectors = vision.embed(pictures)?;
        let time = start.elapsed();
        ensure!(vectors.iter().all(|x| x.is_finite()), "a vector holds a number that is none");
        if round >= WARM {
            times.push(time);
        }
    }
    Ok(times)
}
