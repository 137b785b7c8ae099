//! The Open Inference Protocol (KServe v2, as NVIDIA Triton speaks it) over the same scoring.
//!
//! Owns the protocol's shapes and its binary form: [`request`] takes a body apart, [`tensor`]
//! reads columns out of it, [`listings`] makes a batch of listings from them, [`answer`] writes
//! the scored lines as tensors. It scores nothing itself: [`infer`] hands the batch to
//! `flow::Submit`, as `api::score` does, and the listings come to the same bytes of JSON.

mod answer;
mod errors;
pub(super) mod infer;
mod listings;
pub(super) mod metadata;
mod model;
mod request;
pub(super) mod schema;
mod tensor;

pub(super) use errors::name_errors;
