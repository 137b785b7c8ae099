use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{LegalClass, Limits, NewListing};

/// The version of the row's schema that this build reads and writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One labelled listing: a line of a `.jsonl` file.
///
/// ```json
/// {"id": "shoes-001", "listing": {"title": "…", "price": {"amount": 480000, "currency": "VND"}},
///  "label": 1, "legal_class": "counterfeit_mark", "slice": "open_terms", "family": "shoes-f01",
///  "lang": "vi", "why": "Says 'rep' openly."}
/// ```
///
/// A field that is not named here is an error, so that a misspelt one is not lost. Inside
/// `listing` the rules of the API hold: unknown fields are skipped.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Unique in the dataset; what stands before its first `-` names the category it was collected
    /// under.
    pub id: String,
    /// What a client would send.
    pub listing: NewListing,
    /// Whether an expert calls the listing counterfeit; 1 or 0 in JSON.
    #[serde(serialize_with = "write_label", deserialize_with = "read_label")]
    pub label: bool,
    /// `counterfeit_*` with label 1, `none` or `origin_unclear` with label 0.
    pub legal_class: LegalClass,
    /// The kind of difficulty, for metrics by slice.
    pub slice: String,
    /// Rows that share wording share a family, and a family is never split.
    pub family: String,
    pub lang: Lang,
    /// What decides the label, for the reader of an error list; no model sees it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// The language of a listing's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Vi,
    En,
    Mixed,
}

impl Lang {
    /// The name as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
            Self::Mixed => "mixed",
        }
    }
}

impl Row {
    /// Checks what the types do not: names present, label and legal class in agreement, and a
    /// listing that the API would take.
    ///
    /// # Errors
    /// The field's path and what is wrong with it.
    pub fn validate(&self, limits: &Limits) -> Result<(), (String, String)> {
        for (name, text) in [("id", &self.id), ("slice", &self.slice), ("family", &self.family)] {
            if text.trim().is_empty() {
                return Err((name.to_owned(), "must not be blank".to_owned()));
            }
        }
        if self.legal_class.is_counterfeit() != self.label {
            let text =
                format!("{} does not go with label {}", self.legal_class, self.label_number());
            return Err(("legal_class".to_owned(), text));
        }
        self.listing
            .clone()
            .parse(limits)
            .map(drop)
            .map_err(|e| (format!("listing.{}", e.field), e.message))
    }

    /// The category that the row was collected under: the id up to its first `-`.
    pub fn category_prefix(&self) -> &str {
        self.id.split('-').next().unwrap_or_default()
    }

    /// The seller's id, where the row has one.
    pub fn seller_id(&self) -> Option<&str> {
        self.listing.seller.as_ref()?.id.as_deref()
    }

    /// The label as JSON has it.
    pub fn label_number(&self) -> u8 {
        u8::from(self.label)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn write_label<S: Serializer>(label: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*label))
}

fn read_label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match u64::deserialize(deserializer)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(serde::de::Error::custom(format_args!("must be 0 or 1, got {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"id":"a-1","listing":{"title":"Giày"},"label":0,"legal_class":"none","slice":"plain_genuine","family":"a-f1","lang":"vi","why":"w"}"#;

    #[test]
    fn a_row_round_trips() {
        let row: Row = serde_json::from_str(ROW).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), ROW);
        assert_eq!((row.category_prefix(), row.seller_id()), ("a", None));
        assert_eq!(row.validate(&Limits::default()), Ok(()));
    }

    #[test]
    fn label_and_legal_class_must_agree() {
        for (label, class, good) in [
            (true, LegalClass::CounterfeitMark, true),
            (true, LegalClass::None, false),
            (true, LegalClass::OriginUnclear, false),
            (false, LegalClass::OriginUnclear, true),
            (false, LegalClass::CounterfeitLabel, false),
        ] {
            let row = Row { label, legal_class: class, ..serde_json::from_str(ROW).unwrap() };
            assert_eq!(row.validate(&Limits::default()).is_ok(), good, "{label} {class}");
        }
    }
}
