//! A CSV file of products.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Chain, Read as _};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use crate::domain::{Document, Gtin, NewProduct, Product};

/// Largest file: a quote left open makes one cell of all that follows.
const FILE_BYTES: u64 = 256 << 20;
/// Longest header that is looked at for what stands between its cells.
const HEADER_BYTES: usize = 4096;

/// A column of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Gtin,
    Brand,
    Name,
    Owner,
    Country,
    Documents,
    PriceLow,
    PriceTypical,
    Status,
    Source,
}

impl Column {
    const ALL: [(&'static str, Self); 10] = [
        ("gtin", Self::Gtin),
        ("brand", Self::Brand),
        ("name", Self::Name),
        ("owner", Self::Owner),
        ("country", Self::Country),
        ("documents", Self::Documents),
        ("price_low", Self::PriceLow),
        ("price_typical", Self::PriceTypical),
        ("status", Self::Status),
        ("source", Self::Source),
    ];
    const NEEDED: [&'static str; 3] = ["gtin", "brand", "name"];
}

/// The file cannot be read as products at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the file cannot be read: {0}")]
    Csv(#[from] csv::Error),
    #[error("{bytes} bytes, the limit is {FILE_BYTES}: cut the file in two")]
    TooLarge { bytes: u64 },
    #[error("no column {0:?}")]
    Missing(&'static str),
    #[error("an unknown column {0:?}")]
    Unknown(String),
    #[error("the column {0:?} stands twice")]
    Twice(&'static str),
}

/// One line, from 1, the header's being the first; an error says what is wrong with it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) product: Result<Product, String>,
}

pub(super) struct ProductFile {
    reader: csv::Reader<Chain<BufReader<File>, &'static [u8]>>,
    columns: Vec<Column>,
    /// Where products are known from that do not say.
    source: String,
    record: ByteRecord,
}

impl ProductFile {
    /// # Errors
    /// When the file is too large, or its header does not fit.
    pub(super) fn new(file: File, name: &str) -> Result<Self, FileError> {
        let bytes = file.metadata()?.len();
        if bytes > FILE_BYTES {
            return Err(FileError::TooLarge { bytes });
        }
        let mut input = BufReader::with_capacity(1 << 16, file);
        let head = input.fill_buf()?;
        let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let delimiter = delimiter(&head[mark..]);
        input.consume(mark);
        // Every record ends with a line feed, so that lines can be counted; what stands before it
        // is a blank to be trimmed.
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .flexible(true)
            .from_reader(input.chain(b"\n".as_slice()));
        let mut columns = Vec::new();
        for cell in reader.byte_headers()? {
            let name = String::from_utf8_lossy(cell).trim().to_ascii_lowercase();
            let Some((name, column)) = Column::ALL.into_iter().find(|(n, _)| *n == name) else {
                return Err(FileError::Unknown(name.chars().take(80).collect()));
            };
            if columns.contains(&column) {
                return Err(FileError::Twice(name));
            }
            columns.push(column);
        }
        for (name, column) in Column::ALL {
            if Column::NEEDED.contains(&name) && !columns.contains(&column) {
                return Err(FileError::Missing(name));
            }
        }
        let source = name.chars().take(200).collect();
        Ok(Self { reader, columns, source, record: ByteRecord::new() })
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    pub(super) fn next(&mut self) -> Option<Result<Line, FileError>> {
        loop {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(false) => return None,
                Ok(true) if self.record.len() == 1 && self.record[0].trim_ascii().is_empty() => {}
                Ok(true) => return Some(Ok(Line { line: self.line(), product: self.product() })),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }

    /// The line on which the record begins: the reader stands after its end.
    fn line(&self) -> u64 {
        let within = self.record.as_slice().iter().filter(|b| **b == b'\n').count();
        self.reader.position().line().saturating_sub(1 + within as u64)
    }

    fn product(&self) -> Result<Product, String> {
        if self.record.len() != self.columns.len() {
            let (cells, columns) = (self.record.len(), self.columns.len());
            return Err(format!("{cells} cells under a header of {columns}"));
        }
        let mut new = NewProduct::default();
        let mut gtin = None;
        for (column, cell) in self.columns.iter().zip(&self.record) {
            let name = Column::ALL.into_iter().find(|(_, c)| c == column).map_or("", |(n, _)| n);
            let named = |message: &dyn std::fmt::Display| format!("{name}: {message}");
            let cell = std::str::from_utf8(cell).map_err(|_| named(&"not UTF-8"))?.trim();
            let text = Some(cell).filter(|c| !c.is_empty()).map(str::to_owned);
            match column {
                Column::Gtin => gtin = Some(Gtin::parse(cell).map_err(|e| named(&e))?),
                Column::Brand => new.brand = text,
                Column::Name => new.name = text,
                Column::Owner => new.owner = text,
                Column::Country => new.country = text,
                Column::Documents => new.documents = documents(cell),
                Column::PriceLow => new.price_low = price(cell).map_err(|e| named(&e))?,
                Column::PriceTypical => new.price_typical = price(cell).map_err(|e| named(&e))?,
                Column::Status => {
                    let status = text.map(|t| t.to_ascii_lowercase().parse()).transpose();
                    new.status = status.map_err(|e: crate::domain::UnknownName| named(&e))?;
                }
                Column::Source => new.source = text,
            }
        }
        let gtin = gtin.ok_or("gtin: is required")?;
        new.parse(gtin, &self.source).map_err(|e| e.to_string())
    }
}

/// What stands between the cells of the first line.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.iter().take(HEADER_BYTES).take_while(|b| **b != b'\n');
    let count = |delimiter: u8| line.clone().filter(|b| **b == delimiter).count();
    // The first of those that stand equally often.
    [b'\t', b';', b','].into_iter().max_by_key(|d| count(*d)).unwrap_or(b',')
}

/// `kind: reference | kind: reference`
fn documents(cell: &str) -> Vec<Document> {
    let pieces = cell.split('|').map(str::trim).filter(|piece| !piece.is_empty());
    let document = |piece: &str| {
        let (kind, reference) = match piece.split_once(':') {
            // The colon of an address is none of ours.
            Some((kind, rest)) if !rest.starts_with("//") => (kind.trim(), rest.trim()),
            _ => ("document", piece),
        };
        Document { kind: kind.to_owned(), reference: reference.to_owned() }
    };
    pieces.map(document).collect()
}

/// Digits only: a point stands for thousands with some and for decimals with others.
fn price(cell: &str) -> Result<Option<f64>, &'static str> {
    if cell.is_empty() {
        return Ok(None);
    }
    if cell.len() > 12 || !cell.bytes().all(|b| b.is_ascii_digit()) {
        return Err("must be VND in digits only, at most 12");
    }
    cell.parse().map(Some).map_err(|_| "not a number")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn open(text: &[u8]) -> Result<ProductFile, FileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.csv");
        File::create(&path).unwrap().write_all(text).unwrap();
        ProductFile::new(File::open(&path).unwrap(), "p.csv")
    }

    fn lines(text: &str) -> Vec<String> {
        let mut file = open(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        while let Some(line) = file.next() {
            let Line { line, product } = line.unwrap();
            out.push(match product {
                Ok(p) => format!("{line} {} {} {}", p.gtin, p.brand, p.name),
                Err(e) => format!("{line} {e}"),
            });
        }
        out
    }

    #[test]
    fn lines_keep_their_numbers_whatever_stands_between() {
        let want = [
            "2 06291041500213 Nike Giày \"1\"",
            "4 00000096385074 Dior a\nb",
            "6 09506000134352 x y",
        ];
        for d in [",", ";", "\t"] {
            let text = format!(
                "\u{feff}GTIN{d}Brand{d}name\r\n629-1041500213{d} Nike {d}\"Giày \"\"1\"\"\"\r\n\r\n96385074{d}Dior{d}\"a\nb\"\n9506000134352{d}x{d}y"
            );
            assert_eq!(lines(&text), want);
        }
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        let text = "gtin,brand,name,price_low,status,country\n\
            6291041500214,a,b,,,\n,a,b,,,\n96385074,,b,,,\n96385074,a,b,150.000,,\n96385074,a,b,,gone,\n\
            96385074,a,b,,,VNM\n96385074,a,b\n96385074,a,b,150000,Withdrawn,vn\n";
        let got = lines(text);
        let want = [
            "2 gtin: the check digit",
            "3 gtin: not a GTIN",
            "4 brand: is required",
            "5 price_low: must be VND",
            "6 status: unknown status",
            "7 country: longer",
            "8 3 cells under a header of 6",
            "9 00000096385074 a b",
        ];
        assert_eq!(got.len(), want.len(), "{got:?}");
        for (got, want) in got.iter().zip(want) {
            assert!(got.starts_with(want), "{got} / {want}");
        }
        let mut file = open(b"gtin,brand,name\n96385074,\xff,b\n").unwrap();
        assert_eq!(file.next().unwrap().unwrap().product.unwrap_err(), "brand: not UTF-8");
    }

    #[test]
    fn a_header_that_does_not_fit_is_refused() {
        let refused = |text: &str| open(text.as_bytes()).err().unwrap().to_string();
        for (text, words) in [
            ("", "no column \"gtin\""),
            ("gtin,name\n", "no column \"brand\""),
            ("gtin,brand,name,prise\n", "unknown column \"prise\""),
            ("gtin,brand,name,GTIN\n", "\"gtin\" stands twice"),
        ] {
            assert!(refused(text).contains(words), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn documents_are_kinds_with_references() {
        let got: Vec<_> = documents("CFS: 12/2025 | https://a.vn/x | |công bố:5")
            .into_iter()
            .map(|d| (d.kind, d.reference))
            .collect();
        let want = [("CFS", "12/2025"), ("document", "https://a.vn/x"), ("công bố", "5")];
        assert_eq!(got, want.map(|(k, r)| (k.to_owned(), r.to_owned())));
    }
}
