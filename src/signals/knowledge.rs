use std::fs;
use std::path::{Path, PathBuf};

use super::brands::{Brands, BrandsError};
use super::fusion::{Fusion, FusionError};
use super::lexicon::{Lexicon, LexiconError};
use super::phrases::{Interner, WordId};
use crate::preprocess::text::{Normalizer, Teencode, TeencodeError, Text, Vocabulary};

/// The files that make up the knowledge, in a folder of their own or in a model's.
pub const FILES: [&str; 4] = ["lexicon.toml", "brands.toml", "teencode.toml", "fusion.toml"];

/// Everything that is known before a listing is read: wording, brands, short forms, and what other
/// evidence weighs.
#[derive(Debug)]
pub struct Knowledge {
    lexicon: Lexicon,
    brands: Brands,
    fusion: Fusion,
    normalizer: Normalizer,
    interner: Interner,
}

/// The knowledge cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Lexicon(#[from] LexiconError),
    #[error(transparent)]
    Brands(#[from] BrandsError),
    #[error(transparent)]
    Teencode(#[from] TeencodeError),
    #[error(transparent)]
    Fusion(#[from] FusionError),
}

impl Knowledge {
    /// Reads the [`FILES`] of a folder.
    ///
    /// # Errors
    /// When a file is missing or says something that cannot be.
    pub fn load(dir: &Path) -> Result<Self, KnowledgeError> {
        let [lexicon, brands, teencode, fusion] = FILES.map(|name| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|source| KnowledgeError::Read { path, source })
        });
        Ok(Self::parse(&lexicon?, &brands?, &teencode?)?.with_fusion(Fusion::parse(&fusion?)?))
    }

    /// Reads the texts of the [`FILES`], but for the fusion table, which is empty.
    ///
    /// # Errors
    /// When one says something that cannot be.
    pub fn parse(lexicon: &str, brands: &str, teencode: &str) -> Result<Self, KnowledgeError> {
        let teencode = Teencode::parse(teencode)?;
        let mut interner = Interner::default();
        let mut vocabulary = Vocabulary::default();
        // Terms are normalised as listings are, but for the restoring that they make possible.
        let bare = Normalizer::new(teencode.clone(), Vocabulary::default());
        let brands = Brands::parse(brands, &bare, &mut interner, &mut vocabulary)?;
        let lexicon = Lexicon::parse(lexicon, &bare, &mut interner, &mut vocabulary)?;
        let normalizer = Normalizer::new(teencode, vocabulary);
        let fusion = Fusion::default();
        Ok(Self { lexicon, brands, fusion, normalizer, interner })
    }

    /// The same with another fusion table.
    #[must_use]
    pub fn with_fusion(self, fusion: Fusion) -> Self {
        Self { fusion, ..self }
    }

    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    pub fn brands(&self) -> &Brands {
        &self.brands
    }

    pub fn fusion(&self) -> &Fusion {
        &self.fusion
    }

    pub fn normalizer(&self) -> &Normalizer {
        &self.normalizer
    }

    /// The first kind of goods named in `text`.
    pub fn first_kind(&self, text: &Text) -> Option<u16> {
        self.brands.first_kind(text, &self.word_ids(text))
    }

    pub(super) fn word_ids(&self, text: &Text) -> Vec<WordId> {
        self.interner.ids_of(text)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::{Limits, Listing};
    use crate::signals::{Mention, Reading, Variant};

    const LEXICON: &str = r#"
[[concept]]
id = "replica_term"
polarity = "risk"
reason_vi = "Nói là hàng nhái"
reason_en = "Says it is a replica"
terms = ["rep 1:1", "rep", "hàng nhái", "fake"]
unless_near = ["áo đấu"]
[[concept]]
id = "negator"
polarity = "context"
reason_vi = "Phủ định"
reason_en = "Negation"
terms = ["không", "không phải"]
[[concept]]
id = "warning_guide"
polarity = "relief"
reason_vi = "Cảnh báo"
reason_en = "Warning"
terms = ["cách phân biệt"]
[[concept]]
id = "denial_phrase"
polarity = "relief"
reason_vi = "Nói không bán hàng nhái"
reason_en = "Denies selling replicas"
terms = ["nói không với hàng nhái"]
[[concept]]
id = "second_hand"
polarity = "relief"
reason_vi = "Hàng đã dùng"
reason_en = "Used"
terms = ["đã dùng"]
[[concept]]
id = "accessory_compatible"
polarity = "relief"
reason_vi = "Phụ kiện"
reason_en = "Accessory"
terms = ["dây đeo"]
"#;

    const BRANDS: &str = r#"
[rates]
USD = 25000
[[kind]]
id = "shoes"
words = ["giày", "shoes"]
[[kind]]
id = "toothpaste"
words = ["kem đánh răng"]
[[brand]]
id = "nike"
name = "Nike"
aliases = ["nike"]
disguises = ["nai kì"]
lines = ["air force 1"]
prices = [{ kind = "shoes", low = 1000000, typical = 2000000, basis = "estimate" }]
[[brand]]
id = "jordan"
name = "Jordan"
aliases = ["jordan"]
homonym_near = ["kem đánh răng"]
[[product]]
brand = "nike"
names = ["dunk"]
price = { kind = "shoes", low = 2000000, typical = 2500000, basis = "estimate" }
[[product]]
brand = "nike"
names = ["dunk low retro"]
price = { kind = "shoes", low = 4000000, typical = 5000000, basis = "estimate" }
"#;

    pub(crate) fn knowledge() -> Knowledge {
        Knowledge::parse(LEXICON, BRANDS, "[expand]\nko = \"không\"").unwrap()
    }

    pub(crate) fn reading(json: &str) -> Reading {
        let listing = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap();
        Reading::new(&knowledge(), &listing)
    }

    /// Concepts met in the title, with how they were met.
    fn met(title: &str) -> Vec<(String, Variant)> {
        let knowledge = knowledge();
        let reading = reading(&serde_json::json!({ "title": title }).to_string());
        let concept = |i: u16| knowledge.lexicon().concepts()[usize::from(i)].id.to_string();
        let findings = reading.fields.iter().flat_map(|f| &f.findings);
        findings.map(|f| (concept(f.concept), f.variant)).collect()
    }

    fn one(name: &str, variant: Variant) -> Vec<(String, Variant)> {
        vec![(name.to_owned(), variant)]
    }

    #[test]
    fn a_negation_reaches_to_the_end_of_its_clause() {
        assert_eq!(met("hàng rep 1:1"), one("replica_term", Variant::Plain));
        assert_eq!(met("shop ko bán hàng nhái"), one("replica_term", Variant::Negated));
        assert_eq!(met("không đẹp. rep 1:1"), one("replica_term", Variant::Plain));
        assert_eq!(
            met("không lo gì về giá vì đây là hàng nhái"),
            one("replica_term", Variant::Plain)
        );
    }

    #[test]
    fn the_longest_phrase_wins_and_its_setting_counts() {
        assert_eq!(met("nói không với hàng nhái"), one("denial_phrase", Variant::Plain));
        let both = met("cách phân biệt hàng nhái");
        let replica = ("replica_term".to_owned(), Variant::Beside);
        assert_eq!(both, [("warning_guide".to_owned(), Variant::Plain), replica]);
    }

    #[test]
    fn a_phrase_nearby_may_void_a_finding() {
        assert_eq!(met("áo đấu rep"), []);
        assert_eq!(met("áo đấu đẹp nhất mùa này cho cả nhà, giày rep").len(), 1);
    }

    #[test]
    fn brands_are_met_by_name_line_or_disguise_but_not_by_homonym() {
        let mentions = |title: &str| -> Vec<(u16, Mention, bool)> {
            let reading = reading(&serde_json::json!({ "title": title }).to_string());
            let brands = reading.fields.iter().flat_map(|f| &f.brands);
            brands.map(|m| (m.brand, m.mention, m.marks.is_disguised())).collect()
        };
        assert_eq!(mentions("Giày Nike"), [(0, Mention::Named, false)]);
        assert_eq!(mentions("Giày N.1.k.e"), [(0, Mention::Named, true)]);
        assert_eq!(mentions("giày nai ki"), [(0, Mention::Disguised, false)]);
        assert_eq!(mentions("Air Force 1 trắng"), [(0, Mention::Line, false)]);
        assert_eq!(mentions("kem đánh răng Jordan"), []);
        assert_eq!(mentions("giày Jordan"), [(1, Mention::Named, false)]);
    }

    #[test]
    fn the_price_reference_needs_brand_kind_and_goods_that_are_the_brands_own() {
        let ratio = |json: &str| reading(json).price.map(|p| (p.ratio(), p.used));
        let with =
            |title: &str, price: &str| ratio(&format!(r#"{{"title":"{title}","price":{price}}}"#));
        assert_eq!(with("Giày Nike", r#"{"amount":100000}"#), Some((0.1, false)));
        assert_eq!(with("Giày Nike", r#"{"amount":20,"currency":"USD"}"#), Some((0.5, false)));
        assert_eq!(with("Giày Nike đã dùng", r#"{"amount":100000}"#), Some((0.5, true)));
        assert_eq!(with("Dây đeo giày Nike", r#"{"amount":100000}"#), None);
        assert_eq!(with("Giày đẹp", r#"{"amount":100000}"#), None);
        assert_eq!(with("Jordan đẹp", r#"{"amount":100000}"#), None);
        assert_eq!(with("Air Force 1 đẹp", r#"{"amount":100000}"#), Some((0.1, false)));
        assert_eq!(with("Giày Nike", r#"{"amount":3,"currency":"EUR"}"#), None);
        let json = r#"{"title":"Đẹp","brand":"Nike","category":"Giày nam","price":{"amount":5e5}}"#;
        assert_eq!(ratio(json), Some((0.5, false)));
    }

    #[test]
    fn a_product_line_has_its_own_price_beside_its_brand_unless_other_goods_are_named() {
        let ratio = |title: &str| {
            let json = serde_json::json!({ "title": title, "price": { "amount": 1e6 } });
            reading(&json.to_string()).price.map(|p| p.ratio())
        };
        assert_eq!(ratio("Giày Nike Dunk"), Some(0.5));
        assert_eq!(ratio("Nike Dunk Low Retro"), Some(0.25));
        assert_eq!(ratio("Giày Dunk"), None);
        assert_eq!(ratio("Kem đánh răng Nike Dunk"), None);
        assert_eq!(ratio("Giày Nike"), Some(1.0));
    }

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        let refuse = |lexicon: &str, brands: &str| {
            Knowledge::parse(lexicon, brands, "[expand]").unwrap_err().to_string()
        };
        let twice = format!("{LEXICON}{LEXICON}");
        assert!(refuse(&twice, BRANDS).contains("stands twice"));
        assert!(refuse("concept = []", BRANDS).contains("\"negator\" is needed"));
        assert!(refuse(LEXICON, &BRANDS.replace("1000000", "9000000")).contains("low <= typical"));
        let unknown = BRANDS.replace("kind = \"shoes\"", "kind = \"hats\"");
        assert!(refuse(LEXICON, &unknown).contains("hats"));
        let orphan = BRANDS.replace("brand = \"nike\"", "brand = \"nikke\"");
        assert!(refuse(LEXICON, &orphan).contains("nikke"));
    }
}
