use std::sync::Arc;

use futures_util::future::join_all;
use thatgia::domain::Role;

use crate::support::{FakeScorer, Gate, GatedScorer, TestApp};

/// Enough listings for several slices.
fn body(listings: usize) -> String {
    format!("{{\"listings\":[{}]}}", vec!["{\"title\":\"a\"}"; listings].join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_model_fails_no_request_and_mixes_none() {
    let app = TestApp::new().await.with_role(Role::Crawler).await;
    let names = ["fake-1", "fake-2"];
    let requests = join_all((0..64).map(|i| {
        let app = &app;
        async move { app.post("/v1/score", body(if i % 4 == 0 { 300 } else { 1 })).await.ok() }
    }));
    let changes = async {
        for i in 0..200 {
            app.app.live().put(FakeScorer::named(names[i % 2]));
            tokio::task::yield_now().await;
        }
    };
    let (answers, ()) = tokio::join!(requests, changes);
    for answer in answers {
        let results = answer["results"].as_array().unwrap();
        assert!(results.iter().all(|r| r["error"].is_null() && r["model"] == results[0]["model"]));
    }
}

#[tokio::test]
async fn what_was_admitted_ends_with_the_model_it_began_with() {
    let gate = Arc::new(Gate::default());
    let app = TestApp::with(|_| (), GatedScorer::new(&gate)).await.with_role(Role::Crawler).await;
    let waits = tokio::spawn({
        let app = app.clone();
        async move { app.post("/v1/score", body(1)).await.ok() }
    });
    gate.wait_for(1).await;
    app.app.live().put(FakeScorer::named("fake-2"));
    gate.open();
    let after = app.post("/v1/score", body(1)).await.ok();
    assert_eq!(waits.await.unwrap()["results"][0]["model"], "fake-1");
    assert_eq!(after["results"][0]["model"], "fake-2");
}

#[tokio::test]
async fn the_stages_of_a_request_are_told() {
    let app = TestApp::new().await.with_role(Role::Crawler).await;
    let answer = app.post("/v1/score", body(1)).await;
    let told = answer.header("server-timing");
    for stage in ["read;dur=", "queue;dur=", "score;dur=", "store;dur=", "write;dur="] {
        assert!(told.contains(stage), "{told}");
    }
}
