use std::any::Any;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use tracing::Instrument;

use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::telemetry::metrics::{REQUEST_SECONDS, REQUESTS};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, measures it, and writes one line of access log.
///
/// Neither the query nor the path as sent is logged, nor any header: they may hold what a client
/// did not mean to be kept.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    // Only routes that exist are named, so that nobody can fill the metrics with made-up ones.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request.id = %id.to_str().unwrap_or_default());
    let run = next.run(request).instrument(span.clone());
    let mut response = run.await;
    response.headers_mut().insert(REQUEST_ID, id);

    let (status, taken) = (response.status().as_u16(), began.elapsed());
    let key = response.extensions().get::<Caller>().map(|c| c.key().id.clone());
    span.in_scope(|| {
        tracing::info!(
            http.method = %method,
            http.route = route,
            http.status = status,
            duration_ms = taken.as_secs_f64() * 1e3,
            key.id = key,
            "answered"
        );
    });
    counter!(REQUESTS, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(REQUEST_SECONDS, "route" => route).record(taken.as_secs_f64());
    response
}

/// The id that the client sent, where it is short and plain; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    match headers.get(&REQUEST_ID) {
        Some(id) if (1..=64).contains(&id.len()) && id.as_bytes().iter().all(plain) => id.clone(),
        _ => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            HeaderValue::from_str(&format!("{:016x}-{count:x}", *PROCESS))
                .unwrap_or(HeaderValue::from_static("none"))
        }
    }
}

/// Puts the headers that keep a browser from doing more with an answer than was meant.
///
/// An answer that brings a `Content-Security-Policy` or `Cache-Control` of its own keeps it.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Gives up on a request whose answer does not begin in time, and drops its work.
pub(super) async fn limit_time(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = format!("no answer within the limit of {} s", limit.as_secs());
            Problem::new(Code::Timeout, text).into_response()
        }
    }
}

/// The answer to a request whose handler panicked.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::hide(Code::Internal, &text.unwrap_or("panic")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_id_is_kept_and_another_replaced() {
        let id = |sent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, sent.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(id("crawl-7.b_2"), "crawl-7.b_2");
        for bad in ["", "a b", "x\"y", &"a".repeat(65)] {
            assert_ne!(id(bad), bad);
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
