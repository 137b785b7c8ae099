use std::io::Write;

use super::{Batch, Sink};
use crate::scoring::ScoredItem;

/// One JSON object a line.
pub(super) struct Jsonl<W> {
    out: W,
    files: bool,
    buffer: Vec<u8>,
}

impl<W: Write> Jsonl<W> {
    /// With `files`, every object begins with its `file`.
    pub(super) fn new(out: W, files: bool) -> Self {
        Self { out, files, buffer: Vec::new() }
    }
}

impl<W: Write> Sink for Jsonl<W> {
    fn write(&mut self, batch: &Batch<'_>) -> anyhow::Result<()> {
        self.buffer.clear();
        let file = serde_json::to_string(batch.file)?;
        for ScoredItem { line, .. } in batch.rows {
            let start = self.buffer.len();
            serde_json::to_writer(&mut self.buffer, line)?;
            if self.files {
                // Behind the brace that opens the object.
                let field = format!("\"file\":{file},");
                self.buffer.splice(start + 1..start + 1, field.into_bytes());
            }
            self.buffer.push(b'\n');
        }
        self.out.write_all(&self.buffer)?;
        // Whoever reads the other end of a pipe gets every batch as it is done.
        self.out.flush()?;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.out.flush()?;
        Ok(())
    }
}
