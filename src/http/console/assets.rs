use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::error::{Code, Problem};
use crate::http::extract::Segment;

const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/console.js");

/// Gives the pages' style and script.
pub(in crate::http) async fn file(Segment(name): Segment) -> Result<Response, Problem> {
    let (kind, text) = match name.as_str() {
        "console.css" => ("text/css; charset=utf-8", STYLE),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return Err(Problem::new(Code::NotFound, Code::NotFound.hint())),
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response())
}
