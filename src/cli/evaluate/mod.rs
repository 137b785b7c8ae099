//! `thatgia evaluate`.

mod attacks;
mod judge;
mod measure;
mod ordinary;
mod summary;

use std::io::Write as _;
use std::path::PathBuf;

pub(super) use self::measure::{Labelled, Measured, Plan, measure};
use super::model::TierChoice;
use super::{Status, output};
use crate::config;
use crate::dataset::Side;
use crate::dataset::attack::Attack;
use crate::eval::bootstrap::Bootstrap;

const EXAMPLES: &str = "Examples:
  thatgia evaluate datasets/gold --model vi-fast-2026-11c --against regex --out /tmp/report
  thatgia evaluate datasets/gold --side valid
  thatgia evaluate datasets/gold --against ngram --attacks --ordinary crawl.jsonl.gz
  thatgia evaluate rows.jsonl --model ./models/candidate --against vi-fast-2026-11c";

/// Measures a model on labelled listings and writes report.json and report.html.
///
/// Every metric has a 95 % bootstrap interval over whole groups (a seller, a family of wordings,
/// near copies), for the whole and for each slice; with --against, the difference to another
/// model and its p on the same rounds. The calibration is measured at the model's own base rate,
/// whatever base rate the settings have.
///
/// Two baselines can stand for a model: `regex`, a list of keywords, and `ngram`, a logistic
/// regression on character n-grams, trained on the spot. With --attacks, the rows are also scored
/// as sellers change them to get past filters: disguised brands and tell-tale words on counterfeit
/// rows, other manners of writing on all rows; attacks marked as held out are never trained on.
/// With --ordinary, listings without labels show whether genuine goods are called suspect.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Opts {
    /// A .jsonl file of labelled rows, or a dataset's folder.
    dataset: PathBuf,
    /// A model's id or folder, or a baseline, `regex` or `ngram`; the model in use by default.
    #[arg(long, value_name = "ID|DIR|regex|ngram")]
    model: Option<String>,
    /// A second model to compare with.
    #[arg(long, value_name = "ID|DIR|regex|ngram")]
    against: Option<String>,
    /// Rows that `ngram` learns from; train.jsonl of a dataset's folder by default.
    ///
    /// It chooses its regularisation on valid.jsonl beside them or, without that file, on a fifth
    /// of their groups.
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Also measure the models on rows changed as sellers do to get past filters.
    #[arg(long)]
    attacks: bool,
    /// Also score unlabelled listings: JSON lines, with or without gzip.
    ///
    /// Fields that count: title, description, price (a number in VND, or amount and currency),
    /// brand, category, seller, platform and source.
    #[arg(long, value_name = "FILE")]
    ordinary: Option<PathBuf>,
    /// Lexicon, brands and short forms for --attacks and --ordinary; the model's by default.
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
    /// Where report.json and report.html go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Which file of a dataset's folder: train, valid or test.
    #[arg(long, default_value = "test", value_parser = parse_side)]
    side: Side,
    /// Tiers to use.
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// Rounds of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    /// Seed of the bootstrap and of the attacks.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn parse_side(text: &str) -> Result<Side, String> {
    let side = Side::ALL.into_iter().find(|s| s.as_str() == text);
    side.ok_or_else(|| "expected train, valid or test".to_owned())
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let labelled = Labelled::open(&opts.dataset, opts.side)?;
    let plan = Plan {
        scoring: config::load(opts.config.as_deref())?.scoring,
        model: opts.model.clone(),
        against: opts.against.clone(),
        tier: opts.tier,
        bootstrap: Bootstrap { rounds: opts.rounds as usize, seed: opts.seed },
        train: opts.train.clone(),
        attacks: if opts.attacks { Attack::ALL.to_vec() } else { Vec::new() },
        knowledge: opts.knowledge.clone(),
        ordinary: opts.ordinary.clone(),
    };
    let measured = measure(&labelled, &plan)?;
    measured.write(&opts.out)?;
    let mut stdout = output::stdout();
    stdout.write_all(summary::text(&measured.report).as_bytes())?;
    stdout.flush()?;
    output::note(&format!("report.json and report.html are in {}", opts.out.display()));
    Ok(Status::Done)
}
