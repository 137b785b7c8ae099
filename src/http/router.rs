use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::Role::{Admin, Analyst, Crawler, Scientist, Supervisor};
use crate::flow::CONSOLE_ROLES;
use crate::http::api::{docs, health, products, score, sellers, stream, suspects};
use crate::http::auth::{Access, Roles, guard};
use crate::http::console::{assets, listing, queue, sign_in};
use crate::http::drain::drain;
use crate::http::error::{Code, Problem};
use crate::http::middleware::{harden, limit_time, observe, panicked};
use crate::http::oip::{infer, metadata, name_errors};
use crate::http::{App, api::openapi};

/// Machines that send listings, and people who try one out.
const SCORE: Access = Access::Keys(Roles::new(&[Crawler, Analyst, Supervisor, Scientist, Admin]));
/// Who sends a listing may read what became of it.
const LOOK_UP: Access = Access::Keys(Roles::new(&[Crawler, Analyst, Supervisor, Scientist, Admin]));
/// The registry decides what counts as another brand's number.
const REGISTER: Access = Access::Keys(Roles::new(&[Supervisor, Admin]));
/// A crawler's key, which lies on many machines, does not open the list of suspects.
const SUSPECTS: Access = Access::Keys(Roles::new(&[Analyst, Supervisor, Scientist, Admin]));
/// Who is linked with whom is for those who look into cases.
const SELLERS: Access = Access::Keys(Roles::new(&[Analyst, Supervisor, Admin]));
/// Figures of the service: free on the machine itself, where the collector runs.
const METRICS: Access = Access::Local(Roles::new(&[Admin]));

/// People at their desks.
const CONSOLE: Access = Access::Session(Roles::new(CONSOLE_ROLES));

/// Longest form of the console, in bytes.
const FORM_BYTES: usize = 4096;

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
        get("/v1/products", LOOK_UP, |m| on(m, products::list_products)),
        get("/v1/products/{gtin}", LOOK_UP, |m| on(m, products::get_product)),
        put("/v1/products/{gtin}", REGISTER, |m| {
            on(m, products::put_product).layer(DefaultBodyLimit::max(products::PRODUCT_BYTES))
        }),
        get("/v1/sellers/clusters", SELLERS, |m| on(m, sellers::get_clusters)),
        get("/v1/sellers/{platform}/{id}", SELLERS, |m| on(m, sellers::get_seller)),
        get("/v1/sellers/{platform}/{id}/links", SELLERS, |m| on(m, sellers::get_links)),
        get("/v1/openapi.json", Access::Public, |m| on(m, openapi::document)),
        get("/v2/health/live", Access::Public, |m| on(m, metadata::server_live)),
        get("/v2/health/ready", Access::Public, |m| on(m, metadata::server_ready)),
        get("/v2", SCORE, |m| on(m, metadata::server_metadata)),
        get("/v2/models/{name}", SCORE, |m| on(m, metadata::model_metadata)),
        get("/v2/models/{name}/ready", SCORE, |m| on(m, metadata::model_ready)),
        post("/v2/models/{name}/infer", SCORE, |m| on(m, infer::infer)),
        get("/v2/models/{name}/versions/{version}", SCORE, |m| {
            on(m, metadata::model_version_metadata)
        }),
        get("/v2/models/{name}/versions/{version}/ready", SCORE, |m| {
            on(m, metadata::model_version_ready)
        }),
        post("/v2/models/{name}/versions/{version}/infer", SCORE, |m| on(m, infer::infer_version)),
        get("/docs", Access::Public, |m| on(m, docs::page)),
        get("/docs/{file}", Access::Public, |m| on(m, docs::asset)),
        get("/console", CONSOLE, |m| on(m, queue::page)),
        get("/console/", CONSOLE, |m| on(m, queue::page)),
        get("/console/listings/{id}", CONSOLE, |m| on(m, listing::page)),
        get("/console/sign-in", Access::Public, |m| on(m, sign_in::ask)),
        post("/console/sign-in", Access::Public, |m| {
            on(m, sign_in::take).layer(DefaultBodyLimit::max(FORM_BYTES))
        }),
        post("/console/sign-out", CONSOLE, |m| {
            on(m, sign_in::end).layer(DefaultBodyLimit::max(FORM_BYTES))
        }),
        get("/console/{file}", Access::Public, |m| on(m, assets::file)),
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

fn put(path: &'static str, access: Access, handler: Handler) -> Route {
    Route { method: Method::PUT, path, access, handler: handler(MethodFilter::PUT) }
}

/// The whole service.
pub fn router(app: App) -> Router {
    let limit = Duration::from_secs(app.settings().server.request_timeout_s);
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guarded = handler.route_layer(from_fn_with_state((app.clone(), access), guard));
        router = router.route(path, guarded);
    }
    layered(router, limit).with_state(app)
}

/// What goes for every route, and for what is none.
fn layered<S: Clone + Send + Sync + 'static>(router: Router<S>, limit: Duration) -> Router<S> {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn(drain))
        .layer(from_fn_with_state(limit, limit_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(name_errors))
        .layer(from_fn(harden))
        .layer(from_fn(observe))
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, Code::NotFound.hint())
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(Code::MethodNotAllowed, format!("{method} does not go with {path}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing;
    use tower::ServiceExt;

    use super::*;

    async fn status_of(path: &str) -> (u16, String) {
        async fn panics() {
            panic!("on purpose")
        }
        let router: Router = Router::new()
            .route("/panics", routing::get(panics))
            .route("/hangs", routing::get(std::future::pending::<()>));
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = layered(router, Duration::from_millis(10)).oneshot(request).await.unwrap();
        assert!(answer.headers().contains_key("x-request-id"));
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_that_does_not_tell() {
        let (status, body) = status_of("/panics").await;
        assert_eq!(status, 500);
        assert!(body.contains("\"code\":\"internal\"") && !body.contains("on purpose"), "{body}");
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_given_up() {
        let (status, body) = status_of("/hangs").await;
        assert_eq!(status, 503);
        assert!(body.contains("\"code\":\"timeout\""), "{body}");
    }
}
