use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::schema;
use crate::http::error::{Code, Problem};
use crate::http::extract::Segment;

const PAGE: &str = include_str!("docs/docs.html");
const SCRIPT: &str = include_str!("docs/docs.js");
const STYLE: &str = include_str!("docs/docs.css");
/// Only what this service sends itself, and no script or style inside the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shows the OpenAPI document as a page; it needs nothing from other servers.
#[utoipa::path(
    get, path = "/docs", tag = "documentation",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub(crate) async fn page() -> Response {
    file("text/html; charset=utf-8", PAGE)
}

/// Gives the page's script and style.
#[utoipa::path(
    get, path = "/docs/{file}", tag = "documentation",
    params(("file" = String, Path, description = "`docs.js` or `docs.css`", example = "docs.js")),
    responses(
        (status = 200, description = "The file", body = String,
            content((String = "text/javascript"), (String = "text/css"))),
        (status = 404, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn asset(Segment(name): Segment) -> Result<Response, Problem> {
    match name.as_str() {
        "docs.js" => Ok(file("text/javascript; charset=utf-8", SCRIPT)),
        "docs.css" => Ok(file("text/css; charset=utf-8", STYLE)),
        _ => Err(Problem::new(Code::NotFound, Code::NotFound.hint())),
    }
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, text).into_response()
}
