use std::ops::Range;

use crate::flow::{Batch, Item};

/// Lines in a batch at most.
const BATCH_LINES: usize = 256;
/// Bytes after which a batch is full; it may end one line later.
const BATCH_BYTES: usize = 1 << 20;
/// What spaces and a carriage return may add to a line beyond its limit.
const SLACK: usize = 64;

/// Cuts a stream of bytes into batches of lines, however the bytes arrive.
///
/// It holds one batch and the beginning of the next line, and never more of a line than its
/// limit: the rest of a longer one is counted and dropped. Blank lines count but give no item.
#[derive(Debug)]
pub(crate) struct Lines {
    limit: usize,
    buffer: Vec<u8>,
    /// Where in `buffer` the unfinished line begins.
    begun: usize,
    items: Vec<Item>,
    /// Lines ended so far.
    line: u64,
    /// Bytes of the unfinished line, once it is over the limit.
    over: Option<usize>,
}

impl Lines {
    /// `limit` is the most bytes that a line may have.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), begun: 0, items: Vec::new(), line: 0, over: None }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= BATCH_LINES || self.begun >= BATCH_BYTES
    }

    pub(crate) fn has_items(&self) -> bool {
        !self.items.is_empty()
    }

    /// Takes bytes until they end or the batch is full; how many it took.
    pub(crate) fn push(&mut self, data: &[u8]) -> usize {
        let mut rest = data;
        while !rest.is_empty() && !self.is_full() {
            let end = rest.iter().position(|b| *b == b'\n');
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            self.extend(part);
            rest = after;
            if end.is_some() {
                self.end_line();
                rest = &rest[1..];
            }
        }
        data.len() - rest.len()
    }

    fn extend(&mut self, part: &[u8]) {
        let so_far = self.over.unwrap_or(self.buffer.len() - self.begun);
        let length = so_far.saturating_add(part.len());
        if self.over.is_some() || length > self.limit.saturating_add(SLACK) {
            self.buffer.truncate(self.begun);
            self.over = Some(length);
        } else {
            self.buffer.extend_from_slice(part);
        }
    }

    fn end_line(&mut self) {
        self.line += 1;
        let line = self.line;
        if let Some(bytes) = self.over.take() {
            self.items.push(Item::TooLarge { line, bytes });
            return;
        }
        let at = trim(&self.buffer, self.begun, line == 1);
        if at.is_empty() {
            self.buffer.truncate(self.begun);
        } else {
            self.buffer.truncate(at.end);
            self.begun = at.end;
            self.items.push(Item::Json { line, at });
        }
    }

    /// Ends the last line, when the stream ended without a newline.
    pub(crate) fn finish(&mut self) {
        if self.over.is_some() || self.buffer.len() > self.begun {
            self.end_line();
        }
    }

    /// The lines that are complete; the unfinished one stays.
    pub(crate) fn take(&mut self) -> Batch<Vec<u8>> {
        let rest = self.buffer.split_off(self.begun);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.begun = 0;
        Batch { bytes, items: std::mem::take(&mut self.items) }
    }
}

/// The line from `from` on without the spaces around it, and on line 1 without a byte order mark.
fn trim(buffer: &[u8], from: usize, first: bool) -> Range<usize> {
    let mut line = &buffer[from..];
    if first {
        line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    }
    let start = buffer.len() - line.trim_ascii_start().len();
    start..start + line.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(parts: &[&[u8]], limit: usize) -> Vec<(u64, Result<String, usize>)> {
        let (mut lines, mut out) = (Lines::new(limit), Vec::new());
        let drain = |lines: &mut Lines, out: &mut Vec<_>| {
            let batch = lines.take();
            assert!(batch.items.len() <= BATCH_LINES);
            for item in batch.items {
                out.push(match item {
                    Item::Json { line, at } => {
                        (line, Ok(String::from_utf8_lossy(&batch.bytes[at]).into_owned()))
                    }
                    Item::TooLarge { line, bytes } => (line, Err(bytes)),
                });
            }
        };
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                let taken = lines.push(rest);
                rest = &rest[taken..];
                if lines.is_full() {
                    drain(&mut lines, &mut out);
                }
            }
            assert!(lines.buffer.len() <= BATCH_BYTES + limit + SLACK);
        }
        lines.finish();
        drain(&mut lines, &mut out);
        out
    }

    #[test]
    fn blank_lines_count_and_the_last_needs_no_newline() {
        let got = read(&[b"\xef\xbb\xbf a \r\n\n \t\r\nb\n", b"c"], 9);
        let want = [(1, "a"), (4, "b"), (5, "c")].map(|(n, t)| (n, Ok(t.to_owned())));
        assert_eq!(got, want);
        assert_eq!(read(&[b"\n\n"], 9), []);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_to_its_end_and_counted() {
        let long = "x".repeat(500);
        let text = format!("a\n{long}\nb\n{long}");
        let want = [(1, Ok("a".into())), (2, Err(500)), (3, Ok("b".into())), (4, Err(500))];
        assert_eq!(read(&[text.as_bytes()], 10), want);
        let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes, 10), want);
    }

    #[test]
    fn a_batch_ends_at_its_bounds() {
        let mut lines = Lines::new(100);
        let text = "a\n".repeat(BATCH_LINES + 5);
        assert_eq!(lines.push(text.as_bytes()), 2 * BATCH_LINES);
        assert_eq!(lines.take().items.len(), BATCH_LINES);
        let mut lines = Lines::new(BATCH_BYTES);
        let text = format!("{}\n", "a".repeat(BATCH_BYTES / 2 + 1)).repeat(3);
        lines.push(text.as_bytes());
        assert_eq!(lines.take().items.len(), 2);
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(
            text in "[ab\n\r ]{0,200}",
            cuts in prop::collection::vec(1_usize..40, 0..20),
        ) {
            let bytes = text.as_bytes();
            let (mut parts, mut rest) = (Vec::new(), bytes);
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = after;
            }
            parts.push(rest);
            prop_assert_eq!(read(&parts, 20), read(&[bytes], 20));
        }
    }
}
