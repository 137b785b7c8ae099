use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tempfile::TempDir;
use thatgia::config::{self, Settings};
use thatgia::domain::{Clock, Role};
use thatgia::http::{App, Parts, router};
use thatgia::scoring::Assess;
use thatgia::store::{Actor, KeyRecord, NewKey, Store};
use thatgia::telemetry;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

use super::FakeScorer;

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<OffsetDateTime>);

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// The whole service with a store of its own, without a port.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) settings: Settings,
    router: Router,
    key: Option<String>,
    record: Option<KeyRecord>,
    peer: Option<SocketAddr>,
    _dir: Arc<TempDir>,
}

/// A recorder is one a process, which under `cargo test` many tests share.
fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| telemetry::metrics::install().unwrap()).clone()
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, FakeScorer::new()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings), scorer: Arc<dyn Assess>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = config::load(None).unwrap();
        settings.store.data_dir = dir.path().to_owned();
        settings.store.max_connections = 2;
        change(&mut settings);
        let clock = TestClock::new();
        let store = Store::open(&settings.store, Arc::<TestClock>::clone(&clock)).await.unwrap();
        store.migrate().await.unwrap();
        let app = App::new(Parts {
            settings: settings.clone(),
            store: store.clone(),
            scorer,
            origin: thatgia::flow::outside_registry(&settings.origin).unwrap(),
            clock: Arc::<TestClock>::clone(&clock),
            metrics: metrics(),
        });
        let router = router(app.clone());
        let (key, record, peer) = (None, None, None);
        Self { app, store, clock, settings, router, key, record, peer, _dir: Arc::new(dir) }
    }

    /// The same service for the holder of a new key.
    pub(crate) async fn with_role(&self, role: Role) -> Self {
        self.with_provinces(role, &[]).await
    }

    pub(crate) async fn with_provinces(&self, role: Role, provinces: &[&str]) -> Self {
        let new = NewKey {
            name: format!("a {role}"),
            role,
            agency: None,
            provinces: provinces.iter().map(|p| (*p).to_owned()).collect(),
        };
        let (record, key) = self.store.create_key(&new, &Actor::System).await.unwrap();
        Self { key: Some(key.reveal().to_owned()), record: Some(record), ..self.clone() }
    }

    /// The same service for a client at this address.
    pub(crate) fn at_peer(&self, peer: &str) -> Self {
        Self { peer: Some(SocketAddr::new(peer.parse().unwrap(), 4000)), ..self.clone() }
    }

    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    pub(crate) fn record(&self) -> &KeyRecord {
        self.record.as_ref().unwrap()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(peer) = self.peer {
            request = request.extension(ConnectInfo(peer));
        }
        request
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(self.request("POST", path).body(body.into()).unwrap()).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The JSON of a good answer.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The JSON lines of a good answer.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// Status, code and field of a problem, after a look at its form.
    pub(crate) fn problem(&self) -> (u16, String, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let json = self.json();
        let status = self.status.as_u16();
        assert_eq!(json["status"], status, "{json}");
        assert_eq!(json["type"], format!("/docs#{}", json["code"].as_str().unwrap()), "{json}");
        for name in ["title", "detail"] {
            assert!(json[name].as_str().is_some_and(|t| !t.is_empty()), "{name}: {json}");
        }
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        (status, text("code"), text("field"))
    }
}
