use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{docs, health, products, schema, score, sellers, stream, suspects};
use crate::http::oip;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "thatgia",
        description = "Scores marketplace listings for counterfeit likelihood and ranks suspects.\n\n\
            Every answer that is an error is a problem (RFC 9457) with a stable `code`. Every \
            answer has an `X-Request-Id`: yours, when you send one of up to 64 letters, digits, \
            `-`, `_` and `.`. A key that is revoked opens nothing any more after 5 seconds.",
    ),
    paths(
        score::score,
        stream::score_stream,
        suspects::list_suspects,
        suspects::get_listing,
        products::list_products,
        products::get_product,
        products::put_product,
        sellers::get_clusters,
        sellers::get_seller,
        sellers::get_links,
        document,
        docs::page,
        docs::asset,
        health::alive,
        health::ready,
        health::metrics,
        oip::metadata::server_live,
        oip::metadata::server_ready,
        oip::metadata::server_metadata,
        oip::metadata::model_metadata,
        oip::metadata::model_version_metadata,
        oip::metadata::model_ready,
        oip::metadata::model_version_ready,
        oip::infer::infer,
        oip::infer::infer_version,
    ),
    components(
        responses(schema::ProblemResponse, oip::schema::InferenceErrorResponse),
        // What stands in parameters and shared responses is not found by itself.
        schemas(
            schema::Explain,
            schema::TierWanted,
            schema::Problem,
            schema::ProblemCode,
            oip::schema::InferenceError,
        ),
    ),
    tags(
        (name = "scoring", description = "Listings in, scores out"),
        (name = "suspects", description = "What was kept, ranked"),
        (name = "products", description = "The registry that product codes are compared with"),
        (name = "sellers", description = "Who offers it, and whom they are linked with"),
        (name = "inference", description = "Scoring as the Open Inference Protocol (KServe v2, \
            Triton) has it. An answer that is an error also has a member `error`."),
        (name = "service", description = "Probes and figures"),
        (name = "documentation", description = "This document and its page"),
    ),
    modifiers(&Additions),
)]
struct Api;

/// What is said in code rather than in attributes.
struct Additions;

impl utoipa::Modify for Additions {
    fn modify(&self, api: &mut Document) {
        let Some(components) = api.components.as_mut() else { return };
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("tg_…")
            .description(Some("A key made by `thatgia key create`"))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The OpenAPI document, indented, with a newline at its end.
pub fn openapi_json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut text = Api::openapi().to_pretty_json().expect("the document is plain JSON");
        text.push('\n');
        text
    });
    &TEXT
}

/// Gives this document.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "documentation",
    responses((status = 200, description = "The OpenAPI document", body = Object)),
)]
pub(crate) async fn document() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], openapi_json()).into_response()
}
