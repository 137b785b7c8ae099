//! Parquet, by the same column names as CSV.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::columns::{self, Columns, Target};
use super::{Chunk, InputError, Source};
use crate::domain::{ErrorCode, ItemError, NewListing};

mod cell;

/// Rows decoded at once.
const BATCH: usize = 1024;

/// One item a row; its place is its number.
pub(super) struct Rows {
    file: String,
    reader: ParquetRecordBatchReader,
    columns: Columns,
    rows: u64,
    total: u64,
    bytes: u64,
    read: Arc<AtomicU64>,
}

impl Rows {
    pub(super) fn new(name: String, file: File, read: &Arc<AtomicU64>) -> Result<Self, InputError> {
        let bytes = file.metadata().map_or(0, |m| m.len());
        let bad = |source| InputError::Parquet { file: name.clone(), source };
        // The schema that the writer noted beside the data is only a wish, and may not fit it.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder =
            ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(bad)?;
        let names: Vec<String> =
            builder.schema().fields().iter().map(|f| f.name().clone()).collect();
        let columns = Columns::new(&name, &names)?;
        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder.with_batch_size(BATCH).build().map_err(bad)?;
        read.store(0, Ordering::Relaxed);
        let read = Arc::clone(read);
        Ok(Self { file: name, reader, columns, rows: 0, total, bytes, read })
    }

    fn push(&mut self, batch: &RecordBatch, chunk: &mut Chunk) -> std::io::Result<()> {
        let arrays: Vec<(&Target, &dyn Array)> = self
            .columns
            .targets()
            .zip(batch.columns())
            .filter_map(|(target, array)| Some((target?, array.as_ref())))
            .collect();
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let mut listing = NewListing::default();
            let mut outcome = Ok(());
            for (target, array) in &arrays {
                let assigned = cell::value(*array, row)
                    .map_err(|kind| {
                        let text = format!("columns of type {kind} are not read");
                        ItemError::new(ErrorCode::WrongType, columns::field(target), text)
                    })
                    .and_then(|cell| columns::assign(&mut listing, target, cell));
                if outcome.is_ok() {
                    outcome = assigned;
                }
            }
            match outcome {
                Ok(()) => {
                    chunk.push_with(self.rows, |out| Ok(serde_json::to_writer(out, &listing)?))?;
                }
                Err(error) => chunk.push_error(self.rows, listing.id, error),
            }
        }
        Ok(())
    }
}

impl Source for Rows {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        let Some(batch) = self.reader.next() else { return Ok(false) };
        let batch = batch.map_err(|e| InputError::Parquet {
            file: self.file.clone(),
            source: ParquetError::from(e),
        })?;
        self.push(&batch, chunk)
            .map_err(|source| InputError::Io { file: self.file.clone(), source })?;
        let done = self.rows as f64 / self.total.max(1) as f64;
        self.read.store((done * self.bytes as f64) as u64, Ordering::Relaxed);
        Ok(true)
    }

    fn ignored(&self) -> &[String] {
        self.columns.ignored()
    }
}
