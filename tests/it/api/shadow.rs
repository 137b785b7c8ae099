use std::sync::Arc;

use serde_json::json;
use sqlx::ConnectOptions as _;
use thatgia::domain::{Assessment, ModelId, ModelRef, Role, Score};
use thatgia::preprocess;
use thatgia::registry::Share;
use thatgia::scoring::{Ask, Assess, Subject};
use thatgia::store::ShadowSummary;

use crate::support::{FakeScorer, Gate, GatedScorer, TestApp};

const SHADOW: &str = "fake-2";

/// Says of every listing that it is as good as certain.
#[derive(Debug)]
struct Certain(Arc<dyn Assess>);

impl Certain {
    #[expect(clippy::new_ret_no_self, reason = "every caller wants the trait object")]
    fn new() -> Arc<dyn Assess> {
        Arc::new(Self(FakeScorer::named(SHADOW)))
    }
}

impl Assess for Certain {
    fn model(&self) -> &ModelRef {
        self.0.model()
    }

    fn assess_all(&self, subjects: &[Subject<'_>], ask: Ask) -> Vec<Assessment> {
        let mut all = self.0.assess_all(subjects, ask);
        for said in &mut all {
            said.score = Score::from_logit(5.0).unwrap();
            said.band = thatgia::domain::Band::High;
        }
        all
    }
}

/// Fails on every listing.
#[derive(Debug)]
struct Broken(Arc<dyn Assess>);

impl Assess for Broken {
    fn model(&self) -> &ModelRef {
        self.0.model()
    }

    fn assess_all(&self, subjects: &[Subject<'_>], _: Ask) -> Vec<Assessment> {
        assert!(subjects.is_empty(), "on purpose");
        Vec::new()
    }
}

async fn app(change: impl FnOnce(&mut thatgia::config::Settings)) -> TestApp {
    TestApp::with(change, FakeScorer::new()).await.with_role(Role::Crawler).await
}

fn put(app: &TestApp, scorer: Arc<dyn Assess>, share: f64) {
    app.app.shadow().put(Some((scorer, Share::new(share).unwrap())));
}

/// What the shadow has said, once it has said it.
async fn summary(app: &TestApp) -> Option<ShadowSummary> {
    app.app.shadow().settled().await;
    let mut all = app.store.shadow_summary(&ModelId::new(SHADOW).unwrap()).await.unwrap();
    assert!(all.len() <= 1, "{all:?}");
    all.pop()
}

#[tokio::test]
async fn only_listings_that_are_kept_are_known_by_their_id() {
    let app = app(|_| ()).await;
    put(&app, Certain::new(), 1.0);
    for (query, id) in [("", "tried"), ("?store=true", "kept")] {
        let body = json!({"listings": [{"id": id, "title": id}]}).to_string();
        app.post(&format!("/v1/score{query}"), body).await.ok();
    }
    assert_eq!(rows(&app).await, 2);
    let file = app.settings.store.data_dir.join("thatgia.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    let ids: Vec<Option<String>> =
        sqlx::query_scalar("SELECT listing_id FROM shadow_scores ORDER BY listing_id NULLS FIRST")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(ids, [None, Some("kept".to_owned())]);
}

async fn rows(app: &TestApp) -> u64 {
    summary(app).await.map_or(0, |summary| summary.rows)
}

/// Listings that differ from each other and from those of another `family`.
fn body(family: &str, listings: usize) -> String {
    let listings: Vec<_> =
        (0..listings).map(|n| json!({"title": format!("{family} {n}")})).collect();
    json!({"listings": listings}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_the_live_models_to_the_byte() {
    let (plain, shadowed) = (app(|_| {}).await, app(|_| {}).await);
    put(&shadowed, Certain::new(), 1.0);
    let listings = r#"{"listings":[{"id":"a","title":"Giày!!"},{"id":"b"},7,{"title":"panic"},
        {"title":"no id!!!!"},{"id":"c","title":"Áo"}]}"#;
    let lines = "{\"id\":\"d\",\"title\":\"x!\"}\nnot json\n{\"title\":\"y!!!!\"}\n";
    let answers = async |app: &TestApp| {
        let analyst = app.with_role(Role::Analyst).await;
        [
            app.post("/v1/score", listings).await,
            app.post("/v1/score?store=true&explain=full", listings).await,
            app.post("/v1/score?tier=fast", listings).await,
            app.post("/v1/score/stream", lines).await,
            app.post("/v1/score/stream?store=true", lines).await,
            analyst.get("/v1/suspects").await,
            analyst.get("/v1/listings/a").await,
            analyst.get("/readyz").await,
        ]
        .map(|answer| (answer.status, answer.body))
    };
    let expected = answers(&plain).await;
    for _ in 0..3 {
        assert_eq!(answers(&shadowed).await, expected);
        // What it said by then shows nowhere either.
        shadowed.app.shadow().settled().await;
    }
    assert_eq!(rows(&plain).await, 0);
    let summary = summary(&shadowed).await.unwrap();
    assert_eq!((summary.live.as_str(), summary.rows), ("fake-1", 5), "each content once");
    assert_eq!(summary.bands, [[0, 0, 2], [0, 0, 1], [0, 0, 2]]);
    let metrics = shadowed.at_peer("127.0.0.1").get("/metrics").await;
    assert!(metrics.text().contains("thatgia_shadow_scored_total "), "{}", metrics.text());
}

#[tokio::test]
async fn a_share_is_about_that_many_and_always_the_same() {
    let app = app(|_| {}).await;
    put(&app, Certain::new(), 0.5);
    app.post("/v1/score", body("x", 600)).await.ok();
    let half = rows(&app).await;
    assert!((240..=360).contains(&half), "{half}");
    // Alone, in other company, streamed: the same ones.
    app.post("/v1/score", body("x", 600)).await.ok();
    app.post("/v1/score", body("x", 1)).await.ok();
    let lines: String =
        (0..600).map(|n| json!({"title": format!("x {n}")}).to_string() + "\n").collect();
    app.post("/v1/score/stream", lines).await.lines();
    assert_eq!(rows(&app).await, half);
    put(&app, Certain::new(), 1.0);
    app.post("/v1/score", body("x", 600)).await.ok();
    assert_eq!(rows(&app).await, 600);
    app.app.shadow().put(None);
    app.post("/v1/score", body("y", 600)).await.ok();
    assert_eq!(rows(&app).await, 600);
}

#[tokio::test]
async fn a_shadow_that_panics_fails_no_answer_and_holds_no_place() {
    let app = app(|_| {}).await;
    put(&app, Arc::new(Broken(FakeScorer::named(SHADOW))), 1.0);
    for family in ["a", "b", "c"] {
        let answer = app.post("/v1/score?store=true", body(family, 400)).await.ok();
        let results = answer["results"].as_array().unwrap();
        assert!(results.iter().all(|r| r["score"].is_number()));
        assert_eq!(rows(&app).await, 0);
    }
    let metrics = app.at_peer("127.0.0.1").get("/metrics").await;
    let dropped = "thatgia_shadow_dropped_total{reason=\"failed\"}";
    assert!(metrics.text().contains(dropped), "{}", metrics.text());
    put(&app, Certain::new(), 1.0);
    app.post("/v1/score", body("d", 900)).await.ok();
    assert_eq!(rows(&app).await, 900, "all places are free again");
}

#[tokio::test]
async fn a_shadow_that_is_slow_delays_no_answer() {
    let gate = Arc::new(Gate::default());
    let app = app(|s| s.server.queue_items = 40).await;
    put(&app, GatedScorer::around(&gate, Certain::new()), 1.0);
    app.post("/v1/score", body("a", 30)).await.ok();
    gate.wait_for(1).await;
    // It holds a processor now. On a machine with one there is none left.
    let others = if preprocess::threads() > 1 { 20 } else { 0 };
    for n in 0..others {
        app.post("/v1/score?store=true", body(&format!("b{n}"), 7)).await.ok();
    }
    let most = (preprocess::threads() / 4).max(1);
    assert!((1..=most).contains(&gate.entered()), "a quarter of the processors at most");
    assert_eq!(app.store.count().await.unwrap(), others * 7);
    gate.open();
    assert_eq!(rows(&app).await, 30 + others * 7);
}

#[tokio::test]
async fn what_there_is_no_place_for_is_dropped() {
    let app = app(|s| s.server.max_batch = 2000).await;
    put(&app, Certain::new(), 1.0);
    app.post("/v1/score", body("a", 1500)).await.ok();
    assert_eq!(rows(&app).await, 1024);
    let metrics = app.at_peer("127.0.0.1").get("/metrics").await;
    let dropped = "thatgia_shadow_dropped_total{reason=\"full\"} ";
    assert!(metrics.text().contains(dropped), "{}", metrics.text());
    app.post("/v1/score", body("b", 1000)).await.ok();
    assert_eq!(rows(&app).await, 2024, "the places are free again");
}

#[tokio::test]
async fn a_long_listing_takes_more_places() {
    let app = app(|s| s.server.max_body_bytes = 80 << 20).await;
    put(&app, Certain::new(), 1.0);
    // 100 places each.
    let long = |n: usize| json!({"title": n.to_string(), "more": "x".repeat(100 * 65_536 - 100)});
    let mut listings: Vec<_> = (0..11).map(long).collect();
    listings.extend((0..30).map(|n| json!({"title": format!("short {n}")})));
    let lines: String = listings.iter().map(|l| l.to_string() + "\n").collect();
    app.post("/v1/score", format!("{{\"listings\":[{}]}}", lines.trim_end().replace('\n', ",")))
        .await
        .ok();
    assert_eq!(rows(&app).await, 10 + 24);
}

#[tokio::test]
async fn the_live_model_is_not_scored_twice() {
    let app = app(|_| {}).await;
    put(&app, FakeScorer::new(), 1.0);
    app.post("/v1/score", body("a", 3)).await.ok();
    assert_eq!(rows(&app).await, 0);
    // As when it became live between two looks at the file.
    put(&app, FakeScorer::named(SHADOW), 1.0);
    app.post("/v1/score", body("b", 3)).await.ok();
    assert_eq!(rows(&app).await, 3);
    app.app.live().put(FakeScorer::named(SHADOW));
    app.post("/v1/score", body("c", 3)).await.ok();
    assert_eq!(rows(&app).await, 3);
}

#[tokio::test]
async fn a_store_that_fails_is_no_matter_of_the_answers() {
    let app = app(|_| {}).await;
    put(&app, Certain::new(), 1.0);
    app.post("/v1/score", body("a", 3)).await.ok();
    assert_eq!(rows(&app).await, 3);
    app.store.close().await;
    app.post("/v1/score", body("b", 3)).await.ok();
    app.app.shadow().settled().await;
    let metrics = app.at_peer("127.0.0.1").get("/metrics").await;
    let dropped = "thatgia_shadow_dropped_total{reason=\"store\"} ";
    assert!(metrics.text().contains(dropped), "{}", metrics.text());
}
