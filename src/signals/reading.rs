use super::brands::{BrandMention, Product};
use super::codes::{SeenCode, find_codes};
use super::knowledge::Knowledge;
use super::lexicon::Finding;
use super::phrases::WordId;
use super::price::{Goods, PriceInput, PriceSignal, amount, goods, price_signal};
use crate::domain::{Field, Listing};
use crate::preprocess::text::Text;

/// Which field a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Title,
    Description,
    Attribute,
    Brand,
    Category,
}

impl Source {
    /// Whether the text part reads it: brand and category are the platform's words, not the
    /// seller's, and only help to find the price reference.
    pub fn is_wording(self) -> bool {
        matches!(self, Self::Title | Self::Description | Self::Attribute)
    }
}

/// One field's text and what was met in it.
#[derive(Debug)]
pub struct FieldText {
    pub field: Field,
    pub source: Source,
    pub text: Text,
    pub findings: Vec<Finding>,
    pub brands: Vec<BrandMention>,
    pub(super) first_kind: Option<u16>,
    /// Only those of the title.
    pub(super) products: Vec<Product>,
}

/// A listing as it is read: texts normalised, findings in place.
#[derive(Debug, Default)]
pub struct Reading {
    pub fields: Vec<FieldText>,
    /// What is offered, where it is a brand's own goods of a known kind.
    pub goods: Option<Goods>,
    pub price: Option<PriceSignal>,
    /// The price in VND, where its currency is known.
    pub amount: Option<f64>,
    pub codes: Vec<SeenCode>,
}

impl Reading {
    /// Reads `listing` with `knowledge`.
    pub fn new(knowledge: &Knowledge, listing: &Listing) -> Self {
        let mut fields = Vec::with_capacity(4);
        let mut read = |field: Field, source: Source, original: &str| {
            let text = knowledge.normalizer().normalize(original);
            if !text.words().is_empty() {
                fields.push(read_field(knowledge, field, source, text));
            }
        };
        read("title".into(), Source::Title, listing.title());
        if let Some(text) = listing.description() {
            read("description".into(), Source::Description, text);
        }
        for (name, text) in listing.attributes() {
            read(format!("attributes.{name}").into(), Source::Attribute, text);
        }
        if let Some(text) = listing.brand() {
            read("brand".into(), Source::Brand, text);
        }
        if let Some(text) = listing.category() {
            read("category".into(), Source::Category, text);
        }
        let wording = fields.iter_mut().filter(|f| f.source.is_wording());
        knowledge.lexicon().settle(wording.flat_map(|f| &mut f.findings));
        let (brands, lexicon) = (knowledge.brands(), knowledge.lexicon());
        let amount = amount(brands, listing.price());
        let goods = goods(brands, lexicon, &fields);
        let price = price_signal(brands, goods.as_ref(), amount);
        Self { goods, price, amount, codes: find_codes(listing), fields }
    }

    /// What is known of the price.
    pub fn price_input(&self) -> PriceInput {
        PriceInput::new(self.amount, self.price.as_ref())
    }

    /// The texts that the text part reads.
    pub fn wording(&self) -> impl Iterator<Item = &FieldText> {
        self.fields.iter().filter(|f| f.source.is_wording())
    }
}

fn read_field(knowledge: &Knowledge, field: Field, source: Source, text: Text) -> FieldText {
    let ids: Vec<WordId> = knowledge.word_ids(&text);
    let findings =
        if source.is_wording() { knowledge.lexicon().find(&text, &ids) } else { Vec::new() };
    let brands = match source {
        Source::Category => Vec::new(),
        Source::Title | Source::Description | Source::Attribute | Source::Brand => {
            knowledge.brands().find(&text, &ids)
        }
    };
    let first_kind = match source {
        Source::Title | Source::Category => knowledge.brands().first_kind(&text, &ids),
        Source::Description | Source::Attribute | Source::Brand => None,
    };
    let products = match source {
        Source::Title => knowledge.brands().find_products(&text, &ids),
        Source::Description | Source::Attribute | Source::Brand | Source::Category => Vec::new(),
    };
    FieldText { field, source, text, findings, brands, first_kind, products }
}
