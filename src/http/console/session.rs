use std::convert::Infallible;
use std::fmt;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};

use super::render;
use super::visit::{Visit, cookie};
use crate::domain::hex;
use crate::flow::SESSION_FOR;
use crate::http::App;
use crate::http::auth::{Caller, Roles};
use crate::store::{KeyRecord, Token};

/// Where those without a session are sent.
pub(super) const SIGN_IN: &str = "/console/sign-in";

/// The session that a request came with.
#[derive(Clone)]
pub(in crate::http) struct SignedIn {
    pub(super) key: KeyRecord,
    pub(super) token: Token,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("key", &self.key.id).finish_non_exhaustive()
    }
}

impl SignedIn {
    /// What a form of this session carries. It cannot be guessed without the cookie, and does not
    /// give the cookie away.
    pub(super) fn csrf(&self) -> String {
        let hash = Sha256::new().chain_update("thatgia csrf ").chain_update(self.token.reveal());
        hex(&hash.finalize())
    }

    /// Whether a form came from a page of this session.
    pub(super) fn sent(&self, csrf: &str) -> bool {
        let own = self.csrf();
        let differ = own.bytes().zip(csrf.bytes()).fold(0, |d, (a, b)| d | (a ^ b));
        own.len() == csrf.len() && differ == 0
    }
}

/// Only inside a route that takes a session; elsewhere there is none.
impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Redirect> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Redirect::to(SIGN_IN))
    }
}

/// Where a request says that it was sent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct FromOwnPage(pub(super) bool);

impl<S: Sync> FromRequestParts<S> for FromOwnPage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let text = |name: &str| parts.headers.get(name).map(|v| v.to_str().unwrap_or_default());
        let own = match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => site == "same-origin",
            // Over plain HTTP from another machine, browsers send only this.
            (None, Some(origin)) => {
                let host = text("host").unwrap_or_default();
                origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
            }
            // No browser of today.
            (None, None) => true,
        };
        Ok(Self(own))
    }
}

/// Lets those in who are signed in with one of `roles`; shows others where to sign in.
pub(in crate::http) async fn guard(
    app: &App,
    roles: Roles,
    mut request: Request,
    next: Next,
) -> Response {
    let visit = Visit::new(request.uri(), request.headers(), request.extensions());
    let token = cookie(request.headers(), cookie_name(visit.local));
    let Some(token) = token.and_then(|t| Token::parse(t).ok()) else {
        return Redirect::to(SIGN_IN).into_response();
    };
    let session = match app.store().find_session(&token).await {
        Ok(Some(session)) => session,
        Ok(None) => return Redirect::to(SIGN_IN).into_response(),
        Err(error) => return render::problem(&visit, error.into()),
    };
    let caller = Caller::new(session.key.clone());
    let mut response = if roles.contains(session.key.role) {
        let extensions = request.extensions_mut();
        extensions.insert(SignedIn { key: session.key, token });
        extensions.insert(caller.clone());
        next.run(request).await
    } else {
        render::wrong_role(&visit, session.key.role)
    };
    // For the access log.
    response.extensions_mut().insert(caller);
    response
}

/// A browser takes `__Host-` cookies over TLS only, and from this very host only. On the machine
/// itself there is no TLS.
fn cookie_name(local: bool) -> &'static str {
    if local { "thatgia_session" } else { "__Host-thatgia_session" }
}

/// The cookie of a new session.
pub(super) fn open_cookie(local: bool, token: &Token) -> String {
    session_cookie(local, token.reveal(), SESSION_FOR.as_secs())
}

/// The cookie that takes it away.
pub(super) fn end_cookie(local: bool) -> String {
    session_cookie(local, "", 0)
}

fn session_cookie(local: bool, value: &str, seconds: u64) -> String {
    let (name, secure) = (cookie_name(local), if local { "" } else { "; Secure" });
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use time::OffsetDateTime;

    use super::*;
    use crate::domain::Role;

    fn signed_in(letter: &str) -> SignedIn {
        let (created_at, provinces) = (OffsetDateTime::UNIX_EPOCH, Vec::new());
        let (id, name, role) = ("k-1".to_owned(), "x".to_owned(), Role::Analyst);
        let (agency, revoked_at) = (None, None);
        let key = KeyRecord { id, name, role, agency, provinces, created_at, revoked_at };
        SignedIn { key, token: Token::parse(&letter.repeat(43)).unwrap() }
    }

    #[test]
    fn a_form_is_of_one_session() {
        let (a, b) = (signed_in("a"), signed_in("b"));
        assert!(a.sent(&a.csrf()));
        for wrong in ["", &b.csrf(), &a.csrf()[1..], &(a.csrf() + "0"), a.token.reveal()] {
            assert!(!a.sent(wrong), "{wrong}");
        }
        assert!(!format!("{a:?}").contains(a.token.reveal()));
    }

    #[tokio::test]
    async fn a_form_of_another_site_is_told_apart() {
        let own = async |headers: &[(&str, &str)]| {
            let request = headers.iter().fold(Request::post("/"), |r, (n, v)| r.header(*n, *v));
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            FromOwnPage::from_request_parts(&mut parts, &()).await.unwrap().0
        };
        assert!(own(&[]).await);
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "null")]).await);
        assert!(!own(&[("sec-fetch-site", "cross-site")]).await);
        assert!(!own(&[("sec-fetch-site", "same-site")]).await);
        assert!(own(&[("origin", "http://10.0.0.7:8080"), ("host", "10.0.0.7:8080")]).await);
        assert!(!own(&[("origin", "http://evil.example"), ("host", "10.0.0.7:8080")]).await);
        assert!(!own(&[("origin", "null"), ("host", "10.0.0.7:8080")]).await);
    }

    #[test]
    fn elsewhere_than_on_the_machine_the_cookie_needs_tls() {
        let token = Token::parse(&"t".repeat(43)).unwrap();
        let (here, away) = (open_cookie(true, &token), open_cookie(false, &token));
        for cookie in [&here, &away] {
            assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("; Path=/;"));
        }
        assert!(!here.contains("Secure"));
        assert!(away.starts_with("__Host-") && away.ends_with("; Secure"));
        assert!(end_cookie(true).contains("=; Path=/; Max-Age=0;"));
    }
}
