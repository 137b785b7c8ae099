use std::borrow::Cow;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::super::demo;
use super::super::model::{self, Wanted};
use super::{Case, Measured, Opts, Variant};
use crate::config;
use crate::domain::{Limits, Listing};
use crate::preprocess::Pool;
use crate::scoring::{Ask, Assess, Detail, RawItem, score_items};

/// Measures listings, from the first byte to the last.
pub(super) fn run(
    opts: &Opts,
    pool: &Pool,
    tell: &mut dyn FnMut(&Measured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut settings = config::load(None)?;
    settings.scoring.instructions.clone_from(&opts.instructions);
    let wanted = Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier);
    let scorer = model::load(&wanted)?;
    let text = listings(opts)?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    ensure!(!lines.is_empty(), "no listings to measure with");
    let given = opts.cases.iter().map(|case| {
        let size = case.parse().ok().filter(|n| *n > 0);
        size.with_context(|| format!("--cases: {case:?} is no number of listings"))
    });
    let mut sizes = given.collect::<anyhow::Result<Vec<usize>>>()?;
    if sizes.is_empty() {
        sizes = vec![1, 256];
    }
    let both = [Variant::Parsed, Variant::Json];
    let variants = if opts.variant.is_empty() { &both[..] } else { &opts.variant };
    for size in sizes {
        for variant in variants.iter().copied() {
            let ask = Ask { detail: Detail::Brief, tier: opts.tier.into() };
            let bench = Bench { scorer: &scorer, limits: &settings.limits, lines: &lines, ask };
            let times = pool.run(|| bench.measure(variant, size, opts.repeat))?;
            let case = Case { name: size.to_string(), variant, threads: opts.threads, items: size };
            tell(&Measured::new(case, &times))?;
        }
    }
    Ok(())
}

/// Listings as JSON lines: those given, or the demo's.
pub(super) fn listings(opts: &Opts) -> anyhow::Result<Cow<'static, str>> {
    Ok(match &opts.texts {
        Some(path) => {
            let read = fs::read_to_string(path);
            read.with_context(|| format!("can't read {}", path.display()))?.into()
        }
        None => demo::LISTINGS.into(),
    })
}

struct Bench<'a> {
    scorer: &'a Arc<dyn Assess>,
    limits: &'a Limits,
    lines: &'a [&'a str],
    ask: Ask,
}

impl Bench<'_> {
    /// The time of each of `repeat` batches of `size` listings, after as many unmeasured ones as
    /// it takes to see every listing once.
    fn measure(
        &self,
        variant: Variant,
        size: usize,
        repeat: usize,
    ) -> anyhow::Result<Vec<Duration>> {
        let mut from = 0;
        let mut batch = || {
            let lines: Vec<&str> =
                (0..size).map(|i| self.lines[(from + i) % self.lines.len()]).collect();
            from += size;
            lines
        };
        let warm = self.lines.len().div_ceil(size);
        let mut times = Vec::with_capacity(repeat);
        for round in 0..warm + repeat {
            let lines = batch();
            let time = match variant {
                Variant::Parsed => self.parsed(&lines)?,
                Variant::Json => self.json(&lines)?,
                Variant::F32 | Variant::Int8 | Variant::Part | Variant::Full | Variant::Words => {
                    bail!("--variant: a pipeline is parsed or json")
                }
            };
            if round >= warm {
                times.push(time);
            }
        }
        Ok(times)
    }

    fn parsed(&self, lines: &[&str]) -> anyhow::Result<Duration> {
        let listings = lines
            .iter()
            .map(|line| Listing::from_json(line.as_bytes(), self.limits))
            .collect::<Result<Vec<_>, _>>()?;
        let start = Instant::now();
        let scored =
            self.scorer.assess_all(&listings.iter().map(Into::into).collect::<Vec<_>>(), self.ask);
        let time = start.elapsed();
        ensure!(scored.len() == lines.len(), "a listing got lost");
        Ok(time)
    }

    fn json(&self, lines: &[&str]) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let items: Vec<RawItem<'_>> =
            (1..).zip(lines).map(|(line, json)| RawItem { line, json: json.as_bytes() }).collect();
        let scored = score_items(&**self.scorer, self.limits, self.ask, &items);
        let mut bytes = Vec::with_capacity(2048 * lines.len());
        for item in &scored {
            serde_json::to_writer(&mut bytes, &item.line)?;
        }
        let time = start.elapsed();
        ensure!(!bytes.is_empty(), "a listing got lost");
        Ok(time)
    }
}
