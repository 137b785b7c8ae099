use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, Stream, StreamExt, stream};

use super::schema::{self, ScoredLine as ScoredLineSchema};
use super::score::Options;
use crate::domain::{ErrorCode, ItemError, ScoredLine};
use crate::flow::{Batch, Kept, compute};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::extract::{Media, Params, next_frame};
use crate::http::lines::Lines;

/// Batches of one stream that are being scored or wait to be sent.
const AHEAD: usize = 2;

/// Scores a stream of listings, one JSON object a line.
///
/// The answer has one line for each line sent that is not blank, in order, as soon as it is
/// there; `line` is the line's number. However long the stream, the memory it takes is
/// constant: the service reads no faster than it scores and the client takes the answer, so read
/// while you send. A line that is not UTF-8, not JSON, or longer than the limit gets an error of
/// its own. With `store=true` a line is answered once it is kept; where the store fails, the lines
/// say so by an error of code `internal` and may be sent again. A client that sends nothing for
/// `server.request_timeout_s` is cut off. A stream that breaks off ends without the end of its
/// last chunk.
#[utoipa::path(
    post, path = "/v1/score/stream", tag = "scoring", security(("key" = [])),
    params(
        ("store" = Option<bool>, Query, description = "Keep the listings and their scores. Takes \
            a key of role crawler or admin."),
        ("explain" = Option<schema::Explain>, Query, description = "How much evidence to give"),
        ("tier" = Option<schema::TierWanted>, Query, description = "Which model may settle the score"),
    ),
    request_body(content = String, content_type = "application/x-ndjson",
        description = "Listings, one JSON object a line",
        example = "{\"title\":\"Giày Nike rep 1:1\"}\n{\"title\":\"Áo len đan tay\"}\n"),
    responses(
        (status = 200, description = "Scored lines, one JSON object a line",
            body = ScoredLineSchema, content_type = "application/x-ndjson"),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 409, response = schema::ProblemResponse),
        (status = 415, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn score_stream(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let options = Options::read(params, &caller, &*app.submit().live().get())?;
    Media::Lines.check(&headers)?;
    let idle = Duration::from_secs(app.settings().server.request_timeout_s);
    let limit = app.settings().limits.item_bytes;
    let source = Source {
        frames: body.into_data_stream(),
        rest: Bytes::new(),
        lines: Lines::new(limit),
        ended: false,
        idle,
    };
    let answers = batches(source).map(move |batch| {
        let app = app.clone();
        async move { answer(&app, batch?, options).await }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        // A proxy that gathers the answer would keep the client waiting.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(answers.buffered(AHEAD))).into_response())
}

/// A stream that cannot go on: the connection is cut, which tells the client that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the stream broke off")]
struct BrokenOff;

struct Source {
    frames: BodyDataStream,
    /// Bytes that arrived and are not in `lines` yet.
    rest: Bytes,
    lines: Lines,
    ended: bool,
    idle: Duration,
}

fn batches(source: Source) -> impl Stream<Item = Result<Batch<Vec<u8>>, BrokenOff>> {
    stream::unfold(source, |mut source| async move {
        match source.next_batch().await {
            Ok(true) => Some((Ok(source.lines.take()), source)),
            Ok(false) => None,
            Err(broken) => {
                source.ended = true;
                source.lines = Lines::new(0);
                Some((Err(broken), source))
            }
        }
    })
}

impl Source {
    /// Gathers lines until the batch is full or the client pauses; `false` at the end.
    async fn next_batch(&mut self) -> Result<bool, BrokenOff> {
        loop {
            let taken = self.lines.push(&self.rest);
            self.rest = self.rest.split_off(taken);
            if self.lines.is_full() || (self.ended && self.rest.is_empty()) {
                return Ok(self.lines.has_items());
            }
            let frame = match self.frame_at_hand().await {
                None if self.lines.has_items() => return Ok(true),
                None => next_frame(&mut self.frames, self.idle).await,
                Some(frame) => frame,
            };
            match frame {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => {
                    tracing::debug!(error = %error, "stream broke off");
                    return Err(BrokenOff);
                }
                None => {
                    self.ended = true;
                    self.lines.finish();
                }
            }
        }
    }

    /// What has arrived already. The connection hands over one piece at a time, so it is let in
    /// once more before the client counts as pausing.
    async fn frame_at_hand(&mut self) -> Option<Option<Result<Bytes, axum::Error>>> {
        if let Some(frame) = self.frames.next().now_or_never() {
            return Some(frame);
        }
        tokio::task::yield_now().await;
        self.frames.next().now_or_never()
    }
}

async fn answer(app: &App, batch: Batch<Vec<u8>>, options: Options) -> Result<Bytes, BrokenOff> {
    let submit = app.submit();
    let ticket = submit.wait(batch.items.len()).await;
    let written = if options.keep {
        let kept = submit.score_and_keep(ticket, batch, options.ask).await;
        match kept {
            Ok(kept) => {
                let lines = told(kept);
                compute(move || write(&mut lines.iter())).await
            }
            Err(error) => Err(error),
        }
    } else {
        submit.score(ticket, batch, options.ask, |lines| write(lines)).await.map(|s| s.written)
    };
    match written {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "a line could not be written");
            Err(BrokenOff)
        }
        Err(error) => {
            tracing::error!(error = %error, "a batch could not be scored");
            Err(BrokenOff)
        }
    }
}

/// The lines of a batch, which turn to errors when they could not be kept.
fn told(kept: Kept) -> Vec<ScoredLine> {
    let Kept { mut lines, saved, .. } = kept;
    if let Err(error) = saved {
        tracing::error!(error = %error, lines = lines.len(), "a batch could not be kept");
        for line in lines.iter_mut().filter(|l| l.outcome.is_ok()) {
            let text = "could not be kept, send it again";
            line.outcome = Err(ItemError::new(ErrorCode::Internal, "", text));
        }
    }
    lines
}

fn write(lines: &mut dyn Iterator<Item = &ScoredLine>) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}
