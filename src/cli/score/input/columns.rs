//! Which column gives which field of a listing, for CSV and Parquet alike.

use std::collections::BTreeMap;

use serde_json::Value;

use super::InputError;
use crate::domain::{ErrorCode, ImageRef, ItemError, Money, NewListing, Seller};

/// A field that a column can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Text(&'static str),
    Price,
    Amount,
    Currency,
    Seller,
    SellerText(&'static str),
    Rating,
    RatingCount,
    Attribute(String),
    Attributes,
    Images,
}

/// Columns by name, with `.` or `_` inside: `seller.name` is `seller_name`.
const NAMES: &[(Target, &[&str])] = &[
    (Target::Text("id"), &["id", "listing_id", "mã"]),
    (Target::Text("platform"), &["platform", "sàn"]),
    (Target::Text("url"), &["url", "link"]),
    (Target::Text("title"), &["title", "tiêu_đề", "tên_sản_phẩm"]),
    (Target::Text("description"), &["description", "mô_tả"]),
    (Target::Text("category"), &["category", "danh_mục", "ngành_hàng"]),
    (Target::Text("brand"), &["brand", "thương_hiệu", "nhãn_hiệu"]),
    (Target::Text("gtin"), &["gtin", "barcode", "ean", "mã_vạch"]),
    (Target::Text("captured_at"), &["captured_at"]),
    (Target::Price, &["price", "giá"]),
    (Target::Amount, &["price_amount"]),
    (Target::Currency, &["currency", "price_currency"]),
    (Target::Seller, &["seller", "người_bán"]),
    (Target::SellerText("id"), &["seller_id"]),
    (Target::SellerText("name"), &["seller_name", "tên_người_bán"]),
    (Target::SellerText("location"), &["seller_location", "province", "tỉnh"]),
    (Target::SellerText("created_at"), &["seller_created_at"]),
    (Target::Rating, &["seller_rating"]),
    (Target::RatingCount, &["seller_rating_count"]),
    (Target::Attributes, &["attributes"]),
    (Target::Images, &["images", "image", "image_url", "image_urls"]),
];

/// What each column of a file gives.
#[derive(Debug, Default)]
pub(super) struct Columns {
    targets: Vec<Option<Target>>,
    ignored: Vec<String>,
}

fn plain(name: &str) -> String {
    name.trim_matches(['\u{feff}', ' ', '\t', '\r', '"']).to_lowercase().replace([' ', '.'], "_")
}

fn target(name: &str) -> Option<Target> {
    let name = name.trim();
    if let Some((head, attribute)) = name.split_once('.')
        && head.eq_ignore_ascii_case("attributes")
        && !attribute.is_empty()
    {
        return Some(Target::Attribute(attribute.to_owned()));
    }
    let name = plain(name);
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(t, _)| t.clone())
}

/// Whether a column of this name gives the title.
pub(super) fn is_title(name: &str) -> bool {
    target(name) == Some(Target::Text("title"))
}

impl Columns {
    /// # Errors
    /// When no column gives the title, or two give the same field.
    pub(super) fn new(file: &str, names: &[String]) -> Result<Self, InputError> {
        let mut columns = Self { targets: Vec::with_capacity(names.len()), ignored: Vec::new() };
        let mut taken: BTreeMap<String, &String> = BTreeMap::new();
        for name in names {
            let target = target(name);
            match &target {
                Some(target) => {
                    if let Some(first) = taken.insert(field(target).into_owned(), name) {
                        return Err(InputError::TwoColumns {
                            file: file.to_owned(),
                            first: first.clone(),
                            second: name.clone(),
                            field: field(target).into_owned(),
                        });
                    }
                }
                None => columns.ignored.push(name.clone()),
            }
            columns.targets.push(target);
        }
        if !taken.contains_key("title") {
            let mut found = names.join(", ");
            if let Some((at, _)) = found.char_indices().nth(300) {
                found.truncate(at);
                found.push('…');
            }
            return Err(InputError::NoTitle { file: file.to_owned(), found });
        }
        Ok(columns)
    }

    pub(super) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = Option<&Target>> {
        self.targets.iter().map(Option::as_ref)
    }
}

/// The path of the field in a listing.
pub(super) fn field(target: &Target) -> std::borrow::Cow<'static, str> {
    match target {
        Target::Text(name) => (*name).into(),
        Target::Price | Target::Amount => "price.amount".into(),
        Target::Currency => "price.currency".into(),
        Target::Seller => "seller.name".into(),
        Target::SellerText(name) => format!("seller.{name}").into(),
        Target::Rating => "seller.rating".into(),
        Target::RatingCount => "seller.rating_count".into(),
        Target::Attribute(name) => format!("attributes.{name}").into(),
        Target::Attributes => "attributes".into(),
        Target::Images => "images".into(),
    }
}

/// Puts a cell into its field. Null and blank text leave the field away.
///
/// # Errors
/// When the cell is not what the field holds.
pub(super) fn assign(
    listing: &mut NewListing,
    target: &Target,
    cell: Value,
) -> Result<(), ItemError> {
    if cell.is_null() || cell.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(());
    }
    match target {
        Target::Text(name) => {
            let text = Some(text(target, cell)?);
            match *name {
                "id" => listing.id = text,
                "platform" => listing.platform = text,
                "url" => listing.url = text,
                "title" => listing.title = text,
                "description" => listing.description = text,
                "category" => listing.category = text,
                "brand" => listing.brand = text,
                "gtin" => listing.gtin = text,
                _ => listing.captured_at = text,
            }
        }
        Target::Price if cell.is_object() => listing.price = Some(read("price", cell)?),
        Target::Price | Target::Amount => {
            money(listing).amount = Some(number(target, &cell)?);
        }
        Target::Currency => money(listing).currency = Some(text(target, cell)?),
        Target::Seller if cell.is_object() => listing.seller = Some(read("seller", cell)?),
        Target::Seller => seller(listing).name = Some(text(target, cell)?),
        Target::SellerText(name) => {
            let (seller, text) = (seller(listing), Some(text(target, cell)?));
            match *name {
                "id" => seller.id = text,
                "name" => seller.name = text,
                "location" => seller.location = text,
                _ => seller.created_at = text,
            }
        }
        Target::Rating => seller(listing).rating = Some(number(target, &cell)?),
        Target::RatingCount => seller(listing).rating_count = Some(whole(target, &cell)?),
        Target::Attribute(name) => {
            listing.attributes.insert(name.clone(), cell);
        }
        Target::Attributes => {
            let cell = parsed("attributes", cell)?;
            listing.attributes.extend(read::<BTreeMap<String, Value>>("attributes", cell)?);
        }
        Target::Images => listing.images = images(cell)?,
    }
    Ok(())
}

fn money(listing: &mut NewListing) -> &mut Money {
    listing.price.get_or_insert(Money { amount: None, currency: None })
}

fn seller(listing: &mut NewListing) -> &mut Seller {
    listing.seller.get_or_insert_default()
}

fn wrong(target: &Target, want: &str, got: &Value) -> ItemError {
    let got: String = got.to_string().chars().take(60).collect();
    ItemError::new(ErrorCode::WrongType, field(target), format!("must be {want}, got {got}"))
}

fn text(target: &Target, cell: Value) -> Result<String, ItemError> {
    match cell {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(wrong(target, "text", &cell))
        }
    }
}

/// A number as programs write it. `199.000` is refused: it is 199 to one reader and 199 000 to
/// another.
fn number(target: &Target, cell: &Value) -> Result<f64, ItemError> {
    let text = match cell {
        Value::Number(number) => {
            return number.as_f64().ok_or_else(|| wrong(target, "a number", cell));
        }
        Value::String(text) => text.trim(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(wrong(target, "a number", cell));
        }
    };
    let number: f64 = text
        .parse()
        .map_err(|_| wrong(target, "a number without thousands separators or currency", cell))?;
    if !number.is_finite() {
        let text = format!("must be a number of at least 0, got {text}");
        return Err(ItemError::new(ErrorCode::OutOfRange, field(target), text));
    }
    if matches!(target, Target::Price | Target::Amount) && is_grouped(text) {
        let text =
            format!("{text} can be read in two ways, write it without a thousands separator");
        return Err(ItemError::new(ErrorCode::InvalidFormat, field(target), text));
    }
    Ok(number)
}

/// One to three digits, a point, three digits.
fn is_grouped(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, rest)| {
        (1..=3).contains(&whole.len())
            && rest.len() == 3
            && !whole.starts_with('0')
            && text.bytes().all(|b| b == b'.' || b.is_ascii_digit())
    })
}

fn whole(target: &Target, cell: &Value) -> Result<u64, ItemError> {
    let number = number(target, cell)?;
    if number.fract().abs() > 0.0 || !(0.0..=9e15).contains(&number) {
        let text = format!("must be a whole number of at least 0, got {number}");
        return Err(ItemError::new(ErrorCode::OutOfRange, field(target), text));
    }
    Ok(number as u64)
}

fn read<T: serde::de::DeserializeOwned>(field: &'static str, cell: Value) -> Result<T, ItemError> {
    serde_json::from_value(cell)
        .map_err(|e| ItemError::new(ErrorCode::WrongType, field, e.to_string()))
}

/// The JSON that a text cell holds.
fn parsed(field: &'static str, cell: Value) -> Result<Value, ItemError> {
    match cell.as_str() {
        Some(text) => serde_json::from_str(text)
            .map_err(|e| ItemError::new(ErrorCode::InvalidJson, field, e.to_string())),
        None => Ok(cell),
    }
}

/// Addresses apart by blanks or `|`, or JSON as in a listing.
fn images(cell: Value) -> Result<Vec<ImageRef>, ItemError> {
    let by_url = |url: &str| ImageRef { url: Some(url.to_owned()), ..ImageRef::default() };
    if let Some(text) = cell.as_str()
        && !text.trim_start().starts_with('[')
    {
        let apart = |c: char| c.is_whitespace() || c == '|';
        return Ok(text.split(apart).filter(|url| !url.is_empty()).map(by_url).collect());
    }
    let cell = parsed("images", cell)?;
    match cell.as_array() {
        Some(list) if list.iter().all(Value::is_string) => {
            Ok(list.iter().filter_map(Value::as_str).map(by_url).collect())
        }
        _ => read("images", cell),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn columns(names: &[&str]) -> Result<Columns, InputError> {
        let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
        Columns::new("f.csv", &names)
    }

    #[test]
    fn names_find_their_fields_and_the_rest_is_ignored() {
        let columns =
            columns(&["\u{feff}Tiêu đề", "Price.Amount", "attributes.Chất liệu", "x"]).unwrap();
        let targets: Vec<_> = columns.targets().map(|t| t.map(field)).collect();
        let want = [Some("title"), Some("price.amount"), Some("attributes.Chất liệu"), None];
        assert_eq!(targets, want.map(|t| t.map(Into::into)));
        assert_eq!(columns.ignored(), ["x"]);
    }

    #[test]
    fn a_header_without_title_or_with_two_prices_is_refused() {
        let error = columns(&["id", "titel"]).unwrap_err().to_string();
        assert_eq!(error, "f.csv: no column gives the title; the columns are id, titel");
        let error = columns(&["title", "price", "price_amount"]).unwrap_err().to_string();
        assert_eq!(error, r#"f.csv: columns "price" and "price_amount" both give price.amount"#);
    }

    #[test]
    fn bad_cells_name_their_field() {
        for (target, cell, field, code) in [
            (Target::Price, json!("abc"), "price.amount", "wrong_type"),
            (Target::Price, json!("1.250.000"), "price.amount", "wrong_type"),
            (Target::Amount, json!("NaN"), "price.amount", "out_of_range"),
            (Target::Amount, json!("inf"), "price.amount", "out_of_range"),
            (Target::Amount, json!("199.000"), "price.amount", "invalid_format"),
            (Target::Rating, json!(true), "seller.rating", "wrong_type"),
            (Target::RatingCount, json!(1.5), "seller.rating_count", "out_of_range"),
            (Target::RatingCount, json!("-1"), "seller.rating_count", "out_of_range"),
            (Target::Text("title"), json!([1]), "title", "wrong_type"),
            (Target::Attributes, json!("{"), "attributes", "invalid_json"),
            (Target::Images, json!("[1]"), "images", "wrong_type"),
        ] {
            let error = assign(&mut NewListing::default(), &target, cell).unwrap_err();
            assert_eq!((&*error.field, error.code.as_str()), (field, code), "{target:?}");
        }
    }

    #[test]
    fn good_cells_make_a_listing() {
        let mut listing = NewListing::default();
        for (target, cell) in [
            (Target::Text("id"), json!(893)),
            (Target::Text("title"), json!("Giày")),
            (Target::Text("brand"), json!("  ")),
            (Target::Price, json!(" 199000.0 ")),
            (Target::Currency, json!("VND")),
            (Target::Seller, json!({"name": "S", "rating": 4.5})),
            (Target::RatingCount, json!("12")),
            (Target::Attribute("cỡ".into()), json!("42")),
            (Target::Attributes, json!(r#"{"màu":"đỏ"}"#)),
            (Target::Images, json!("https://a/1 | https://a/2")),
        ] {
            assign(&mut listing, &target, cell).unwrap();
        }
        assert_eq!(
            serde_json::to_value(&listing).unwrap(),
            json!({"id": "893", "title": "Giày", "price": {"amount": 199000.0, "currency": "VND"},
                "seller": {"name": "S", "rating": 4.5, "rating_count": 12},
                "attributes": {"cỡ": "42", "màu": "đỏ"},
                "images": [{"url": "https://a/1"}, {"url": "https://a/2"}]})
        );
    }
}
