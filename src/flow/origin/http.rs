use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use metrics::counter;
use tokio::sync::Semaphore;

use super::OriginRegistry;
use super::answer::read_answer;
use crate::config;
use crate::domain::Gtin;
use crate::signals::OriginAnswer;
use crate::telemetry::metrics::ORIGIN_QUESTIONS;

/// Failures in a row after which nobody is asked for a while.
const FAILURES: u32 = 5;
const ACCEPTED: &str = "application/json, application/linkset+json;q=0.9";

/// The outside registry cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    #[error("origin.url: {0}")]
    Url(&'static str),
    #[error("origin.token: {0}")]
    Token(&'static str),
    #[error("origin.url: no certificates to check https with: {0}")]
    Certificates(std::io::Error),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no answer in time")]
    Timeout,
    #[error("{0}")]
    Connection(String),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("an answer that is larger than the limit or breaks off")]
    Body,
    #[error("an answer that is no product")]
    Garbage,
}

/// With certificates to check, or without where there is nothing to check.
enum Wire {
    Plain(Client<HttpConnector, Empty<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>),
}

impl Wire {
    fn new(https: bool, settings: &config::Origin) -> std::io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(Duration::from_millis(settings.timeout_ms)));
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(settings.concurrency);
        if !https {
            return Ok(Self::Plain(client.build(tcp)));
        }
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_native_roots()?;
        Ok(Self::Tls(client.build(tls.https_only().enable_http1().wrap_connector(tcp))))
    }

    fn request(&self, request: Request<Empty<Bytes>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Tls(client) => client.request(request),
        }
    }
}

/// A registry that is asked over HTTP, as a resolver of GS1 Digital Links is: one address, to which
/// only the number goes. What it says is remembered; redirects are not followed.
pub(super) struct HttpRegistry {
    wire: Wire,
    name: String,
    /// Without a slash at its end.
    base: String,
    token: Option<HeaderValue>,
    settings: config::Origin,
    /// Questions at the same time, of all batches.
    places: Semaphore,
    known: Mutex<HashMap<Gtin, (Instant, OriginAnswer)>>,
    outage: Mutex<Outage>,
}

#[derive(Debug, Default)]
struct Outage {
    failures: u32,
    until: Option<Instant>,
}

impl fmt::Debug for HttpRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRegistry").field("base", &self.base).finish_non_exhaustive()
    }
}

impl HttpRegistry {
    /// # Errors
    /// When address or token cannot be used, or there are no certificates to check https with.
    pub(super) fn new(settings: &config::Origin) -> Result<Self, OriginError> {
        let base = settings.url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| OriginError::Url("not an address"))?;
        let host = uri.host().ok_or(OriginError::Url("no host"))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(OriginError::Url("must begin with https:// or http://")),
        };
        if uri.query().is_some() || settings.url.contains('#') {
            return Err(OriginError::Url("must not have a query or fragment"));
        }
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err(OriginError::Url("must not hold a name or password; see origin.token"));
        }
        let bare = host.trim_matches(['[', ']']);
        let local = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let token = match settings.token.as_str() {
            "" => None,
            _ if !https && !local => return Err(OriginError::Token("is sent over https only")),
            token => {
                let value = HeaderValue::from_str(&format!("Bearer {token}"));
                let mut value = value.map_err(|_| OriginError::Token("not fit for a header"))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let wire = Wire::new(https, settings).map_err(OriginError::Certificates)?;
        Ok(Self {
            wire,
            name: settings.name.clone(),
            base,
            token,
            places: Semaphore::new(settings.concurrency.min(Semaphore::MAX_PERMITS)),
            settings: settings.clone(),
            known: Mutex::default(),
            outage: Mutex::default(),
        })
    }

    /// The answer for one number, remembered where it is one.
    async fn ask(&self, gtin: Gtin) -> OriginAnswer {
        if self.is_out() {
            return OriginAnswer::Unavailable;
        }
        let Ok(_place) = self.places.acquire().await else { return OriginAnswer::Unavailable };
        // Many may have waited for their place while the registry went away.
        if self.is_out() {
            return OriginAnswer::Unavailable;
        }
        let limit = Duration::from_millis(self.settings.timeout_ms);
        let answer = match tokio::time::timeout(limit, self.fetch(gtin)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Timeout),
        };
        let label = match &answer {
            Ok(OriginAnswer::Known(_)) => "known",
            Ok(OriginAnswer::Unknown) => "unknown",
            Ok(OriginAnswer::Unavailable) | Err(_) => "unavailable",
        };
        counter!(ORIGIN_QUESTIONS, "answer" => label).increment(1);
        match answer {
            Ok(answer) => {
                *lock(&self.outage) = Outage::default();
                self.remember(gtin, answer.clone());
                answer
            }
            Err(failure) => {
                self.failed(&failure);
                OriginAnswer::Unavailable
            }
        }
    }

    async fn fetch(&self, gtin: Gtin) -> Result<OriginAnswer, Failure> {
        let mut request = Request::get(format!("{}/01/{gtin}", self.base))
            .header(ACCEPT, ACCEPTED)
            .header(USER_AGENT, concat!("thatgia/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let connection = |e: &dyn std::error::Error| {
            let cause = e.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            Failure::Connection(format!("{e}{cause}"))
        };
        let request = request.body(Empty::new()).map_err(|e| connection(&e))?;
        let response = self.wire.request(request).await.map_err(|e| connection(&e))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(OriginAnswer::Unknown),
            other => return Err(Failure::Status(other)),
        }
        // Chunk by chunk, and no further than the limit.
        let body = Limited::new(response.into_body(), self.settings.max_bytes);
        let bytes = body.collect().await.map_err(|_| Failure::Body)?.to_bytes();
        read_answer(&bytes, &gtin).ok_or(Failure::Garbage)
    }

    fn is_out(&self) -> bool {
        lock(&self.outage).until.is_some_and(|until| Instant::now() < until)
    }

    fn failed(&self, failure: &Failure) {
        let mut outage = lock(&self.outage);
        outage.failures = outage.failures.saturating_add(1);
        let first = outage.until.is_none();
        if outage.failures >= FAILURES {
            outage.until = Instant::now().checked_add(Duration::from_secs(self.settings.retry_s));
        }
        let out = outage.until.is_some();
        drop(outage);
        if out && first {
            tracing::warn!(registry = self.name, failure = %failure, "the registry is out");
        } else {
            tracing::debug!(registry = self.name, failure = %failure, "no answer");
        }
    }

    fn remembered(&self, gtin: &Gtin) -> Option<OriginAnswer> {
        let known = lock(&self.known);
        let (since, answer) = known.get(gtin)?;
        self.is_fresh(*since).then(|| answer.clone())
    }

    fn is_fresh(&self, since: Instant) -> bool {
        since.elapsed() < Duration::from_secs(self.settings.cache_s)
    }

    fn remember(&self, gtin: Gtin, answer: OriginAnswer) {
        if self.settings.cache_items == 0 {
            return;
        }
        let mut known = lock(&self.known);
        if known.len() >= self.settings.cache_items && !known.contains_key(&gtin) {
            known.retain(|_, (since, _)| self.is_fresh(*since));
            if known.len() >= self.settings.cache_items {
                // All are in use: starting over costs each one question.
                known.clear();
            }
        }
        known.insert(gtin, (Instant::now(), answer));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OriginRegistry for HttpRegistry {
    fn name(&self) -> &str {
        &self.name
    }

    /// Those that are not answered when the batch's time is over are unavailable.
    fn look_up<'a>(&'a self, gtins: &'a [Gtin]) -> BoxFuture<'a, HashMap<Gtin, OriginAnswer>> {
        Box::pin(async move {
            let mut answers = HashMap::with_capacity(gtins.len());
            for gtin in gtins {
                answers.insert(*gtin, self.remembered(gtin).unwrap_or(OriginAnswer::Unavailable));
            }
            let open: Vec<Gtin> = answers
                .iter()
                .filter(|(_, answer)| **answer == OriginAnswer::Unavailable)
                .map(|(gtin, _)| *gtin)
                .collect();
            let questions = stream::iter(open)
                .map(|gtin| async move { (gtin, self.ask(gtin).await) })
                .buffer_unordered(self.settings.concurrency);
            let limit = Duration::from_millis(self.settings.batch_timeout_ms);
            let all = questions.for_each(|(gtin, answer)| {
                answers.insert(gtin, answer);
                std::future::ready(())
            });
            if tokio::time::timeout(limit, all).await.is_err() {
                tracing::debug!(registry = self.name, "the batch's time for questions is over");
            }
            answers
        })
    }
}
