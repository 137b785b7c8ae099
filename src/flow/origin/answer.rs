use serde_json::{Map, Value};

use crate::domain::{Gtin, ProductStatus};
use crate::signals::{OriginAnswer, OriginProduct};

/// Longest name that is taken from an answer, in characters.
const NAME_CHARS: usize = 200;

/// Reads a registry's answer for `gtin`: a product as JSON, or a set of links (RFC 9264).
///
/// `None` where it is neither, or of another number.
pub(super) fn read_answer(json: &[u8], gtin: &Gtin) -> Option<OriginAnswer> {
    let Value::Object(object) = serde_json::from_slice(json).ok()? else { return None };
    if let Some(links) = object.get("linkset") {
        return links_answer(links);
    }
    if let Some(number) = object.get("gtin") {
        // Some write it as a number, without the zeros before it.
        let same = match number {
            Value::String(text) => Gtin::parse(text) == Ok(*gtin),
            Value::Number(number) => {
                Gtin::parse(&format!("{:0>14}", number.to_string())) == Ok(*gtin)
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if !same {
            return None;
        }
    }
    let product = OriginProduct {
        brand: text(&object, &["brand", "brandName"]),
        name: text(&object, &["name", "productName", "productDescription"]),
        owner: text(&object, &["owner", "licenseeName", "licenceeName", "manufacturer"]),
        status: status(&object),
    };
    let says = product.brand.is_some() || product.name.is_some();
    says.then_some(OriginAnswer::Known(product))
}

/// A resolver that has links for a number knows it; of brands it says nothing.
fn links_answer(links: &Value) -> Option<OriginAnswer> {
    let links = links.as_array()?;
    let Some(first) = links.first() else { return Some(OriginAnswer::Unknown) };
    let page = first.as_object()?.iter().find(|(name, _)| name.ends_with("/pip"));
    let name = page.and_then(|(_, targets)| targets.get(0)?.get("title")).and_then(name_of);
    let (brand, owner, status) = (None, None, ProductStatus::Unknown);
    Some(OriginAnswer::Known(OriginProduct { brand, name, owner, status }))
}

fn status(object: &Map<String, Value>) -> ProductStatus {
    let status = text(object, &["status", "gtinRecordStatus"]).unwrap_or_default();
    match status.to_ascii_lowercase().as_str() {
        "active" => ProductStatus::Active,
        "withdrawn" | "recalled" => ProductStatus::Withdrawn,
        // A product that is no longer made may be on sale for years.
        _ => ProductStatus::Unknown,
    }
}

fn text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| name_of(object.get(*name)?))
}

/// A text, the name or value of an object, or the first of a list of either.
fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Array(list) => return list.first().filter(|v| !v.is_array()).and_then(name_of),
        Value::Object(object) => {
            let inner = ["name", "value", "@value"].iter().find_map(|name| object.get(*name))?;
            inner.as_str()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    };
    let clean = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS);
    let clean: String = clean.collect();
    Some(clean.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gtin() -> Gtin {
        Gtin::parse("6291041500213").unwrap()
    }

    fn product(json: &str) -> (Option<String>, Option<String>, ProductStatus) {
        match read_answer(json.as_bytes(), &gtin()) {
            Some(OriginAnswer::Known(p)) => (p.brand, p.name, p.status),
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn products_are_read_in_the_forms_that_registries_use() {
        let some = |text: &str| Some(text.to_owned());
        for (json, brand, name, status) in [
            (
                r#"{"gtin":"06291041500213","brand":"Nike","name":"Giày","status":"active"}"#,
                some("Nike"),
                some("Giày"),
                ProductStatus::Active,
            ),
            (
                r#"{"gtin":6291041500213,"brand":{"@type":"Brand","name":"Nike"}}"#,
                some("Nike"),
                None,
                ProductStatus::Unknown,
            ),
            (
                r#"{"brandName":[{"language":"en","value":" Ni\u0000ke "}],"productDescription":[{"value":"x"}],"gtinRecordStatus":"RECALLED"}"#,
                some("Nike"),
                some("x"),
                ProductStatus::Withdrawn,
            ),
            (
                r#"{"linkset":[{"anchor":"a","https://gs1.org/voc/pip":[{"href":"h","title":"Giày"}]}]}"#,
                None,
                some("Giày"),
                ProductStatus::Unknown,
            ),
        ] {
            assert_eq!(product(json), (brand, name, status), "{json}");
        }
        assert_eq!(read_answer(br#"{"linkset":[]}"#, &gtin()), Some(OriginAnswer::Unknown));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for json in [
            "",
            "null",
            "[]",
            "{}",
            "<html>",
            r#"{"brand":""}"#,
            r#"{"brand":5}"#,
            r#"{"linkset":5}"#,
            r#"{"gtin":"9506000134352","brand":"Nike"}"#,
            r#"{"gtin":null,"brand":"Nike"}"#,
            r#"{"brand":[[["x"]]]}"#,
        ] {
            assert_eq!(read_answer(json.as_bytes(), &gtin()), None, "{json}");
        }
        let deep = format!("{{\"brand\":{}", "[".repeat(100_000));
        assert_eq!(read_answer(deep.as_bytes(), &gtin()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read_answer(&bytes, &gtin());
        }
    }
}
