use std::collections::BTreeMap;

use crate::dataset::Row;
use crate::domain::{ItemError, LegalClass, Limits, Listing};
use crate::preprocess::{Pieces, map_batch};
use crate::signals::{FeatureSpace, Knowledge, PriceInput, Reading, Tokens};

/// A listing as the encoder and its heads see it.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) ids: Vec<u32>,
    /// Indices of the signs met, counted from the first.
    pub(super) signs: Vec<usize>,
    pub(super) price: PriceInput,
    pub(super) label: bool,
    /// Index in [`LegalClass::ALL`].
    pub(super) class: u32,
    pub(super) slice: u32,
}

/// What turns listings into examples.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) pieces: &'a Pieces,
    pub(super) space: FeatureSpace,
    pub(super) tokens: usize,
    /// Numbers of the slices, by name.
    pub(super) slices: BTreeMap<String, u32>,
}

impl Reader<'_> {
    /// Labelled rows as examples.
    pub(super) fn rows(&self, rows: &[Row]) -> Result<Vec<Example>, ItemError> {
        let limits = Limits::default();
        let read = |row: &Row| {
            let listing = row.listing.clone().parse(&limits)?;
            Ok(self.example(&listing, row))
        };
        map_batch(rows, read).into_iter().collect()
    }

    fn example(&self, listing: &Listing, row: &Row) -> Example {
        let reading = Reading::new(self.knowledge, listing);
        let first = self.space.concepts_at();
        let class = LegalClass::ALL.iter().position(|c| *c == row.legal_class).unwrap_or(0);
        Example {
            ids: Tokens::new(&reading, self.pieces, self.tokens).ids,
            signs: self.space.signs(&reading).iter().map(|s| s.index - first).collect(),
            price: reading.price_input(),
            label: row.label,
            class: u32::try_from(class).unwrap_or(0),
            slice: self.slices.get(&row.slice).copied().unwrap_or(0),
        }
    }
}
