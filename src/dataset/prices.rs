use std::collections::BTreeMap;

use serde::Serialize;

use super::ordinary::Ordinary;
use crate::domain::Limits;
use crate::preprocess::map_batch;
use crate::signals::{Knowledge, Reading};

/// What listings ask for one brand's goods of one kind, VND.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceRow {
    /// The brand's usual name.
    pub brand: String,
    /// The id of the kind of goods.
    pub kind: String,
    pub listings: usize,
    /// Quantiles 0.05, 0.25, 0.5 and 0.75.
    pub quantiles: [f64; 4],
}

/// Prices of new goods by brand and kind.
#[derive(Debug, Default)]
pub struct Prices(BTreeMap<(u16, u16), Vec<f64>>);

impl Prices {
    /// Adds some listings; those of shops that say that they sell replicas are left out.
    pub fn add(&mut self, knowledge: &Knowledge, listings: &[Option<Ordinary>]) {
        let limits = Limits::default();
        let read = map_batch(listings, |ordinary| {
            let ordinary = ordinary.as_ref().filter(|o| !o.replicas)?;
            let reading = Reading::new(knowledge, &ordinary.listing.clone().parse(&limits).ok()?);
            let goods = reading.goods.filter(|g| !g.used)?;
            Some(((goods.brand, goods.kind), reading.amount?))
        });
        for (goods, price) in read.into_iter().flatten() {
            self.0.entry(goods).or_default().push(price);
        }
    }

    /// The goods with at least `least` listings, the commonest first.
    pub fn rows(mut self, knowledge: &Knowledge, least: usize) -> Vec<PriceRow> {
        let brands = knowledge.brands();
        let mut rows = Vec::new();
        for ((brand, kind), prices) in &mut self.0 {
            if prices.len() < least.max(1) {
                continue;
            }
            prices.sort_by(f64::total_cmp);
            let at = |q: usize| prices[(prices.len() - 1) * q / 100];
            rows.push(PriceRow {
                brand: brands.name(*brand).to_owned(),
                kind: brands.kind_names(*kind).0.to_owned(),
                listings: prices.len(),
                quantiles: [5, 25, 50, 75].map(at),
            });
        }
        rows.sort_by(|a, b| b.listings.cmp(&a.listings).then_with(|| a.brand.cmp(&b.brand)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewListing;
    use crate::signals::testing::knowledge;

    fn ordinary(title: &str, amount: f64, replicas: bool) -> Option<Ordinary> {
        let json = serde_json::json!({ "title": title, "price": { "amount": amount } });
        let listing: NewListing = serde_json::from_value(json).unwrap();
        Some(Ordinary { source: "a".to_owned(), listing, official: false, replicas })
    }

    #[test]
    fn quantiles_are_those_of_new_goods_of_the_brand_and_kind() {
        let mut prices = Prices::default();
        let mut listings: Vec<_> =
            (1..=21).map(|i| ordinary("Giày Nike", f64::from(i) * 1e5, false)).collect();
        listings.push(ordinary("Giày Nike", 1.0, true));
        listings.push(ordinary("Giày Nike đã dùng", 1.0, false));
        listings.push(ordinary("Giày đẹp", 1.0, false));
        listings.push(None);
        prices.add(&knowledge(), &listings);
        let rows = prices.rows(&knowledge(), 21);
        assert_eq!(rows.len(), 1);
        assert_eq!((&*rows[0].brand, &*rows[0].kind, rows[0].listings), ("Nike", "shoes", 21));
        for (got, want) in rows[0].quantiles.into_iter().zip([2e5, 6e5, 11e5, 16e5]) {
            assert!((got - want).abs() < 1.0, "{got}");
        }
        let mut prices = Prices::default();
        prices.add(&knowledge(), &listings);
        assert_eq!(prices.rows(&knowledge(), 22), []);
    }
}
