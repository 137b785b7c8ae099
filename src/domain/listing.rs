use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{ErrorCode, ItemError};

/// How much one listing may hold. Lengths are in Unicode scalar values unless named otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one listing's JSON.
    pub item_bytes: usize,
    pub title_chars: usize,
    pub description_chars: usize,
    /// Every other text: id, platform, URL, category, brand, names, attribute names.
    pub field_chars: usize,
    pub attributes: usize,
    pub attribute_chars: usize,
    pub images: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            item_bytes: 16 << 20,
            title_chars: 1_000,
            description_chars: 20_000,
            field_chars: 512,
            attributes: 100,
            attribute_chars: 2_000,
            images: 16,
        }
    }
}

/// A listing as a client wrote it: every field optional, nothing checked but JSON types.
///
/// Fields that are not named here are skipped in scoring; the store keeps the JSON as received.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct NewListing {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<Seller>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub images: Vec<ImageRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub attributes: BTreeMap<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An amount and its ISO 4217 code as received.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Money {
    pub amount: Option<f64>,
    pub currency: Option<String>,
}

/// Who offers the goods, as received.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Seller {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// A province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A picture by address, by hash, or as base64 bytes.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct ImageRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// A finite price of at least zero with a three-letter currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    amount: f64,
    currency: String,
}

impl Price {
    pub fn amount(&self) -> f64 {
        self.amount
    }

    /// Upper case, three letters.
    pub fn currency(&self) -> &str {
        &self.currency
    }
}

/// A listing that is fit to be scored: it has a title, every text is within its limit, every
/// number is finite, every time is a time.
#[derive(Debug, Clone)]
pub struct Listing {
    fields: NewListing,
    price: Option<Price>,
    captured_at: Option<OffsetDateTime>,
}

impl Listing {
    /// Reads one listing from the bytes of a JSON object.
    ///
    /// # Errors
    /// The first thing that is wrong, with the path of its field.
    pub fn from_json(json: &[u8], limits: &Limits) -> Result<Self, ItemError> {
        if json.len() > limits.item_bytes {
            return Err(ItemError::too_large(json.len(), limits.item_bytes));
        }
        let text = std::str::from_utf8(json).map_err(|e| {
            let text = format!("not UTF-8 from byte {}", e.valid_up_to());
            ItemError::new(ErrorCode::InvalidUtf8, "", text)
        })?;
        match serde_json::from_str::<NewListing>(text) {
            Ok(new) => new.parse(limits),
            Err(_) => Err(explain_json(text)),
        }
    }

    /// Like [`Self::from_json`], for an item of an array that is known to be JSON.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_raw(raw: &RawValue, limits: &Limits) -> Result<Self, ItemError> {
        Self::from_json(raw.get().as_bytes(), limits)
    }

    pub fn id(&self) -> Option<&str> {
        self.fields.id.as_deref()
    }

    pub fn title(&self) -> &str {
        self.fields.title.as_deref().unwrap_or_default()
    }

    pub fn description(&self) -> Option<&str> {
        self.fields.description.as_deref()
    }

    pub fn platform(&self) -> Option<&str> {
        self.fields.platform.as_deref()
    }

    pub fn category(&self) -> Option<&str> {
        self.fields.category.as_deref()
    }

    pub fn brand(&self) -> Option<&str> {
        self.fields.brand.as_deref()
    }

    pub fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }

    pub fn seller(&self) -> Option<&Seller> {
        self.fields.seller.as_ref()
    }

    /// Where the seller is, as written.
    pub fn province(&self) -> Option<&str> {
        self.seller().and_then(|s| s.location.as_deref())
    }

    pub fn gtin(&self) -> Option<&str> {
        self.fields.gtin.as_deref()
    }

    /// The attributes that are texts, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.attributes.iter().filter_map(|(k, v)| v.as_str().map(|v| (k.as_str(), v)))
    }

    pub fn captured_at(&self) -> Option<OffsetDateTime> {
        self.captured_at
    }

    /// The fields as received, to be written out again.
    pub fn fields(&self) -> &NewListing {
        &self.fields
    }
}

/// Parses again, slowly, to name the field that does not fit.
fn explain_json(text: &str) -> ItemError {
    if let Err(e) = serde_json::from_str::<&RawValue>(text) {
        return ItemError::new(ErrorCode::InvalidJson, "", e.to_string());
    }
    if !text.trim_start().starts_with('{') {
        return ItemError::new(ErrorCode::WrongType, "", "a listing is a JSON object");
    }
    let mut json = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, NewListing>(&mut json) {
        Ok(_) => ItemError::new(ErrorCode::InvalidJson, "", "not one JSON object"),
        Err(e) => {
            let path = match e.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            };
            let message = e.inner().to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            let code = if message.contains("out of range") {
                ErrorCode::OutOfRange
            } else {
                ErrorCode::WrongType
            };
            ItemError::new(code, path, message)
        }
    }
}

impl NewListing {
    /// Checks every field against `limits`.
    ///
    /// # Errors
    /// The first thing that is wrong, with the path of its field.
    pub fn parse(self, limits: &Limits) -> Result<Listing, ItemError> {
        let Some(title) = &self.title else {
            return Err(ItemError::new(ErrorCode::MissingField, "title", "is required"));
        };
        check_text("title", Some(title), limits.title_chars)?;
        if title.chars().all(|c| c.is_whitespace() || c.is_control()) {
            return Err(ItemError::new(ErrorCode::EmptyField, "title", "must not be blank"));
        }
        check_text("description", self.description.as_deref(), limits.description_chars)?;
        for (name, text) in [
            ("id", &self.id),
            ("platform", &self.platform),
            ("category", &self.category),
            ("brand", &self.brand),
            ("gtin", &self.gtin),
            ("captured_at", &self.captured_at),
        ] {
            check_text(name, text.as_deref(), limits.field_chars)?;
        }
        check_text("url", self.url.as_deref(), 4 * limits.field_chars)?;
        if self.id.as_deref().is_some_and(|id| id.trim().is_empty()) {
            return Err(ItemError::new(ErrorCode::EmptyField, "id", "must not be blank"));
        }
        let price = self.price.as_ref().map(check_price).transpose()?;
        if let Some(seller) = &self.seller {
            check_seller(seller, limits)?;
        }
        check_count("images", self.images.len(), limits.images)?;
        self.check_attributes(limits)?;
        let captured_at = check_time("captured_at", self.captured_at.as_deref())?;
        Ok(Listing { price, captured_at, fields: self })
    }

    fn check_attributes(&self, limits: &Limits) -> Result<(), ItemError> {
        check_count("attributes", self.attributes.len(), limits.attributes)?;
        for (name, value) in &self.attributes {
            check_text("attributes", Some(name), limits.field_chars)?;
            if let Some(text) = value.as_str()
                && longer_than(text, limits.attribute_chars)
            {
                return Err(too_long(format!("attributes.{name}"), limits.attribute_chars));
            }
        }
        Ok(())
    }
}

fn check_price(money: &Money) -> Result<Price, ItemError> {
    let Some(amount) = money.amount else {
        return Err(ItemError::new(ErrorCode::MissingField, "price.amount", "is required"));
    };
    if !(amount.is_finite() && amount >= 0.0) {
        let text = format!("must be a number of at least 0, got {amount}");
        return Err(ItemError::new(ErrorCode::OutOfRange, "price.amount", text));
    }
    let currency = money.currency.as_deref().unwrap_or("VND");
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
        let text = "must be a three-letter code such as VND";
        return Err(ItemError::new(ErrorCode::InvalidFormat, "price.currency", text));
    }
    Ok(Price { amount, currency: currency.to_ascii_uppercase() })
}

fn check_seller(seller: &Seller, limits: &Limits) -> Result<(), ItemError> {
    for (name, text) in [
        ("seller.id", &seller.id),
        ("seller.name", &seller.name),
        ("seller.location", &seller.location),
        ("seller.created_at", &seller.created_at),
    ] {
        check_text(name, text.as_deref(), limits.field_chars)?;
    }
    if seller.rating.is_some_and(|r| !r.is_finite() || r < 0.0) {
        let text = "must be a number of at least 0";
        return Err(ItemError::new(ErrorCode::OutOfRange, "seller.rating", text));
    }
    check_time("seller.created_at", seller.created_at.as_deref()).map(drop)
}

fn check_time(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<OffsetDateTime>, ItemError> {
    let Some(text) = text else { return Ok(None) };
    OffsetDateTime::parse(text, &Rfc3339).map(Some).map_err(|_| {
        let text = "must be an RFC 3339 time such as 2026-03-14T09:20:00Z";
        ItemError::new(ErrorCode::InvalidFormat, field, text)
    })
}

/// Whether `text` has more than `max` scalar values, without counting the rest.
fn longer_than(text: &str, max: usize) -> bool {
    text.len() > max && text.chars().nth(max).is_some()
}

fn too_long(field: impl Into<Cow<'static, str>>, max: usize) -> ItemError {
    ItemError::new(ErrorCode::TooLong, field, format!("longer than the limit of {max} characters"))
}

fn check_text(field: &'static str, text: Option<&str>, max: usize) -> Result<(), ItemError> {
    match text {
        Some(text) if longer_than(text, max) => Err(too_long(field, max)),
        _ => Ok(()),
    }
}

fn check_count(field: &'static str, count: usize, max: usize) -> Result<(), ItemError> {
    if count > max {
        let text = format!("{count} entries, the limit is {max}");
        return Err(ItemError::new(ErrorCode::TooMany, field, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> (String, &'static str) {
        let e = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap_err();
        (e.field.into_owned(), e.code.as_str())
    }

    #[test]
    fn a_title_is_enough_and_unknown_fields_do_not_hurt() {
        let json = r#"{"title":"Giày","brand":null,"images":null,"shop_badge":{"a":[1]}}"#;
        let listing = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap();
        assert_eq!((listing.title(), listing.brand(), listing.price()), ("Giày", None, None));
    }

    #[test]
    fn every_bad_field_is_named() {
        for (json, field, code) in [
            ("{}", "title", "missing_field"),
            (r#"{"title":null}"#, "title", "missing_field"),
            (r#"{"title":" \t "}"#, "title", "empty_field"),
            (r#"{"title":5}"#, "title", "wrong_type"),
            (r#"{"title":"a","price":{"amount":-1}}"#, "price.amount", "out_of_range"),
            (r#"{"title":"a","price":{"amount":1e999}}"#, "price.amount", "out_of_range"),
            (r#"{"title":"a","price":{"amount":"9"}}"#, "price.amount", "wrong_type"),
            (r#"{"title":"a","price":{}}"#, "price.amount", "missing_field"),
            (
                r#"{"title":"a","price":{"amount":1,"currency":"đồng"}}"#,
                "price.currency",
                "invalid_format",
            ),
            (r#"{"title":"a","price":7}"#, "price", "wrong_type"),
            (r#"{"title":"a","images":[{"url":1}]}"#, "images[0].url", "wrong_type"),
            (r#"{"title":"a","seller":{"rating":-2}}"#, "seller.rating", "out_of_range"),
            (r#"{"title":"a","captured_at":"hôm qua"}"#, "captured_at", "invalid_format"),
            (r#"{"title":"a","price":{"amount":NaN}}"#, "", "invalid_json"),
            (r#"{"title":"a""#, "", "invalid_json"),
            (r#"["title"]"#, "", "wrong_type"),
            ("", "", "invalid_json"),
        ] {
            assert_eq!(error(json), (field.to_owned(), code), "{json}");
        }
    }

    #[test]
    fn limits_hold_before_anything_is_done_with_the_text() {
        let limits = Limits { title_chars: 4, attributes: 1, ..Limits::default() };
        let read = |json: &str| Listing::from_json(json.as_bytes(), &limits);
        assert!(read(r#"{"title":"giày"}"#).is_ok());
        assert_eq!(read(r#"{"title":"giày "}"#).unwrap_err().field, "title");
        let json = r#"{"title":"a","attributes":{"x":"1","y":2}}"#;
        assert_eq!(read(json).unwrap_err().field, "attributes");
        let limits = Limits { item_bytes: 10, ..Limits::default() };
        let e = Listing::from_json(br#"{"title":"aaa"}"#, &limits).unwrap_err();
        assert_eq!(e.code, ErrorCode::ItemTooLarge);
        let e = Listing::from_json(b"{\"title\":\"\xff\"}", &Limits::default()).unwrap_err();
        assert_eq!(e.code, ErrorCode::InvalidUtf8);
    }
}
