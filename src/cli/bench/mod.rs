//! Speed on this machine.

mod image;
mod photo;
mod pipeline;
mod preprocess;
mod text;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde::Serialize;

use super::error::Status;
use super::model::TierChoice;
use super::output;
use crate::nn::Precision;
use crate::preprocess::Pool;

const AFTER_HELP: &str = "\
Examples:
  thatgia bench pipeline --threads 1
  thatgia bench pipeline --texts listings.jsonl --cases 1,256,4096 --json
  thatgia bench text --cases 1x64,8x128,mixed --variant f32,int8 --threads 2
  thatgia bench image --cases 1,8,32 --json
  thatgia bench preprocess --json

`text` measures the encoder from token ids to unit vectors: NxT is N texts of T tokens, `mixed` 256
texts of 8 to 256. `image` measures the image encoder on batches of so many pictures. `preprocess`
measures what comes before both: a JPEG to the pixels that the image encoder reads, whole
(`decode_resize`) and in its steps, and texts to ids of word pieces (`normalise_tokenise`).
`pipeline` measures listings: `parsed` from listings in memory to assessments, `json` from bytes of
JSON to bytes of JSON, all that a request costs but for the network. The share of the peak is that
of the same products on numbers that stay in the nearest cache.";

/// Measures the speed of scoring on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Opts {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Batches [default: 1,256 for pipeline; 1x16,1x64,1x128,8x128,32x128,mixed for text; 1,8,32 for image; all for preprocess]
    #[arg(long, value_delimiter = ',', value_name = "CASE,…")]
    cases: Vec<String>,
    /// Variants to measure [default: parsed,json for pipeline; f32,int8 for text and image; part,full for the pictures of preprocess]
    #[arg(long, value_delimiter = ',', value_enum)]
    variant: Vec<Variant>,
    /// Processor threads
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Batches measured a case; the median counts
    #[arg(long, default_value_t = 15, value_name = "R")]
    repeat: usize,
    /// What to measure with: listings as JSON lines (pipeline and preprocess; the demo's when not
    /// given), or a text a line for the mixed case
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The JPEG to measure with (preprocess; a drawn one of 1200 x 1200 pixels when not given)
    #[arg(long, value_name = "FILE")]
    jpeg: Option<PathBuf>,
    /// The model's id or folder
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
    /// Folder of an encoder (config.json, model.safetensors) to measure in the usual one's place
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Instructions to use: plain, avx2, avx512, vnni or auto
    #[arg(long, default_value = "auto", value_name = "SET")]
    instructions: String,
    /// Tiers to use
    #[arg(long, value_enum, default_value = "fast")]
    tier: TierChoice,
    /// Print JSON lines in place of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// From token ids to vectors
    Text,
    /// From decoded pixels to vectors
    Image,
    /// From a picture's bytes to pixels, and from a text to token ids
    Preprocess,
    /// From a listing to its assessment
    Pipeline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Variant {
    /// Weights of 32 bits
    F32,
    /// Weights of 8 bits
    Int8,
    /// Listings in memory to assessments
    Parsed,
    /// Bytes of JSON to bytes of JSON
    Json,
    /// A JPEG to the part of its size that the image encoder needs
    Part,
    /// A JPEG to its full size first
    Full,
    /// Texts to ids of word pieces
    #[value(skip)]
    Words,
}

impl Variant {
    fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::Parsed => "parsed",
            Self::Json => "json",
            Self::Part => "part",
            Self::Full => "full",
            Self::Words => "words",
        }
    }

    /// That of an encoder.
    fn precision(self) -> anyhow::Result<Precision> {
        match self {
            Self::F32 => Ok(Precision::Full),
            Self::Int8 => Ok(Precision::Int8),
            Self::Parsed | Self::Json | Self::Part | Self::Full | Self::Words => {
                bail!("--variant: the encoder is f32 or int8")
            }
        }
    }
}

/// The times of one case.
#[derive(Debug, Serialize)]
struct Measured {
    case: String,
    variant: &'static str,
    threads: usize,
    ms_median: f64,
    ms_min: f64,
    ms_max: f64,
    items_per_s: f64,
    /// Products of the layers a second, in thousand millions, where they can be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    gops: Option<f64>,
    /// Of what the same instructions reach from the nearest cache, on as many threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_peak: Option<f64>,
}

/// A case, before it is measured.
struct Case {
    name: String,
    variant: Variant,
    threads: usize,
    items: usize,
}

impl Measured {
    fn new(case: Case, times: &[Duration]) -> Self {
        let mut ms: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
        ms.sort_by(f64::total_cmp);
        let median = ms[ms.len() / 2];
        let items = f64::from(u32::try_from(case.items).unwrap_or(u32::MAX));
        Self {
            case: case.name,
            variant: case.variant.as_str(),
            threads: case.threads,
            ms_median: median,
            ms_min: ms[0],
            ms_max: ms[ms.len() - 1],
            items_per_s: 1e3 * items / median,
            gops: None,
            share_of_peak: None,
        }
    }
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    ensure!(opts.threads > 0 && opts.repeat > 0, "--threads and --repeat must be at least 1");
    let pool = Pool::new(opts.threads)?;
    let mut out = output::stdout();
    let mut tell = |measured: &Measured| -> anyhow::Result<()> {
        if opts.json {
            serde_json::to_writer(&mut out, measured)?;
            writeln!(out)?;
        } else {
            let Measured { case, variant, threads, ms_median, items_per_s, .. } = measured;
            write!(
                out,
                "{case:>8} {variant:<7} {threads} threads  {ms_median:>9.3} ms  {items_per_s:>10.0} items/s"
            )?;
            match (measured.gops, measured.share_of_peak) {
                (Some(gops), Some(share)) => {
                    writeln!(
                        out,
                        "  {gops:>6.0} G products/s, {:.0} % of the peak",
                        100.0 * share
                    )?;
                }
                _ => writeln!(out)?,
            }
        }
        Ok(out.flush()?)
    };
    match opts.what {
        What::Pipeline => pipeline::run(opts, &pool, &mut tell)?,
        What::Text => text::run(opts, &pool, &mut tell)?,
        What::Preprocess => preprocess::run(opts, &pool, &mut tell)?,
        What::Image => image::run(opts, &pool, &mut tell)?,
    }
    Ok(Status::Done)
}
