//! CSV with a header.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;
use serde_json::Value;

use super::columns::{self, Columns};
use super::lines::too_large;
use super::{Chunk, Input, InputError, Source, sniff};
use crate::domain::{ErrorCode, ItemError, NewListing};

/// Most cells of a row that are kept.
const CELLS: usize = 1 << 14;

/// One item a row; its place is the line on which it begins, the header's being 1.
pub(super) struct Rows {
    input: Input,
    parser: csv_core::Reader,
    columns: Columns,
    /// Lines that have ended.
    lines: u64,
    row: Row,
}

/// The cells of one row, one after the other, with the end of each.
#[derive(Default)]
struct Row {
    line: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    cells: usize,
    too_large: bool,
}

impl Row {
    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = self.ends.iter().copied();
        starts.zip(ends).take(self.cells).map(|(start, end)| &self.bytes[start..end])
    }
}

impl Rows {
    pub(super) fn new(mut input: Input) -> Result<Self, InputError> {
        let tabs = if input.name.ends_with(".tsv") { b'\t' } else { b',' };
        let delimiter = input.look(|head| sniff::delimiter(head).unwrap_or(tabs))?;
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let columns = Columns::default();
        let mut rows = Self { input, parser, columns, lines: 0, row: Row::default() };
        let (file, limit) = (rows.input.name.clone(), rows.input.item_bytes);
        match rows.read() {
            Err(source) => return Err(rows.input.error(source)),
            // A file without anything in it has no bad item either.
            Ok(false) => return Ok(rows),
            Ok(true) if rows.row.too_large => return Err(InputError::LongHeader { file, limit }),
            Ok(true) => {}
        }
        let names: Vec<String> =
            rows.row.cells().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        rows.columns = Columns::new(&file, &names)?;
        Ok(rows)
    }

    /// Reads the next row that is not blank; `false` at the end.
    fn read(&mut self) -> io::Result<bool> {
        let (reader, row) = (&mut self.input.feed.reader, &mut self.row);
        (row.cells, row.too_large) = (0, false);
        let (mut filled, mut started) = (0, false);
        loop {
            let input = reader.fill_buf()?;
            if !started {
                let blank = input.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
                if blank > 0 {
                    self.lines += newlines(&input[..blank]);
                    reader.consume(blank);
                    continue;
                }
                (row.line, started) = (self.lines + 1, true);
            }
            let (result, read, written, ended) = self.parser.read_record(
                input,
                &mut row.bytes[filled..],
                &mut row.ends[row.cells..],
            );
            self.lines += newlines(&input[..read]);
            reader.consume(read);
            (filled, row.cells) = (filled + written, row.cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if row.bytes.len() > self.input.item_bytes => {
                    (row.too_large, filled) = (true, 0);
                }
                ReadRecordResult::OutputFull => row.bytes.resize(2 * row.bytes.len().max(1024), 0),
                ReadRecordResult::OutputEndsFull if row.ends.len() >= CELLS => {
                    (row.too_large, row.cells) = (true, 0);
                }
                ReadRecordResult::OutputEndsFull => row.ends.resize(2 * row.ends.len().max(32), 0),
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    fn push(&self, chunk: &mut Chunk) -> io::Result<()> {
        let (row, limit) = (&self.row, self.input.item_bytes);
        if row.too_large {
            chunk.push_error(row.line, None, too_large(limit));
            return Ok(());
        }
        let mut listing = NewListing::default();
        match fill(&mut listing, &self.columns, row) {
            Ok(()) => chunk.push_with(row.line, |out| Ok(serde_json::to_writer(out, &listing)?)),
            Err(error) => {
                chunk.push_error(row.line, listing.id, error);
                Ok(())
            }
        }
    }
}

/// Puts every cell into its field; the first that does not fit is the row's error, and the id is
/// found wherever it stands.
fn fill(listing: &mut NewListing, columns: &Columns, row: &Row) -> Result<(), ItemError> {
    let mut outcome = Ok(());
    for (target, cell) in columns.targets().zip(row.cells()) {
        let Some(target) = target else { continue };
        let assigned = match std::str::from_utf8(cell) {
            Ok(text) => columns::assign(listing, target, Value::from(text)),
            Err(e) => {
                let text = format!("not UTF-8 from byte {}", e.valid_up_to());
                Err(ItemError::new(ErrorCode::InvalidUtf8, columns::field(target), text))
            }
        };
        if outcome.is_ok() {
            outcome = assigned;
        }
    }
    // A row of another length has its cells under the wrong names.
    let beyond = row.cells().skip(columns.len()).any(|cell| !cell.trim_ascii().is_empty());
    if row.cells < columns.len() || beyond {
        let text = format!("{} cells under a header of {}", row.cells, columns.len());
        return Err(ItemError::new(ErrorCode::InvalidFormat, "", text));
    }
    outcome
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

impl Source for Rows {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        while !chunk.is_full() && (chunk.is_empty() || !self.input.feed.would_wait()) {
            let more = match self.read() {
                Ok(true) => self.push(chunk).map(|()| true),
                other => other,
            };
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(source) => return Err(self.input.error(source)),
            }
        }
        Ok(true)
    }

    fn ignored(&self) -> &[String] {
        self.columns.ignored()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{items, open_bytes};

    fn read(text: &str) -> Vec<(u64, String)> {
        items(open_bytes(text.as_bytes(), Format::Csv, 2000))
    }

    #[test]
    fn rows_keep_the_lines_on_which_they_begin() {
        let got = read("id,title\r\n\r\n1,\"a\nb \"\"c\"\"\"\r\n\r\n2,d\n");
        assert_eq!(
            got,
            [
                (3, r#"{"id":"1","title":"a\nb \"c\""}"#.to_owned()),
                (6, r#"{"id":"2","title":"d"}"#.to_owned()),
            ]
        );
        assert_eq!(read("id;title\n1;a,b"), [(2, r#"{"id":"1","title":"a,b"}"#.to_owned())]);
        assert_eq!(read(""), []);
        assert_eq!(read("title\n"), []);
    }

    #[test]
    fn bad_rows_are_errors_in_their_place() {
        let long = "x".repeat(9000);
        let cells = ",".repeat(20_000);
        let text = format!("title,price\na,1\nb,abc\nc\nd,1,2\ne,2,,\n{long},1\n{cells}\nf,3\n");
        let got: Vec<_> =
            read(&text).into_iter().map(|(line, item)| format!("{line} {item}")).collect();
        assert_eq!(
            got,
            [
                r#"2 {"title":"a","price":{"amount":1.0,"currency":null}}"#,
                "3 wrong_type",
                "4 invalid_format",
                "5 invalid_format",
                r#"6 {"title":"e","price":{"amount":2.0,"currency":null}}"#,
                "7 item_too_large",
                "8 item_too_large",
                r#"9 {"title":"f","price":{"amount":3.0,"currency":null}}"#,
            ]
        );
    }

    #[test]
    fn a_cell_that_is_not_utf8_spoils_its_row_alone() {
        let got = items(open_bytes(b"title,id\n\xff,1\na,2\n", Format::Csv, 99));
        assert_eq!(got[0], (2, "invalid_utf8".to_owned()));
        assert_eq!(got.len(), 2);
    }

    #[test]
    fn a_quote_left_open_costs_memory_for_one_item_only() {
        let text = format!("title\n\"open\n{}", "line\n".repeat(5000));
        assert_eq!(read(&text), [(2, "item_too_large".to_owned())]);
    }
}
