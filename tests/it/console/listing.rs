use serde_json::json;
use thatgia::domain::Role;

use super::html::Html;
use super::queue::HOSTILE;
use super::{Browser, Finds, found, with_listings};
use crate::support::{FakeScorer, TestApp};

async fn analyst(app: &TestApp) -> Browser {
    Browser::signed_in(app, Role::Analyst, &[]).await
}

fn row<'a>(page: &'a Html, name: &str) -> &'a str {
    let row = page.all("tr").into_iter().find(|e| e.text.trim().starts_with(name));
    assert!(row.is_some(), "no row {name}: {}", page.text());
    row.unwrap().text.trim()
}

#[tokio::test]
async fn the_bars_add_up_and_missing_parts_say_so() {
    let evidence = vec![
        found("title", 0, 4, "Giày", 3.25),
        found("description", 2, 5, "fake", -0.75),
        found("price", 0, 0, "345000 VND", 1.5),
    ];
    let listing = json!([{
        "id": "a/1", "title": "Giày", "description": "a fake b", "brand": "Nike",
        "price": {"amount": 345000}, "attributes": {"Màu": "đen", "Cỡ": 42},
        "seller": {"id": "s1", "name": "Shop", "rating": 4.6, "rating_count": 1212,
                   "created_at": "2026-08-30T20:12:00Z", "location": "Hà Nội"},
        "url": "https://shop.example/a?b=1", "captured_at": "2026-11-16T02:14:00Z",
    }]);
    let app = with_listings(Finds::new(evidence), listing).await;
    let page = analyst(&app).await.page("/console/listings/a%2F1").await;
    // -2 + 2.5 + 1.5 = 2, and 1 / (1 + e^-2) = 88.1 %.
    for (name, amount) in [
        ("Ban đầu", "\u{2212}2,00"),
        ("Chữ", "+2,50"),
        ("Ảnh", "không có dữ liệu"),
        ("Giá", "+1,50"),
        ("Người bán", "không có dữ liệu"),
        ("Mã hàng", "không có dữ liệu"),
        ("Tổng", "+2,00"),
    ] {
        assert!(row(&page, name).ends_with(amount), "{name}: {}", row(&page, name));
    }
    assert_eq!(page.all("svg").len(), 4);
    for words in [
        "88,1 %",
        "345.000 ₫",
        "lý do “1.5” <b>",
        "Không rõ nguồn gốc, xuất xứ",
        "finds-1",
        &"cd".repeat(32),
        "31/08/2026",
        "16/11/2026 09:14",
        "4,6 (1.212 lượt)",
        "không phải kết luận pháp lý",
        "kind_of_it",
        r#""rating_count":1212"#,
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let marks: Vec<_> =
        page.all("mark").into_iter().map(|m| (m.attribute("class"), m.text.as_str())).collect();
    assert!(marks.contains(&(Some("risk"), "Giày")) && marks.contains(&(Some("relief"), "fak")));
    let out = page.all("a").into_iter().find(|a| a.attribute("target").is_some()).unwrap();
    assert_eq!(out.attribute("href"), Some("https://shop.example/a?b=1"));
    assert!(out.attribute("rel").unwrap().contains("noopener noreferrer"));
}

#[tokio::test]
async fn a_bare_title_makes_a_page() {
    let app = with_listings(FakeScorer::new(), json!([{"id": "a", "title": "x!"}])).await;
    let page = analyst(&app).await.page("/console/listings/a?lang=en").await;
    assert_eq!(page.all("html")[0].attribute("lang"), Some("en"));
    assert!(page.text().contains("There is no reference price for this listing."));
    assert!(row(&page, "Seller").ends_with("no data"));
    assert!(page.text().contains("exclamation marks"));
}

#[tokio::test]
async fn every_field_may_be_hostile() {
    for text in HOSTILE {
        let listing = json!([{
            "id": text, "title": text, "description": text, "brand": text, "category": text,
            "gtin": text, "platform": text, "url": text, "attributes": {text: text, "n": [text]},
            "seller": {"id": text, "name": text, "location": text}, "extra": text,
        }]);
        let evidence = vec![
            found("title", 3, 7, text, 1.0),
            found("description", 0, 4, text, -1.0),
            found("gtin", 2, 6, text, 0.5),
            found("nowhere", 0, 3, text, 0.5),
        ];
        let app = with_listings(Finds::new(evidence), listing).await;
        let id: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        let page = analyst(&app).await.page(&format!("/console/listings/{id}")).await;
        assert!(page.all("a").into_iter().all(|a| a.attribute("target").is_none()), "no link");
        if !text.contains(['\u{202e}', '\u{200b}']) {
            assert_eq!(page.all("h1")[0].text, text);
        }
    }
    let listing = json!([{"id": "a", "title": "a", "url": "javascript:alert(1)"}]);
    let app = with_listings(FakeScorer::new(), listing).await;
    let page = analyst(&app).await.page("/console/listings/a").await;
    assert!(page.text().contains("javascript:alert(1)"), "shown, and never linked");
}

#[tokio::test]
async fn every_scoring_is_in_the_history() {
    let app = with_listings(FakeScorer::new(), json!([{"id": "a", "title": "x!"}])).await;
    app.clock.advance(time::Duration::hours(1));
    let body = json!({"listings": [{"id": "a", "title": "x!!!!!"}]}).to_string();
    app.with_role(Role::Crawler).await.post("/v1/score?store=true", body).await.ok();
    let page = analyst(&app).await.page("/console/listings/a").await;
    let history = page.with_class("history")[0].text.clone();
    let at = |words: &str| history.find(words).unwrap_or_else(|| panic!("{words}: {history}"));
    assert!(at("95,3 %") < at("26,9 %"), "newest first: {history}");
}
