//! `thatgia dataset`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use super::error::Hint as _;
use super::{Status, output};
use crate::dataset::{
    MANIFEST, NEAR_COPY, OrdinaryFile, Prices, Row, Severity, Shares, Side, SplitOptions, check,
    load_rows, split, write_split,
};
use crate::domain::NewListing;
use crate::signals::Knowledge;

/// Checks and splits labelled listings.
#[derive(Debug, clap::Args)]
pub struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckOpts),
    Split(SplitOpts),
    Prices(PricesOpts),
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    match &opts.command {
        Command::Check(opts) => run_check(opts),
        Command::Split(opts) => run_split(opts),
        Command::Prices(opts) => run_prices(opts),
    }
}

const CHECK_EXAMPLES: &str = "Examples:
  thatgia dataset check datasets/gold
  thatgia dataset check datasets/gold --demo datasets/demo/listings.jsonl --format json";

/// Checks a dataset's folder.
///
/// Schema, unique ids, the manifest's hashes and counts; sellers, families and near copies on
/// two sides of the split; features that should not tell the label but do; slices; rows that
/// are near a demo listing. Ends with 2 when there are errors.
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
struct CheckOpts {
    /// The dataset's folder.
    dir: PathBuf,
    /// Listings (or rows) that must not stand in the dataset; the demo's beside it by default.
    #[arg(long, value_name = "FILE")]
    demo: Option<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

fn run_check(opts: &CheckOpts) -> anyhow::Result<Status> {
    let beside = opts.dir.join("../demo/listings.jsonl");
    let demo = opts.demo.as_ref().or_else(|| beside.is_file().then_some(&beside));
    let demo = demo.map(|path| read_listings(path)).transpose()?.unwrap_or_default();
    let report = check(&opts.dir, &demo)?;
    let mut stdout = output::stdout();
    match opts.format {
        Format::Text => {
            for line in report.to_string().lines() {
                writeln!(stdout, "{}", output::printable(line))?;
            }
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut stdout, &report)?;
            writeln!(stdout)?;
        }
    }
    stdout.flush()?;
    let passed = report.passed() && !(opts.strict && report.count(Severity::Warning) > 0);
    Ok(if passed { Status::Done } else { Status::SomeFailed })
}

/// Listings one a line, bare or as the `listing` of a row.
fn read_listings(path: &Path) -> anyhow::Result<Vec<NewListing>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            let mut value: serde_json::Value = serde_json::from_str(line)?;
            let listing = value.get_mut("listing").map(serde_json::Value::take).unwrap_or(value);
            serde_json::from_value(listing)
                .with_context(|| format!("{}:{}: no listing", path.display(), i + 1))
        })
        .collect()
}

const PRICES_EXAMPLES: &str = "Examples:
  thatgia dataset prices crawl.jsonl.gz
  thatgia dataset prices crawl.jsonl.gz --least 100 > prices.csv";

/// Tells what listings ask for a brand's goods, as CSV.
///
/// For each brand and kind of goods: how many listings, and quantiles of their prices in VND.
/// Fakes, used goods and small sizes pull the lowest down: read them as what is asked, not what
/// genuine goods cost.
#[derive(Debug, clap::Args)]
#[command(after_help = PRICES_EXAMPLES)]
struct PricesOpts {
    /// Listings, JSON lines, with or without gzip.
    file: PathBuf,
    /// Folder with lexicon.toml, brands.toml and teencode.toml.
    #[arg(long, value_name = "DIR", default_value = "datasets/lexicon")]
    lexicon: PathBuf,
    /// Fewest listings of a brand's kind.
    #[arg(long, value_name = "N", default_value_t = 30)]
    least: usize,
}

fn run_prices(opts: &PricesOpts) -> anyhow::Result<Status> {
    let context = || format!("cannot read {}", opts.file.display());
    let knowledge = Knowledge::load(&opts.lexicon).hint("--lexicon DIR holds the word lists")?;
    let mut file = OrdinaryFile::open(&opts.file).with_context(context)?;
    let bar = output::progress(None, "listings");
    let mut prices = Prices::default();
    loop {
        let listings = file.batch().with_context(context)?;
        if listings.is_empty() {
            break;
        }
        prices.add(&knowledge, &listings);
        bar.inc(listings.len() as u64);
    }
    bar.finish_and_clear();
    let mut out = csv::Writer::from_writer(output::stdout());
    out.write_record(["brand", "kind", "listings", "q05", "q25", "q50", "q75"])?;
    for row in prices.rows(&knowledge, opts.least) {
        let whole = |amount: f64| format!("{amount:.0}");
        let mut record = vec![row.brand.clone(), row.kind.clone(), row.listings.to_string()];
        record.extend(row.quantiles.map(whole));
        out.write_record(record)?;
    }
    out.flush()?;
    Ok(Status::Done)
}

const SPLIT_EXAMPLES: &str = "Examples:
  thatgia dataset split rows/*.jsonl --out datasets/gold --licence CC-BY-4.0
  thatgia dataset split datasets/gold more.jsonl --keep datasets/gold --out datasets/gold";

/// Splits labelled rows into train, valid and test.
///
/// Rows of one seller, one family, or with nearly the same text stay together; label, category
/// and slice have nearly the wanted shares on each side. The same rows and seed give the same
/// split, in any order. With --keep, rows stay where they stand, and new ones are added. Ends
/// with 2 when rows had to be left out.
#[derive(Debug, clap::Args)]
#[command(after_help = SPLIT_EXAMPLES)]
struct SplitOpts {
    /// Files of rows, or folders of such files.
    #[arg(required = true, value_name = "FILE|DIR")]
    input: Vec<PathBuf>,
    /// The folder for train.jsonl, valid.jsonl, test.jsonl and manifest.toml.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A split whose rows stay on their sides.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The dataset's name; the folder's by default.
    #[arg(long)]
    name: Option<String>,
    /// An SPDX expression.
    #[arg(long, value_name = "SPDX", default_value = "LicenseRef-internal")]
    licence: String,
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Percent of the rows in train, valid and test.
    #[arg(long, value_name = "A,B,C", default_value = "50,20,30", value_parser = parse_shares)]
    shares: Shares,
    /// Share of common character 5-grams from which two listings stay together.
    #[arg(long, value_name = "0.1-1", default_value_t = NEAR_COPY, value_parser = parse_similarity)]
    similarity: f64,
    /// Test on the groups that were captured last, so that a model is measured on what came after
    /// what it learned from.
    #[arg(long)]
    by_time: bool,
    /// Replace a split that stands in --out.
    #[arg(long)]
    overwrite: bool,
}

fn parse_shares(text: &str) -> Result<Shares, String> {
    let parts: Vec<f64> = text.split(',').filter_map(|p| p.trim().parse().ok()).collect();
    let &[train, valid, test] = parts.as_slice() else {
        return Err("expected three numbers, such as 50,20,30".to_owned());
    };
    Shares::new([train, valid, test].map(|p| p / 100.0))
        .map_err(|_| "the three percentages must sum to 100".to_owned())
}

fn parse_similarity(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    // Much lower, and all Vietnamese text is alike.
    if (0.1..=1.0).contains(&value) { Ok(value) } else { Err("expected 0.1 to 1".to_owned()) }
}

fn run_split(opts: &SplitOpts) -> anyhow::Result<Status> {
    let kept = opts.keep.as_deref().map(|dir| dir.canonicalize()).transpose();
    let kept = kept.with_context(|| "cannot read the split to keep".to_owned())?;
    let replaces = opts.out.join(MANIFEST).exists();
    let keeps = kept.is_some() && opts.out.canonicalize().ok() == kept;
    if replaces && !keeps && !opts.overwrite {
        return Err(anyhow::anyhow!("{} holds a split already", opts.out.display()))
            .hint("--keep with the same folder adds to it, --overwrite replaces it");
    }
    let rows = read_inputs(&opts.input)?;
    let previous = match &opts.keep {
        Some(dir) => previous(dir)?,
        None => BTreeMap::new(),
    };
    let there: BTreeSet<&str> = rows.iter().map(|r| r.id.as_str()).collect();
    let gone = previous.keys().filter(|id| !there.contains(id.as_str())).count();
    if gone > 0 {
        output::note(&format!("{gone} rows of the split to keep are not among the input"));
    }
    let options = SplitOptions {
        seed: opts.seed,
        shares: opts.shares,
        similarity: opts.similarity,
        by_time: opts.by_time,
        previous,
    };
    let outcome = split(&rows, &options);
    let name = match &opts.name {
        Some(name) => name.clone(),
        None => opts.out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let manifest = write_split(&opts.out, (&name, &opts.licence), &rows, (&outcome, &options))?;
    let mut stdout = output::stdout();
    for file in &manifest.files {
        writeln!(stdout, "{:<12} {:>6} rows {:>6} positive", file.path, file.rows, file.positives)?;
    }
    stdout.flush()?;
    output::note(&format!("{} rows in {} groups", rows.len(), outcome.groups));
    let mut out = rows.iter().zip(&outcome.side_of).filter(|(_, s)| s.is_none()).peekable();
    if outcome.torn > 0 {
        output::note(&format!(
            "{} groups stand on more than one side of the split to keep",
            outcome.torn
        ));
    }
    let all_placed = out.peek().is_none();
    for (row, _) in out {
        output::note(&format!("left out: {}, it would tie two sides together", row.id));
    }
    Ok(if all_placed { Status::Done } else { Status::SomeFailed })
}

/// All rows; a row that stands in two inputs alike counts once.
fn read_inputs(inputs: &[PathBuf]) -> anyhow::Result<Vec<Row>> {
    let mut rows: BTreeMap<String, (Row, &Path)> = BTreeMap::new();
    for input in inputs {
        for row in load_rows(input).hint("thatgia dataset check lists everything that is wrong")? {
            if let Some((first, path)) = rows.get(&row.id) {
                anyhow::ensure!(
                    serde_json::to_value(first)? == serde_json::to_value(&row)?,
                    "row {:?} differs between {} and {}",
                    row.id,
                    path.display(),
                    input.display()
                );
            }
            rows.insert(row.id.clone(), (row, input));
        }
    }
    Ok(rows.into_values().map(|(row, _)| row).collect())
}

/// The sides of a split's rows, by id.
fn previous(dir: &Path) -> anyhow::Result<BTreeMap<String, Side>> {
    let mut sides = BTreeMap::new();
    for side in Side::ALL {
        let path = dir.join(format!("{side}.jsonl"));
        if path.is_file() {
            sides.extend(load_rows(&path)?.into_iter().map(|row| (row.id, side)));
        }
    }
    anyhow::ensure!(!sides.is_empty(), "{} holds no split", dir.display());
    Ok(sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_three_percentages() {
        assert_eq!(parse_shares("80, 10,10"), Ok(Shares::new([0.8, 0.1, 0.1]).unwrap()));
        for bad in ["80,20", "80,10,20", "a,b,c", "120,-20,0", ""] {
            assert!(parse_shares(bad).is_err(), "{bad}");
        }
        assert!(parse_similarity("0").is_err() && parse_similarity("NaN").is_err());
    }
}
