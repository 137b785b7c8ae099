//! `thatgia products`: the registry that product codes are compared with.

mod file;

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use time::format_description::well_known::Rfc3339;

use super::error::Hint as _;
use super::runtime::{StoreArgs, block_on, open_existing};
use super::{Status, output};
use crate::domain::{Gtin, Product};
use crate::store::{Actor, ImportReport, ProductRecord, Store};
use file::{Line, ProductFile};

const IMPORT: &str = "Columns, in any order; the first three are needed:
  gtin           8, 12, 13 or 14 digits
  brand
  name
  owner          the holder of the brand, or the importer
  country        where it is made: two letters such as VN
  documents      kind: reference, several apart by |
  price_low      VND, digits only
  price_typical  VND, digits only
  status         active (unless it is said), withdrawn or unknown
  source         where it is known from; the file's name unless it is said

UTF-8, cells apart by commas, semicolons or tabs. A line that cannot be used is named on standard
error and the others are taken, with exit code 2.

Examples:
  thatgia products import products.csv --dry-run
  thatgia products import products.csv --data /var/lib/thatgia";
const LIST: &str = "Example:
  thatgia products list --brand Nike --json";
const SHOW: &str = "Example:
  thatgia products show 8934602480019";

/// Products of one transaction.
const BATCH: usize = 500;
/// Products read from the store at a time.
const PAGE: u32 = 500;

/// Import, list and show registered products.
#[derive(Debug, clap::Args)]
pub(super) struct Opts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(Import),
    List(List),
    Show(Show),
}

/// Register the products of a CSV file; those that are there already are changed.
#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT)]
struct Import {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read and check the file, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// List registered products by their number.
#[derive(Debug, clap::Args)]
#[command(after_help = LIST)]
struct List {
    /// Only this brand.
    #[arg(long)]
    brand: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Show a registered product, as JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW)]
struct Show {
    /// GTIN-8, -12, -13 or -14.
    gtin: String,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(opts: &Opts) -> anyhow::Result<Status> {
    match &opts.command {
        Command::Import(opts) => import(opts),
        Command::List(opts) => with_store(&opts.store, async |store| list(opts, store).await),
        Command::Show(opts) => with_store(&opts.store, async |store| show(&opts.gtin, store).await),
    }
}

fn with_store(
    args: &StoreArgs,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<Status>,
) -> anyhow::Result<Status> {
    let settings = args.settings()?;
    block_on(async {
        let store = open_existing(&settings.store).await?;
        let outcome = work(&store).await;
        store.close().await;
        outcome
    })
}

fn import(opts: &Import) -> anyhow::Result<Status> {
    let shown = opts.file.display().to_string();
    let file = File::open(&opts.file).with_context(|| format!("cannot read {shown}"))?;
    let name = opts.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut reader =
        ProductFile::new(file, &name).hint("`thatgia products import --help` names the columns")?;
    if opts.dry_run {
        let mut importer = Importer::new(&shown);
        while let Some(line) = reader.next() {
            importer.take(line?);
        }
        output::note(&format!("{} lines can be used, {} not", importer.good, importer.bad));
        return Ok(importer.status());
    }
    with_store(&opts.store, async |store| {
        let mut importer = Importer::new(&shown);
        loop {
            let line = reader.next().transpose()?;
            let last = line.is_none();
            if let Some(line) = line {
                importer.take(line);
            }
            if importer.batch.len() == BATCH || last {
                importer.flush(store).await?;
            }
            if last {
                break;
            }
        }
        let ImportReport { new, changed, unchanged } = importer.report;
        output::note(&format!(
            "{new} new, {changed} changed, {unchanged} unchanged, {} lines not usable",
            importer.bad
        ));
        Ok(importer.status())
    })
}

/// What came of a file so far.
struct Importer<'a> {
    file: &'a str,
    batch: Vec<Product>,
    /// The line of each number, to find one that stands twice.
    lines: HashMap<Gtin, u64>,
    good: u64,
    bad: u64,
    report: ImportReport,
}

impl<'a> Importer<'a> {
    fn new(file: &'a str) -> Self {
        let (batch, lines) = (Vec::with_capacity(BATCH), HashMap::new());
        Self { file, batch, lines, good: 0, bad: 0, report: ImportReport::default() }
    }

    /// Keeps a good line for the next batch and tells of a bad one.
    fn take(&mut self, Line { line, product }: Line) {
        let product = product.and_then(|product| match self.lines.insert(product.gtin, line) {
            None => Ok(product),
            Some(before) => {
                self.lines.insert(product.gtin, before);
                Err(format!("gtin: {} stands on line {before} already", product.gtin))
            }
        });
        match product {
            Ok(product) => {
                self.good += 1;
                if self.batch.len() < BATCH {
                    self.batch.push(product);
                }
            }
            Err(message) => {
                self.bad += 1;
                output::note(&format!("{}:{line}: {message}", self.file));
            }
        }
    }

    async fn flush(&mut self, store: &Store) -> anyhow::Result<()> {
        let done = self.report.new + self.report.changed + self.report.unchanged;
        let report = store.import_products(&self.batch, &Actor::System).await;
        let ImportReport { new, changed, unchanged } =
            report.hint(format!("{done} products are in; run the import again for the others"))?;
        self.batch.clear();
        self.report.new += new;
        self.report.changed += changed;
        self.report.unchanged += unchanged;
        Ok(())
    }

    fn status(&self) -> Status {
        if self.bad == 0 { Status::Done } else { Status::SomeFailed }
    }
}

async fn list(opts: &List, store: &Store) -> anyhow::Result<Status> {
    let mut out = output::stdout();
    let mut after: Option<Gtin> = None;
    let mut rows = Vec::new();
    loop {
        let page = store.products(opts.brand.as_deref(), after.as_ref(), PAGE).await?;
        for record in &page.rows {
            if opts.json {
                writeln!(out, "{}", json(record))?;
            } else {
                rows.push(row(record));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if !opts.json {
        let header = ["GTIN", "BRAND", "NAME", "COUNTRY", "STATUS", "UPDATED"];
        write!(out, "{}", output::table(header, rows.into_iter()))?;
    }
    out.flush()?;
    Ok(Status::Done)
}

async fn show(gtin: &str, store: &Store) -> anyhow::Result<Status> {
    let gtin: Gtin = gtin.parse()?;
    let Some(record) = store.product(&gtin).await? else {
        return Err(anyhow::anyhow!("no product {gtin}"))
            .hint("`thatgia products list` shows them");
    };
    let mut out = output::stdout();
    writeln!(out, "{:#}", json(&record))?;
    out.flush()?;
    Ok(Status::Done)
}

fn time(at: time::OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn json(record: &ProductRecord) -> serde_json::Value {
    let mut json = serde_json::json!(record.product);
    json["version"] = record.version.into();
    json["created_at"] = time(record.created_at).into();
    json["updated_at"] = time(record.updated_at).into();
    json
}

fn row(record: &ProductRecord) -> [String; 6] {
    let product = &record.product;
    [
        product.gtin.to_string(),
        output::printable(&product.brand),
        output::printable(&product.name),
        product.country.clone().unwrap_or_default(),
        product.status.to_string(),
        time(record.updated_at),
    ]
}
