use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::super::model::Wanted;
use super::{Case, Measured, Opts, Variant};
use crate::config;
use crate::nn::{Arithmetic, Engine, Level};
use crate::preprocess::{Pieces, Pool};
use crate::registry::{TOKENIZER, load_model, pretrained_engine};
use crate::scoring;

const CASES: [&str; 6] = ["1x16", "1x64", "1x128", "8x128", "32x128", "mixed"];
/// Tokens of the texts of the mixed case: a middle of 40 and a long tail, as titles with some
/// descriptions have them (log-normal, σ = 0.75, cut to 8..=256).
const LENGTHS: &str = include_str!("lengths.txt");
/// Unmeasured rounds before the measured ones.
const WARM: usize = 2;

/// Measures the encoder, from token ids to unit vectors.
pub(super) fn run(
    opts: &Opts,
    pool: &Pool,
    tell: &mut dyn FnMut(&Measured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let level: Level = opts.instructions.parse().context("--instructions")?;
    let names: Vec<&str> = match opts.cases.as_slice() {
        [] => CASES.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    let both = [Variant::F32, Variant::Int8];
    let variants = if opts.variant.is_empty() { &both[..] } else { &opts.variant };
    for variant in variants.iter().copied() {
        let arithmetic = Arithmetic { level, precision: variant.precision()? };
        let settings = config::load(None)?;
        let (engine, dir) = if let Some(dir) = &opts.encoder {
            (pretrained_engine(dir, arithmetic)?, dir.clone())
        } else {
            let wanted = Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier);
            let dir = scoring::locate(&wanted.scoring)?;
            let second = load_model(&dir, arithmetic)?.encoder;
            (second.context("the model has no encoder")?.engine, dir)
        };
        let peak = pool.run(|| arithmetic.peak());
        for name in &names {
            let texts = texts(name, &engine, opts.texts.as_deref(), &dir)?;
            let refs: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
            let times = pool.run(|| measure(&engine, &refs, opts.repeat))?;
            let case = Case {
                name: (*name).to_owned(),
                variant,
                threads: opts.threads,
                items: texts.len(),
            };
            let mut measured = Measured::new(case, &times);
            let tokens: usize = texts.iter().map(Vec::len).sum();
            let products = tokens as f64 * engine.config().products() as f64;
            let gops = products / measured.ms_median / 1e6;
            measured.gops = Some(gops);
            measured.share_of_peak = Some(gops * 1e9 / (peak * opts.threads as f64));
            tell(&measured)?;
        }
    }
    Ok(())
}

/// Token ids for a case: any will do, since all take the same time.
fn texts(
    name: &str,
    engine: &Engine,
    file: Option<&Path>,
    dir: &Path,
) -> anyhow::Result<Vec<Vec<u32>>> {
    let vocabulary = u32::try_from(engine.config().vocabulary).unwrap_or(u32::MAX);
    let mut state = 7_u32;
    let mut text = |tokens: usize| -> Vec<u32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % vocabulary
        };
        (0..tokens).map(|_| next()).collect()
    };
    if name == "mixed" {
        let Some(file) = file else {
            let lengths = LENGTHS.split_whitespace().filter_map(|n| n.parse().ok());
            return Ok(lengths.map(text).collect());
        };
        let pieces = Pieces::parse(&fs::read(dir.join(TOKENIZER))?)?;
        let lines =
            fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        let most = engine.config().positions;
        let ids = |line: &str| {
            let words = line.split_whitespace().flat_map(|word| pieces.of_word(word));
            [0].into_iter().chain(words).take(most).collect()
        };
        return Ok(lines.lines().filter(|line| !line.trim().is_empty()).map(ids).collect());
    }
    let (count, tokens) = name
        .split_once('x')
        .and_then(|(n, t)| Some((n.parse::<usize>().ok()?, t.parse::<usize>().ok()?)))
        .with_context(|| format!("--cases: {name:?} is neither NxT nor mixed"))?;
    ensure!(count > 0 && tokens > 0, "--cases: {name:?} has nothing to do");
    ensure!(tokens <= engine.config().positions, "--cases: {name:?} has too many tokens");
    Ok((0..count).map(|_| text(tokens)).collect())
}

fn measure(engine: &Engine, texts: &[&[u32]], repeat: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(repeat);
    for round in 0..WARM + repeat {
        let start = Instant::now();
        let mut vectors = engine.embed(texts)?;
        for vector in vectors.chunks_exact_mut(engine.config().hidden) {
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            vector.iter_mut().for_each(|x| *x /= length);
        }
        let time = start.elapsed();
        ensure!(vectors.iter().all(|x| x.is_finite()), "a vector holds a number that is none");
        if round >= WARM {
            times.push(time);
        }
    }
    Ok(times)
}
