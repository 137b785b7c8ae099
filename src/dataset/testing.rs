//! Rows for tests.

use super::{Lang, Row};
use crate::domain::{LegalClass, NewListing, Seller};

pub(crate) fn row(id: &str, seller: &str, family: &str, title: &str) -> Row {
    let seller = Seller { id: Some(seller.to_owned()), ..Seller::default() };
    Row {
        id: id.to_owned(),
        listing: NewListing {
            title: Some(title.to_owned()),
            seller: Some(seller),
            ..NewListing::default()
        },
        label: false,
        legal_class: LegalClass::None,
        slice: "plain_genuine".to_owned(),
        family: family.to_owned(),
        lang: Lang::Vi,
        why: String::new(),
    }
}

/// Many rows with sellers, families, slices and labels that differ; the same for a seed.
pub(crate) fn rows(n: usize, seed: u64) -> Vec<Row> {
    let mut random = crate::eval::SplitMix64::new(seed);
    let word = |random: &mut crate::eval::SplitMix64| -> String {
        (0..6).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
    };
    (0..n)
        .map(|i| {
            let title: Vec<String> = (0..6).map(|_| word(&mut random)).collect();
            let seller = format!("s{}", random.below(n));
            let family = format!("f{}", random.below(2 * n));
            let id = format!("{}-{i:04}", ["shoes", "luxury"][random.below(2)]);
            let label = random.below(2) == 0;
            let slice = match (label, random.below(3) == 0) {
                (true, true) => "open_terms",
                (true, false) => "evasive_hint",
                (false, true) => "plain_genuine",
                (false, false) => "pledge",
            };
            Row {
                label,
                legal_class: if label { LegalClass::CounterfeitMark } else { LegalClass::None },
                slice: slice.to_owned(),
                ..row(&id, &seller, &family, &title.join(" "))
            }
        })
        .collect()
}
