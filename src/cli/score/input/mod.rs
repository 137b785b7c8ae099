//! Listings out of files, a chunk at a time.
//!
//! Owns the formats (JSON lines, JSON values, CSV, Parquet) and holds no more of a file than one
//! chunk, whatever the file holds: an item over its limit is skipped to its end without being
//! kept. What is wrong with one item becomes that item's error; only a file that cannot be read
//! at all ends the run. Items go on as JSON, to be read by `scoring`.

mod chunk;
mod columns;
mod csv;
mod lines;
mod parquet;
mod sniff;
mod values;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use chunk::{Chunk, Item};

/// Bytes read from a file at once.
const BUFFER: usize = 1 << 18;

/// How listings stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// An array of JSON objects, or objects one after the other.
    Json,
    /// A header and a listing a row; comma, semicolon or tab.
    Csv,
    /// Columns named as those of CSV.
    Parquet,
}

/// A file that cannot be read as a whole.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("cannot read {file}")]
    Io { file: String, source: io::Error },
    #[error("{file} is not a Parquet file that can be read")]
    Parquet { file: String, source: ::parquet::errors::ParquetError },
    #[error("{file}: Parquet cannot be read from a pipe")]
    ParquetPipe { file: String },
    #[error("{file}: no column gives the title; the columns are {found}")]
    NoTitle { file: String, found: String },
    #[error("{file}: columns {first:?} and {second:?} both give {field}")]
    TwoColumns { file: String, first: String, second: String, field: String },
    #[error("{file}: the header is longer than {limit} bytes")]
    LongHeader { file: String, limit: usize },
}

/// Where one run's bytes come from.
pub(super) enum Place<'a> {
    Stdin(Box<dyn Read + Send>),
    File(&'a Path),
}

/// Gives the items of one file in order.
pub(super) trait Source: Send {
    /// Adds items until the chunk is full, or until reading on would keep items waiting that are
    /// there. `false` when the file has ended.
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, InputError>;

    /// Columns that no field of a listing takes.
    fn ignored(&self) -> &[String] {
        &[]
    }
}

/// A file that is open: its name for messages, its bytes so far, its items.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) read: Arc<AtomicU64>,
    pub(super) source: Box<dyn Source>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens a place as `format`, or as what its name or its first bytes say.
///
/// # Errors
/// When it cannot be opened, or its columns cannot be those of listings.
pub(super) fn open(
    place: Place<'_>,
    format: Option<Format>,
    item_bytes: usize,
) -> Result<Opened, InputError> {
    let read = Arc::new(AtomicU64::new(0));
    let (name, feed, file) = match place {
        Place::Stdin(reader) => ("<stdin>".to_owned(), Feed::new(reader, true, &read), None),
        Place::File(path) => {
            let name = path.display().to_string();
            let io = |source| InputError::Io { file: name.clone(), source };
            let file = File::open(path).map_err(io)?;
            let kind = file.metadata().map_err(io)?;
            if kind.is_dir() {
                return Err(io(io::ErrorKind::IsADirectory.into()));
            }
            let copy = kind.is_file().then(|| file.try_clone()).transpose().map_err(io)?;
            let feed = Feed::new(Box::new(file), !kind.is_file(), &read);
            (name, feed, copy)
        }
    };
    let mut input = Input { name, feed, item_bytes };
    let format = match format.or_else(|| sniff::by_name(&input.name)) {
        Some(format) => format,
        None => input.look(sniff::by_content)?,
    };
    let name = input.name.clone();
    let source: Box<dyn Source> = match format {
        Format::Jsonl => Box::new(lines::Lines::new(input)),
        Format::Json if input.look(sniff::is_lines)? => Box::new(lines::Lines::new(input)),
        Format::Json => Box::new(values::Values::new(input)),
        Format::Csv => Box::new(csv::Rows::new(input)?),
        Format::Parquet => match file {
            Some(file) => Box::new(parquet::Rows::new(name.clone(), file, &read)?),
            None => return Err(InputError::ParquetPipe { file: name }),
        },
    };
    Ok(Opened { name, read, source })
}

/// A buffered reader that knows whether reading on may wait for somebody.
struct Feed {
    reader: BufReader<Counted>,
    live: bool,
}

impl Feed {
    fn new(reader: Box<dyn Read + Send>, live: bool, read: &Arc<AtomicU64>) -> Self {
        let counted = Counted { reader, read: Arc::clone(read) };
        Self { reader: BufReader::with_capacity(BUFFER, counted), live }
    }

    /// Whether the rest of a line may still have to be waited for.
    fn would_wait(&self) -> bool {
        self.live && !self.reader.buffer().contains(&b'\n')
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// What the text formats read from.
struct Input {
    name: String,
    feed: Feed,
    item_bytes: usize,
}

impl Input {
    fn error(&self, source: io::Error) -> InputError {
        InputError::Io { file: self.name.clone(), source }
    }

    /// Judges the first bytes without taking them.
    fn look<T>(&mut self, judge: impl Fn(&[u8]) -> T) -> Result<T, InputError> {
        match self.feed.reader.fill_buf() {
            Ok(bytes) => Ok(judge(bytes)),
            Err(source) => Err(self.error(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that gives one text a read.
    pub(super) struct Slow(pub(super) Vec<&'static str>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let text = self.0.remove(0).as_bytes();
            buffer[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }

    pub(super) fn open_bytes(bytes: &[u8], format: Format, item_bytes: usize) -> Opened {
        let place = Place::Stdin(Box::new(io::Cursor::new(bytes.to_vec())));
        open(place, Some(format), item_bytes).unwrap()
    }

    /// Every item's place with its JSON or its error's code.
    pub(super) fn items(mut opened: Opened) -> Vec<(u64, String)> {
        let mut all = Vec::new();
        loop {
            let mut chunk = Chunk::default();
            let more = opened.source.fill(&mut chunk).unwrap();
            all.extend(chunk.items().map(|(line, item)| match item {
                Item::Json(json) => (line, String::from_utf8_lossy(json).into_owned()),
                Item::Bad { error, .. } => (line, error.code.as_str().to_owned()),
            }));
            if !more {
                return all;
            }
        }
    }

    #[test]
    fn the_files_that_cannot_be_read_are_named() {
        let missing = open(Place::File(Path::new("no/such.jsonl")), None, 99).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read no/such.jsonl");
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(open(Place::File(dir.path()), None, 99), Err(InputError::Io { .. })));
        let parquet = Place::Stdin(Box::new(io::Cursor::new(b"PAR1".to_vec())));
        assert!(matches!(open(parquet, None, 99), Err(InputError::ParquetPipe { .. })));
    }
}
