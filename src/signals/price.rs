use super::brands::{Brands, Mention, Reference};
use super::lexicon::Lexicon;
use super::reading::{FieldText, Source};
use crate::domain::Price;

/// Where the hinges of the price part stand, in natural logarithms of price over reference.
const KNOTS: [f64; 6] = [1.1, 0.5, 0.0, -0.5, -1.1, -1.8];
/// How many weights the price part has: one that is always on, and one a hinge.
pub const PRICE_FEATURES: usize = 1 + KNOTS.len();

/// Below this share of the reference a price is no cheaper: it is a deposit, a slip, or other goods.
const CHEAPEST: f64 = 0.14;

/// A used article of a brand may cost this share of the cheapest new one.
const USED_SHARE: f64 = 0.2;

/// Concepts under which the brand's own prices say nothing: the goods are other goods.
const OTHER_GOODS: [&str; 5] =
    ["accessory_compatible", "style_of", "warning_guide", "decant", "packaging_trade"];
const SECOND_HAND: &str = "second_hand";

/// The listing's price against what new genuine goods of its brand and kind cost.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSignal {
    pub brand: u16,
    /// Index of the kind of goods.
    pub kind: u16,
    /// Asked, VND.
    pub price: f64,
    /// About the cheapest twentieth of new genuine goods, VND; less where the goods are used.
    pub reference: f64,
    pub used: bool,
}

impl PriceSignal {
    /// Price over reference.
    pub fn ratio(&self) -> f64 {
        self.price / self.reference
    }
}

/// What the price part's weights are multiplied with. With weights of at least 0 on the hinges,
/// a lower price never lowers the sum.
pub fn price_features(ratio: f64) -> [f64; PRICE_FEATURES] {
    let r = ratio.max(CHEAPEST).ln();
    let mut features = [1.0; PRICE_FEATURES];
    for (feature, knot) in features[1..].iter_mut().zip(KNOTS) {
        *feature = (knot - r).max(0.0);
    }
    features
}

/// Where the hinges over the amount itself stand, VND.
const LEVELS: [f64; 10] = [3e4, 8e4, 1.5e5, 3e5, 6e5, 1.2e6, 2.5e6, 5e6, 1.2e7, 3e7];
/// How many hinges there are over the amount itself.
const LEVEL_FEATURES: usize = LEVELS.len();
/// Below this amount a price is no cheaper: it is a deposit or a slip. VND.
const LEAST: f64 = 1e4;

/// How far `vnd` is below each level, in natural logarithms; for goods without a reference, where
/// only the wording says what they should cost.
fn level_features(vnd: f64) -> [f64; LEVEL_FEATURES] {
    let amount = vnd.max(LEAST).ln();
    LEVELS.map(|level| (level.ln() - amount).max(0.0))
}

/// Whether the amount is known, and whether its reference is.
pub const PRICE_FLAGS: usize = 2;
/// Hinges over the price against its reference, then over the amount itself.
pub const PRICE_HINGES: usize = PRICE_FEATURES - 1 + LEVEL_FEATURES;

/// What is known of a price, for a model that weighs it by the text.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PriceInput {
    pub flags: [f32; PRICE_FLAGS],
    /// At least 0, and never smaller for a lower price.
    pub hinges: [f32; PRICE_HINGES],
}

impl PriceInput {
    pub(super) fn new(amount: Option<f64>, signal: Option<&PriceSignal>) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the encoder works in f32")]
        let narrow = |x: f64| x as f32;
        let mut this = Self::default();
        let (by_ratio, by_level) = this.hinges.split_at_mut(PRICE_FEATURES - 1);
        if let Some(amount) = amount {
            this.flags[0] = 1.0;
            by_level.copy_from_slice(&level_features(amount).map(narrow));
        }
        if let Some(signal) = signal {
            this.flags[1] = 1.0;
            by_ratio.copy_from_slice(&price_features(signal.ratio()).map(narrow)[1..]);
        }
        this
    }
}

/// What is offered: a brand's goods of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goods {
    pub brand: u16,
    /// Index of the kind of goods.
    pub kind: u16,
    pub used: bool,
    /// The price of the product line, where one is named that has one.
    line: Option<Reference>,
}

/// The goods on offer, where brand and kind are known and they are the brand's own.
pub(super) fn goods(brands: &Brands, lexicon: &Lexicon, fields: &[FieldText]) -> Option<Goods> {
    let title = fields.iter().find(|f| f.source == Source::Title)?;
    let id = |concept: u16| &*lexicon.concepts()[usize::from(concept)].id;
    if title.findings.iter().any(|f| OTHER_GOODS.contains(&id(f.concept))) {
        return None;
    }
    let of = |source: Source| fields.iter().find(|f| f.source == source);
    let brand = title
        .brands
        .iter()
        .chain(of(Source::Brand).into_iter().flat_map(|f| &f.brands))
        .min_by_key(|m| m.mention == Mention::Line)?
        .brand;
    let named = title.first_kind.or_else(|| of(Source::Category).and_then(|f| f.first_kind));
    let by_line = title.brands.iter().any(|m| m.brand == brand && m.mention == Mention::Line);
    // A product line costs what it costs, whatever else the brand sells; but not where other goods
    // are named with it.
    let fits = |kind: u16| named.is_none_or(|named| named == kind);
    let line = title.products.iter().find(|p| p.brand == brand && fits(p.reference.kind));
    let kind = match line {
        Some(line) => line.reference.kind,
        None => named.or_else(|| brands.implied_kind(brand, by_line))?,
    };
    let used = fields.iter().flat_map(|f| &f.findings).any(|f| id(f.concept) == SECOND_HAND);
    Some(Goods { brand, kind, used, line: line.map(|line| line.reference) })
}

/// The price against its reference, where both are known.
pub(super) fn price_signal(
    brands: &Brands,
    goods: Option<&Goods>,
    amount: Option<f64>,
) -> Option<PriceSignal> {
    let (price, goods) = (amount?, goods?);
    let Goods { brand, kind, used, line } = *goods;
    let reference = line.or_else(|| brands.reference_of(brand, kind))?;
    let share = if used { USED_SHARE } else { 1.0 };
    Some(PriceSignal { brand, kind, price, reference: reference.low * share, used })
}

/// The price in VND, where its currency is known.
pub(super) fn amount(brands: &Brands, price: Option<&Price>) -> Option<f64> {
    let price = price?;
    Some(price.amount() * brands.rate(price.currency())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_count_how_far_below_they_are() {
        assert!(level_features(1e9).iter().all(|f| f.abs() < 1e-12));
        let far = level_features(3e5);
        assert!(far[..4].iter().all(|f| f.abs() < 1e-12) && (far[4] - 2_f64.ln()).abs() < 1e-12);
        let mut slips = level_features(1e3).into_iter().zip(level_features(0.0));
        assert!(slips.all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn cheaper_is_never_less_suspicious() {
        let weights = [-1.0, 0.3, 0.0, 0.5, 0.1, 0.2, 0.9];
        let part = |ratio: f64| -> f64 {
            price_features(ratio).iter().zip(weights).map(|(f, w)| f * w).sum()
        };
        let ratios = [1e9, 40.0, 3.0, 1.2, 1.0, 0.8, 0.4, 0.1, 0.01, 0.0];
        for pair in ratios.windows(2) {
            assert!(part(pair[1]) >= part(pair[0]), "{pair:?}");
        }
        assert!(part(0.0).is_finite());
    }
}
