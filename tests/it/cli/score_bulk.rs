use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thatgia::cli::score::{OutputFormat, Streams, execute};

use super::score::{job, run};
use crate::support::FakeScorer;

#[test]
fn fifty_bad_of_ten_thousand_cost_only_themselves() {
    let mut text = String::new();
    for i in 1..=10_000 {
        let line = match i % 1000 {
            200 => r#"{"id":"x","title":""}"#.to_owned(),
            400 => r#"{"id":"x","title":"a","price":{"amount":-5}}"#.to_owned(),
            600 => "not json".to_owned(),
            800 => r#"{"id":"x","title":"panic"}"#.to_owned(),
            999 => r#"{"id":"x","title":"a","seller":{"rating":"many"}}"#.to_owned(),
            _ => format!(r#"{{"id":"{i}","title":"t{}"}}"#, "!".repeat(i % 5)),
        };
        writeln!(text, "{line}").unwrap();
    }
    let (summary, out) = run(&job(&[Path::new("-")], OutputFormat::Jsonl), &text);
    assert_eq!((summary.scored, summary.failed, summary.errors.len()), (9_950, 50, 5));
    let mut errors = 0;
    for (at, line) in out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).enumerate() {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        assert_eq!(line["line"], at as u64 + 1);
        match line.get("score") {
            Some(_) => assert_eq!(line["id"], (at + 1).to_string()),
            None => errors += 1,
        }
    }
    assert_eq!(errors, 50);
}

/// Lines without end, counted.
struct Endless(Arc<AtomicU64>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = b"{\"title\":\"a\"}\n";
        let whole = buffer.len() / line.len() * line.len();
        for part in buffer[..whole].chunks_exact_mut(line.len()) {
            part.copy_from_slice(line);
        }
        self.0.fetch_add(whole as u64, Ordering::Relaxed);
        Ok(whole)
    }
}

/// A reader that goes away after some lines.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0 -= 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_endless_input_is_read_only_as_fast_as_it_is_written() {
    let read = Arc::new(AtomicU64::new(0));
    for format in [OutputFormat::Jsonl, OutputFormat::Csv] {
        read.store(0, Ordering::Relaxed);
        let streams = Streams {
            stdin: Box::new(Endless(Arc::clone(&read))),
            out: Box::new(Closing(3)),
            progress: &|_, _| {},
        };
        let error = execute(&job(&[Path::new("-")], format), &FakeScorer::new(), streams);
        let error = error.unwrap_err();
        let cause = error.chain().find_map(|e| e.downcast_ref::<io::Error>()).unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::BrokenPipe);
        assert!(read.load(Ordering::Relaxed) < 8 << 20, "{}", read.load(Ordering::Relaxed));
    }
}
