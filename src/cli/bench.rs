use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::error::Status;
use super::model::{self, TierChoice, Wanted};
use super::output;
use crate::config;
use crate::domain::{Limits, Listing};
use crate::preprocess::Pool;
use crate::scoring::{Ask, Assess, Detail, RawItem, score_items};

const AFTER_HELP: &str = "\
Examples:
  thatgia bench pipeline --threads 1
  thatgia bench pipeline --texts listings.jsonl --cases 1,256,4096 --json

`parsed` measures scoring from listings in memory to assessments; `json` from bytes of JSON to
bytes of JSON, all that a request costs but for the network.";

/// Measures the speed of scoring on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Opts {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Batch sizes
    #[arg(long, value_delimiter = ',', default_value = "1,256", value_name = "N,…")]
    cases: Vec<usize>,
    /// Variants to measure
    #[arg(long, value_delimiter = ',', value_enum, default_value = "parsed,json")]
    variant: Vec<Variant>,
    /// Processor threads
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Batches measured a case; the median counts
    #[arg(long, default_value_t = 50, value_name = "R")]
    repeat: usize,
    /// Listings to measure with, JSON lines; the demo's when not given
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The model's id or folder
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
    /// Tiers to use
    #[arg(long, value_enum, default_value = "fast")]
    tier: TierChoice,
    /// Print JSON lines in place of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// From a listing to its assessment
    Pipeline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Variant {
    /// Listings in memory to assessments
    Parsed,
    /// Bytes of JSON to bytes of JSON
    Json,
}

#[derive(Debug, Serialize)]
struct Measured {
    case: String,
    variant: &'static str,
    threads: usize,
    ms_median: f64,
    ms_min: f64,
    ms_max: f64,
    items_per_s: f64,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let What::Pipeline = opts.what;
    ensure!(opts.threads > 0 && opts.repeat > 0, "--threads and --repeat must be at least 1");
    ensure!(opts.cases.iter().all(|n| *n > 0), "--cases must be at least 1 each");
    let settings = config::load(None)?;
    let wanted = Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier);
    let scorer = model::load(&wanted)?;
    let text = match &opts.texts {
        Some(path) => {
            fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?
        }
        None => super::demo::LISTINGS.to_owned(),
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    ensure!(!lines.is_empty(), "no listings to measure with");
    let pool = Pool::new(opts.threads)?;
    let mut out = output::stdout();
    for size in &opts.cases {
        for variant in &opts.variant {
            let ask = Ask { detail: Detail::Brief, tier: opts.tier.into() };
            let bench = Bench { scorer: &scorer, limits: &settings.limits, lines: &lines, ask };
            let times = pool.run(|| bench.measure(*variant, *size, opts.repeat))?;
            let measured = summary(*size, *variant, opts.threads, &times);
            if opts.json {
                serde_json::to_writer(&mut out, &measured)?;
                writeln!(out)?;
            } else {
                writeln!(
                    out,
                    "{:>6} × {:<7} {} threads  {:>9.3} ms  {:>10.0} listings/s",
                    size, measured.variant, opts.threads, measured.ms_median, measured.items_per_s
                )?;
            }
            out.flush()?;
        }
    }
    Ok(Status::Done)
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
        let scored = self.scorer.assess_all(&listings.iter().collect::<Vec<_>>(), self.ask);
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
        for (line, _) in &scored {
            serde_json::to_writer(&mut bytes, line)?;
        }
        let time = start.elapsed();
        ensure!(!bytes.is_empty(), "a listing got lost");
        Ok(time)
    }
}

fn summary(size: usize, variant: Variant, threads: usize, times: &[Duration]) -> Measured {
    let mut ms: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
    ms.sort_by(f64::total_cmp);
    let median = ms[ms.len() / 2];
    let items = f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    Measured {
        case: size.to_string(),
        variant: match variant {
            Variant::Parsed => "parsed",
            Variant::Json => "json",
        },
        threads,
        ms_median: median,
        ms_min: ms[0],
        ms_max: ms[ms.len() - 1],
        items_per_s: 1e3 * items / median,
    }
}
