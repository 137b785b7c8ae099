use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::columns::{Kind, Value, columns, values};
use super::{Batch, Sink};
use crate::scoring::ScoredItem;

/// Rows of a row group: what is held before it is written.
const GROUP: usize = 1 << 16;

/// A row an item, compressed with Snappy.
pub(super) struct Parquet<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: Arc<Schema>,
    files: bool,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W, files: bool) -> anyhow::Result<Self> {
        let fields: Vec<Field> = columns(files)
            .into_iter()
            .map(|(name, kind)| match kind {
                Kind::Whole => Field::new(name, DataType::UInt64, false),
                Kind::Number => Field::new(name, DataType::Float64, true),
                Kind::Text => Field::new(name, DataType::Utf8, true),
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))
            .context("cannot write Parquet")?;
        Ok(Self { writer, schema, files })
    }
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn write(&mut self, batch: &Batch<'_>) -> anyhow::Result<()> {
        let mut rows = Vec::with_capacity(batch.rows.len());
        for ScoredItem { line, .. } in batch.rows {
            rows.push(values(self.files.then_some(batch.file), line)?);
        }
        let arrays = columns(self.files).into_iter().enumerate().map(|(at, (_, kind))| {
            let column = rows.iter().map(|row| &row[at]);
            match kind {
                Kind::Whole => Arc::new(column.map(whole).collect::<UInt64Array>()) as ArrayRef,
                Kind::Number => Arc::new(column.map(number).collect::<Float64Array>()),
                Kind::Text => Arc::new(column.map(text).collect::<StringArray>()),
            }
        });
        let arrays = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect())?;
        self.writer.write(&arrays).context("cannot write Parquet")
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        let mut out = self.writer.into_inner().context("cannot write Parquet")?;
        out.flush()?;
        Ok(())
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Whole(n) => Some(*n),
        Value::Number(_) | Value::Text(_) => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => *n,
        Value::Whole(_) | Value::Text(_) => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => text.as_deref(),
        Value::Whole(_) | Value::Number(_) => None,
    }
}
