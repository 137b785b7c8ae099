//! The console's pages, read as a browser would, without a port.

mod html;
mod listing;
mod queue;
mod sign_in;

use std::sync::Arc;

use axum::body::Body;
use serde_json::json;
use thatgia::domain::{
    Assessment, Band, Evidence, LegalClass, ModelId, ModelRef, Part, Parts, Reason, Role, Score,
    Tier,
};
use thatgia::scoring::{Ask, Assess, Subject};

use crate::support::{Answer, TestApp};
use html::Html;

/// A browser on the service's own machine, with at most the session's cookie.
#[derive(Clone)]
struct Browser {
    app: TestApp,
    cookie: String,
}

impl Browser {
    fn new(app: &TestApp) -> Self {
        Self { app: app.at_peer("127.0.0.1"), cookie: String::new() }
    }

    /// Signed in with a new key of this role.
    async fn signed_in(app: &TestApp, role: Role, provinces: &[&str]) -> Self {
        let holder = app.with_provinces(role, provinces).await;
        let day = std::time::Duration::from_secs(24 * 3600);
        let (_, token) = app.store.create_session(&holder.record().id, day).await.unwrap();
        Self { cookie: format!("thatgia_session={}", token.reveal()), ..Self::new(app) }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.app.request("GET", path).header("cookie", &self.cookie);
        self.app.send(request.body(Body::empty()).unwrap()).await
    }

    async fn page(&self, path: &str) -> Html {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        Html::parse(&answer)
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_with(path, form, &[("sec-fetch-site", "same-origin")]).await
    }

    async fn post_with(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.app.request("POST", path).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |r, (n, v)| r.header(*n, *v));
        self.app.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }
}

/// A scorer that finds what it is told to find, in every listing.
#[derive(Debug)]
struct Finds {
    model: ModelRef,
    evidence: Vec<Evidence>,
}

impl Finds {
    #[expect(clippy::new_ret_no_self, reason = "every caller wants the trait object")]
    fn new(evidence: Vec<Evidence>) -> Arc<dyn Assess> {
        let id = ModelId::new("finds-1").unwrap();
        let model = ModelRef { id, weights_sha256: "cd".repeat(32).into() };
        Arc::new(Self { model, evidence })
    }
}

impl Assess for Finds {
    fn model(&self) -> &ModelRef {
        &self.model
    }

    fn assess_all(&self, subjects: &[Subject<'_>], _: Ask) -> Vec<Assessment> {
        subjects.iter().map(|_| self.one()).collect()
    }
}

impl Finds {
    fn one(&self) -> Assessment {
        let of = |part: Part| {
            let weights = self.evidence.iter().filter(|e| e.part == part).map(|e| e.weight);
            weights.fold(None, |sum, w| Some(sum.unwrap_or(0.0) + w))
        };
        let parts = Parts { text: of(Part::Text), price: of(Part::Price), ..Parts::default() };
        Assessment {
            score: Score::from_logit(-2.0 + parts.sum()).unwrap(),
            band: Band::Review,
            tier: Tier::Fast,
            model: self.model.clone(),
            prior: -2.0,
            parts,
            legal_class: LegalClass::OriginUnclear,
            evidence: self.evidence.clone(),
        }
    }
}

fn found(field: &'static str, start: usize, end: usize, text: &str, weight: f64) -> Evidence {
    let reason =
        Reason { vi: format!("lý do “{weight}” <b>"), en: format!("reason {weight}") };
    Evidence {
        part: if field == "price" { Part::Price } else { Part::Text },
        kind: "kind_of_it".into(),
        field: field.into(),
        start,
        end,
        text: text.to_owned(),
        weight,
        reason: Arc::new(reason),
    }
}

/// The service with these listings kept.
async fn with_listings(scorer: Arc<dyn Assess>, listings: serde_json::Value) -> TestApp {
    let app = TestApp::with(|s| s.server.page_rows = 3, scorer).await;
    let crawler = app.with_role(Role::Crawler).await;
    let body = json!({ "listings": listings }).to_string();
    crawler.post("/v1/score?store=true", body).await.ok();
    app
}
