use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::view::{page, refusal};
use crate::http::App;
use crate::http::auth::is_local;
use crate::http::error::Problem;
use crate::store::{KeyRecord, StoreError, Token};

const COOKIE: &str = "thatgia_session";
/// How long an officer stays signed in.
const SESSION: Duration = Duration::from_secs(12 * 3600);
/// The form holds one token.
const FORM_BYTES: usize = 512;

/// The holder of the session that came with the request, if it is good.
pub(in crate::http) async fn identify(
    app: &App,
    headers: &HeaderMap,
) -> Result<Option<Arc<KeyRecord>>, StoreError> {
    let Some(token) = session_token(headers) else { return Ok(None) };
    let session = app.store().find_session(&token).await?;
    Ok(session.map(|s| Arc::new(s.key)))
}

fn session_token(headers: &HeaderMap) -> Option<Token> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Token::parse(value).ok())
}

/// Shows a button. The link itself spends nothing, so that a preview of it does no harm.
pub(in crate::http) async fn sign_in(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let token = query.strip_prefix("token=").and_then(|t| Token::parse(t).ok());
    match token {
        Some(token) => page(StatusCode::OK, "sign_in.html", context! { token => token.reveal() }),
        None => refusal(StatusCode::BAD_REQUEST),
    }
}

/// Spends the link's token and begins a session.
pub(in crate::http) async fn enter(
    State(app): State<App>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !same_origin(&headers) {
        return Ok(refusal(StatusCode::FORBIDDEN));
    }
    let form = to_bytes(body, FORM_BYTES).await.unwrap_or_default();
    let token = std::str::from_utf8(&form).ok().and_then(|f| f.strip_prefix("token="));
    let Some(token) = token.and_then(|t| Token::parse(t).ok()) else {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    };
    let Some(key) = app.store().take_sign_in(&token).await? else {
        return Ok(refusal(StatusCode::UNAUTHORIZED));
    };
    let (_, session) = app.store().create_session(&key.id, SESSION).await?;
    // Plain HTTP is for the machine itself; from elsewhere the cookie wants TLS before it.
    let secure = if is_local(peer.map(|Extension(peer)| peer), &headers) { "" } else { "; Secure" };
    let age = SESSION.as_secs();
    let cookie = format!(
        "{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/console; Max-Age={age}{secure}",
        session.reveal()
    );
    Ok(go("/console", &cookie))
}

/// Ends the session.
pub(in crate::http) async fn leave(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !same_origin(&headers) {
        return Ok(refusal(StatusCode::FORBIDDEN));
    }
    if let Some(token) = session_token(&headers) {
        app.store().end_session(&token).await?;
    }
    let cookie = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/console; Max-Age=0");
    Ok(go("/console", &cookie))
}

/// Whether a form was sent from our own page. The cookie is `SameSite=Strict` besides.
fn same_origin(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

fn go(path: &'static str, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(path));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
