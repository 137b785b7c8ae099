use serde_json::{Value, json};
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;

use crate::support::{TestApp, check_schema};

async fn with_listings(listings: Value) -> TestApp {
    let app = TestApp::new().await;
    let crawler = app.with_role(Role::Crawler).await;
    let body = json!({ "listings": listings }).to_string();
    crawler.post("/v1/score?store=true", body).await.ok();
    app
}

fn ids(page: &Value) -> Vec<&str> {
    page["suspects"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn suspects_come_riskiest_first_page_by_page() {
    let listings: Vec<_> = (0..7)
        .map(|i| json!({"id": format!("l{i}"), "title": "!".repeat(i % 4), "brand": "Nike"}))
        .map(|mut l| {
            l["title"] = format!("a{}", l["title"].as_str().unwrap()).into();
            l
        })
        .collect();
    let app = with_listings(listings.into()).await.with_role(Role::Analyst).await;
    let all = app.get("/v1/suspects").await.ok();
    assert_eq!(ids(&all), ["l3", "l2", "l6", "l1", "l5", "l0", "l4"]);
    assert_eq!(all["next"], Value::Null);
    let (mut seen, mut path) = (Vec::new(), "/v1/suspects?limit=3".to_owned());
    loop {
        let page = app.get(&path).await.ok();
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/suspects?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&all));
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "Suspects", &all);
}

#[tokio::test]
async fn filters_and_scope_narrow_the_list() {
    let app = with_listings(json!([
        {"id": "a", "title": "x!!!!", "platform": "Shopee", "brand": "Nike", "seller": {"location": "Hà Nội"}},
        {"id": "b", "title": "x!!", "platform": "tiki", "brand": "Dior", "seller": {"location": "Đồng Nai"}},
        {"id": "c", "title": "x", "platform": "tiki"},
    ]))
    .await;
    let analyst = app.with_role(Role::Analyst).await;
    for (query, want) in [
        ("band=high", vec!["a"]),
        ("band=review&platform=TIKI", vec!["b"]),
        ("province=h%C3%A0+n%E1%BB%99i", vec!["a"]),
        ("brand=dior", vec!["b"]),
        ("brand=%27%20OR%201%3D1--", vec![]),
        ("platform=tiki&band=", vec!["b", "c"]),
    ] {
        let page = analyst.get(&format!("/v1/suspects?{query}")).await.ok();
        assert_eq!(ids(&page), want, "{query}");
    }
    let bound = app.with_provinces(Role::Analyst, &["Đồng Nai"]).await;
    assert_eq!(ids(&bound.get("/v1/suspects").await.ok()), ["b"]);
    bound.get("/v1/listings/b").await.ok();
    for hidden in ["a", "c"] {
        let answer = bound.get(&format!("/v1/listings/{hidden}")).await;
        assert_eq!(answer.problem().1, "listing_not_found");
    }
}

#[tokio::test]
async fn a_listing_is_found_by_any_id() {
    let strange = ["shop/7/x", "50%", "a%2Fb", "giày 1", "../..", "a?b#c", "+"];
    let listings: Vec<_> =
        strange.iter().map(|id| json!({"id": id, "title": "x!", "extra": {"k": [1]}})).collect();
    let app = with_listings(listings.into()).await.with_role(Role::Crawler).await;
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    for id in strange {
        let encoded: String = id.bytes().map(|b| format!("%{b:02X}")).collect();
        let listing = app.get(&format!("/v1/listings/{encoded}")).await.ok();
        assert_eq!(listing["id"], id);
        assert_eq!(listing["listing"]["extra"]["k"][0], 1, "kept as received");
        assert_eq!(listing["assessment"]["id"], id);
        assert_eq!(listing["history"].as_array().unwrap().len(), 1);
        let mut listing = listing;
        listing["listing"].as_object_mut().unwrap().remove("extra");
        check_schema(&api, "StoredListing", &listing);
    }
    let answer = app.get("/v1/listings/none").await;
    assert_eq!(answer.problem(), (404, "listing_not_found".into(), String::new()));
}
