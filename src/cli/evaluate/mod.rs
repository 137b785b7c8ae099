//! `thatgia evaluate`.

mod attacks;
mod judge;
mod ordinary;
mod summary;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::judge::{Judge, Lessons};
use super::error::Hint as _;
use super::model::{TierChoice, Wanted};
use super::{Status, output};
use crate::config;
use crate::dataset::{Manifest, Side, file_sha256, load_rows, samples};
use crate::eval::bootstrap::Bootstrap;
use crate::eval::{Options, evaluate, html, measure_attacks, ngram_baseline, regex_baseline};

const EXAMPLES: &str = "Examples:
  thatgia evaluate datasets/gold --model vi-fast-2026-11 --against regex --out /tmp/report
  thatgia evaluate datasets/gold --side valid
  thatgia evaluate datasets/gold --against ngram --attacks --ordinary crawl.jsonl.gz
  thatgia evaluate rows.jsonl --model ./models/candidate --against vi-fast-2026-11";

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
    /// Also measure the model on rows changed as sellers do to get past filters.
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

/// What may stand in place of a model.
const BASELINES: [&str; 2] = [regex_baseline::NAME, ngram_baseline::NAME];

pub(super) fn parse_side(text: &str) -> Result<Side, String> {
    let side = Side::ALL.into_iter().find(|s| s.as_str() == text);
    side.ok_or_else(|| "expected train, valid or test".to_owned())
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    let (path, dataset) = locate(&opts.dataset, opts.side)?;
    let rows = load_rows(&path).hint("thatgia dataset check lists everything that is wrong")?;
    let samples = samples(&rows);
    let mut scoring = config::load(opts.config.as_deref())?.scoring;
    scoring.base_rate = 0.0;
    let lessons = || Lessons::read(&opts.dataset, opts.train.as_deref());
    let load = |name: Option<&str>| Judge::load(name, &scoring, opts.tier, lessons);
    let judge = load(opts.model.as_deref())?;
    let model = judge.contender(&rows)?;
    let against = opts.against.as_deref().map(|name| load(Some(name))?.contender(&rows));
    let against = against.transpose()?;
    let bootstrap = Bootstrap { rounds: opts.rounds as usize, seed: opts.seed };
    let options = Options { dataset, sha256: file_sha256(&path)?, bootstrap };
    let mut report = evaluate(&samples, &model, against.as_ref(), &options)?;
    if opts.attacks || opts.ordinary.is_some() {
        let named = opts.model.as_deref().filter(|n| !BASELINES.contains(n));
        let settings = Wanted::new(scoring.clone(), named, opts.tier).scoring;
        let knowledge = attacks::knowledge(opts.knowledge.as_deref(), &settings)?;
        if opts.attacks {
            let attacked = attacks::score(&judge, &rows, &model, &knowledge, opts.seed)?;
            report.attacks = Some(measure_attacks(&samples, &model, &attacked, bootstrap)?);
        }
        if let Some(file) = &opts.ordinary {
            report.ordinary = Some(ordinary::measure(&judge, &knowledge, file)?);
        }
    }
    let page = html::render(&report, &samples, &model, against.as_ref())?;
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    fs::create_dir_all(&opts.out).with_context(|| format!("cannot make {}", opts.out.display()))?;
    write(&opts.out.join("report.json"), &json)?;
    write(&opts.out.join("report.html"), &page)?;
    let mut stdout = output::stdout();
    stdout.write_all(summary::text(&report).as_bytes())?;
    stdout.flush()?;
    output::note(&format!("report.json and report.html are in {}", opts.out.display()));
    Ok(Status::Done)
}

/// The file to measure on and the name that the report gives it.
fn locate(dataset: &Path, side: Side) -> anyhow::Result<(PathBuf, String)> {
    let path =
        if dataset.is_dir() { dataset.join(format!("{side}.jsonl")) } else { dataset.to_owned() };
    if !path.is_file() {
        return Err(anyhow::anyhow!("no such file: {}", path.display()))
            .hint("a dataset is a .jsonl file, or a folder with train, valid and test.jsonl");
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = path.parent().and_then(|dir| Manifest::read(dir).ok()).map(|m| m.name);
    Ok((path, name.map_or_else(|| stem.clone(), |name| format!("{name}/{stem}"))))
}

/// Writes beside the target and renames, so that a stop leaves the old file or the new one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
