use std::sync::Arc;

use axum::body::Body;
use serde_json::{Value, json};
use thatgia::domain::{Assessment, Evidence, ModelRef, Part, Parts, Reason, Role};
use thatgia::http::api::openapi_json;
use thatgia::scoring::{Ask, Assess, Subject};

use crate::support::{Answer, FakeScorer, TestApp, check_schema};

const GTIN: &str = "06291041500213";

async fn put(app: &TestApp, gtin: &str, condition: Option<(&str, &str)>, body: Value) -> Answer {
    let mut request = app.request("PUT", &format!("/v1/products/{gtin}"));
    if let Some((name, value)) = condition {
        request = request.header(name, value);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn nike() -> Value {
    json!({"brand": "Nike", "name": "Giày", "documents": [{"kind": "CFS", "reference": "1"}]})
}

#[tokio::test]
async fn a_product_is_registered_read_and_changed() {
    let app = TestApp::new().await;
    let supervisor = app.with_role(Role::Supervisor).await;
    let crawler = app.with_role(Role::Crawler).await;
    let path = format!("/v1/products/{GTIN}");
    assert_eq!(crawler.get(&path).await.problem().1, "product_not_found");
    let made = put(&supervisor, "629-1041500213", None, nike()).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""), "{}", made.text());
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "Product", &made.json());
    assert_eq!(made.json()["source"], supervisor.record().id);
    let read = crawler.get("/v1/products/6291041500213").await;
    assert_eq!(read.ok(), made.json());
    assert_eq!(read.header("etag"), "\"1\"");
    let mut changed = nike();
    changed["status"] = "withdrawn".into();
    let answer = put(&supervisor, GTIN, Some(("if-match", "\"1\"")), changed.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"2\""));
    for condition in [("if-match", "\"1\""), ("if-none-match", "*")] {
        let answer = put(&supervisor, GTIN, Some(condition), nike()).await;
        assert_eq!(answer.problem().1, "version_conflict", "{condition:?}");
    }
    assert_eq!(crawler.get(&path).await.ok()["status"], "withdrawn");
    // The keys' rows, and one for each change.
    let report = app.store.verify_audit().await.unwrap();
    assert_eq!((report.rows, report.broken), (4, None));
}

#[tokio::test]
async fn what_is_no_product_is_refused_and_changes_nothing() {
    let app = TestApp::new().await.with_role(Role::Admin).await;
    for (gtin, condition, body, want) in [
        ("6291041500214", None, nike(), (400, "invalid_gtin", "")),
        ("x", None, nike(), (400, "invalid_gtin", "")),
        (GTIN, Some(("if-match", "1")), nike(), (400, "invalid_condition", "If-Match")),
        (GTIN, Some(("if-match", "\"1\"")), nike(), (412, "version_conflict", "")),
        (
            GTIN,
            Some(("if-none-match", "\"1\"")),
            nike(),
            (400, "invalid_condition", "If-None-Match"),
        ),
        (GTIN, Some(("content-type", "text/csv")), nike(), (415, "unsupported_media_type", "")),
        (GTIN, None, json!([]), (422, "wrong_type", "")),
        (GTIN, None, json!({"brand": "x"}), (422, "missing_field", "name")),
        (GTIN, None, json!({"brand": 5}), (422, "wrong_type", "brand")),
        (GTIN, None, json!({"brnad": "x"}), (422, "wrong_type", "brnad")),
        (
            GTIN,
            None,
            json!({"brand": "x", "name": "y", "price_low": -1}),
            (422, "invalid_field", "price_low"),
        ),
        (GTIN, None, json!({"brand": "x".repeat(100_000)}), (413, "body_too_large", "")),
    ] {
        let answer = put(&app, gtin, condition, body).await;
        let (status, code, field) = answer.problem();
        assert_eq!((status, code.as_str(), field.as_str()), want, "{gtin}: {}", answer.text());
    }
    let request = app.request("PUT", &format!("/v1/products/{GTIN}")).body("{".into()).unwrap();
    assert_eq!(app.send(request).await.problem().1, "invalid_json");
    assert!(!app.store.has_products().await.unwrap());
}

#[tokio::test]
async fn products_are_listed_by_brand_and_page() {
    let app = TestApp::new().await.with_role(Role::Admin).await;
    for gtin in ["6291041500213", "9506000134352", "96385074"] {
        assert_eq!(put(&app, gtin, None, nike()).await.status, 201);
    }
    let other = json!({"brand": "Dior", "name": "x"});
    assert_eq!(put(&app, "9506000134352", None, other).await.status, 200);
    let numbers = |page: &Value| -> Vec<String> {
        let rows = page["products"].as_array().unwrap();
        rows.iter().map(|p| p["gtin"].as_str().unwrap().to_owned()).collect()
    };
    let page = app.get("/v1/products?limit=2").await.ok();
    assert_eq!(numbers(&page), ["00000096385074", GTIN]);
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "Products", &page);
    let next = page["next"].as_str().unwrap();
    let page = app.get(&format!("/v1/products?limit=2&cursor={next}")).await.ok();
    assert_eq!((numbers(&page), &page["next"]), (vec!["09506000134352".to_owned()], &Value::Null));
    assert_eq!(numbers(&app.get("/v1/products?brand=NIKE").await.ok()).len(), 2);
    for (query, field) in [("cursor=x", "cursor"), ("limit=0", "limit"), ("brnad=x", "brnad")] {
        let answer = app.get(&format!("/v1/products?{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_query".into(), field.into()), "{query}");
    }
}

/// Shows what it was told of a listing beyond itself, at no weight.
#[derive(Debug)]
struct Teller(Arc<dyn Assess>);

impl Assess for Teller {
    fn model(&self) -> &ModelRef {
        self.0.model()
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        let tell = |subject: &Subject<'_>| {
            let said = self.0.assess(subject.listing, ask);
            let origin = subject.context.origin.as_ref();
            let clues = origin.map(|o| o.clues(subject.listing)).unwrap_or_default();
            let evidence = clues.into_iter().map(|clue| Evidence {
                part: Part::Codes,
                kind: clue.kind.into(),
                field: clue.field,
                start: clue.start,
                end: clue.start,
                text: String::new(),
                weight: 0.0,
                reason: Arc::new(Reason { vi: clue.text, en: String::new() }),
            });
            let parts = Parts { codes: Some(0.0), ..said.parts };
            Assessment { evidence: evidence.collect(), parts, ..said }
        };
        subjects.iter().map(tell).collect()
    }
}

#[tokio::test]
async fn a_listing_is_scored_with_what_the_registry_says() {
    let app = TestApp::with(|_| {}, Arc::new(Teller(FakeScorer::new()))).await;
    let admin = app.with_role(Role::Admin).await;
    let listings = json!({"listings": [
        {"title": "a", "gtin": "6291041500213", "brand": "NIKE"},
        {"title": "a", "gtin": "6291041500213", "brand": "Dior"},
        {"title": "a", "description": "mã vạch 9506000134352"},
        {"title": "a"},
        {"gtin": "6291041500213"},
    ]});
    let kinds = async || {
        let answer = admin.post("/v1/score", listings.to_string()).await.ok();
        let results = answer["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|r| r["evidence"][0]["kind"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, vec![None; 5]);
    assert_eq!(put(&admin, GTIN, None, nike()).await.status, 201);
    let want = [Some("origin_match"), Some("origin_mismatch"), Some("origin_unknown"), None, None];
    assert_eq!(kinds().await, want.map(|kind| kind.map(str::to_owned)));
}
