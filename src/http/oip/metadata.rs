use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Output;
use super::listings::Input;
use super::model::{Model, NAME, VERSION};
use super::schema;
use crate::http::App;
use crate::http::api::health;
use crate::http::error::Problem;

/// The process is alive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerLive {
    live: bool,
}

/// Requests can be answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerReady {
    ready: bool,
}

/// What the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServerMetadata {
    #[schema(example = "thatgia")]
    name: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    extensions: [&'static str; 2],
}

/// What the model takes and gives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelMetadata {
    #[schema(example = "thatgia")]
    name: String,
    versions: [&'static str; 1],
    platform: &'static str,
    /// Either `listing` or `title` with any of the rest.
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TensorMetadata {
    #[schema(example = "title")]
    name: &'static str,
    #[schema(example = "BYTES")]
    datatype: &'static str,
    /// -1: as many as there are listings.
    shape: [i64; 1],
}

impl TensorMetadata {
    fn new(name: &'static str, datatype: &'static str) -> Self {
        Self { name, datatype, shape: [-1] }
    }
}

/// The model can be asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelReady {
    #[schema(example = "thatgia")]
    name: String,
    ready: bool,
}

/// Says that the process is alive.
#[utoipa::path(
    get, path = "/v2/health/live", tag = "inference",
    responses((status = 200, description = "Alive", body = ServerLive)),
)]
pub(crate) async fn server_live() -> Json<ServerLive> {
    Json(ServerLive { live: true })
}

/// Says whether requests can be answered, as `/readyz` does.
#[utoipa::path(
    get, path = "/v2/health/ready", tag = "inference",
    responses(
        (status = 200, description = "Ready", body = ServerReady),
        (status = 503, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn server_ready(State(app): State<App>) -> Result<Json<ServerReady>, Problem> {
    health::check(&app).await?;
    Ok(Json(ServerReady { ready: true }))
}

/// Names the service and the extensions of the protocol that it knows.
#[utoipa::path(
    get, path = "/v2", tag = "inference", security(("key" = [])),
    responses(
        (status = 200, description = "The service", body = ServerMetadata),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn server_metadata() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: NAME,
        version: env!("CARGO_PKG_VERSION"),
        extensions: ["binary_tensor_data", "parameters"],
    })
}

/// Names the model's tensors.
#[utoipa::path(
    get, path = "/v2/models/{name}", tag = "inference", security(("key" = [])),
    params(("name" = String, Path, description = "`thatgia`, or the live model's id")),
    responses(
        (status = 200, description = "The model", body = ModelMetadata),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn model_metadata(Model(name): Model) -> Json<ModelMetadata> {
    let inputs = Input::ALL.iter().map(|i| TensorMetadata::new(i.as_str(), i.datatype()));
    let outputs = Output::ALL.iter().map(|o| TensorMetadata::new(o.as_str(), o.datatype()));
    Json(ModelMetadata {
        name,
        versions: [VERSION],
        platform: NAME,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
    })
}

/// Names the tensors of the model's one version.
#[utoipa::path(
    get, path = "/v2/models/{name}/versions/{version}", tag = "inference", security(("key" = [])),
    params(
        ("name" = String, Path, description = "`thatgia`, or the live model's id"),
        ("version" = String, Path, description = "`1`"),
    ),
    responses(
        (status = 200, description = "The model", body = ModelMetadata),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn model_version_metadata(model: Model) -> Json<ModelMetadata> {
    model_metadata(model).await
}

/// Says whether the model can be asked.
#[utoipa::path(
    get, path = "/v2/models/{name}/ready", tag = "inference", security(("key" = [])),
    params(("name" = String, Path, description = "`thatgia`, or the live model's id")),
    responses(
        (status = 200, description = "Ready", body = ModelReady),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
        (status = 503, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn model_ready(
    State(app): State<App>,
    Model(name): Model,
) -> Result<Json<ModelReady>, Problem> {
    health::check(&app).await?;
    Ok(Json(ModelReady { name, ready: true }))
}

/// Says whether the model's one version can be asked.
#[utoipa::path(
    get, path = "/v2/models/{name}/versions/{version}/ready", tag = "inference",
    security(("key" = [])),
    params(
        ("name" = String, Path, description = "`thatgia`, or the live model's id"),
        ("version" = String, Path, description = "`1`"),
    ),
    responses(
        (status = 200, description = "Ready", body = ModelReady),
        (status = 401, response = schema::InferenceErrorResponse),
        (status = 403, response = schema::InferenceErrorResponse),
        (status = 404, response = schema::InferenceErrorResponse),
        (status = 503, response = schema::InferenceErrorResponse),
    ),
)]
pub(crate) async fn model_version_ready(
    state: State<App>,
    model: Model,
) -> Result<Json<ModelReady>, Problem> {
    model_ready(state, model).await
}
