use std::io::{self, Write};
use std::ops::Range;

use crate::domain::ItemError;

/// Most items and bytes in one chunk.
const ITEMS: usize = 4096;
const BYTES: usize = 8 << 20;

/// Some items of one file, their JSON in one piece of memory.
#[derive(Debug, Default)]
pub(in crate::cli::score) struct Chunk {
    bytes: Vec<u8>,
    entries: Vec<(u64, Slot)>,
}

#[derive(Debug)]
enum Slot {
    Json(Range<usize>),
    Bad { id: Option<String>, error: ItemError },
}

/// One item: JSON to be scored, or why it never became that.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli::score) enum Item<'a> {
    Json(&'a [u8]),
    Bad { id: Option<&'a str>, error: &'a ItemError },
}

impl Chunk {
    pub(in crate::cli::score) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The items with their places, in order.
    pub(in crate::cli::score) fn items(&self) -> impl Iterator<Item = (u64, Item<'_>)> {
        self.entries.iter().map(|(line, slot)| match slot {
            Slot::Json(range) => (*line, Item::Json(&self.bytes[range.clone()])),
            Slot::Bad { id, error } => (*line, Item::Bad { id: id.as_deref(), error }),
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= ITEMS || self.bytes.len() >= BYTES
    }

    pub(super) fn push_error(&mut self, line: u64, id: Option<String>, error: ItemError) {
        self.entries.push((line, Slot::Bad { id, error }));
    }

    pub(super) fn push_json(&mut self, line: u64, json: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(json);
        self.entries.push((line, Slot::Json(start..self.bytes.len())));
    }

    /// Adds what `write` writes as one item.
    pub(super) fn push_with(
        &mut self,
        line: u64,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = self.bytes.len();
        write(&mut self.bytes)?;
        self.entries.push((line, Slot::Json(start..self.bytes.len())));
        Ok(())
    }
}
