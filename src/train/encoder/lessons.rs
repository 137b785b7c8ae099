//! What an epoch learns from: the rows, some of them changed as sellers change them, and ordinary
//! listings.

use super::examples::{Example, Reader};
use super::recipe::Attacks;
use super::weak::Weak;
use crate::dataset::Row;
use crate::dataset::attack::{Attack, Sort, attack};
use crate::domain::Limits;
use crate::eval::SplitMix64;
use crate::preprocess::{hash_str, map_batch};

pub(super) struct Lessons<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) rows: Vec<Row>,
    /// The rows as they are.
    pub(super) clean: Vec<Example>,
    pub(super) attacks: Attacks,
    pub(super) weak: Option<Weak>,
}

impl Lessons<'_> {
    /// How many examples an epoch has.
    pub(super) fn len(&self) -> usize {
        self.clean.len() + self.weak.as_ref().map_or(0, Weak::len)
    }

    /// The examples of one epoch, the same for the same seed.
    pub(super) fn epoch(&self, seed: u64) -> Vec<Example> {
        let numbers: Vec<usize> = (0..self.rows.len()).collect();
        let mut examples = map_batch(&numbers, |i| {
            let (row, clean) = (&self.rows[*i], &self.clean[*i]);
            let mut random = SplitMix64::new(hash_str(seed, &row.id));
            self.changed(row, &mut random).unwrap_or_else(|| clean.clone())
        });
        if let Some(weak) = &self.weak {
            examples.extend(weak.epoch(&self.reader, seed));
        }
        examples
    }

    /// A row under an attack, or none where the dice say so or it finds nothing to change.
    fn changed(&self, row: &Row, random: &mut SplitMix64) -> Option<Example> {
        let dice = random.unit();
        let Attacks { style, disguise } = self.attacks;
        // Honest sellers disguise nothing: a row with label 0 is only ever written otherwise.
        let sort = if row.label && dice < disguise {
            Sort::Disguise
        } else if dice < disguise + style {
            Sort::Style
        } else {
            return None;
        };
        let open = Attack::ALL.into_iter().filter(|a| a.trained() && a.sort() == sort);
        let open: Vec<Attack> = open.collect();
        let kind = *random.pick(&open)?;
        let listing = attack(kind, &row.listing, self.reader.knowledge, random)?;
        let listing = listing.parse(&Limits::default()).ok()?;
        Some(self.reader.example(&listing, row))
    }
}
