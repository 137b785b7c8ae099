use std::path::Path;

use serde_json::{Value, json};
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;
use thatgia::nn::Arithmetic;
use thatgia::registry::load_model;
use thatgia::scoring::FastScorer;
use time::Duration;

use crate::model::FAST;
use crate::support::{FakeScorer, TestApp, check_schema};

const LONG: &str = "Túi da thật khâu tay tỉ mỉ từng đường kim mũi chỉ, khóa kim loại mạ vàng không phai, \
    lót vải canvas chống thấm, dây đeo tháo rời được, ngăn trong có khóa kéo, phù hợp đi làm đi chơi";

async fn with_listings(app: &TestApp, listings: Value) -> Value {
    let crawler = app.with_role(Role::Crawler).await;
    crawler.post("/v1/score?store=true", json!({ "listings": listings }).to_string()).await.ok()
}

fn listing(id: &str, seller: &str, place: &str, text: &str) -> Value {
    json!({"id": id, "title": text, "platform": "Shopee",
        "seller": {"id": seller, "name": format!("Shop {seller}"), "location": place}})
}

/// Two pairs who share a number, one of which goes on through a text.
async fn linked() -> TestApp {
    let app = TestApp::new().await;
    with_listings(
        &app,
        json!([
            listing("a", "s1", "Hà Nội", "Túi 0912345678 !!!!"),
            listing("b", "s2", "Hà Nội", "Ví 0912.345.678 !!!"),
            listing("c", "s2", "Hà Nội", LONG),
            listing("d", "s3", "Huế", &format!("{LONG} 🔥")),
            listing("e", "s4", "Huế", "Giày 0987654321"),
            listing("f", "s5", "Huế", "Dép 0987 654 321"),
            listing("g", "s6", "Huế", "Một mình"),
        ]),
    )
    .await;
    app
}

fn ids(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_seller_and_his_links_are_told_without_a_contact() {
    let app = linked().await.with_role(Role::Analyst).await;
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    let profile = app.get("/v1/sellers/SHOPEE/s2").await.ok();
    check_schema(&api, "SellerProfile", &profile);
    assert_eq!(profile["confirmed_cases"], json!([]));
    let seller = &profile["seller"];
    assert_eq!((seller["id"].as_str(), seller["listings"].as_u64()), (Some("s2"), Some(2)));
    assert_eq!(seller["suspects"], 1);
    let answer = app.get("/v1/sellers/shopee/s1/links").await;
    let graph = answer.ok();
    check_schema(&api, "SellerGraph", &graph);
    assert_eq!(ids(&graph["nodes"]), ["s1", "s2", "s3"]);
    let edges = graph["edges"].as_array().unwrap();
    let mut kinds: Vec<_> = edges.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["copied_text", "phone"]);
    let phone = edges.iter().find(|e| e["kind"] == "phone").unwrap();
    let mut shown = [phone["from_listing"].as_str(), phone["to_listing"].as_str()];
    shown.sort_unstable();
    assert_eq!((shown, phone["strength"].as_f64()), ([Some("a"), Some("b")], Some(1.0)));
    assert!(!answer.text().contains("12345678"), "{}", answer.text());
    let alone = app.get("/v1/sellers/shopee/s6/links").await.ok();
    assert_eq!((ids(&alone["nodes"]), alone["edges"].clone()), (vec!["s6"], json!([])));
    for path in [
        "/v1/sellers/shopee/none",
        "/v1/sellers/tiki/s1",
        "/v1/sellers/tiki/s1/links",
        "/v1/sellers/%20/s1",
        "/v1/sellers/shopee/%27%20OR%201=1--",
    ] {
        assert_eq!(app.get(path).await.problem().1, "seller_not_found", "{path}");
    }
}

#[tokio::test]
async fn clusters_come_page_by_page_the_worst_first() {
    let app = linked().await.with_role(Role::Supervisor).await;
    let all = app.get("/v1/sellers/clusters").await.ok();
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "SellerClusters", &all);
    let sizes: Vec<_> =
        all["clusters"].as_array().unwrap().iter().map(|c| c["size"].as_u64()).collect();
    assert_eq!((sizes, all["next"].clone()), (vec![Some(3), Some(2)], Value::Null));
    assert_eq!(all["clusters"][0]["suspects"], 2);
    let first = app.get("/v1/sellers/clusters?limit=1").await.ok();
    let next = first["next"].as_str().unwrap();
    let second = app.get(&format!("/v1/sellers/clusters?limit=1&cursor={next}")).await.ok();
    assert_eq!(first["clusters"][0], all["clusters"][0]);
    assert_eq!(second["clusters"][0], all["clusters"][1]);
    assert_eq!(second["next"], Value::Null);
    for query in ["limit=0", "limit=x", "cursor=x", "what=1"] {
        let answer = app.get(&format!("/v1/sellers/clusters?{query}")).await;
        assert_eq!(answer.problem().1, "invalid_query", "{query}");
    }
}

#[tokio::test]
async fn a_key_bound_to_provinces_sees_no_seller_elsewhere() {
    let app = linked().await.with_provinces(Role::Analyst, &["TP. Hà Nội"]).await;
    assert_eq!(app.get("/v1/sellers/shopee/s3").await.problem().1, "seller_not_found");
    let graph = app.get("/v1/sellers/shopee/s1/links").await;
    assert_eq!(ids(&graph.ok()["nodes"]), ["s1", "s2"]);
    assert_eq!(graph.ok()["more"], false);
    assert!(!graph.text().contains("s3"));
    let all = app.get("/v1/sellers/clusters").await.ok();
    assert_eq!(all["clusters"].as_array().unwrap().len(), 1);
    assert_eq!(all["clusters"][0]["size"], 2);
}

/// The service with the fast model that ships.
async fn shipped() -> TestApp {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(FAST);
    let model = load_model(&dir, Arithmetic::default()).unwrap();
    TestApp::with(|_| {}, std::sync::Arc::new(FastScorer::new(model, 0.0))).await
}

fn part(results: &Value) -> Vec<Option<f64>> {
    let rows = results["results"].as_array().unwrap();
    rows.iter().map(|r| r["parts"]["seller"].as_f64()).collect()
}

#[tokio::test]
async fn other_listings_raise_a_score_and_it_never_feeds_on_itself() {
    let app = shipped().await;
    let fake = |n: u32| {
        listing(&format!("f{n}"), "s1", "Hà Nội", &format!("Túi Gucci rep 1:1 super fake mẫu {n}"))
    };
    let quiet = listing("q", "s1", "Hà Nội", "Túi đeo chéo nữ màu đen");
    // Sent again and again, a listing alone says nothing of its seller.
    for _ in 0..3 {
        assert_eq!(part(&with_listings(&app, json!([fake(0)])).await), [None]);
    }
    assert!(part(&with_listings(&app, json!([quiet])).await)[0].unwrap() > 0.1);
    let many: Vec<_> = (0..20).map(fake).collect();
    with_listings(&app, many.clone().into()).await;
    let first = with_listings(&app, many.clone().into()).await;
    let of_quiet = part(&with_listings(&app, json!([quiet])).await)[0].unwrap();
    assert!(of_quiet > 1.0, "{of_quiet}");
    // Scored again with all of them kept, nothing rises further.
    for _ in 0..3 {
        let again = with_listings(&app, many.clone().into()).await;
        assert_eq!(part(&again), part(&first));
    }
    assert_eq!(part(&with_listings(&app, json!([quiet])).await)[0], Some(of_quiet));
    let evidence = with_listings(&app, json!([quiet])).await["results"][0]["evidence"].clone();
    let of_seller = evidence.as_array().unwrap().iter().filter(|e| e["part"] == "seller");
    let said: Vec<_> = of_seller.map(|e| e["reason"]["en"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said, ["20 of the seller's 20 other listings look counterfeit"]);
}

#[tokio::test]
async fn a_confirmed_case_fades() {
    let app = shipped().await;
    let case = thatgia::store::ConfirmedCase {
        id: "d1".to_owned(),
        platform: "shopee".to_owned(),
        seller_id: "s1".to_owned(),
        listing_id: "other".to_owned(),
        confirmed_at: app.store.time(),
    };
    app.store.confirm_case(&case).await.unwrap();
    let quiet = listing("q", "s1", "Hà Nội", "Túi đeo chéo nữ màu đen");
    let fresh = part(&with_listings(&app, json!([quiet])).await)[0].unwrap();
    app.clock.advance(Duration::days(3 * 365));
    let old = part(&with_listings(&app, json!([quiet])).await)[0].unwrap();
    assert!(fresh > 1.5 && old < 0.4, "{fresh} {old}");
    app.store.withdraw_case("d1").await.unwrap();
    assert_eq!(part(&with_listings(&app, json!([quiet])).await), [None]);
}

#[tokio::test]
async fn a_store_that_fails_costs_no_score() {
    let app = TestApp::with(|_| {}, FakeScorer::new()).await;
    let crawler = app.with_role(Role::Crawler).await;
    let body = json!({"listings": [listing("a", "s1", "Huế", "x!")]}).to_string();
    crawler.post("/v1/score", body.clone()).await.ok();
    app.store.close().await;
    assert_eq!(crawler.post("/v1/score", body).await.ok()["results"][0]["error"], Value::Null);
}
