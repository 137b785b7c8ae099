//! What a registry of products says of the number that a listing carries.

use serde::{Deserialize, Serialize};

use super::clue::Clue;
use crate::domain::{Field, Gtin, Listing, Part, ProductStatus, Reason};
use crate::preprocess::text::fold;

/// What a registry answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum OriginAnswer {
    /// The number is registered.
    Known(OriginProduct),
    /// It is not.
    Unknown,
    /// The registry could not be asked, or did not answer in a form that it should.
    Unavailable,
}

/// A product as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginProduct {
    pub brand: Option<String>,
    pub name: Option<String>,
    pub owner: Option<String>,
    pub status: ProductStatus,
}

/// What was asked for a listing, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginRecord {
    pub gtin: Gtin,
    /// Where the listing has the number: the field, the first character, the words.
    pub field: String,
    pub start: usize,
    pub text: String,
    /// The registry that answered.
    pub source: String,
    #[serde(flatten)]
    pub answer: OriginAnswer,
}

/// How a listing and a registry agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginVerdict {
    /// The registry has the number under the listing's brand.
    Match,
    /// It has it under another brand, or says that the product was withdrawn.
    Mismatch,
    /// It does not have it, or one of the two names no brand.
    Unknown,
    /// It could not be asked. No score moves for that.
    Unavailable,
}

/// What sellers write where there is no brand, folded and without blanks.
const NO_BRAND: [&str; 14] = [
    "nobrand",
    "unbranded",
    "oem",
    "odm",
    "khac",
    "other",
    "none",
    "na",
    "khong",
    "khongco",
    "khongthuonghieu",
    "chuaxacdinh",
    "dangcapnhat",
    "generic",
];

impl OriginRecord {
    pub fn verdict(&self, listing: &Listing) -> OriginVerdict {
        self.judge(listing).0
    }

    /// The verdict, and the kind of evidence that it is.
    fn judge(&self, listing: &Listing) -> (OriginVerdict, &'static str) {
        let product = match &self.answer {
            OriginAnswer::Unavailable => return (OriginVerdict::Unavailable, "origin_unavailable"),
            OriginAnswer::Unknown => return (OriginVerdict::Unknown, "origin_unknown"),
            OriginAnswer::Known(product) => product,
        };
        match product.agrees(listing) {
            Some(false) => (OriginVerdict::Mismatch, "origin_mismatch"),
            _ if product.status == ProductStatus::Withdrawn => {
                (OriginVerdict::Mismatch, "origin_withdrawn")
            }
            Some(true) => (OriginVerdict::Match, "origin_match"),
            None => (OriginVerdict::Unknown, "origin_unknown"),
        }
    }

    /// What it says of `listing`: always one clue, a note where it weighs nothing.
    pub fn clues(&self, listing: &Listing) -> Vec<Clue> {
        let (_, kind) = self.judge(listing);
        let clue = Clue::new(Part::Codes, kind, Field::Owned(self.field.clone()));
        vec![clue.text(&self.text).at(self.start).reason(self.reason(kind, listing))]
    }

    fn reason(&self, kind: &str, listing: &Listing) -> Reason {
        let Self { gtin, source, answer, .. } = self;
        let (name, brand) = match answer {
            OriginAnswer::Known(p) => {
                (p.name.as_deref().unwrap_or("?"), p.brand.as_deref().unwrap_or("?"))
            }
            OriginAnswer::Unknown | OriginAnswer::Unavailable => ("?", "?"),
        };
        let ours: String = listing.brand().unwrap_or_default().chars().take(80).collect();
        let (vi, en) = match (kind, answer) {
            ("origin_match", _) => (
                format!(
                    "{source}: mã {gtin} là {name} ({brand}), đúng nhãn hiệu của tin; hàng giả cũng có thể chép mã thật"
                ),
                format!(
                    "{source}: {gtin} is {name} ({brand}), the listing's brand; a fake may carry a copied number too"
                ),
            ),
            ("origin_mismatch", _) => (
                format!("{source}: mã {gtin} là {name} ({brand}), không phải nhãn hiệu {ours}"),
                format!("{source}: {gtin} is {name} ({brand}), not of the brand {ours}"),
            ),
            ("origin_withdrawn", _) => (
                format!(
                    "{source}: sản phẩm mang mã {gtin}, {name} ({brand}), đã bị thu hồi hoặc ngừng lưu hành"
                ),
                format!("{source}: the product of {gtin}, {name} ({brand}), was withdrawn"),
            ),
            (_, OriginAnswer::Known(_)) => (
                format!("{source}: mã {gtin} là {name} ({brand}); thiếu nhãn hiệu để đối chiếu"),
                format!("{source}: {gtin} is {name} ({brand}); there is no brand to compare"),
            ),
            (_, OriginAnswer::Unknown) => (
                format!("{source}: không có mã {gtin}; không sổ nào ghi đủ mọi sản phẩm"),
                format!("{source}: {gtin} is not registered; no registry has all products"),
            ),
            (_, OriginAnswer::Unavailable) => (
                format!("{source}: chưa hỏi được về mã {gtin}; điểm không bị ảnh hưởng"),
                format!("{source}: could not be asked for {gtin}; the score is not affected"),
            ),
        };
        Reason { vi, en }
    }
}

impl OriginProduct {
    /// Whether the listing's brand is the registered one; `None` where one of them names none.
    ///
    /// A brand that stands in the registered name or is the owner's agrees as well: houses register
    /// their brands' goods under their own name. A listing without a brand agrees where its title
    /// names the registered one, and never disagrees.
    fn agrees(&self, listing: &Listing) -> Option<bool> {
        let registered = self.brand.as_deref().map(words).filter(|b| !b.is_empty())?;
        let stated = listing.brand().map(words).filter(|brand| {
            let joined = brand.concat();
            !joined.is_empty() && !NO_BRAND.contains(&joined.as_str())
        });
        let Some(stated) = stated else {
            return stands_in(&registered, &words(listing.title())).then_some(true);
        };
        let others = [self.name.as_deref(), self.owner.as_deref()];
        let same = registered.concat() == stated.concat()
            || stands_in(&registered, &stated)
            || stands_in(&stated, &registered)
            || others.into_iter().flatten().any(|other| stands_in(&stated, &words(other)));
        Some(same)
    }
}

/// The words of a name, folded: letters and digits in lower case.
fn words(name: &str) -> Vec<String> {
    let folded = fold(&name.to_lowercase());
    // A name written with a sign inside is one word: L'Oréal, P/S.
    folded
        .split_whitespace()
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect())
        .filter(|word: &String| !word.is_empty())
        .collect()
}

/// Whether the words of `part` stand one after the other in `whole`.
fn stands_in(part: &[String], whole: &[String]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Limits;

    fn listing(title: &str, brand: Option<&str>) -> Listing {
        let json = serde_json::json!({"title": title, "brand": brand}).to_string();
        Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
    }

    fn record(answer: OriginAnswer) -> OriginRecord {
        OriginRecord {
            gtin: Gtin::parse("6291041500213").unwrap(),
            field: "gtin".to_owned(),
            start: 0,
            text: "6291041500213".to_owned(),
            source: "Sổ A".to_owned(),
            answer,
        }
    }

    fn known(brand: &str, status: ProductStatus) -> OriginRecord {
        let brand = Some(brand.to_owned()).filter(|b| !b.is_empty());
        let (name, owner) = (Some("Maybelline Fit Me".to_owned()), Some("L'Oréal VN".to_owned()));
        record(OriginAnswer::Known(OriginProduct { brand, name, owner, status }))
    }

    #[test]
    fn a_brand_agrees_however_it_is_written() {
        let kind = |registered: &str, title: &str, brand| {
            known(registered, ProductStatus::Active).judge(&listing(title, brand)).1
        };
        for (registered, title, brand, want) in [
            ("NIKE", "a", Some("Nike"), "origin_match"),
            ("Nike", "a", Some("Nike Việt Nam"), "origin_match"),
            ("Nike Inc.", "a", Some("nike"), "origin_match"),
            ("Bioderma", "a", Some("Bio Derma"), "origin_match"),
            ("L'Oréal", "a", Some("LOREAL"), "origin_match"),
            ("L'Oréal", "a", Some("Maybelline"), "origin_match"),
            ("Nike", "Giày NIKE Air", None, "origin_match"),
            ("Nike", "Giày NIKE Air", Some("No brand"), "origin_match"),
            ("Nike", "a", Some("Adidas"), "origin_mismatch"),
            ("Nike", "Giày Nike", Some("Adidas"), "origin_mismatch"),
            ("Nike", "a", Some("Nikey"), "origin_mismatch"),
            ("Nike", "Giày Adidas", None, "origin_unknown"),
            ("Nike", "a", Some("OEM"), "origin_unknown"),
            ("Nike", "a", Some("---"), "origin_unknown"),
            ("", "a", Some("Nike"), "origin_unknown"),
        ] {
            assert_eq!(kind(registered, title, brand), want, "{registered}: {title}, {brand:?}");
        }
    }

    #[test]
    fn every_answer_is_one_clue_with_a_reason_of_its_own() {
        let listing = listing("Giày Nike", Some("Nike"));
        for (record, verdict, kind, words) in [
            (known("Nike", ProductStatus::Active), OriginVerdict::Match, "origin_match", "copied"),
            (
                known("Dior", ProductStatus::Active),
                OriginVerdict::Mismatch,
                "origin_mismatch",
                "not of the brand Nike",
            ),
            (
                known("Nike", ProductStatus::Withdrawn),
                OriginVerdict::Mismatch,
                "origin_withdrawn",
                "withdrawn",
            ),
            (
                record(OriginAnswer::Unknown),
                OriginVerdict::Unknown,
                "origin_unknown",
                "not registered",
            ),
            (
                record(OriginAnswer::Unavailable),
                OriginVerdict::Unavailable,
                "origin_unavailable",
                "not affected",
            ),
        ] {
            assert_eq!(record.verdict(&listing), verdict);
            let clues = record.clues(&listing);
            assert_eq!((clues.len(), clues[0].kind), (1, kind));
            let reason = clues[0].reason.as_ref().unwrap();
            assert!(reason.en.starts_with("Sổ A: ") && reason.en.contains(words), "{reason:?}");
        }
    }

    #[test]
    fn a_record_is_kept_as_json_and_comes_back() {
        for record in [known("Nike", ProductStatus::Withdrawn), record(OriginAnswer::Unavailable)] {
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<OriginRecord>(&json).unwrap(), record);
        }
    }
}
