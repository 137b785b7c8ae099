use std::collections::HashMap;

use crate::dataset::Row;
use crate::domain::{ItemError, Limits, Listing};
use crate::preprocess::{Pieces, map_batch};
use crate::signals::{
    FeatureSpace, Knowledge, PRICE_FEATURES, Reading, length_scale, price_features,
};

/// A listing as the fit sees it.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// Features of the text part: index and value, each index once.
    pub(super) text: Vec<(u32, f32)>,
    /// Features of the price part, where there is a reference.
    pub(super) price: Option<[f32; PRICE_FEATURES]>,
    pub(super) label: bool,
}

/// What turns listings into features.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) pieces: &'a Pieces,
    pub(super) space: FeatureSpace,
}

impl Reader<'_> {
    /// Labelled rows as examples.
    pub(super) fn rows(&self, rows: &[Row], limits: &Limits) -> Result<Vec<Example>, ItemError> {
        let read = |row: &Row| {
            let listing = row.listing.clone().parse(limits)?;
            Ok(self.example(&listing, row.label))
        };
        map_batch(rows, read).into_iter().collect()
    }

    /// One listing as an example.
    pub(super) fn example(&self, listing: &Listing, label: bool) -> Example {
        let reading = Reading::new(self.knowledge, listing);
        let mut values: HashMap<usize, f64> = HashMap::new();
        for sign in self.space.signs(&reading) {
            *values.entry(sign.index).or_default() += 1.0;
        }
        let count: usize = reading.wording().map(|f| f.text.words().len()).sum();
        let scale = length_scale(count);
        let mut indices = Vec::new();
        for field in reading.wording() {
            let mut before: Option<&str> = None;
            for word in field.text.words() {
                let folded = field.text.folded_word(word);
                let plain = field.text.plain_word(word);
                self.space.word(self.pieces, plain, folded, &mut indices);
                if let Some(before) = before {
                    indices.push(self.space.pair(before, folded));
                }
                for index in &indices {
                    *values.entry(*index).or_default() += scale;
                }
                before = Some(folded);
            }
        }
        let mut text: Vec<(u32, f32)> =
            values.into_iter().map(|(i, v)| (u32::try_from(i).unwrap_or(0), narrow(v))).collect();
        text.sort_unstable_by_key(|(i, _)| *i);
        let price = reading.price.map(|signal| price_features(signal.ratio()).map(narrow));
        Example { text, price, label }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "training runs in f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Takes the features away that fewer than `min` of the examples have; signs always stay.
pub(super) fn prune(examples: &mut [Example], space: FeatureSpace, min: usize) {
    let mut count = vec![0_usize; space.len()];
    for example in examples.iter() {
        for (index, _) in &example.text {
            count[*index as usize] += 1;
        }
    }
    for example in examples {
        example.text.retain(|(i, _)| {
            let index = *i as usize;
            index >= space.concepts_at() || count[index] >= min
        });
    }
}
