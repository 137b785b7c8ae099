use axum::body::Body;
use serde_json::{Value, json};
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;

use super::{crawler, refusal};
use crate::support::{TestApp, check_schema};

#[tokio::test]
async fn the_server_and_the_model_say_what_they_are() {
    let app = crawler().await;
    let version = env!("CARGO_PKG_VERSION");
    let extensions = ["binary_tensor_data", "parameters"];
    let server = json!({"name": "thatgia", "version": version, "extensions": extensions});
    assert_eq!(app.get("/v2").await.ok(), server);

    let answer = app.get("/v2/models/thatgia").await;
    let text = answer.text().replace("},{", "},\n{");
    insta::assert_snapshot!(text, @r#"
    {"name":"thatgia","versions":["1"],"platform":"thatgia","inputs":[{"name":"listing","datatype":"BYTES","shape":[-1]},
    {"name":"title","datatype":"BYTES","shape":[-1]},
    {"name":"description","datatype":"BYTES","shape":[-1]},
    {"name":"price","datatype":"FP64","shape":[-1]},
    {"name":"brand","datatype":"BYTES","shape":[-1]},
    {"name":"category","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"score","datatype":"FP64","shape":[-1]},
    {"name":"band","datatype":"BYTES","shape":[-1]},
    {"name":"assessment","datatype":"BYTES","shape":[-1]}]}
    "#);
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    check_schema(&api, "ModelMetadata", &answer.ok());
    assert_eq!(app.get("/v2/models/thatgia/versions/1").await.body, answer.body);
    assert_eq!(app.get("/v2/models/fake-1").await.ok()["name"], "fake-1");
    for path in ["/v2/models/thatgia/ready", "/v2/models/thatgia/versions/1/ready"] {
        assert_eq!(app.get(path).await.ok(), json!({"name": "thatgia", "ready": true}));
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_protocols_way() {
    let app = crawler().await;
    for (path, words) in [
        ("/v2/models/resnet", "no model \"resnet\""),
        ("/v2/models/Thatgia/ready", "no model \"Thatgia\""),
        ("/v2/models/thatgia/versions/2", "no version \"2\""),
        ("/v2/models/thatgia/versions/01/ready", "no version \"01\""),
        ("/v2/models/resnet/versions/1", "no model \"resnet\""),
        ("/v2/models/%3Cscript%3E%0A", "\"<script>\\n\""),
    ] {
        let answer = app.get(path).await;
        assert_eq!(refusal(&answer).1, "model_not_found", "{path}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{path}: {error}");
    }
    for path in ["/v2/models/resnet/infer", "/v2/models/thatgia/versions/2/infer"] {
        assert_eq!(refusal(&app.post(path, "{}").await).1, "model_not_found", "{path}");
    }
    let long = format!("/v2/models/{}", "a".repeat(5000));
    assert!(app.get(&long).await.body.len() < 2000);
    assert_eq!(refusal(&app.get("/v2/models/%FF").await).1, "invalid_path");
    assert_eq!(refusal(&app.get("/v2/repository/index").await).1, "not_found");
    let answer = app.get("/v2/models/thatgia/infer").await;
    assert_eq!(refusal(&answer).1, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    // Elsewhere a problem is what it was.
    assert!(app.get("/v2x").await.json()["error"].is_null());
    let head = app.request("HEAD", "/v2/models/resnet").body(Body::empty()).unwrap();
    let head = app.send(head).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
}

#[tokio::test]
async fn probes_take_no_key_and_the_rest_does() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/v2/health/live").await.ok(), json!({"live": true}));
    assert_eq!(app.get("/v2/health/ready").await.ok(), json!({"ready": true}));
    for path in ["/v2", "/v2/models/thatgia", "/v2/models/resnet", "/v2/models/thatgia/ready"] {
        let answer = app.get(path).await;
        assert_eq!(refusal(&answer), (401, "key_required".into(), String::new()), "{path}");
        assert!(!answer.header("www-authenticate").is_empty());
    }
    let answer = app.post(super::INFER, "{}").await;
    assert_eq!(refusal(&answer).1, "key_required");
    let partner = app.with_role(Role::Partner).await;
    assert_eq!(refusal(&partner.post(super::INFER, "{}").await).1, "forbidden");

    let crawler = app.with_role(Role::Crawler).await;
    crawler.get("/v2").await.ok();
    app.store.close().await;
    app.get("/v2/health/live").await.ok();
    assert_eq!(refusal(&app.get("/v2/health/ready").await).1, "not_ready");
    assert_eq!(refusal(&crawler.get("/v2/models/thatgia/ready").await).1, "not_ready");
}
