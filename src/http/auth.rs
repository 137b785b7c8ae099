use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::domain::{ApiKey, Role};
use crate::http::error::{Code, Problem};
use crate::http::{App, console};
use crate::store::KeyRecord;

/// Who may use a route.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Everybody, without a key.
    Public,
    /// Without a key from the machine itself, unless a proxy passed the request on; from
    /// elsewhere as [`Access::Keys`].
    Local(Roles),
    /// Holders of a key with one of the roles.
    Keys(Roles),
    /// Those signed in to the console whose key has one of the roles; others are shown a page.
    Session(Roles),
}

/// At least one role.
#[derive(Debug, Clone, Copy)]
pub struct Roles(&'static [Role]);

impl Roles {
    /// In a constant, an empty list is a compile error: no route is open by oversight.
    pub const fn new(roles: &'static [Role]) -> Self {
        assert!(!roles.is_empty(), "a route names the roles that it lets in");
        Self(roles)
    }

    pub fn contains(self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub fn names(self) -> String {
        self.0.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn check(self, caller: &KeyRecord) -> Result<(), Problem> {
        if self.contains(caller.role) {
            return Ok(());
        }
        let text = format!("this takes a key of role {}; yours is {}", self.names(), caller.role);
        Err(Problem::new(Code::Forbidden, text))
    }
}

/// The holder of the key that came with the request, or that its session belongs to.
#[derive(Debug, Clone)]
pub(super) struct Caller(Arc<KeyRecord>);

impl Caller {
    pub(super) fn new(key: KeyRecord) -> Self {
        Self(Arc::new(key))
    }

    pub(super) fn key(&self) -> &KeyRecord {
        &self.0
    }

    /// Refuses a caller that the route let in and one of its options does not.
    pub(super) fn require(&self, roles: Roles) -> Result<(), Problem> {
        roles.check(&self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(Code::KeyRequired, Code::KeyRequired.hint()))
    }
}

/// Lets a request in or answers it, before anything of its body is read.
pub(super) async fn guard(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let roles = match access {
        Access::Public => return next.run(request).await,
        Access::Session(roles) => return console::guard(&app, roles, request, next).await,
        Access::Local(_) if is_local(request.extensions(), request.headers()) => {
            return next.run(request).await;
        }
        Access::Local(roles) | Access::Keys(roles) => roles,
    };
    let caller = match identify(&app, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    // The access log names the key, whether it opens the route or not.
    let admitted = roles.check(&caller.0);
    let mut response = match admitted {
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(caller);
    response
}

async fn identify(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::new(Code::KeyRequired, Code::KeyRequired.hint()));
    };
    let value = value.to_str().unwrap_or_default();
    let key = match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => return Err(Problem::new(Code::KeyRequired, Code::KeyRequired.hint())),
    };
    let invalid = || Problem::new(Code::KeyInvalid, Code::KeyInvalid.hint());
    let key = ApiKey::parse(key).map_err(|_| invalid())?;
    match app.keys().find(&key).await {
        Ok(Some(record)) => Ok(Caller(record)),
        Ok(None) => Err(invalid()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the request comes straight from this machine.
pub(super) fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let passed_on = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !passed_on.iter().any(|name| headers.contains_key(*name))
}
