use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema;
use crate::domain::{Limits, Listing};
use crate::flow::compute;
use crate::http::App;
use crate::http::error::{Code, Problem};
use crate::scoring::Detail;

/// How long the store and the scorer may each take to show that they work.
const READY_WITHIN: Duration = Duration::from_secs(2);
const PROBE: &[u8] = "{\"title\":\"Áo thun trắng\"}".as_bytes();

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Requests can be answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    /// The model that scores.
    #[schema(example = "vi-fast-2026-11c")]
    model: String,
}

/// Says that the process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "service",
    responses((status = 200, description = "Alive", body = Alive)),
)]
pub(crate) async fn alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Says whether requests can be answered: the store answers and a listing is scored, in time.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses(
        (status = 200, description = "Ready", body = Ready),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    check(&app).await.map(|model| Json(Ready { status: "ready", model }))
}

/// The model that scores, once the store and the scorer have shown that they work.
pub(in crate::http) async fn check(app: &App) -> Result<String, Problem> {
    let late = |what: &str| {
        let text = format!("{what} did not answer within {} s", READY_WITHIN.as_secs());
        tracing::error!(problem = text, "not ready");
        Problem::new(Code::NotReady, text)
    };
    let ping = tokio::time::timeout(READY_WITHIN, app.store().ping());
    ping.await
        .map_err(|_| late("the store"))?
        .map_err(|error| Problem::hide(Code::NotReady, &error))?;
    let scorer = app.submit().live().get();
    let probe = compute(move || {
        let listing = Listing::from_json(PROBE, &Limits::default()).ok()?;
        let score = scorer.assess(&listing, Detail::Brief.into()).score.value();
        (score > 0.0 && score < 1.0).then(|| scorer.model().id.to_string())
    });
    let scored = tokio::time::timeout(READY_WITHIN, probe);
    let scored = scored.await.map_err(|_| late("the scorer"))?;
    match scored {
        Ok(Some(model)) => Ok(model),
        Ok(None) | Err(_) => Err(Problem::hide(Code::NotReady, &"the scorer failed its self-test")),
    }
}

/// Figures of the service in the Prometheus text format.
///
/// Open without a key to requests from the machine itself that no proxy passed on; from
/// elsewhere it takes a key of role admin.
#[utoipa::path(
    get, path = "/metrics", tag = "service", security((), ("key" = [])),
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], app.metrics().render()).into_response()
}
