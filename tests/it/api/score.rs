use std::sync::Arc;

use axum::body::Body;
use futures_util::{FutureExt, stream};
use serde_json::{Value, json};
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;

use crate::support::{FakeScorer, Gate, GatedScorer, TestApp, check_schema};

async fn crawler() -> TestApp {
    TestApp::new().await.with_role(Role::Crawler).await
}

#[tokio::test]
async fn each_listing_has_a_line_in_the_order_sent() {
    let body = r#" {"source":"x", "listings": [
        {"id":"a1","title":"Giày rep 1:1!!"}, {"id":"b","title":5}, 7, {"title":"panic"}, {"title":"Áo"}
    ]}"#;
    let answer = crawler().await.post("/v1/score", body).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let text = answer.text().replace(&"ab".repeat(32), "…").replace("},{\"line", "},\n{\"line");
    insta::assert_snapshot!(text, @r#"
    {"results":[{"line":1,"id":"a1","score":0.5,"band":"review","tier":"fast","model":"fake-1","weights_sha256":"…","prior":-2.0,"parts":{"text":2.0,"image":null,"price":null,"seller":null,"codes":null},"legal_class":"none","evidence":[{"part":"text","kind":"mark","field":"title","start":12,"end":13,"text":"!","weight":2.0,"reason":{"vi":"dấu chấm than","en":"exclamation marks"}}],"error":null},
    {"line":2,"id":"b","error":{"code":"wrong_type","field":"title","message":"invalid type: integer `5`, expected a string"}},
    {"line":3,"id":null,"error":{"code":"wrong_type","field":"","message":"a listing is a JSON object"}},
    {"line":4,"id":null,"error":{"code":"internal","field":"","message":"scoring failed"}},
    {"line":5,"id":null,"score":0.11920292202211755,"band":"low","tier":"fast","model":"fake-1","weights_sha256":"…","prior":-2.0,"parts":{"text":0.0,"image":null,"price":null,"seller":null,"codes":null},"legal_class":"none","evidence":[],"error":null}]}
    "#);
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "ScoreResults", &answer.ok());
}

#[tokio::test]
async fn explain_full_gives_every_finding() {
    let app = crawler().await;
    let body = r#"{"listings":[{"title":"!!!"}]}"#;
    let count = async |query: &str| {
        let json = app.post(&format!("/v1/score{query}"), body).await.ok();
        json["results"][0]["evidence"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("?explain=brief").await), (1, 1));
    assert_eq!(count("?explain=full&tier=fast").await, 3);
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_told_where_it_is_wrong() {
    let app = crawler().await;
    for (body, problem, words) in [
        ("{\"listings\":[\n{]}", (400, "invalid_json", ""), "line 2 column 2"),
        ("", (400, "invalid_json", ""), "line 1 column 0"),
        ("[]", (422, "wrong_type", ""), "an object with a list"),
        ("{}", (422, "missing_field", "listings"), "required"),
        ("{\"listings\":7}", (422, "wrong_type", "listings"), "a list"),
        ("{\"listings\":[]}", (422, "empty_field", "listings"), "at least one"),
    ] {
        let answer = app.post("/v1/score", body).await;
        let (status, code, field) = problem;
        assert_eq!(answer.problem(), (status, code.into(), field.into()), "{body}");
        assert!(answer.text().contains(words), "{body}: {}", answer.text());
    }
    for (kind, value) in [("content-type", "text/csv"), ("content-encoding", "gzip")] {
        let request = app.request("POST", "/v1/score").header(kind, value);
        let answer = app.send(request.body("{}".into()).unwrap()).await;
        assert_eq!(answer.problem().1, "unsupported_media_type");
    }
}

#[tokio::test]
async fn limits_hold_and_are_named() {
    let app = crawler().await;
    let body = format!("{{\"listings\":[{}]}}", vec!["{\"title\":\"a\"}"; 2000].join(","));
    let answer = app.post("/v1/score", body).await;
    assert_eq!(answer.problem(), (422, "too_many".into(), "listings".into()));
    assert!(answer.text().contains("1024"), "{}", answer.text());

    let small = |s: &mut thatgia::config::Settings| {
        s.server.max_body_bytes = 1000;
        s.limits.item_bytes = 100;
    };
    let app = TestApp::with(small, FakeScorer::new()).await.with_role(Role::Crawler).await;
    let answer = app.post("/v1/score", "x".repeat(1001)).await;
    assert_eq!(answer.problem(), (413, "body_too_large".into(), String::new()));
    let pieces = stream::iter([400, 400, 400].map(|n| Ok::<_, std::io::Error>("x".repeat(n))));
    let answer = app.post("/v1/score", Body::from_stream(pieces)).await;
    assert_eq!(answer.problem().1, "body_too_large");
    assert!(answer.text().contains("1000"), "{}", answer.text());
    let item = json!({"listings": [{"title": "a".repeat(200)}, {"title": "b"}]}).to_string();
    let results = app.post("/v1/score", item).await.ok();
    assert_eq!(results["results"][0]["error"]["code"], "item_too_large");
    assert!(results["results"][1]["score"].is_number());
    let broken = stream::iter([Ok("{\"list"), Err(std::io::Error::other("gone"))]);
    let answer = app.post("/v1/score", Body::from_stream(broken)).await;
    assert_eq!(answer.problem().1, "body_incomplete");
}

#[tokio::test]
async fn a_body_in_pieces_and_a_large_one_are_read_whole() {
    let app = crawler().await;
    let listing = json!({"title": "a!", "description": "đ".repeat(9000)}).to_string();
    let body = format!("{{\"listings\":[{}]}}", vec![listing.as_str(); 30].join(","));
    let whole = app.post("/v1/score", body.clone()).await;
    let pieces: Vec<_> =
        body.as_bytes().chunks(1000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
    let again = app.post("/v1/score", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(whole.ok()["results"].as_array().unwrap().len(), 30);
    assert_eq!(whole.body, again.body);
}

#[tokio::test]
async fn the_full_tier_says_that_it_is_not_there() {
    let answer =
        crawler().await.post("/v1/score?tier=full", r#"{"listings":[{"title":"a"}]}"#).await;
    assert_eq!(answer.problem(), (409, "no_full_model".into(), "tier".into()));
}

#[tokio::test]
async fn store_keeps_what_has_a_score_before_it_answers() {
    let app = crawler().await;
    let body = r#"{"listings":[{"id":"a","title":"x!"},{"id":"b"},{"title":"no id"}]}"#;
    app.post("/v1/score", body).await.ok();
    assert_eq!(app.store.count().await.unwrap(), 0);
    let results = app.post("/v1/score?store=true", body).await.ok();
    assert_eq!(app.store.count().await.unwrap(), 2);
    assert_eq!(results["results"][1]["error"]["code"], "missing_field");
    let made = results["results"][2]["id"].as_str().unwrap();
    assert!(app.store.listing(made).await.unwrap().is_some(), "the id that was made is told");
    assert!(app.store.listing("a").await.unwrap().is_some());

    let analyst = app.with_role(Role::Analyst).await;
    let answer = analyst.post("/v1/score?store=true", body).await;
    assert_eq!(answer.problem(), (403, "forbidden".into(), "store".into()));
    analyst.post("/v1/score", body).await.ok();

    app.store.close().await;
    let answer = app.post("/v1/score?store=true", body).await;
    assert_eq!(answer.problem().1, "store_unavailable");
}

#[tokio::test]
async fn a_full_queue_refuses_and_drops_what_nobody_waits_for() {
    let gate = Arc::new(Gate::default());
    let settings = |s: &mut thatgia::config::Settings| s.server.queue_items = 4;
    let app = TestApp::with(settings, GatedScorer::new(&gate)).await;
    let app = app.with_role(Role::Crawler).await;
    let body = |n: usize| format!("{{\"listings\":[{}]}}", vec!["{\"title\":\"a\"}"; n].join(","));
    app.post("/v1/score", "{}").await; // Makes the key known.
    let processors = thatgia::preprocess::threads();
    let mut running = Vec::new();
    for n in 1..=processors {
        let (app, body) = (app.clone(), body(1));
        running.push(tokio::spawn(async move { app.post("/v1/score", body).await }));
        gate.wait_for(n).await;
    }
    let mut waiting = Box::pin(app.post("/v1/score", body(4)));
    assert!((&mut waiting).now_or_never().is_none());
    let refused = app.post("/v1/score", body(1)).await;
    assert_eq!(refused.problem(), (429, "queue_full".into(), String::new()));
    assert_eq!(refused.header("retry-after"), "1");
    drop(waiting);
    let mut last = Box::pin(app.post("/v1/score", body(1)));
    assert!((&mut last).now_or_never().is_none(), "what nobody waits for made room");
    gate.open();
    for answer in running {
        answer.await.unwrap().ok();
    }
    last.await.ok();
    assert_eq!(gate.entered(), processors + 1, "what nobody waited for was not scored");
}
