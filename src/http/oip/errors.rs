use std::borrow::Cow;
use std::fmt::Display;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::error::{Code, Problem};

/// What a message quotes of a request, in characters from each end.
const QUOTED: usize = 120;

/// Gives a problem under `/v2` the member `error`, where clients of the protocol look.
pub(in crate::http) async fn name_errors(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = path == "/v2" || path.starts_with("/v2/");
    let has_body = request.method() != Method::HEAD;
    let mut response = next.run(request).await;
    if ours
        && has_body
        && let Some(problem) = response.extensions_mut().remove::<Problem>()
        && let Ok(json) = problem.json_with_error()
    {
        *response.body_mut() = Body::from(json);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// A request that cannot be used because of `field`.
pub(super) fn refuse(field: impl Into<Cow<'static, str>>, why: &dyn Display) -> Problem {
    Problem::new(Code::InvalidInference, short(why)).at(field)
}

/// Both ends of `text`: what a client sent may stand in the middle of a message whole.
pub(super) fn short(text: &dyn Display) -> String {
    let text = text.to_string();
    let head = text.char_indices().nth(QUOTED);
    let tail = text.char_indices().nth_back(QUOTED - 1);
    match (head, tail) {
        (Some((head, _)), Some((tail, _))) if head < tail => {
            format!("{}…{}", &text[..head], &text[tail..])
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_quotes_little() {
        let half = "ả".repeat(QUOTED);
        assert_eq!(short(&half), half);
        assert_eq!(short(&format!("{half}{half}")), format!("{half}{half}"));
        assert_eq!(short(&format!("{half}x{half}")), format!("{half}…{half}"));
    }
}
