use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::Role::{Admin, Analyst, Crawler, Scientist, Supervisor};
use crate::http::api::{docs, health, score, stream, suspects};
use crate::http::auth::{Access, Roles, guard};
use crate::http::drain::drain;
use crate::http::error::{Code, Problem};
use crate::http::middleware::{harden, limit_time, observe, panicked};
use crate::http::{App, api::openapi};

/// Machines that send listings, and people who try one out.
const SCORE: Access = Access::Keys(Roles::new(&[Crawler, Analyst, Supervisor, Scientist, Admin]));
/// Who sends a listing may read what became of it.
const LOOK_UP: Access = Access::Keys(Roles::new(&[Crawler, Analyst, Supervisor, Scientist, Admin]));
/// A crawler's key, which lies on many machines, does not open the list of suspects.
const SUSPECTS: Access = Access::Keys(Roles::new(&[Analyst, Supervisor, Scientist, Admin]));
/// Figures of the service: free on the machine itself, where the collector runs.
const METRICS: Access = Access::Local(Roles::new(&[Admin]));

/// One route: a method and a path, who may use it, and what it does.
#[derive(Clone)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    handler: MethodRouter<App>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, access, handler: _ } = self;
        write!(f, "{method} {path} {access:?}")
    }
}

/// Every route there is.
pub fn routes() -> Vec<Route> {
    vec![
        post("/v1/score", SCORE, |m| on(m, score::score)),
        post("/v1/score/stream", SCORE, |m| on(m, stream::score_stream)),
        get("/v1/suspects", SUSPECTS, |m| on(m, suspects::list_suspects)),
        get("/v1/listings/{id}", LOOK_UP, |m| on(m, suspects::get_listing)),
        get("/v1/openapi.json", Access::Public, |m| on(m, openapi::document)),
        get("/docs", Access::Public, |m| on(m, docs::page)),
        get("/docs/{file}", Access::Public, |m| on(m, docs::asset)),
        get("/healthz", Access::Public, |m| on(m, health::alive)),
        get("/readyz", Access::Public, |m| on(m, health::ready)),
        get("/metrics", METRICS, |m| on(m, health::metrics)),
    ]
}

type Handler = fn(MethodFilter) -> MethodRouter<App>;

fn get(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::GET, path, access, handler: handler(MethodFilter::GET) }
}

fn post(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::POST, path, access, handler: handler(MethodFilter::POST) }
}

/// The whole service.
pub fn router(app: App) -> Router {
    with_routes(app, routes())
}

fn with_routes(app: App, routes: Vec<Route>) -> Router {
    let limit = Duration::from_secs(app.settings().server.request_timeout_s);
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes {
        let guarded = handler.route_layer(from_fn_with_state((app.clone(), access), guard));
        router = router.route(path, guarded);
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn(drain))
        .layer(from_fn_with_state(limit, limit_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(harden))
        .layer(from_fn(observe))
        .with_state(app)
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, Code::NotFound.hint())
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(Code::MethodNotAllowed, format!("{method} does not go with {path}"))
}
