use axum::body::Body;
use thatgia::domain::Role;
use thatgia::http::api::openapi_json;

use crate::support::{TestApp, check_schema};

#[tokio::test]
async fn every_answer_is_hardened_and_has_an_id() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/docs", "/nothing", "/v1/suspects"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(answer.header("x-request-id").len() > 8, "{path}");
    }
    let request = app.request("GET", "/healthz").header("x-request-id", "crawl-7");
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("x-request-id"), "crawl-7");
}

#[tokio::test]
async fn what_is_not_there_and_what_does_not_go_is_a_problem() {
    let app = TestApp::new().await.with_role(Role::Admin).await;
    for path in ["/", "/v1", "/v1/score/", "/docs/../Cargo.toml", "/docs/x.js", "/v1/listings/"] {
        assert_eq!(
            app.get(path).await.problem(),
            (404, "not_found".into(), String::new()),
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("GET", "/v1/score", "POST"),
        ("DELETE", "/v1/suspects", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
    ] {
        let answer = app.send(app.request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem().1, "method_not_allowed", "{method} {path}");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = app.send(app.request("HEAD", "/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}

#[tokio::test]
async fn a_parameter_that_cannot_be_used_is_named() {
    let app = TestApp::new().await.with_role(Role::Admin).await;
    let api = serde_json::from_str(openapi_json()).unwrap();
    for (path, field, words) in [
        ("/v1/suspects?band=huge", "band", "expected one of low, review, high"),
        ("/v1/suspects?limit=0", "limit", "must be 1 to 500"),
        ("/v1/suspects?limit=501", "limit", "must be 1 to 500"),
        ("/v1/suspects?limit=-1", "limit", "invalid digit"),
        ("/v1/suspects?cursor=%27%3B", "cursor", "not a cursor"),
        ("/v1/suspects?bandd=low", "bandd", "unknown"),
        ("/v1/suspects?band=low&band=high", "band", "repeated"),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.problem(), (400, "invalid_query".into(), field.into()), "{path}");
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
        check_schema(&api, "Problem", &answer.json());
    }
    let long = format!("/v1/suspects?brand={}", "a".repeat(600));
    assert_eq!(app.get(&long).await.problem().2, "brand");
    assert_eq!(app.get("/v1/listings/%FF").await.problem().1, "invalid_path");
}
