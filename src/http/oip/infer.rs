use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer::{self, Answer, Form, Output};
use super::errors::refuse;
use super::listings::{self, Listings};
use super::model::Model;
use super::request::{self, JSON_LENGTH, Parameters, WantedTensor};
use super::schema;
use crate::flow::Batch;
use crate::http::App;
use crate::http::api::score::{Explain, SPLIT_HERE, check_tier, server_timing};
use crate::http::error::{Code, Problem};
use crate::http::extract::{Media, Whole, read_body};
use crate::scoring::{Ask, Assess, TierChoice};

/// Longest `id` of a request, in bytes: it comes back with the answer.
const ID_BYTES: usize = 512;

/// Scores a batch of listings as tensors.
///
/// The listings are either one tensor `listing` of JSON texts, or tensors of their fields:
/// `title`, and any of `description`, `brand`, `category` (an empty text is one that is not known)
/// and `price` in VND (FP64, FP32 or INT64; NaN or null is one that is not known). Each has the
/// shape `[N]` or `[N, 1]`. `parameters` may name a `tier` and an `explain`.
///
/// The outputs have the shape `[N]`: `score`, `band` and `assessment`, the line of JSON that
/// `/v1/score` gives for the listing. A listing that cannot be scored has the score -1, the
/// band `error`, and its error in `assessment`.
///
/// Tensors may be bytes behind the JSON, as the binary tensor data extension has it: the header
/// `Inference-Header-Content-Length` then says how long the JSON is.
#[utoipa::path(
    post, path = "/v2/models/{name}/infer", tag = "inference", security(("key" = [])),
    params(
        ("name" = String, Path, description = "`thatgia`, or the live model's id"),
        ("Inference-Header-Content-Length" = Option<u64>, Header,
            description = "Bytes of JSON, where bytes of tensors follow"),
    ),
    request_body(content = schema::InferenceRequest, description = "The listings"),
    responses(
        (status = 200, description = "The scores", body = schema::InferenceResponse),
        (status = 400, response = schema::InferenceErrorResponse),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
        (status = 409, response = schema::InferenceErrorResponse),
        (status = 413, response = schema::InferenceErrorResponse),
        (status = 415, response = schema::InferenceErrorResponse),
        (status = 429, response = schema::InferenceErrorResponse),
        (status = 503, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn infer(
    State(app): State<App>,
    Model(model): Model,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    Media::Tensors.check(&headers)?;
    let length = request::json_length(&headers)?;
    let began = Instant::now();
    app.submit().check()?;
    let body = read_body(&app, body).await?;
    let Read { batch, ask, form } = take_apart(app.clone(), model, body, length).await?;
    let read = began.elapsed();
    let submit = app.submit();
    let ticket = submit.admit(batch.items.len())?;
    let scored = submit.score(ticket, batch, ask, move |lines| answer::write(lines, &form)).await?;
    let Answer { body, json_length } =
        scored.written.map_err(|error| Problem::hide(Code::Internal, &error))?;
    let kind = match json_length {
        Some(_) => "application/octet-stream",
        None => "application/json",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (HeaderName::from_static("server-timing"), server_timing(read, scored.timings)),
    ];
    let mut response = (headers, body).into_response();
    if let Some(length) = json_length {
        let name = HeaderName::from_static(JSON_LENGTH);
        response.headers_mut().insert(name, HeaderValue::from(length));
    }
    Ok(response)
}

/// Scores a batch of listings by the model's one version, as without the version.
#[utoipa::path(
    post, path = "/v2/models/{name}/versions/{version}/infer", tag = "inference",
    security(("key" = [])),
    params(
        ("name" = String, Path, description = "`thatgia`, or the live model's id"),
        ("version" = String, Path, description = "`1`"),
        ("Inference-Header-Content-Length" = Option<u64>, Header,
            description = "Bytes of JSON, where bytes of tensors follow"),
    ),
    request_body(content = schema::InferenceRequest, description = "The listings"),
    responses(
        (status = 200, description = "The scores", body = schema::InferenceResponse),
        (status = 400, response = schema::InferenceErrorResponse),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
        (status = 409, response = schema::InferenceErrorResponse),
        (status = 413, response = schema::InferenceErrorResponse),
        (status = 415, response = schema::InferenceErrorResponse),
        (status = 429, response = schema::InferenceErrorResponse),
        (status = 503, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn infer_version(
    state: State<App>,
    model: Model,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    infer(state, model, headers, body).await
}

/// A request, read.
struct Read {
    batch: Batch<Listings>,
    ask: Ask,
    form: Form,
}

async fn take_apart(
    app: App,
    model: String,
    body: Whole,
    length: Option<usize>,
) -> Result<Read, Problem> {
    if body.as_ref().len() <= SPLIT_HERE {
        return read(&app, model, &body, length);
    }
    let done = tokio::task::spawn_blocking(move || read(&app, model, &body, length)).await;
    done.map_err(|error| Problem::hide(Code::Internal, &error))?
}

fn read(app: &App, model: String, body: &Whole, length: Option<usize>) -> Result<Read, Problem> {
    let (json, binary) = request::split(body.as_ref(), length)?;
    let request = request::parse(json)?;
    let id = request.id;
    if id.as_ref().is_some_and(|id| id.len() > ID_BYTES) {
        return Err(refuse("id", &format_args!("longer than the limit of {ID_BYTES} bytes")));
    }
    let parameters = request.parameters.unwrap_or_default();
    let ask = ask(&parameters, &*app.live().get())?;
    let outputs = match request.outputs {
        Some(wanted) if !wanted.0.is_empty() => outputs(&wanted.0, &parameters)?,
        _ => {
            let binary = parameters.binary_data_output.unwrap_or(false);
            Output::ALL.iter().map(|output| (*output, binary)).collect()
        }
    };
    let max = app.settings().server.max_batch;
    let batch = listings::batch(request.inputs, binary, max, app.body_share())?;
    Ok(Read { batch, ask, form: Form { model, id, outputs } })
}

fn ask(parameters: &Parameters, scorer: &dyn Assess) -> Result<Ask, Problem> {
    let tier: TierChoice = match parameters.tier.as_deref() {
        Some(tier) => tier.parse().map_err(|e: &str| refuse("parameters.tier", &e))?,
        None => TierChoice::default(),
    };
    check_tier(tier, scorer).map_err(|problem| problem.at("parameters.tier"))?;
    let Explain(detail) = match parameters.explain.as_deref() {
        Some(explain) => explain.parse().map_err(|e: &str| refuse("parameters.explain", &e))?,
        None => Explain::default(),
    };
    Ok(Ask { detail, tier })
}

fn outputs(
    wanted: &[WantedTensor],
    parameters: &Parameters,
) -> Result<Vec<(Output, bool)>, Problem> {
    let mut outputs: Vec<(Output, bool)> = Vec::with_capacity(wanted.len());
    for (i, WantedTensor { name, parameters: own }) in wanted.iter().enumerate() {
        let known = Output::ALL.iter().copied().find(|o| o.as_str() == name);
        let Some(output) = known else {
            let names: Vec<_> = Output::ALL.iter().map(|o| o.as_str()).collect();
            let text = format_args!("expected one of {}", names.join(", "));
            return Err(refuse(format!("outputs[{i}].name"), &text));
        };
        if outputs.iter().any(|(o, _)| *o == output) {
            return Err(refuse(format!("outputs[{i}].name"), &"comes twice"));
        }
        let mut binary = None;
        if let Some(own) = own {
            if own.classification.is_some() || own.shared_memory_region.is_some() {
                let text = "neither classification nor shared memory is offered";
                return Err(refuse(format!("outputs[{i}].parameters"), &text));
            }
            binary = own.binary_data;
        }
        outputs.push((output, binary.or(parameters.binary_data_output).unwrap_or(false)));
    }
    Ok(outputs)
}
