use std::collections::BTreeMap;

use crate::dataset::Row;
use crate::domain::{ItemError, LegalClass, Limits, Listing};
use crate::preprocess::{Pieces, map_batch};
use crate::signals::{FeatureSpace, Knowledge, PriceInput, Reading, Tokens};

/// What an example teaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) label: bool,
    /// Index in [`LegalClass::ALL`].
    pub(super) class: u32,
    /// The slice, where it is known.
    pub(super) slice: Option<u32>,
    pub(super) weight: f32,
}

impl Target {
    pub(super) fn new(label: bool, class: LegalClass, slice: Option<u32>, weight: f32) -> Self {
        let class = LegalClass::ALL.iter().position(|c| *c == class).unwrap_or(0);
        Self { label, class: u32::try_from(class).unwrap_or(0), slice, weight }
    }
}

/// A listing as the encoder and its heads see it.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) ids: Vec<u32>,
    /// Indices of the signs met, counted from the first.
    pub(super) signs: Vec<usize>,
    pub(super) price: PriceInput,
    pub(super) target: Target,
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

    /// A row's listing, or a variant of it, with the row's label.
    pub(super) fn example(&self, listing: &Listing, row: &Row) -> Example {
        let slice = self.slices.get(&row.slice).copied();
        self.read(listing, Target::new(row.label, row.legal_class, slice, 1.0))
    }

    pub(super) fn read(&self, listing: &Listing, target: Target) -> Example {
        let reading = Reading::new(self.knowledge, listing);
        let first = self.space.concepts_at();
        Example {
            ids: Tokens::new(&reading, self.pieces, self.tokens).ids,
            signs: self.space.signs(&reading).iter().map(|s| s.index - first).collect(),
            price: reading.price_input(),
            target,
        }
    }
}
