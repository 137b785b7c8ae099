use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;

use crate::config;
use crate::http::App;
use crate::http::error::{Code, Problem};

/// The parameters of the query, each to be taken once, none to be left over.
///
/// A misspelt parameter is refused: `?stroe=true` must not lose what was to be kept.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// The value of `name`, or `None` when it is absent or empty.
    pub(super) fn take<T>(&mut self, name: &'static str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(at) = self.0.iter().position(|(n, _)| n == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        if value.is_empty() {
            return Ok(None);
        }
        let wrong = |e: T::Err| Problem::new(Code::InvalidQuery, e.to_string()).at(name);
        value.parse().map(Some).map_err(wrong)
    }

    /// Rows of a page: `limit`, within what the settings allow.
    pub(super) fn rows(&mut self, server: &config::Server) -> Result<u32, Problem> {
        match self.take::<u32>("limit")? {
            Some(rows) if rows == 0 || rows > server.max_page_rows => {
                let text = format!("must be 1 to {}", server.max_page_rows);
                Err(Problem::new(Code::InvalidQuery, text).at("limit"))
            }
            Some(rows) => Ok(rows),
            None => Ok(server.page_rows),
        }
    }

    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            Some((name, _)) => {
                let name: String = name.chars().take(40).collect();
                Err(Problem::new(Code::InvalidQuery, "unknown or repeated parameter").at(name))
            }
            None => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(error) => Err(Problem::new(Code::InvalidQuery, error.body_text())),
        }
    }
}

/// The one variable part of the path, percent-decoded.
#[derive(Debug)]
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Self(segment)),
            Err(error) => Err(Problem::new(Code::InvalidPath, error.body_text())),
        }
    }
}

/// The variable parts of the path, in order, percent-decoded.
#[derive(Debug)]
pub(super) struct Segments<const N: usize>(pub(super) [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Segments<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || Problem::new(Code::InvalidPath, Code::InvalidPath.hint());
        match Path::<Vec<String>>::from_request_parts(parts, state).await {
            Ok(Path(segments)) => segments.try_into().map(Self).map_err(|_| wrong()),
            Err(error) => Err(Problem::new(Code::InvalidPath, error.body_text())),
        }
    }
}

/// What a route reads from the body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Media {
    Json,
    Lines,
    /// JSON, or JSON with the bytes of tensors behind it.
    Tensors,
}

impl Media {
    /// Refuses a body that says it is something else. One that says nothing is taken.
    pub(super) fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        let refuse = |text| Err(Problem::new(Code::UnsupportedMediaType, text));
        if headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity") {
            return refuse("compressed bodies are not read");
        }
        let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        let json = kind == "application/json"
            || (kind.starts_with("application/") && kind.ends_with("+json"));
        match self {
            Self::Json if json => Ok(()),
            Self::Json => refuse("send Content-Type: application/json"),
            Self::Tensors if json || kind == "application/octet-stream" => Ok(()),
            Self::Tensors => {
                refuse("send Content-Type: application/json or application/octet-stream")
            }
            Self::Lines => match kind.as_str() {
                "application/x-ndjson"
                | "application/ndjson"
                | "application/jsonl"
                | "application/x-jsonlines"
                | "application/json" => Ok(()),
                _ => refuse("send Content-Type: application/x-ndjson"),
            },
        }
    }
}

/// Reads the whole body: at most `server.max_body_bytes`, and all bodies that are being read at
/// the same time at most the share that [`App`] sets aside for them.
pub(super) async fn read_body(app: &App, body: Body) -> Result<Whole, Problem> {
    let max = app.settings().server.max_body_bytes;
    let too_large = || Problem::new(Code::BodyTooLarge, format!("the limit is {max} bytes"));
    let announced = body.size_hint().lower();
    if announced > max as u64 {
        return Err(too_large());
    }
    let mut share = app.body_share();
    let mut frames = body.into_data_stream();
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|_| Problem::new(Code::BodyIncomplete, "the body broke off"))?;
        let length = first.len() + whole.len() + frame.len();
        if length > max {
            return Err(too_large());
        }
        share.grow(length)?;
        if first.is_empty() && whole.is_empty() {
            // Most bodies that arrive in one piece are never copied.
            first = frame;
            continue;
        }
        if whole.is_empty() {
            // What was announced is only believed as far as it has been paid for.
            whole.reserve(length.max(usize::try_from(announced).unwrap_or(0).min(1 << 20)));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&frame);
    }
    let bytes = if whole.is_empty() { first } else { Bytes::from(whole) };
    Ok(Whole { bytes, _share: share })
}

/// A body in memory, and its share of the memory for bodies.
#[derive(Debug)]
pub(super) struct Whole {
    bytes: Bytes,
    _share: super::state::BodyShare,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The next bytes of a body within `idle`, or what went wrong.
pub(super) async fn next_frame(
    frames: &mut axum::body::BodyDataStream,
    idle: Duration,
) -> Option<Result<Bytes, axum::Error>> {
    match tokio::time::timeout(idle, frames.next()).await {
        Ok(frame) => frame,
        Err(elapsed) => Some(Err(axum::Error::new(elapsed))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri = format!("/x?{query}").parse().unwrap();
        Params(Query::try_from_uri(&uri).unwrap().0)
    }

    #[test]
    fn every_parameter_is_used_or_named() {
        let mut p = params("limit=5&store=true&q=");
        assert_eq!(p.take::<u32>("limit").unwrap(), Some(5));
        assert_eq!(p.take::<bool>("store").unwrap(), Some(true));
        assert_eq!(p.take::<String>("q").unwrap(), None);
        assert!(p.finish().is_ok());
        let problem = params("stroe=true").finish().unwrap_err();
        assert!(format!("{problem:?}").contains("stroe"), "{problem:?}");
        let mut p = params("limit=1&limit=2");
        p.take::<u32>("limit").unwrap();
        assert!(p.finish().is_err());
        let problem = params("limit=x").take::<u32>("limit").unwrap_err();
        assert_eq!(problem.code(), Code::InvalidQuery);
    }

    #[test]
    fn only_what_is_read_is_taken() {
        let check = |media: Media, name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            media.check(&headers).is_ok()
        };
        assert!(Media::Json.check(&HeaderMap::new()).is_ok());
        assert!(check(Media::Json, "content-type", "Application/JSON; charset=utf-8"));
        assert!(check(Media::Json, "content-type", "application/ld+json"));
        assert!(!check(Media::Json, "content-type", "text/plain"));
        assert!(!check(Media::Json, "content-encoding", "gzip"));
        assert!(check(Media::Lines, "content-type", "application/x-ndjson"));
        assert!(!check(Media::Lines, "content-type", "text/csv"));
        assert!(check(Media::Tensors, "content-type", "application/octet-stream"));
        assert!(!check(Media::Tensors, "content-type", "text/csv"));
    }
}
