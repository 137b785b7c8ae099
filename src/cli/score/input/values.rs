//! A JSON array, or JSON objects one after the other, taken apart without being held.

use std::io::{self, BufRead};

use super::lines::too_large;
use super::{Chunk, Input, InputError, Source};
use crate::domain::{ErrorCode, ItemError};

/// One item an array's element; its place is its number.
///
/// Elements are told apart by brackets and quotes alone, so that one that is not JSON is passed
/// on as it is and gets its own error.
pub(super) struct Values {
    input: Input,
    scan: Scan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte that matters.
    Start,
    /// Between two items; `true` when a comma promised another.
    Between {
        comma: bool,
    },
    Item,
    /// After the array's end.
    End,
}

#[derive(Debug)]
struct Scan {
    state: State,
    array: bool,
    line: u64,
    depth: u64,
    quoted: bool,
    escaped: bool,
    /// The item that is being read, up to one byte over the limit.
    text: Vec<u8>,
    limit: usize,
    trailing: bool,
}

impl Values {
    pub(super) fn new(input: Input) -> Self {
        let scan = Scan {
            state: State::Start,
            array: false,
            line: 0,
            depth: 0,
            quoted: false,
            escaped: false,
            text: Vec::new(),
            limit: input.item_bytes,
            trailing: false,
        };
        Self { input, scan }
    }

    fn fill_io(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        let feed = &mut self.input.feed;
        while !chunk.is_full() {
            if feed.live && !chunk.is_empty() && feed.reader.buffer().is_empty() {
                return Ok(true);
            }
            let bytes = feed.reader.fill_buf()?;
            if bytes.is_empty() {
                self.scan.finish(chunk);
                return Ok(false);
            }
            let mut used = 0;
            for byte in bytes {
                used += 1;
                if self.scan.step(*byte, chunk) && chunk.is_full() {
                    break;
                }
            }
            feed.reader.consume(used);
        }
        Ok(true)
    }
}

impl Source for Values {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, InputError> {
        self.fill_io(chunk).map_err(|source| self.input.error(source))
    }
}

impl Scan {
    /// Takes one byte; `true` when an item ended.
    fn step(&mut self, byte: u8, chunk: &mut Chunk) -> bool {
        match self.state {
            State::Item => self.inside(byte, chunk),
            State::Start if byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(&byte) => false,
            State::Start if byte == b'[' => {
                self.array = true;
                self.state = State::Between { comma: false };
                false
            }
            State::Between { .. } if byte.is_ascii_whitespace() => false,
            State::Between { comma } if self.array && byte == b']' => {
                self.state = State::End;
                if comma {
                    self.bad(chunk, "nothing follows the last comma");
                }
                comma
            }
            State::Between { .. } if self.array && byte == b',' => {
                self.bad(chunk, "nothing stands between two commas");
                self.state = State::Between { comma: true };
                true
            }
            State::Start | State::Between { .. } => {
                self.state = State::Item;
                self.inside(byte, chunk)
            }
            State::End => {
                self.trailing |= !byte.is_ascii_whitespace();
                false
            }
        }
    }

    fn inside(&mut self, byte: u8, chunk: &mut Chunk) -> bool {
        if self.quoted {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.quoted = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b',' | b']' if self.depth == 0 && self.array => {
                self.end(chunk);
                self.state = if byte == b',' { State::Between { comma: true } } else { State::End };
                return true;
            }
            b'"' => self.quoted = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 && !self.array {
                    self.keep(byte);
                    self.end(chunk);
                    self.state = State::Between { comma: false };
                    return true;
                }
            }
            _ => {}
        }
        self.keep(byte);
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.text.len() <= self.limit {
            self.text.push(byte);
        }
    }

    fn end(&mut self, chunk: &mut Chunk) {
        self.line += 1;
        let text = self.text.trim_ascii();
        if text.len() > self.limit {
            chunk.push_error(self.line, None, too_large(self.limit));
        } else {
            chunk.push_json(self.line, text);
        }
        self.text.clear();
        (self.depth, self.quoted, self.escaped) = (0, false, false);
    }

    fn bad(&mut self, chunk: &mut Chunk, message: &str) {
        self.line += 1;
        chunk.push_error(self.line, None, ItemError::new(ErrorCode::InvalidJson, "", message));
    }

    fn finish(&mut self, chunk: &mut Chunk) {
        match self.state {
            State::Item if self.array => self.bad(chunk, "the file ends inside this item"),
            State::Item => self.end(chunk),
            State::Between { .. } if self.array => self.bad(chunk, "the array is not closed"),
            State::End if self.trailing => self.bad(chunk, "more text follows the array"),
            State::Start | State::Between { .. } | State::End => {}
        }
        self.state = State::End;
        self.trailing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{items, open_bytes};

    fn read(text: &str) -> Vec<String> {
        items(open_bytes(text.as_bytes(), Format::Json, 30)).into_iter().map(|(_, i)| i).collect()
    }

    #[test]
    fn elements_come_apart_whatever_they_hold() {
        let got = read("\u{feff} [ {\"a\":\"],}\\\"[\"} ,\n[1,[2]], 7,\"x\\\\\" ]\n");
        assert_eq!(got, ["{\"a\":\"],}\\\"[\"}", "[1,[2]]", "7", "\"x\\\\\""]);
        assert_eq!(read("[]"), [""; 0]);
        assert_eq!(read(" "), [""; 0]);
    }

    #[test]
    fn objects_may_follow_each_other() {
        assert_eq!(
            read("{\n\"a\":{}}\n{\"b\":2}{\"c\":3}"),
            ["{\n\"a\":{}}", "{\"b\":2}", "{\"c\":3}"]
        );
        assert_eq!(read("{\"a\":"), ["{\"a\":"]);
    }

    #[test]
    fn what_is_broken_is_an_item_of_its_own() {
        let bad = "invalid_json";
        assert_eq!(read("[1,,2]"), ["1", bad, "2"]);
        assert_eq!(read("[1,]"), ["1", bad]);
        assert_eq!(read("[1,2"), ["1", bad]);
        assert_eq!(read("[1,"), ["1", bad]);
        assert_eq!(read("[1] x"), ["1", bad]);
        let long = format!("[\"{}\",2]", "y".repeat(40));
        assert_eq!(read(&long), ["item_too_large", "2"]);
    }
}
