use std::collections::BTreeMap;

use serde::Deserialize;

use super::phrases::{Interner, Match, Phrases, WordId, has_near, near_key};
use crate::preprocess::text::{Marks, Normalizer, Place, Text, Vocabulary};

/// Words on each side in which a homonym's companion makes a mention void.
const NEAR: usize = 6;
/// Shortest word of a name of several words that is restored where it was broken up.
const MIN_PART: usize = 5;

/// How a brand was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention {
    /// By its name.
    Named,
    /// By a spelling invented to avoid the name.
    Disguised,
    /// By one of its products alone.
    Line,
}

/// A brand met in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrandMention {
    /// Index of the brand.
    pub brand: u16,
    pub mention: Mention,
    pub words: (usize, usize),
    pub place: Place,
    /// How the words were disguised.
    pub marks: Marks,
}

/// What new genuine goods of a brand and kind cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reference {
    pub(super) kind: u16,
    /// About the cheapest twentieth, VND.
    pub(super) low: f64,
}

/// A product line met in a text, with a price of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Product {
    pub(super) brand: u16,
    pub(super) reference: Reference,
}

#[derive(Debug)]
struct Brand {
    name: Box<str>,
    /// Its names, and the spellings invented to avoid them.
    spellings: Vec<Box<str>>,
    homonym_near: Vec<Box<str>>,
    prices: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    id: String,
    /// In Vietnamese; the first of the words when not given.
    name: Option<String>,
    words: Vec<String>,
}

impl RawKind {
    fn names(&self) -> (Box<str>, Box<str>) {
        let vi = self.name.as_ref().or(self.words.first()).unwrap_or(&self.id);
        (self.id.as_str().into(), vi.as_str().into())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrice {
    kind: String,
    low: f64,
    typical: f64,
    basis: String,
    #[expect(dead_code, reason = "the size of the sample is for the file's readers")]
    n: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBrand {
    id: String,
    name: String,
    aliases: Vec<String>,
    #[serde(default)]
    disguises: Vec<String>,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    homonym_near: Vec<String>,
    #[serde(default = "yes")]
    spaced: bool,
    #[serde(default)]
    prices: Vec<RawPrice>,
}

/// A product line: beside its brand, what it is called and what it costs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProduct {
    brand: String,
    names: Vec<String>,
    price: RawPrice,
}

fn yes() -> bool {
    true
}

/// The table of brands cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrandsError {
    #[error("brands: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("brands: {0:?} stands twice")]
    Twice(String),
    #[error("brands: a product of {0:?}, which is not a brand")]
    UnknownBrand(String),
    #[error("brands: {brand:?} has a price for {kind:?}, which is not a kind")]
    UnknownKind { brand: String, kind: String },
    #[error("brands: {brand:?}, {kind:?}: want 0 < low <= typical and a basis")]
    BadPrice { brand: String, kind: String },
    #[error("brands: the rate of {0:?} must be above 0")]
    BadRate(String),
}

/// Brands, their spellings, and what their goods cost.
#[derive(Debug)]
pub struct Brands {
    brands: Vec<Brand>,
    names: Phrases<(u16, Mention)>,
    /// Id and Vietnamese name of each kind of goods.
    kinds: Vec<(Box<str>, Box<str>)>,
    kind_words: Phrases<u16>,
    products: Phrases<Product>,
    /// VND for one unit of a currency.
    rates: BTreeMap<String, f64>,
}

impl Brands {
    /// Reads the brands; their names go into `vocabulary`, to be restored where disguised.
    pub(super) fn parse(
        toml: &str,
        normalizer: &Normalizer,
        interner: &mut Interner,
        vocabulary: &mut Vocabulary,
    ) -> Result<Self, BrandsError> {
        #[derive(Deserialize)]
        struct File {
            kind: Vec<RawKind>,
            brand: Vec<RawBrand>,
            #[serde(default)]
            product: Vec<RawProduct>,
            #[serde(default)]
            rates: BTreeMap<String, f64>,
        }
        let file: File = toml::from_str(toml)?;
        if let Some((code, _)) = file.rates.iter().find(|(_, rate)| **rate <= 0.0) {
            return Err(BrandsError::BadRate(code.clone()));
        }
        let mut this = Self {
            brands: Vec::new(),
            names: Phrases::new(),
            kinds: file.kind.iter().map(RawKind::names).collect(),
            kind_words: Phrases::new(),
            products: Phrases::new(),
            rates: file.rates,
        };
        for (kind, index) in file.kind.iter().zip(0..) {
            for word in &kind.words {
                this.kind_words.add(interner, &normalizer.normalize(word), false, index);
            }
        }
        for raw in &file.brand {
            if file.brand.iter().filter(|b| b.id == raw.id).count() > 1 {
                return Err(BrandsError::Twice(raw.id.clone()));
            }
            let index = u16::try_from(this.brands.len()).unwrap_or(u16::MAX);
            let spellings = [
                (&raw.aliases, Mention::Named),
                (&raw.disguises, Mention::Disguised),
                (&raw.lines, Mention::Line),
            ];
            for (names, mention) in spellings {
                for name in names {
                    let text = normalizer.normalize(name);
                    this.names.add(interner, &text, false, (index, mention));
                    if mention != Mention::Line {
                        add_words(vocabulary, &text, raw.spaced);
                    }
                }
            }
            let near = raw.homonym_near.iter().map(|p| near_key(&normalizer.normalize(p)));
            let prices = raw.prices.iter().map(|p| this.reference(&raw.id, p));
            this.brands.push(Brand {
                name: raw.name.as_str().into(),
                spellings: [&raw.aliases, &raw.disguises]
                    .into_iter()
                    .flatten()
                    .map(|s| s.as_str().into())
                    .collect(),
                homonym_near: near.collect(),
                prices: prices.collect::<Result<_, _>>()?,
            });
        }
        for raw in &file.product {
            let Some(brand) = file.brand.iter().position(|b| b.id == raw.brand) else {
                return Err(BrandsError::UnknownBrand(raw.brand.clone()));
            };
            let brand = u16::try_from(brand).unwrap_or(u16::MAX);
            let product = Product { brand, reference: this.reference(&raw.brand, &raw.price)? };
            for name in &raw.names {
                this.products.add(interner, &normalizer.normalize(name), false, product);
            }
        }
        Ok(this)
    }

    fn reference(&self, brand: &str, price: &RawPrice) -> Result<Reference, BrandsError> {
        let (brand, kind) = (brand.to_owned(), price.kind.clone());
        let Some(index) = self.kinds.iter().position(|(id, _)| **id == *kind) else {
            return Err(BrandsError::UnknownKind { brand, kind });
        };
        if !(0.0 < price.low && price.low <= price.typical) || price.basis.is_empty() {
            return Err(BrandsError::BadPrice { brand, kind });
        }
        Ok(Reference { kind: u16::try_from(index).unwrap_or(u16::MAX), low: price.low })
    }

    pub fn len(&self) -> usize {
        self.brands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.brands.is_empty()
    }

    /// The brand's usual name.
    pub fn name(&self, brand: u16) -> &str {
        &self.brands[usize::from(brand)].name
    }

    /// The brand's names, and the spellings invented to avoid them.
    pub fn spellings(&self, brand: u16) -> &[Box<str>] {
        &self.brands[usize::from(brand)].spellings
    }

    /// The kind of goods in English (its id) and in Vietnamese.
    pub fn kind_names(&self, kind: u16) -> (&str, &str) {
        let (id, vi) = &self.kinds[usize::from(kind)];
        (id, vi)
    }

    pub(super) fn reference_of(&self, brand: u16, kind: u16) -> Option<Reference> {
        self.brands[usize::from(brand)].prices.iter().find(|p| p.kind == kind).copied()
    }

    /// Whether new bags or shoes of the brand cost at least `least`, VND.
    pub(super) fn is_house(&self, brand: u16, least: f64) -> bool {
        let is = |kind: u16| matches!(&*self.kinds[usize::from(kind)].0, "bag" | "shoes");
        let prices = &self.brands[usize::from(brand)].prices;
        prices.iter().any(|price| price.low >= least && is(price.kind))
    }

    /// The kind of goods meant where none is named: the brand's only one, or, where a product line
    /// is named, its first.
    pub(super) fn implied_kind(&self, brand: u16, by_line: bool) -> Option<u16> {
        let prices = &self.brands[usize::from(brand)].prices;
        prices.first().filter(|_| by_line || prices.len() == 1).map(|p| p.kind)
    }

    /// VND for one unit of `currency`, where known.
    pub(super) fn rate(&self, currency: &str) -> Option<f64> {
        if currency == "VND" { Some(1.0) } else { self.rates.get(currency).copied() }
    }

    /// The brands met in one text.
    pub(super) fn find(&self, text: &Text, ids: &[WordId]) -> Vec<BrandMention> {
        let mut mentions = Vec::new();
        let mut matches: Vec<Match<(u16, Mention)>> = Vec::new();
        let mut at = 0;
        while at < ids.len() {
            self.names.at(text, ids, at, &mut matches);
            let hit = matches.iter().find(|m| {
                let near = &self.brands[usize::from(m.payload.0)].homonym_near;
                !has_near(text, at.saturating_sub(NEAR), at + m.words + NEAR, near)
            });
            let Some(hit) = hit else {
                at += 1;
                continue;
            };
            let words = &text.words()[at..at + hit.words];
            mentions.push(BrandMention {
                brand: hit.payload.0,
                mention: hit.payload.1,
                words: (at, at + hit.words),
                place: words[0].place.to(words[words.len() - 1].place),
                marks: words.iter().fold(Marks::default(), |all, w| all | w.marks),
            });
            at += hit.words;
        }
        mentions
    }

    /// The product lines named in a text, the one with the longest name first.
    pub(super) fn find_products(&self, text: &Text, ids: &[WordId]) -> Vec<Product> {
        let (mut found, mut matches) = (Vec::new(), Vec::new());
        for at in 0..ids.len() {
            self.products.at(text, ids, at, &mut matches);
            found.extend(matches.iter().map(|m| (m.words, m.payload)));
        }
        found.sort_by_key(|(words, _)| std::cmp::Reverse(*words));
        found.into_iter().map(|(_, product)| product).collect()
    }

    /// The first kind of goods named in a text.
    pub(super) fn first_kind(&self, text: &Text, ids: &[WordId]) -> Option<u16> {
        let mut matches = Vec::new();
        (0..ids.len()).find_map(|at| {
            self.kind_words.at(text, ids, at, &mut matches);
            matches.first().map(|m| m.payload)
        })
    }
}

fn add_words(vocabulary: &mut Vocabulary, name: &Text, spaced: bool) {
    if let [_] = name.words() {
        vocabulary.add(name.plain(), spaced);
        return;
    }
    let words: Vec<&str> = name.words().iter().map(|w| name.folded_word(w)).collect();
    vocabulary.add_name(&words.join(" "));
    for word in name.words() {
        let word = name.plain_word(word);
        if word.chars().count() >= MIN_PART {
            vocabulary.add(word, spaced);
        }
    }
}
