use std::str::FromStr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use metrics::histogram;

use super::envelope::split;
use super::schema::{self, ScoreBody, ScoreResults};
use crate::domain::Role::{Admin, Crawler};
use crate::domain::ScoredLine;
use crate::flow::{Batch, Item, Timings, compute};
use crate::http::App;
use crate::http::auth::{Caller, Roles};
use crate::http::error::{Code, Problem};
use crate::http::extract::{Media, Params, Whole, read_body};
use crate::scoring::{Ask, Assess, Detail, TierChoice};
use crate::telemetry::metrics::STAGE_SECONDS;

/// Who may have listings kept: people who try one out leave nothing behind.
const KEEP: Roles = Roles::new(&[Crawler, Admin]);
/// Larger bodies are taken apart on a thread of their own, which costs more than it takes here.
pub(in crate::http) const SPLIT_HERE: usize = 256 * 1024;

/// What the query asks for; the same for a batch and a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) keep: bool,
    pub(super) ask: Ask,
}

impl Options {
    pub(super) fn read(
        mut params: Params,
        caller: &Caller,
        scorer: &dyn Assess,
    ) -> Result<Self, Problem> {
        let keep = params.take("store")?.unwrap_or(false);
        let Explain(detail) = params.take("explain")?.unwrap_or_default();
        let tier: TierChoice = params.take("tier")?.unwrap_or_default();
        params.finish()?;
        check_tier(tier, scorer).map_err(|problem| problem.at("tier"))?;
        if keep {
            caller.require(KEEP).map_err(|problem| problem.at("store"))?;
        }
        Ok(Self { keep, ask: Ask { detail, tier } })
    }
}

/// Refuses the full tier where there is none.
pub(in crate::http) fn check_tier(tier: TierChoice, scorer: &dyn Assess) -> Result<(), Problem> {
    if tier == TierChoice::Full && !scorer.has_encoder() {
        return Err(Problem::new(Code::NoFullModel, Code::NoFullModel.hint()));
    }
    Ok(())
}

/// How much evidence is asked for, by the names that the API has for it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::http) struct Explain(pub(in crate::http) Detail);

impl FromStr for Explain {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "brief" => Ok(Self(Detail::Brief)),
            "full" => Ok(Self(Detail::Full)),
            _ => Err("expected one of brief, full"),
        }
    }
}

/// Scores a batch of listings.
///
/// Each listing gets a result of its own, in the order sent: a score with its explanation, or an
/// error. One listing that cannot be read does not touch the others. Only `title` is required;
/// fields that are not named here are taken and kept.
#[utoipa::path(
    post, path = "/v1/score", tag = "scoring", security(("key" = [])),
    params(
        ("store" = Option<bool>, Query, description = "Keep the listings and their scores; all \
            that have a score are kept before the answer comes, or none. Takes a key of role \
            crawler or admin."),
        ("explain" = Option<schema::Explain>, Query, description = "How much evidence to give"),
        ("tier" = Option<schema::TierWanted>, Query, description = "Which model may settle the score"),
    ),
    request_body(content = ScoreBody, description = "The listings"),
    responses(
        (status = 200, description = "One result for each listing, in order", body = ScoreResults),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 409, response = schema::ProblemResponse),
        (status = 413, response = schema::ProblemResponse),
        (status = 415, response = schema::ProblemResponse),
        (status = 422, response = schema::ProblemResponse),
        (status = 429, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn score(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let options = Options::read(params, &caller, &*app.submit().live().get())?;
    Media::Json.check(&headers)?;
    app.submit().check()?;
    let began = Instant::now();
    let body = read_body(&app, body).await?;
    let batch = take_apart(body, app.settings().server.max_batch).await?;
    let read = began.elapsed();
    let submit = app.submit();
    let ticket = submit.admit(batch.items.len())?;
    let (json, timings) = if options.keep {
        let kept = submit.score_and_keep(ticket, batch, options.ask).await?;
        kept.saved?;
        let (lines, mut timings) = (kept.lines, kept.timings);
        let began = Instant::now();
        let json = compute(move || results(&mut lines.iter())).await?;
        timings.write = began.elapsed();
        (json, timings)
    } else {
        let scored = submit.score(ticket, batch, options.ask, |lines| results(lines)).await?;
        (scored.written, scored.timings)
    };
    let json = json.map_err(|error| Problem::hide(Code::Internal, &error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("server-timing"), server_timing(read, timings)),
    ];
    Ok((headers, json).into_response())
}

/// How long each stage took, in milliseconds, as browsers show it (W3C Server Timing); also goes
/// into the metrics.
pub(in crate::http) fn server_timing(read: Duration, timings: Timings) -> HeaderValue {
    let Timings { queue, score, store, write } = timings;
    for (stage, time) in [("read", read), ("store", store), ("write", write)] {
        histogram!(STAGE_SECONDS, "stage" => stage).record(time.as_secs_f64());
    }
    let stages =
        [("read", read), ("queue", queue), ("score", score), ("store", store), ("write", write)];
    let text = stages.map(|(name, time)| format!("{name};dur={:.3}", time.as_secs_f64() * 1e3));
    HeaderValue::try_from(text.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

async fn take_apart(body: Whole, max: usize) -> Result<Batch<Whole>, Problem> {
    if body.as_ref().len() <= SPLIT_HERE {
        return batch(body, max);
    }
    let done = tokio::task::spawn_blocking(move || batch(body, max)).await;
    done.map_err(|error| Problem::hide(Code::Internal, &error))?
}

fn batch(body: Whole, max: usize) -> Result<Batch<Whole>, Problem> {
    let spans = split(body.as_ref(), max)?;
    let items = spans.into_iter().zip(1..).map(|(at, line)| Item::Json { line, at }).collect();
    Ok(Batch { bytes: body, items })
}

/// The answer, written once.
fn results(lines: &mut dyn Iterator<Item = &ScoredLine>) -> serde_json::Result<Vec<u8>> {
    let mut json = b"{\"results\":[".to_vec();
    for (i, line) in lines.enumerate() {
        if i > 0 {
            json.push(b',');
        }
        serde_json::to_writer(&mut json, line)?;
    }
    json.extend_from_slice(b"]}");
    Ok(json)
}
