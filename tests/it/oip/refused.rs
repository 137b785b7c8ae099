use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::{Value, json};
use thatgia::domain::Role;

use super::{INFER, crawler, output, refusal, texts};
use crate::support::{FakeScorer, Gate, GatedScorer, TestApp};

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let app = crawler().await;
    let title = || texts("title", &["a"]);
    let with = |more: Value| json!({"inputs": [title(), more]});
    let wants = |outputs: Value| json!({"inputs": [title()], "outputs": outputs});
    let asks = |parameters: Value| json!({"inputs": [title()], "parameters": parameters});
    let one = |more: Value| {
        let mut tensor = title();
        tensor.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"inputs": [tensor]})
    };
    let cases = [
        (json!([]), "", "invalid length"),
        (json!({}), "", "missing field `inputs`"),
        (json!({"inputs": []}), "inputs", "`title` is missing"),
        (json!({"inputs": "a".repeat(9000)}), "inputs", "a list"),
        (json!({"inputs": vec![title(); 17]}), "inputs", "more than 16"),
        (json!({"inputs": [texts("brand", &["a"])]}), "inputs", "`title` is missing"),
        (with(texts("titel", &["a"])), "inputs[1].name", "listing, title, description"),
        (with(title()), "title", "comes twice"),
        (with(texts("listing", &["a"])), "listing", "comes alone"),
        (with(texts("brand", &["a", "b"])), "brand.shape", "2 rows, the tensor before has 1"),
        (one(json!({"shape": [2]})), "title.data", "invalid length 1"),
        (one(json!({"shape": [1, 2]})), "title.shape", "[N] or [N, 1]"),
        (one(json!({"shape": [0]})), "title.shape", "at least one"),
        (one(json!({"shape": [-1]})), "inputs[0].shape[0]", "-1"),
        (one(json!({"shape": vec![1; 9]})), "inputs[0].shape", "more than 8"),
        (one(json!({"data": [7]})), "title.data[0]", "must be a text"),
        (one(json!({"data": [["a"]]})), "title.data", "a text or a number"),
        (one(json!({"data": null})), "title", "has neither"),
        (one(json!({"datatype": "FP64"})), "title.datatype", "must be BYTES"),
        (one(json!({"parameters": {"shared_memory_region": "x"}})), "title", "shared memory"),
        (with(texts("price", &["7"])), "price.datatype", "FP64, FP32 or INT64"),
        (wants(json!([{"name": "logits"}])), "outputs[0].name", "score, band, assessment"),
        (wants(json!([{"name": "band"}, {"name": "band"}])), "outputs[1].name", "twice"),
        (
            wants(json!([{"name": "band", "parameters": {"classification": 2}}])),
            "outputs[0].parameters",
            "neither classification",
        ),
        (asks(json!({"tier": "best"})), "parameters.tier", "auto, fast, full"),
        (asks(json!({"tier": 1})), "parameters.tier", "a string"),
        (asks(json!({"explain": ""})), "parameters.explain", "brief, full"),
        (json!({"id": "x".repeat(513), "inputs": [title()]}), "id", "512"),
    ];
    for (request, field, words) in cases {
        let answer = app.post(INFER, request.to_string()).await;
        let want = (400, "invalid_inference".to_owned(), field.to_owned());
        assert_eq!(refusal(&answer), want, "{request} {}", answer.text());
        assert!(answer.text().contains(words), "{request}: {}", answer.text());
        assert!(answer.body.len() < 2000, "a request is not sent back");
    }
    for body in ["", "{", "{\"inputs\":[NaN]}", "{\"inputs\":[]} x"] {
        assert_eq!(refusal(&app.post(INFER, body).await).1, "invalid_json", "{body}");
    }
    assert_eq!(refusal(&app.post(INFER, &b"{\"inputs\":\"\xff\"}"[..]).await).1, "invalid_json");
    for (kind, value) in [("content-type", "text/csv"), ("content-encoding", "gzip")] {
        let request = app.request("POST", INFER).header(kind, value);
        let answer = app.send(request.body("{}".into()).unwrap()).await;
        assert_eq!(refusal(&answer).1, "unsupported_media_type");
    }
}

#[tokio::test]
async fn the_limits_are_those_of_the_other_api() {
    let app = crawler().await;
    let request = json!({"inputs": [texts("title", &["a"; 1025])]});
    let answer = app.post(INFER, request.to_string()).await;
    assert_eq!(refusal(&answer), (400, "invalid_inference".into(), "title.shape".into()));
    assert!(answer.text().contains("1025 listings, the limit is 1024"), "{}", answer.text());
    let request = json!({"inputs": [texts("title", &["a"; 1024])], "outputs": [{"name": "score"}]});
    let read = app.post(INFER, request.to_string()).await.ok();
    assert_eq!(output(&read, "score").len(), 1024);

    let small = |s: &mut thatgia::config::Settings| {
        s.server.max_body_bytes = 4096;
        s.limits.item_bytes = 100;
    };
    let app = TestApp::with(small, FakeScorer::new()).await.with_role(Role::Crawler).await;
    let answer = app.post(INFER, "x".repeat(4097)).await;
    assert_eq!(refusal(&answer), (413, "body_too_large".into(), String::new()));
    for request in [
        json!({"inputs": [texts("title", &["a".repeat(100).as_str(), "b"])]}),
        json!({"inputs": [texts("listing", &[&" ".repeat(101), "{\"title\":\"b\"}"])]}),
    ] {
        let read = app.post(INFER, request.to_string()).await.ok();
        let lines = output(&read, "assessment");
        assert!(lines[0].as_str().unwrap().contains("item_too_large"), "{lines:?}");
        assert_eq!(output(&read, "band")[1], "low");
    }
    // What JSON makes of it has to fit into the memory for bodies too.
    let controls = super::binary::packed(&[&[1u8; 3000][..]]);
    let size = controls.len();
    let tensor = json!({"name": "title", "datatype": "BYTES", "shape": [1],
        "parameters": {"binary_data_size": size}});
    let json = json!({"inputs": [tensor]}).to_string();
    let request = app.request("POST", INFER).header("inference-header-content-length", json.len());
    let body = [json.as_bytes(), &controls].concat();
    let read = app.send(request.body(body.into()).unwrap()).await.ok();
    assert_eq!(output(&read, "band")[..], ["error"]);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let gate = Arc::new(Gate::default());
    let settings = |s: &mut thatgia::config::Settings| s.server.queue_items = 4;
    let app = TestApp::with(settings, GatedScorer::new(&gate)).await;
    let app = app.with_role(Role::Crawler).await;
    let body = |n: usize| json!({"inputs": [texts("title", &vec!["a"; n])]}).to_string();
    app.get("/v2").await; // Makes the key known.
    let processors = thatgia::preprocess::threads();
    let mut running = Vec::new();
    for n in 1..=processors {
        let (app, body) = (app.clone(), body(1));
        running.push(tokio::spawn(async move { app.post(INFER, body).await }));
        gate.wait_for(n).await;
    }
    let mut waiting = Box::pin(app.post(INFER, body(4)));
    assert!((&mut waiting).now_or_never().is_none());
    let refused = app.post(INFER, body(1)).await;
    assert_eq!(refusal(&refused), (429, "queue_full".into(), String::new()));
    assert_eq!(refused.header("retry-after"), "1");
    gate.open();
    waiting.await.ok();
    for answer in running {
        answer.await.unwrap().ok();
    }
}
