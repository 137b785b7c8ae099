//! Scored lines into a stream, in one of four formats.
//!
//! All but the table write as they go and hold one batch at most; the table holds the rows that
//! it will show.

mod columns;
mod csv;
mod jsonl;
mod parquet;
mod table;

use std::io::Write;

use crate::scoring::ScoredItem;

/// How scored lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people: the riskiest first.
    Table,
    /// One JSON object a line, in input order.
    Jsonl,
    /// A row an item, in input order.
    Csv,
    /// A row an item, in input order.
    Parquet,
}

/// The language of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Lang {
    #[default]
    Vi,
    En,
}

/// How a table is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Rows shown.
    pub top: usize,
    /// Columns of the terminal.
    pub width: u16,
    pub lang: Lang,
    /// Every finding under its row.
    pub explain: bool,
    /// Whether colours may be used.
    pub colors: bool,
}

/// Lines of one file, in order.
pub(super) struct Batch<'a> {
    pub(super) file: &'a str,
    pub(super) rows: &'a [ScoredItem],
}

pub(super) trait Sink {
    fn write(&mut self, batch: &Batch<'_>) -> anyhow::Result<()>;

    /// Writes what was held back.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}

/// A sink of `format` over `out`; `files` when lines must name their file.
pub(super) fn open<'a>(
    format: OutputFormat,
    look: &Look,
    files: bool,
    out: Box<dyn Write + Send + 'a>,
) -> anyhow::Result<Box<dyn Sink + 'a>> {
    Ok(match format {
        OutputFormat::Table => Box::new(table::Table::new(*look, out)),
        OutputFormat::Jsonl => Box::new(jsonl::Jsonl::new(out, files)),
        OutputFormat::Csv => Box::new(csv::Csv::new(out, files)?),
        OutputFormat::Parquet => Box::new(parquet::Parquet::new(out, files)?),
    })
}

/// The table alone, for listings scored elsewhere.
pub(in crate::cli) fn table(
    rows: &[ScoredItem],
    look: Look,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let mut sink: Box<dyn Sink + '_> = Box::new(table::Table::new(look, Box::new(out)));
    sink.write(&Batch { file: "", rows })?;
    sink.finish()
}
