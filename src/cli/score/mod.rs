//! `thatgia score`: files of listings in, scored lines out.
//!
//! `Opts` is what was typed, [`Job`] what it means. [`input`] reads, `scoring` scores, [`sink`]
//! writes; memory stays the same however long a file is.

pub(super) mod input;
mod place;
mod run;
pub(super) mod sink;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use input::{Format, InputError};
pub use run::{Job, Streams, Summary, execute};
pub use sink::{Lang, Look, OutputFormat};

use super::error::Hint as _;
use super::model::{self, TierChoice, Wanted};
use super::{Status, output};
use crate::{config, preprocess};

const EXAMPLES: &str = "\
Examples:
  thatgia score listings.jsonl
  thatgia score shop.csv --explain --lang en
  zcat crawl.jsonl.gz | thatgia score - --tier fast > scores.jsonl
  thatgia score march.parquet --out march-scores.parquet

CSV and Parquet columns: title (required), id, platform, url, description, category, brand, gtin,
price, currency, seller.id, seller.name, seller.location, seller.rating, seller.rating_count,
seller.created_at, attributes.NAME, attributes, images, captured_at; _ or a blank may stand for
the point. Other columns are ignored, and named on standard error.

An item that cannot be scored gets a line with its error in its place, and the exit code is 2.";

/// Score files of listings.
///
/// JSON lines, a JSON array, CSV or Parquet. A table for people on a terminal, riskiest first;
/// JSON lines in input order everywhere else. With more than one file, every line names its own.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Opts {
    /// Files to score; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of the output; by the name of --out, else table on a terminal and jsonl elsewhere.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<OutputFormat>,
    /// Format of the files; by their names, else by their first bytes.
    #[arg(long, value_enum, value_name = "FORMAT")]
    input: Option<Format>,
    /// Tiers to use.
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// A model's id, or its folder; the live model by default.
    #[arg(long, value_name = "ID|DIR")]
    model: Option<String>,
    /// Processor threads; as many as the machine has by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Give every finding, not only the strongest; in a table, under its row.
    #[arg(long)]
    explain: bool,
    /// Write to a file, which appears when it is complete.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 50)]
    top: usize,
    /// Language of the table.
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// A file of settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Opts {
    fn format(&self) -> OutputFormat {
        let by_name = self.out.as_deref().and_then(Path::extension).and_then(|e| e.to_str());
        match (self.format, by_name) {
            (Some(format), _) => format,
            (None, Some("csv")) => OutputFormat::Csv,
            (None, Some("parquet" | "pq")) => OutputFormat::Parquet,
            (None, _) if self.out.is_none() && output::stdout_is_terminal() => OutputFormat::Table,
            (None, _) => OutputFormat::Jsonl,
        }
    }
}

pub(super) fn run(opts: Opts) -> anyhow::Result<Status> {
    let settings = config::load(opts.config.as_deref())?;
    let format = opts.format();
    let to_terminal = opts.out.is_none() && output::stdout_is_terminal();
    if format == OutputFormat::Parquet && to_terminal {
        return Err(anyhow::anyhow!("Parquet cannot be written to a terminal"))
            .hint("name a file with --out, or send standard output to one");
    }
    let threads = opts.threads.map_or(settings.scoring.threads, usize::from);
    preprocess::set_threads(threads)?;
    let job = Job {
        input: opts.input,
        format,
        limits: settings.limits,
        explain: opts.explain,
        tier: opts.tier.into(),
        look: Look {
            top: opts.top,
            width: output::width(),
            lang: opts.lang,
            explain: opts.explain,
            colors: to_terminal,
        },
        files: opts.files,
    };
    let scorer = model::load(&Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier))?;

    let bar = output::progress(total_bytes(&job.files), "bytes");
    let progress = |bytes, items| {
        bar.set_position(bytes);
        bar.set_message(format!("{} scored", output::count(items)));
    };
    let work = |out: Box<dyn Write + Send + '_>| {
        let streams = Streams { stdin: Box::new(io::stdin()), out, progress: &progress };
        execute(&job, &scorer, streams)
    };
    let summary = match &opts.out {
        None => work(Box::new(output::stdout())),
        Some(path) => place::write_whole(path, work),
    };
    bar.finish_and_clear();
    let summary =
        summary.or_else(|error| match error.downcast_ref::<InputError>().and_then(advice) {
            Some(hint) => Err(error).hint(hint),
            None => Err(error),
        })?;
    report(&summary);
    Ok(if summary.failed == 0 { Status::Done } else { Status::SomeFailed })
}

/// Bytes of all files, when every one has a size.
fn total_bytes(files: &[PathBuf]) -> Option<u64> {
    files.iter().map(|f| std::fs::metadata(f).ok().filter(|m| m.is_file()).map(|m| m.len())).sum()
}

fn advice(error: &InputError) -> Option<&'static str> {
    match error {
        InputError::Io { .. } | InputError::TwoColumns { .. } | InputError::LongHeader { .. } => {
            None
        }
        InputError::NoTitle { .. } => Some("`thatgia score --help` lists the columns"),
        InputError::Parquet { .. } => Some("Parquet is read plain or with Snappy compression"),
        InputError::ParquetPipe { .. } => Some("write it to a file first"),
    }
}

fn report(summary: &Summary) {
    for columns in &summary.ignored {
        output::note(&format!("ignored columns of {columns}"));
    }
    for error in &summary.errors {
        output::note(error);
    }
    let told = summary.errors.len() as u64;
    if summary.failed > told {
        output::note(&format!("and {} more", output::count(summary.failed - told)));
    }
    let (scored, failed) = (output::count(summary.scored), output::count(summary.failed));
    output::note(&format!("scored {scored}, failed {failed}"));
}
