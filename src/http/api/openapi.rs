use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};

use super::{docs, health, schema, score, stream, suspects};
use crate::http::error::Code;

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
        document,
        docs::page,
        docs::asset,
        health::alive,
        health::ready,
        health::metrics,
    ),
    components(responses(schema::ProblemResponse)),
    tags(
        (name = "scoring", description = "Listings in, scores out"),
        (name = "suspects", description = "What was kept, ranked"),
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
        let codes = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some(codes()))
            .enum_values(Some(Code::ALL.iter().map(|c| c.as_str())))
            .build();
        components.schemas.insert("ProblemCode".to_owned(), RefOr::T(Schema::Object(codes)));
    }
}

/// The codes of problems with their status and what to do, one a line.
fn codes() -> String {
    let mut text = String::from("What a problem's code means, and what to do about it.\n");
    for code in Code::ALL {
        let (name, status) = (code.as_str(), code.status().as_u16());
        text.push_str(&format!("\n`{name}` ({status}): {}. {}", code.title(), code.hint()));
    }
    text
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
