use std::borrow::Cow;
use std::io::Write;

use super::columns::{Value, columns, values};
use super::{Batch, Sink};
use crate::scoring::ScoredItem;

/// A header and a row an item.
pub(super) struct Csv<W> {
    out: W,
    files: bool,
    rows: csv::Writer<Vec<u8>>,
}

impl<W: Write> Csv<W> {
    /// Writes the header.
    pub(super) fn new(out: W, files: bool) -> anyhow::Result<Self> {
        let mut csv = Self { out, files, rows: csv::Writer::from_writer(Vec::new()) };
        csv.rows.write_record(columns(files).iter().map(|(name, _)| *name))?;
        Ok(csv)
    }

    fn pass_on(&mut self) -> anyhow::Result<()> {
        self.rows.flush()?;
        let rows = std::mem::replace(&mut self.rows, csv::Writer::from_writer(Vec::new()));
        let bytes = rows.into_inner().map_err(|e| e.into_error())?;
        self.out.write_all(&bytes)?;
        self.out.flush()?;
        Ok(())
    }
}

impl<W: Write> Sink for Csv<W> {
    fn write(&mut self, batch: &Batch<'_>) -> anyhow::Result<()> {
        for ScoredItem { line, .. } in batch.rows {
            for value in values(self.files.then_some(batch.file), line)? {
                match value {
                    Value::Whole(n) => self.rows.write_field(n.to_string())?,
                    Value::Number(n) => {
                        self.rows.write_field(n.map(|n| n.to_string()).unwrap_or_default())?;
                    }
                    Value::Text(text) => {
                        self.rows.write_field(harmless(&text.unwrap_or_default()).as_bytes())?;
                    }
                }
            }
            self.rows.write_record(None::<&[u8]>)?;
        }
        self.pass_on()
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.pass_on()
    }
}

/// Text that a spreadsheet would run as a formula gets an apostrophe in front, as spreadsheets
/// themselves write it.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("sp-1"), "sp-1");
    }
}
