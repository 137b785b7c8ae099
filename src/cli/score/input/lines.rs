//! JSON lines.

use std::io::{self, BufRead, Read};

use super::{Chunk, Input, InputError, Source};
use crate::domain::{ErrorCode, ItemError};

/// One item a line; blank lines are counted and skipped.
pub(super) struct Lines {
    input: Input,
    line: u64,
    /// The line that is being read.
    text: Vec<u8>,
}

impl Lines {
    pub(super) fn new(input: Input) -> Self {
        Self { input, line: 0, text: Vec::new() }
    }

    fn next(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        let limit = self.input.item_bytes;
        let reader = &mut self.input.feed.reader;
        self.text.clear();
        // Two more, for the end of the line.
        let read = reader.by_ref().take(limit as u64 + 2).read_until(b'\n', &mut self.text)?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        if self.text.last() != Some(&b'\n') && read == limit + 2 {
            reader.skip_until(b'\n')?;
        }
        let mut text = self.text.as_slice();
        if self.line == 1 {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let text = text.trim_ascii();
        if text.len() > limit {
            chunk.push_error(self.line, None, too_large(limit));
        } else if !text.is_empty() {
            chunk.push_json(self.line, text);
        }
        Ok(true)
    }
}

impl Source for Lines {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        while !chunk.is_full() && (chunk.is_empty() || !self.input.feed.would_wait()) {
            match self.next(chunk) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(source) => return Err(self.input.error(source)),
            }
        }
        Ok(true)
    }
}

/// The error of an item that was skipped without being kept.
pub(super) fn too_large(limit: usize) -> ItemError {
    ItemError::new(ErrorCode::ItemTooLarge, "", format!("larger than the limit of {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Slow, items, open_bytes};
    use super::super::{Format, Place, open};
    use super::*;

    #[test]
    fn blank_lines_count_and_long_ones_are_skipped() {
        let long = "x".repeat(25);
        let text = format!("\u{feff}{{\"a\":1}}\r\n\n  \n{long}\n{{\"b\":2}}\n{long}");
        let got = items(open_bytes(text.as_bytes(), Format::Jsonl, 20));
        assert_eq!(
            got,
            [
                (1, r#"{"a":1}"#.to_owned()),
                (4, "item_too_large".to_owned()),
                (5, r#"{"b":2}"#.to_owned()),
                (6, "item_too_large".to_owned()),
            ]
        );
    }

    #[test]
    fn a_line_of_just_the_limit_is_kept() {
        for end in ["", "\n", "\r\n"] {
            let text = format!("{}{end}{{}}", "y".repeat(20));
            let got = items(open_bytes(text.as_bytes(), Format::Jsonl, 20));
            let want = if end.is_empty() { "item_too_large".to_owned() } else { "y".repeat(20) };
            assert_eq!(got[0].1, want);
        }
    }

    #[test]
    fn what_a_pipe_has_sent_is_not_held_back() {
        let pipe = Slow(vec!["{\"a\":1}\n{\"b\":2}\n{\"c\"", ":3}\n"]);
        let mut opened = open(Place::Stdin(Box::new(pipe)), Some(Format::Jsonl), 99).unwrap();
        let mut chunk = Chunk::default();
        assert!(opened.source.fill(&mut chunk).unwrap());
        assert_eq!(chunk.items().count(), 2);
        let mut chunk = Chunk::default();
        opened.source.fill(&mut chunk).unwrap();
        assert_eq!(chunk.items().count(), 1);
    }
}
