use std::borrow::Cow;
use std::fmt::Display;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};

use crate::flow::{QueueFull, Unfinished};
use crate::store::StoreError;

/// What can go wrong with a request: one stable name, status, title and hint each.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $title:literal, $hint:literal;)+) => {
        /// A problem's stable name, which clients may match on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What the sender can do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint),+ }
            }
        }
    };
}

codes! {
    BodyIncomplete = "body_incomplete", BAD_REQUEST, "The body broke off",
        "Send the request again, whole.";
    InvalidJson = "invalid_json", BAD_REQUEST, "The body is not JSON",
        "Look at the line and column named.";
    InvalidQuery = "invalid_query", BAD_REQUEST, "A query parameter cannot be used",
        "Look at the parameter named in `field`.";
    InvalidPath = "invalid_path", BAD_REQUEST, "The path cannot be read",
        "Percent-encode the parts of the path as UTF-8.";
    KeyRequired = "key_required", UNAUTHORIZED, "A key is required",
        "Send `Authorization: Bearer tg_…`.";
    KeyInvalid = "key_invalid", UNAUTHORIZED, "The key is not valid",
        "Check that the key is whole and was not revoked; ask an administrator for another.";
    Forbidden = "forbidden", FORBIDDEN, "The key does not open this",
        "Use a key with one of the roles named.";
    NotFound = "not_found", NOT_FOUND, "There is nothing here",
        "`/docs` lists the routes.";
    ListingNotFound = "listing_not_found", NOT_FOUND, "No such listing",
        "Only listings sent with `store=true` are kept.";
    ProductNotFound = "product_not_found", NOT_FOUND, "No such product",
        "`thatgia products import` or `PUT` registers it.";
    InvalidGtin = "invalid_gtin", BAD_REQUEST, "The number is no GTIN",
        "Send 8, 12, 13 or 14 digits, the last of which is right.";
    InvalidCondition = "invalid_condition", BAD_REQUEST, "A condition cannot be used",
        "Send `If-Match` with the `ETag` of the answer before, or `If-None-Match: *`.";
    VersionConflict = "version_conflict", PRECONDITION_FAILED, "It was changed meanwhile",
        "Read it again, and send the change with its new `ETag`.";
    SellerNotFound = "seller_not_found", NOT_FOUND, "No such seller",
        "Only sellers with a platform and an id, of listings sent with `store=true`, are kept.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Not with this method",
        "The header `Allow` names the methods.";
    InvalidInference = "invalid_inference", BAD_REQUEST, "The inference request cannot be used",
        "Look at `field`; `GET /v2/models/thatgia` names the tensors.";
    ModelNotFound = "model_not_found", NOT_FOUND, "No such model",
        "The model is named `thatgia`, its version 1.";
    NoFullModel = "no_full_model", CONFLICT, "No full-tier model is loaded",
        "Use `tier=auto`, or load a full-tier model.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send fewer listings at a time, or use `/v1/score/stream`.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Not this kind of body",
        "Send the content type named, not compressed.";
    MissingField = "missing_field", UNPROCESSABLE_ENTITY, "A field is missing",
        "Look at `field`.";
    WrongType = "wrong_type", UNPROCESSABLE_ENTITY, "A field has the wrong type",
        "Look at `field`.";
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY, "A field cannot be used",
        "Look at `field`.";
    EmptyField = "empty_field", UNPROCESSABLE_ENTITY, "A field is empty",
        "Look at `field`.";
    TooMany = "too_many", UNPROCESSABLE_ENTITY, "Too many entries",
        "Send them in more requests, or use `/v1/score/stream`.";
    QueueFull = "queue_full", TOO_MANY_REQUESTS, "The queue is full",
        "Wait as long as `Retry-After` says, then send it again.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong inside",
        "Give the answer's `X-Request-Id` to whoever runs the service.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The store does not answer",
        "Send it again later; nothing of this request was kept.";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "Not ready",
        "Wait until `/readyz` answers 200.";
    Timeout = "timeout", SERVICE_UNAVAILABLE, "The request took too long",
        "Send smaller requests, or fewer at the same time.";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error answer as RFC 9457 has it, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    retry_after_s: Option<u32>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), field: None, retry_after_s: None }
    }

    /// The same problem, at `field`: a field of the body or a parameter of the query.
    #[must_use]
    pub fn at(self, field: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// Logs `error`, which the client doesn't see, and hides it behind `code`.
    pub(super) fn hide(code: Code, error: &dyn Display) -> Self {
        tracing::error!(error = %error, code = code.as_str(), "request failed");
        Self::new(code, code.hint())
    }

    pub fn code(&self) -> Code {
        self.code
    }

    fn body<'a>(&'a self, error: Option<&'a str>) -> Body<'a> {
        Body {
            r#type: format!("/docs#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
            error,
        }
    }

    /// The JSON of the problem with a member `error`: all that clients of the Open Inference
    /// Protocol know of an answer that is an error.
    pub(super) fn json_with_error(&self) -> serde_json::Result<Vec<u8>> {
        let error = match &self.field {
            Some(field) => format!("{field}: {}", self.detail),
            None => self.detail.clone().into_owned(),
        };
        serde_json::to_vec(&self.body(Some(&error)))
    }
}

impl From<QueueFull> for Problem {
    fn from(full: QueueFull) -> Self {
        Self::new(Code::QueueFull, full.to_string()).retry_after(1)
    }
}

impl From<Unfinished> for Problem {
    fn from(error: Unfinished) -> Self {
        Self::hide(Code::Internal, &error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Busy | StoreError::Database(_)) {
            Self::hide(Code::StoreUnavailable, &error).retry_after(2)
        } else {
            Self::hide(Code::Internal, &error)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code;
        let mut response = (code.status(), Json(self.body(None))).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code.status() == StatusCode::UNAUTHORIZED {
            let challenge = if code == Code::KeyInvalid {
                r#"Bearer realm="thatgia", error="invalid_token""#
            } else {
                r#"Bearer realm="thatgia""#
            };
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        // For layers that say it in another way.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unlike_and_errors() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(Code::ALL[..i].iter().all(|c| c.as_str() != code.as_str()), "{code:?}");
        }
    }

    #[test]
    fn a_full_queue_says_when_to_come_back() {
        let response = Problem::from(QueueFull { waiting: 8, capacity: 9 }).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
