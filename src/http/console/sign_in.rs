use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::render;
use super::session::{FromOwnPage, SIGN_IN, SignedIn, end_cookie, open_cookie};
use super::visit::Visit;
use crate::flow::{SignIn, sign_in};
use crate::http::App;
use crate::http::auth::Caller;
use crate::store::Token;

#[derive(Serialize, Default)]
struct Page {
    token: Option<String>,
    unusable: bool,
    signed_out: bool,
    /// Whether a session's cookie would be taken: not over plain HTTP from another machine.
    local: bool,
}

/// What the form of the sign-in page sends.
#[derive(Deserialize)]
pub(in crate::http) struct TokenForm {
    token: String,
}

/// What the sign-out button sends.
#[derive(Deserialize)]
pub(in crate::http) struct CsrfForm {
    csrf: String,
}

type Sent<T> = Result<Form<T>, FormRejection>;

/// Asks whoever followed a sign-in link to press a button, or says how to get a link.
///
/// The link alone spends nothing: programs that look at links in messages follow them too.
pub(in crate::http) async fn ask(visit: Visit) -> Response {
    let token = visit.param("token").map(Token::parse);
    if let Some(Err(_)) = token {
        return unusable(&visit);
    }
    let page = Page {
        token: token.and_then(Result::ok).map(|t| t.reveal().to_owned()),
        signed_out: visit.param("signed_out").is_some(),
        local: visit.local,
        ..Page::default()
    };
    render::page(&visit, "sign_in.html", &page)
}

/// Uses the link up and opens a session.
pub(in crate::http) async fn take(
    State(app): State<App>,
    visit: Visit,
    FromOwnPage(own): FromOwnPage,
    form: Sent<TokenForm>,
) -> Response {
    let token = form.ok().and_then(|Form(form)| Token::parse(&form.token).ok());
    // Another site must not sign an officer in as somebody else.
    let (Some(token), true) = (token, own) else { return unusable(&visit) };
    match sign_in(app.store(), &token).await {
        Ok(SignIn::Opened(session, token)) => {
            let mut response = Redirect::to("/console/").into_response();
            render::set_cookie(&mut response, &open_cookie(visit.local, &token));
            response.extensions_mut().insert(Caller::new(session.key));
            response
        }
        Ok(SignIn::WrongRole(key)) => render::wrong_role(&visit, key.role),
        Ok(SignIn::Unusable) => unusable(&visit),
        Err(error) => render::problem(&visit, error.into()),
    }
}

fn unusable(visit: &Visit) -> Response {
    let page = Page { unusable: true, local: visit.local, ..Page::default() };
    render::with_status(visit, StatusCode::FORBIDDEN, "sign_in.html", &page)
}

/// Ends the session.
pub(in crate::http) async fn end(
    State(app): State<App>,
    visit: Visit,
    session: SignedIn,
    FromOwnPage(own): FromOwnPage,
    form: Sent<CsrfForm>,
) -> Response {
    if !own || !form.is_ok_and(|Form(form)| session.sent(&form.csrf)) {
        let lang = visit.lang;
        let title = lang.pick("Không nhận yêu cầu này", "This request was not accepted");
        let text = lang.pick(
            "Yêu cầu không đến từ trang của phiên này. Hãy mở lại trang rồi thử lại.",
            "It did not come from a page of this session. Open the page again and retry.",
        );
        return render::message(&visit, StatusCode::FORBIDDEN, title, text);
    }
    if let Err(error) = app.store().end_session(&session.token).await {
        return render::problem(&visit, error.into());
    }
    let mut response = Redirect::to(&format!("{SIGN_IN}?signed_out=1")).into_response();
    render::set_cookie(&mut response, &end_cookie(visit.local));
    response
}
