use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::Context as _;

use super::input::{self, Chunk, InputError, Item, Opened, Place};
use super::sink::{self, Batch, Look, OutputFormat};
use crate::domain::{ItemError, Limits};
use crate::preprocess;
use crate::scoring::{Ask, Assess, Detail, RawItem, ReadItem, ScoredItem, TierChoice, score_read};

/// How many item errors are told one by one.
const TOLD: usize = 5;

/// A run of `thatgia score`, every choice made.
#[derive(Debug, Clone)]
pub struct Job {
    /// `-` is standard input.
    pub files: Vec<PathBuf>,
    /// `None`: as each file's name or first bytes say.
    pub input: Option<input::Format>,
    pub format: OutputFormat,
    pub limits: Limits,
    /// Every finding, or the strongest ones only.
    pub explain: bool,
    pub tier: TierChoice,
    pub look: Look,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub scored: u64,
    pub failed: u64,
    /// The first item errors, as `file:line: field: message (code)`.
    pub errors: Vec<String>,
    /// Columns that no field took, as `file: a, b`.
    pub ignored: Vec<String>,
}

/// Where a run reads and writes besides its files.
pub struct Streams<'a> {
    pub stdin: Box<dyn Read + Send>,
    pub out: Box<dyn Write + Send + 'a>,
    /// Told the bytes read and the items done so far.
    pub progress: &'a dyn Fn(u64, u64),
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// Reads, scores and writes every item: one thread reads the next chunk and one scores this one
/// on the thread pool, while the last one is written.
///
/// # Errors
/// When a file cannot be read or the output cannot be written. Errors of items are in the output.
pub fn execute(
    job: &Job,
    scorer: &Arc<dyn Assess>,
    streams: Streams<'_>,
) -> anyhow::Result<Summary> {
    let Streams { stdin, out, progress } = streams;
    let files = open_all(job, stdin)?;
    let mut summary = Summary::default();
    for file in &files {
        if !file.source.ignored().is_empty() {
            let columns = file.source.ignored().join(", ");
            summary.ignored.push(format!("{}: {columns}", file.name));
        }
    }
    let read: Vec<Arc<AtomicU64>> = files.iter().map(|f| Arc::clone(&f.read)).collect();
    let names: Vec<String> = files.iter().map(|f| f.name.clone()).collect();
    let mut sink = sink::open(job.format, &job.look, names.len() > 1, out)?;

    let (to_scorer, chunks) = sync_channel(1);
    let (to_writer, scored) = sync_channel(1);
    // The threads are left to themselves when writing fails: one may be waiting for input that
    // never comes, and both end at the next item that they cannot pass on.
    let _reader = thread::Builder::new().name("read".into()).spawn(move || {
        read_all(files, &to_scorer);
    })?;
    let (scorer, limits) = (Arc::clone(scorer), job.limits.clone());
    let detail = if job.explain { Detail::Full } else { Detail::Brief };
    let ask = Ask { detail, tier: job.tier };
    let _scorer = thread::Builder::new().name("score".into()).spawn(move || {
        score_all(scorer.as_ref(), &limits, ask, &chunks, &to_writer);
    })?;

    loop {
        let message = scored.recv().context("the scoring thread stopped")?;
        let (file, rows) = match message {
            Message::Items(file, rows) => (file, rows),
            Message::Failed(error) => return Err(error.into()),
            Message::End => break,
        };
        for ScoredItem { line, .. } in &rows {
            match &line.outcome {
                Ok(_) => summary.scored += 1,
                Err(error) => {
                    summary.failed += 1;
                    if summary.errors.len() < TOLD {
                        summary.errors.push(tell(&names[file], line.line, error));
                    }
                }
            }
        }
        sink.write(&Batch { file: &names[file], rows: &rows })?;
        let bytes = read.iter().map(|r| r.load(Ordering::Relaxed)).sum();
        progress(bytes, summary.scored + summary.failed);
    }
    sink.finish()?;
    Ok(summary)
}

fn tell(file: &str, line: u64, error: &ItemError) -> String {
    let ItemError { code, field, message } = error;
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    format!("{file}:{line}: {field}{message} ({})", code.as_str())
}

fn open_all(job: &Job, stdin: Box<dyn Read + Send>) -> Result<Vec<Opened>, InputError> {
    let mut stdin = Some(stdin);
    let open = |path: &PathBuf| {
        let place = if path.as_os_str() == "-" {
            // A second `-` finds nothing left to read.
            Place::Stdin(stdin.take().unwrap_or_else(|| Box::new(io::empty())))
        } else {
            Place::File(path)
        };
        input::open(place, job.input, job.limits.item_bytes)
    };
    job.files.iter().map(open).collect()
}

/// What goes from thread to thread, in the order of the input.
enum Message<T> {
    Items(usize, T),
    Failed(InputError),
    End,
}

fn read_all(files: Vec<Opened>, to_scorer: &SyncSender<Message<Chunk>>) {
    for (number, Opened { name, mut source, .. }) in files.into_iter().enumerate() {
        loop {
            let mut chunk = Chunk::default();
            // A decoder may panic on a file that is made to harm.
            let more =
                catch_unwind(AssertUnwindSafe(|| source.fill(&mut chunk))).unwrap_or_else(|_| {
                    let source = io::Error::other("the decoder failed");
                    Err(InputError::Io { file: name.clone(), source })
                });
            if !chunk.is_empty() && to_scorer.send(Message::Items(number, chunk)).is_err() {
                return;
            }
            match more {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    // Nobody listens: the run is over already.
                    drop(to_scorer.send(Message::Failed(error)));
                    return;
                }
            }
        }
    }
    drop(to_scorer.send(Message::End));
}

type Rows = Vec<ScoredItem>;

fn score_all(
    scorer: &dyn Assess,
    limits: &Limits,
    ask: Ask,
    chunks: &Receiver<Message<Chunk>>,
    to_writer: &SyncSender<Message<Rows>>,
) {
    for message in chunks {
        let message = match message {
            Message::Items(file, chunk) => {
                Message::Items(file, score_chunk(scorer, limits, ask, &chunk))
            }
            Message::Failed(error) => Message::Failed(error),
            Message::End => Message::End,
        };
        if to_writer.send(message).is_err() {
            return;
        }
    }
}

fn score_chunk(scorer: &dyn Assess, limits: &Limits, ask: Ask, chunk: &Chunk) -> Rows {
    let items: Vec<_> = chunk.items().collect();
    let read = preprocess::map_batch(&items, |(line, item)| match item {
        Item::Json(json) => ReadItem::new(RawItem { line: *line, json }, limits),
        Item::Bad { id, error } => ReadItem::refused(*line, *id, (*error).clone()),
    });
    score_read(scorer, ask, read)
}
