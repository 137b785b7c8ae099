use axum::body::Body;
use thatgia::domain::Role;

use crate::support::TestApp;

#[tokio::test]
async fn readiness_needs_the_store_and_liveness_does_not() {
    let app = TestApp::new().await;
    insta::assert_snapshot!(app.get("/readyz").await.text(), @r#"{"status":"ready","model":"fake-1"}"#);
    app.store.close().await;
    insta::assert_snapshot!(app.get("/healthz").await.text(), @r#"{"status":"ok"}"#);
    assert_eq!(app.get("/readyz").await.problem().1, "not_ready");
}

#[tokio::test]
async fn metrics_are_free_on_the_machine_and_take_a_key_elsewhere() {
    let app = TestApp::new().await;
    let crawler = app.with_role(Role::Crawler).await;
    crawler.post("/v1/score", r#"{"listings":[{"title":"a"},{}]}"#).await.ok();
    app.get("/nothing/here").await;
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let answer = app.at_peer(peer).get("/metrics").await;
        assert_eq!(answer.status, 200, "{peer}");
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        for line in [
            r#"thatgia_http_requests_total{route="/v1/score",status="200"}"#,
            r#"thatgia_http_requests_total{route="none",status="404"}"#,
            r#"thatgia_listings_scored_total{outcome="missing_field",tier="none"}"#,
            r#"thatgia_listings_scored_total{outcome="ok",tier="fast"}"#,
            "thatgia_queue_items 0",
            "thatgia_score_batch_seconds_bucket",
            "# HELP thatgia_http_request_seconds ",
        ] {
            assert!(answer.text().contains(line), "{line}:\n{}", answer.text());
        }
    }
    assert_eq!(app.at_peer("10.0.0.7").get("/metrics").await.problem().0, 401);
    let proxied = app.at_peer("127.0.0.1");
    let request = proxied.request("GET", "/metrics").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(proxied.send(request.body(Body::empty()).unwrap()).await.problem().0, 401);
    let admin = app.with_role(Role::Admin).await.at_peer("10.0.0.7");
    assert_eq!(admin.get("/metrics").await.status, 200);
}
