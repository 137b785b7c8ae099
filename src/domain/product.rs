use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Gtin;
use super::verdict::{UnknownName, names};

/// Longest brand, owner and source, in characters.
const NAME_CHARS: usize = 200;
/// Longest name of a product, in characters.
const TITLE_CHARS: usize = 500;
/// Longest kind and reference of a document, in characters.
const KIND_CHARS: usize = 60;
const REFERENCE_CHARS: usize = 300;
/// Most documents of a product.
const DOCUMENTS: usize = 20;
/// Highest price in VND.
const MAX_PRICE: f64 = 1e12;

names! {
    /// Whether a registered product may be on sale.
    ProductStatus, "status" {
        /// On the market by its owner's will.
        Active = "active",
        /// Taken off the market, recalled, or never made under this number.
        Withdrawn = "withdrawn",
        /// Registered, and no more is known.
        Unknown = "unknown",
    }
}

/// A paper about a product: a declaration, a certificate, an import licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub kind: String,
    /// Its number, or where it can be seen.
    pub reference: String,
}

/// A product as a client wrote it: nothing checked but JSON types.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    pub brand: Option<String>,
    pub name: Option<String>,
    pub owner: Option<String>,
    pub country: Option<String>,
    #[serde(default)]
    pub documents: Vec<Document>,
    pub price_low: Option<f64>,
    pub price_typical: Option<f64>,
    pub status: Option<ProductStatus>,
    pub source: Option<String>,
}

/// A product with its number, as it is registered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Product {
    pub gtin: Gtin,
    pub brand: String,
    pub name: String,
    /// Who answers for it: the holder of the brand or the importer.
    pub owner: Option<String>,
    /// Where it is made: two letters (ISO 3166).
    pub country: Option<String>,
    pub documents: Vec<Document>,
    /// The lowest and the usual price in VND.
    pub price_low: Option<f64>,
    pub price_typical: Option<f64>,
    pub status: ProductStatus,
    /// Where this is known from.
    pub source: String,
}

/// What is wrong with a product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ProductError {
    pub field: &'static str,
    pub message: String,
}

fn wrong(field: &'static str, message: impl Into<String>) -> ProductError {
    ProductError { field, message: message.into() }
}

impl NewProduct {
    /// Checks every field; `source` stands in where the product names none.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(self, gtin: Gtin, source: &str) -> Result<Product, ProductError> {
        let required = |field, text, max| {
            optional(field, text, max)?.ok_or_else(|| wrong(field, "is required"))
        };
        let brand = required("brand", self.brand, NAME_CHARS)?;
        let name = required("name", self.name, TITLE_CHARS)?;
        let owner = optional("owner", self.owner, NAME_CHARS)?;
        let country = optional("country", self.country, 2)?.map(|c| c.to_ascii_uppercase());
        if country
            .as_ref()
            .is_some_and(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_uppercase()))
        {
            return Err(wrong("country", "must be two letters such as VN"));
        }
        if self.documents.len() > DOCUMENTS {
            return Err(wrong("documents", format!("more than {DOCUMENTS}")));
        }
        let document = |d: Document| {
            let kind = required("documents.kind", Some(d.kind), KIND_CHARS)?;
            let reference = required("documents.reference", Some(d.reference), REFERENCE_CHARS)?;
            Ok(Document { kind, reference })
        };
        let documents = self.documents.into_iter().map(document).collect::<Result<_, _>>()?;
        let price_low = price("price_low", self.price_low)?;
        let price_typical = price("price_typical", self.price_typical)?;
        if let (Some(low), Some(typical)) = (price_low, price_typical)
            && low > typical
        {
            return Err(wrong("price_low", "is above price_typical"));
        }
        let status = self.status.unwrap_or(ProductStatus::Active);
        let source =
            optional("source", self.source, NAME_CHARS)?.unwrap_or_else(|| source.to_owned());
        Ok(Product {
            gtin,
            brand,
            name,
            owner,
            country,
            documents,
            price_low,
            price_typical,
            status,
            source,
        })
    }
}

/// The text without blanks around it; `None` where nothing is left.
fn optional(
    field: &'static str,
    text: Option<String>,
    max: usize,
) -> Result<Option<String>, ProductError> {
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    if trimmed.chars().nth(max).is_some() {
        return Err(wrong(field, format!("longer than the limit of {max} characters")));
    }
    Ok(Some(trimmed).filter(|t| !t.is_empty()).map(str::to_owned))
}

fn price(field: &'static str, price: Option<f64>) -> Result<Option<f64>, ProductError> {
    match price {
        Some(price) if !(0.0..=MAX_PRICE).contains(&price) => {
            Err(wrong(field, "must be a number of at least 0, in VND"))
        }
        price => Ok(price),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewProduct {
        let (brand, name) = (Some(" Nike ".to_owned()), Some("Giày chạy".to_owned()));
        NewProduct { brand, name, ..NewProduct::default() }
    }

    fn gtin() -> Gtin {
        Gtin::parse("6291041500213").unwrap()
    }

    #[test]
    fn a_brand_and_a_name_are_enough() {
        let product = new().parse(gtin(), "api").unwrap();
        assert_eq!((product.brand.as_str(), product.source.as_str()), ("Nike", "api"));
        assert_eq!(product.status, ProductStatus::Active);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |n| Some("x".repeat(n));
        let document =
            |reference: &str| Document { kind: "CFS".to_owned(), reference: reference.to_owned() };
        for (bad, field) in [
            (NewProduct { brand: None, ..new() }, "brand"),
            (NewProduct { brand: Some("  ".to_owned()), ..new() }, "brand"),
            (NewProduct { brand: text(201), ..new() }, "brand"),
            (NewProduct { name: text(501), ..new() }, "name"),
            (NewProduct { country: text(3), ..new() }, "country"),
            (NewProduct { country: Some("1Z".to_owned()), ..new() }, "country"),
            (NewProduct { documents: vec![document("1"); 21], ..new() }, "documents"),
            (NewProduct { documents: vec![document("")], ..new() }, "documents.reference"),
            (NewProduct { price_low: Some(-1.0), ..new() }, "price_low"),
            (NewProduct { price_typical: Some(f64::NAN), ..new() }, "price_typical"),
            (NewProduct { price_low: Some(2.0), price_typical: Some(1.0), ..new() }, "price_low"),
            (NewProduct { source: text(201), ..new() }, "source"),
        ] {
            assert_eq!(bad.parse(gtin(), "api").unwrap_err().field, field);
        }
    }
}
