//! What requests and answers of the protocol look like, for the OpenAPI document.

#![expect(dead_code, reason = "shapes that are described and never built")]

use serde_json::Value;
use utoipa::{ToResponse, ToSchema};

use crate::http::api::schema::{Explain, ProblemCode, TierWanted};

/// Listings as tensors.
#[derive(ToSchema)]
#[schema(example = json!({"id": "42", "parameters": {"explain": "brief"}, "inputs": [
    {"name": "title", "datatype": "BYTES", "shape": [2],
        "data": ["Giày Nike Air Force 1 rep 1:1 full box", "Áo len đan tay"]},
    {"name": "price", "datatype": "FP64", "shape": [2], "data": [350000, null]},
], "outputs": [{"name": "score"}, {"name": "band"}]}))]
pub(super) struct InferenceRequest {
    /// Comes back with the answer.
    id: Option<String>,
    parameters: Option<InferenceParameters>,
    #[schema(min_items = 1)]
    inputs: Vec<InputTensor>,
    /// All, unless some are named.
    outputs: Option<Vec<WantedTensor>>,
}

/// Others are passed over.
#[derive(ToSchema)]
pub(super) struct InferenceParameters {
    tier: Option<TierWanted>,
    explain: Option<Explain>,
    /// Whether outputs that do not say it themselves come as bytes behind the JSON.
    binary_data_output: Option<bool>,
}

/// A column of texts or numbers.
#[derive(ToSchema)]
pub(super) struct InputTensor {
    name: InputName,
    /// `BYTES` for texts; `FP64`, `FP32` or `INT64` for prices.
    datatype: String,
    /// `[N]` or `[N, 1]`.
    #[schema(min_items = 1, max_items = 2)]
    shape: Vec<u64>,
    parameters: Option<InputTensorParameters>,
    /// The elements, unless they are bytes behind the JSON.
    data: Option<Vec<Value>>,
}

#[derive(ToSchema)]
pub(super) struct InputTensorParameters {
    /// Bytes of this tensor behind the JSON, in the order of the inputs. A text is four bytes of
    /// length, the lowest first, and UTF-8.
    binary_data_size: Option<u64>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum InputName {
    Listing,
    Title,
    Description,
    Price,
    Brand,
    Category,
}

#[derive(ToSchema)]
pub(super) struct WantedTensor {
    name: OutputName,
    parameters: Option<WantedTensorParameters>,
}

#[derive(ToSchema)]
pub(super) struct WantedTensorParameters {
    /// Whether it comes as bytes behind the JSON.
    binary_data: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum OutputName {
    Score,
    Band,
    Assessment,
}

/// Scores as tensors.
#[derive(ToSchema)]
#[schema(example = json!({"model_name": "thatgia", "model_version": "1", "id": "42", "outputs": [
    {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.9731, 0.0173]},
    {"name": "band", "datatype": "BYTES", "shape": [2], "data": ["high", "low"]},
]}))]
pub(super) struct InferenceResponse {
    model_name: String,
    model_version: String,
    id: Option<String>,
    outputs: Vec<OutputTensor>,
}

/// A column of texts or numbers.
#[derive(ToSchema)]
pub(super) struct OutputTensor {
    name: OutputName,
    datatype: String,
    shape: Vec<u64>,
    parameters: Option<OutputTensorParameters>,
    /// The elements, unless they are bytes behind the JSON.
    data: Option<Vec<Value>>,
}

#[derive(ToSchema)]
pub(super) struct OutputTensorParameters {
    /// Bytes of this tensor behind the JSON, in the order of the outputs.
    binary_data_size: u64,
}

/// A problem with the member that the protocol has for errors.
#[derive(ToSchema)]
#[schema(example = json!({"type": "/docs#model_not_found", "title": "No such model", "status": 404,
    "detail": "there is no model \"resnet\"", "code": "model_not_found",
    "error": "there is no model \"resnet\""}))]
pub(in crate::http) struct InferenceError {
    /// What is wrong, and where.
    error: String,
    /// Where the problem is described.
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    code: ProblemCode,
    /// The part of the request that is wrong.
    field: Option<String>,
}

#[derive(ToResponse)]
#[response(
    description = "What is wrong: `error`, and `code` says which",
    content_type = "application/problem+json"
)]
pub(in crate::http) struct InferenceErrorResponse(InferenceError);
