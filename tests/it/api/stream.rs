use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;

use crate::support::{FakeScorer, TestApp, check_schema};

const PATH: &str = "/v1/score/stream";

async fn crawler() -> TestApp {
    TestApp::new().await.with_role(Role::Crawler).await
}

fn in_pieces(bytes: &[u8], size: usize) -> Body {
    let pieces: Vec<_> = bytes.chunks(size).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn every_line_has_its_answer_however_the_bytes_arrive() {
    let app = crawler().await;
    let mut bytes =
        "\u{feff}{\"id\":\"a\",\"title\":\"Giày!!\"}\r\n\n  \nnot json\n".as_bytes().to_vec();
    bytes.extend(b"{\"title\":\"\xff\"}\n{\"title\":\"panic\"}\n{\"title\":\"last\"}");
    let whole = app.post(PATH, bytes.clone()).await;
    assert_eq!(whole.header("content-type"), "application/x-ndjson");
    let seen: Vec<_> = whole
        .lines()
        .iter()
        .map(|l| (l["line"].as_u64().unwrap(), l["error"]["code"].as_str().map(str::to_owned)))
        .collect();
    let error = |code: &str| Some(code.to_owned());
    assert_eq!(
        seen,
        [
            (1, None),
            (4, error("invalid_json")),
            (5, error("invalid_utf8")),
            (6, error("internal")),
            (7, None)
        ]
    );
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    for line in whole.lines() {
        check_schema(&api, "ScoredLine", &line);
    }
    for size in [1, 7, 64] {
        let answer = app.post(PATH, in_pieces(&bytes, size)).await;
        assert_eq!(answer.body, whole.body, "pieces of {size}");
    }
    assert_eq!(app.post(PATH, "").await.lines().len(), 0);
}

#[tokio::test]
async fn a_line_is_answered_as_in_a_batch() {
    let limits = |s: &mut thatgia::config::Settings| s.limits.item_bytes = 300;
    let app = TestApp::with(limits, FakeScorer::new()).await.with_role(Role::Crawler).await;
    let mut items: Vec<Vec<u8>> = (0..600)
        .map(|i| json!({"id": i.to_string(), "title": "!".repeat(1 + i % 5)}).to_string().into())
        .collect();
    items[3] = b"{\"title\":\"\xc3\xa0\xff\xff\"}".to_vec();
    items[4] = json!({"id": "long", "title": "x".repeat(500)}).to_string().into();
    items[5] = b"[1]".to_vec();
    items[6] = b"{\"id\":\"n\",\"price\":{\"amount\":-1},\"title\":\"a\"}".to_vec();
    let mut batch = b"{\"listings\":[".to_vec();
    batch.extend(items.join(&b","[..]));
    batch.extend(b"]}");
    let batch = app.post("/v1/score", batch).await.ok();
    let lines = app.post(PATH, items.join(&b"\n"[..])).await.lines();
    assert_eq!(batch["results"].as_array().unwrap(), &lines);
    assert_eq!(lines[3]["error"]["code"], "invalid_utf8");
    assert_eq!(lines[4]["error"]["code"], "item_too_large");
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory_and_others_go_on() {
    let limits = |s: &mut thatgia::config::Settings| s.limits.item_bytes = 1000;
    let app = TestApp::with(limits, FakeScorer::new()).await.with_role(Role::Crawler).await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let flood = stream::iter((0..64).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let end = stream::iter([Ok(Bytes::from_static(b"\n{\"title\":\"a\"}"))]);
    let lines = app.post(PATH, Body::from_stream(flood.chain(end))).await.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["error"]["message"], format!("{} bytes, the limit is 1000", 64 << 20));
    assert_eq!((&lines[1]["line"], &lines[1]["error"]), (&json!(2), &Value::Null));
}

#[tokio::test]
async fn stored_lines_are_there_when_they_are_answered() {
    let app = crawler().await;
    let text: String =
        (0..300).map(|i| format!("{{\"id\":\"s{i}\",\"title\":\"a!\"}}\n")).collect();
    let lines = app.post(&format!("{PATH}?store=true"), text.clone()).await.lines();
    assert_eq!((lines.len(), app.store.count().await.unwrap()), (300, 300));
    app.store.close().await;
    let lines = app.post(&format!("{PATH}?store=true"), text).await.lines();
    assert_eq!(lines.len(), 300);
    for (line, i) in lines.iter().zip(0..) {
        assert_eq!(line["id"], format!("s{i}"));
        assert_eq!(line["error"]["code"], "internal", "{line}");
    }
}

#[tokio::test]
async fn a_stream_has_the_same_options_and_refusals() {
    let app = crawler().await;
    let full = app.post(&format!("{PATH}?explain=full"), "{\"title\":\"!!!\"}").await.lines();
    assert_eq!(full[0]["evidence"].as_array().unwrap().len(), 3);
    assert_eq!(app.post(&format!("{PATH}?tier=full"), "").await.problem().0, 409);
    assert_eq!(app.post(&format!("{PATH}?x=1"), "").await.problem().2, "x");
    let request = app.request("POST", PATH).header("content-type", "text/csv");
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.problem().0, 415);
    let headers: HeaderMap = app.post(PATH, "").await.headers;
    assert_eq!(headers["x-accel-buffering"], "no");
}
