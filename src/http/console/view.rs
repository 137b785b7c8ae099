//! What the pages show, and how it is made safe to show.

use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{Environment, context};
use serde_json::{Value, json};

use crate::domain::{Part, logit, vnd};
use crate::store::Suspect;

/// No script at all, and nothing from other servers.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Reasons shown in a row of the queue.
const REASONS: usize = 3;
/// Log-odds that fill a bar.
const FULL_BAR: f64 = 6.0;
/// Half the width of a bar, in its own units.
const HALF: f64 = 100.0;

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in [
        ("layout.html", include_str!("templates/layout.html")),
        ("sign_in.html", include_str!("templates/sign_in.html")),
        ("refusal.html", include_str!("templates/refusal.html")),
        ("queue.html", include_str!("templates/queue.html")),
        ("listing.html", include_str!("templates/listing.html")),
    ] {
        // Names that end in .html are escaped; a test renders each of them.
        if let Err(error) = pages.add_template(name, text) {
            tracing::error!(%error, template = name, "a page can't be read");
        }
    }
    pages
});

/// Renders a page.
pub(super) fn page(status: StatusCode, name: &str, context: minijinja::Value) -> Response {
    let html = PAGES.get_template(name).and_then(|template| template.render(context));
    match html {
        Ok(html) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, template = name, "a page can't be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page that says why there is no other.
pub(in crate::http) fn refusal(status: StatusCode) -> Response {
    page(status, "refusal.html", context! { status => status.as_u16() })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn evidence(line: &Value) -> &[Value] {
    line["evidence"].as_array().map_or(&[], Vec::as_slice)
}

/// A row of the queue.
pub(super) fn row(suspect: &Suspect) -> Value {
    let line: Value = serde_json::from_str(&suspect.line).unwrap_or_default();
    let raises = |e: &&Value| {
        e["weight"].as_f64().is_some_and(|w| w > 0.0) && text(e, "kind") != "other_wording"
    };
    let reasons: Vec<Value> = evidence(&line)
        .iter()
        .filter(raises)
        .take(REASONS)
        .map(|e| json!({ "text": quoted(e), "reason": text(&e["reason"], "vi") }))
        .collect();
    json!({
        "id": suspect.id,
        "link": encode(&suspect.id),
        "percent": percent(suspect.score),
        "band": suspect.band,
        "band_vi": band_vi(suspect.band.as_str()),
        "title": highlight(&suspect.title, "title", evidence(&line)),
        "price": price(suspect.price_amount, suspect.price_currency.as_deref()),
        "seller": suspect.seller,
        "province": suspect.province,
        "platform": suspect.platform,
        "reasons": reasons,
    })
}

/// Everything about one listing.
pub(super) fn listing(listing: &Value, line: &Value) -> Value {
    let evidence = evidence(line);
    let score = line["score"].as_f64().unwrap_or(0.5);
    let mut texts = vec![("Mô tả", "description".to_owned(), text(listing, "description"))];
    let attributes = listing["attributes"].as_object();
    texts.extend(attributes.into_iter().flatten().filter_map(|(name, value)| {
        Some((name.as_str(), format!("attributes.{name}"), value.as_str()?))
    }));
    let texts: Vec<Value> = texts
        .into_iter()
        .filter(|(_, _, text)| !text.is_empty())
        .map(|(label, field, text)| json!({"label": label, "text": highlight(text, &field, evidence)}))
        .collect();
    let parts = Part::ALL.iter().map(|part| {
        let value = line["parts"][part.as_str()].as_f64();
        json!({ "label": part_vi(*part), "value": value.map(signed), "bar": value.map(bar) })
    });
    let prior = line["prior"].as_f64().unwrap_or(0.0);
    let first = json!({ "label": "Ban đầu", "value": signed(prior), "bar": bar(prior) });
    let found: Vec<Value> = evidence
        .iter()
        .map(|e| {
            let weight = e["weight"].as_f64().unwrap_or(0.0);
            json!({
                "weight": signed(weight), "risk": weight > 0.0, "field": field_vi(text(e, "field")),
                "text": quoted(e), "reason": text(&e["reason"], "vi"), "kind": text(e, "kind"),
            })
        })
        .collect();
    let seller = &listing["seller"];
    json!({
        "title": highlight(text(listing, "title"), "title", evidence),
        "texts": texts,
        "percent": percent(score),
        "band": text(line, "band"),
        "band_vi": band_vi(text(line, "band")),
        "legal_class": legal_class_vi(text(line, "legal_class")),
        "model": text(line, "model"),
        "weights": text(line, "weights_sha256"),
        "parts": std::iter::once(first).chain(parts).collect::<Vec<_>>(),
        "sum": signed(logit(score)),
        "evidence": found,
        "price": price(listing["price"]["amount"].as_f64(), listing["price"]["currency"].as_str()),
        "facts": [
            ["Nền tảng", text(listing, "platform")], ["Ngành hàng", text(listing, "category")],
            ["Nhãn hiệu", text(listing, "brand")], ["Người bán", text(seller, "name")],
            ["Nơi bán", text(seller, "location")], ["GTIN", text(listing, "gtin")],
            ["Thu thập lúc", text(listing, "captured_at")],
        ],
    })
}

/// A text in pieces, those that are evidence marked. Places that overlap or lie outside are left
/// unmarked: the text itself is always whole.
fn highlight(original: &str, field: &str, evidence: &[Value]) -> Vec<Value> {
    let chars: Vec<char> = original.chars().collect();
    let place = |e: &Value, name: &str| e[name].as_u64().and_then(|n| usize::try_from(n).ok());
    let mut spans: Vec<(usize, usize, &Value)> = evidence
        .iter()
        .filter(|e| e["field"] == field)
        .filter_map(|e| Some((place(e, "start")?, place(e, "end")?, e)))
        .filter(|(start, end, _)| start < end && *end <= chars.len())
        .collect();
    // Evidence is strongest first, and a stable sort keeps that among spans that begin together.
    spans.sort_by_key(|(start, _, _)| *start);
    let piece = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    let mut pieces = Vec::new();
    let mut at = 0;
    for (start, end, e) in spans {
        if start < at {
            continue;
        }
        if at < start {
            pieces.push(json!({ "text": piece(at, start) }));
        }
        let weight = e["weight"].as_f64().unwrap_or(0.0);
        pieces.push(json!({
            "text": piece(start, end),
            "class": if weight > 0.0 { "risk" } else { "relief" },
            "why": format!("{} ({})", text(&e["reason"], "vi"), signed(weight)),
        }));
        at = end;
    }
    if at < chars.len() {
        pieces.push(json!({ "text": piece(at, chars.len()) }));
    }
    pieces
}

fn percent(score: f64) -> String {
    format!("{:.1} %", 100.0 * score).replace('.', ",")
}

fn signed(weight: f64) -> String {
    format!("{weight:+.2}").replace('.', ",").replace('-', "−")
}

fn bar(weight: f64) -> Value {
    let length = (weight.abs() / FULL_BAR).min(1.0) * HALF;
    let x = if weight < 0.0 { HALF - length } else { HALF };
    let class = if weight > 0.0 { "risk" } else { "relief" };
    json!({ "x": x.round(), "width": length.round().max(1.0), "class": class })
}

fn price(amount: Option<f64>, currency: Option<&str>) -> Option<String> {
    let (amount, currency) = (amount?, currency.unwrap_or("VND"));
    Some(if currency == "VND" {
        format!("{} ₫", vnd(amount))
    } else {
        format!("{amount} {currency}")
    })
}

fn band_vi(band: &str) -> &'static str {
    match band {
        "high" => "cao",
        "review" => "cần xem",
        _ => "thấp",
    }
}

fn part_vi(part: Part) -> &'static str {
    match part {
        Part::Text => "Chữ",
        Part::Image => "Ảnh",
        Part::Price => "Giá",
        Part::Seller => "Người bán",
        Part::Codes => "Mã hàng",
    }
}

/// The seller's words; the reason of a price names the price already.
fn quoted(evidence: &Value) -> &str {
    if text(evidence, "part") == "price" { "" } else { text(evidence, "text") }
}

fn field_vi(field: &str) -> &str {
    match field {
        "title" => "tiêu đề",
        "description" => "mô tả",
        "price" => "giá",
        "gtin" => "mã GTIN",
        attribute => attribute.strip_prefix("attributes.").unwrap_or(attribute),
    }
}

fn legal_class_vi(class: &str) -> &'static str {
    match class {
        "counterfeit_mark" => "Giả mạo nhãn hiệu",
        "counterfeit_quality" => "Giả về chất lượng, công dụng",
        "counterfeit_label" => "Giả về tem, nhãn, bao bì",
        "origin_unclear" => "Không rõ nguồn gốc",
        _ => "Không",
    }
}

/// An id as one segment of a path.
fn encode(id: &str) -> String {
    use std::fmt::Write as _;
    id.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b == b'-' || b == b'_' {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_where_they_belong_and_the_text_stays_whole() {
        let mark = |start: i64, end: i64, weight: f64| json!({"field": "title", "start": start, "end": end, "weight": weight, "reason": {"vi": "vì"}});
        let evidence = [mark(5, 9, 2.0), mark(7, 12, 1.0), mark(90, 99, 1.0), mark(0, 4, -1.0)];
        let pieces = highlight("giày Nіke <b>", "title", &evidence);
        let got: Vec<(&str, &str)> =
            pieces.iter().map(|p| (text(p, "text"), text(p, "class"))).collect();
        assert_eq!(got, [("giày", "relief"), (" ", ""), ("Nіke", "risk"), (" <b>", "")]);
        assert_eq!(highlight("a", "title", &[mark(-1, 1, 1.0)]).len(), 1);
    }

    #[test]
    fn every_page_is_made_and_escapes_what_a_seller_wrote() {
        let bad = "<script>alert(1)</script>";
        let line = json!({"score": 0.9, "band": "high", "prior": 0.1, "parts": {"text": 1.0},
            "evidence": [{"field": "title", "start": 0, "end": 8, "weight": 1.0, "text": bad,
                "kind": "wording", "reason": {"vi": bad, "en": bad}}]});
        let shown =
            listing(&json!({"title": bad, "description": bad, "seller": {"name": bad}}), &line);
        let row = json!({"id": bad, "title": highlight(bad, "title", &[]), "reasons": [{"text": bad, "reason": bad}], "seller": bad});
        for (name, context) in [
            ("sign_in.html", context! { token => bad }),
            ("refusal.html", context! { status => 401 }),
            (
                "queue.html",
                context! { name => bad, rows => minijinja::value::Serde([row]), platform => bad },
            ),
            (
                "listing.html",
                context! { name => bad, id => bad, raw => bad, view => minijinja::value::Serde(shown) },
            ),
        ] {
            let html = PAGES.get_template(name).unwrap().render(context).unwrap();
            assert!(html.contains("</html>") && !html.contains("<script"), "{name}");
        }
    }

    #[test]
    fn an_id_is_one_segment() {
        assert_eq!(encode("a/b?c=đ"), "a%2Fb%3Fc%3D%C4%91");
    }
}
