use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::lang::Lang;
use super::text;
use super::visit::Visit;
use crate::domain::Role;
use crate::http::error::{Code, Problem};

/// Every template, by name; names end in `.html`, so that all of them escape.
const TEMPLATES: [(&str, &str); 6] = [
    ("base.html", include_str!("templates/base.html")),
    ("listing.html", include_str!("templates/listing.html")),
    ("macros.html", include_str!("templates/macros.html")),
    ("message.html", include_str!("templates/message.html")),
    ("queue.html", include_str!("templates/queue.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
];

/// Only what this service sends itself, and no script or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static VI: LazyLock<Environment<'static>> = LazyLock::new(|| environment(Lang::Vi));
static EN: LazyLock<Environment<'static>> = LazyLock::new(|| environment(Lang::En));

/// The templates in one language: `tr(vi, en)` gives the text of that language.
fn environment(lang: Lang) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_function("tr", move |vi: String, en: String| lang.pick(vi, en));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).expect("a test renders every template");
    }
    environment
}

#[derive(Serialize)]
struct User {
    name: String,
    role: &'static str,
    csrf: String,
}

/// Renders `template` with `page` for its own part.
pub(super) fn page(visit: &Visit, template: &'static str, page: &impl Serialize) -> Response {
    with_status(visit, StatusCode::OK, template, page)
}

pub(super) fn with_status(
    visit: &Visit,
    status: StatusCode,
    template: &'static str,
    page: &impl Serialize,
) -> Response {
    let user = visit.session.as_ref().map(|s| User {
        name: text::flat(&s.key.name),
        role: visit.lang.role(s.key.role),
        csrf: s.csrf(),
    });
    let other = visit.lang.pick(Lang::En, Lang::Vi);
    let context = context! {
        lang => visit.lang.as_str(),
        other => visit.here_in(other),
        user => Serde(user),
        page => Serde(page),
    };
    let environment = visit.lang.pick(&VI, &EN);
    let html = environment.get_template(template).and_then(|t| t.render(context));
    match html {
        Ok(html) => html_response(visit, status, html),
        Err(error) => Problem::hide(Code::Internal, &format!("{error:#}")).into_response(),
    }
}

fn html_response(visit: &Visit, status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // A form's origin is withheld under the stricter `no-referrer`.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    let mut response = (status, headers, html).into_response();
    if let Some(cookie) = visit.lang_cookie() {
        set_cookie(&mut response, &cookie);
    }
    response
}

/// Adds a cookie made of ASCII.
pub(super) fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[derive(Serialize)]
struct Message {
    title: String,
    text: String,
}

/// A page that says one thing.
pub(super) fn message(visit: &Visit, status: StatusCode, title: &str, text: &str) -> Response {
    let message = Message { title: title.to_owned(), text: text.to_owned() };
    with_status(visit, status, "message.html", &message)
}

/// A problem as a page.
pub(super) fn problem(visit: &Visit, problem: Problem) -> Response {
    let code = problem.code();
    let lang = visit.lang;
    let (vi, en) = if code == Code::ListingNotFound {
        (
            ("Không có tin này", "Tin không tồn tại, hoặc nằm ngoài địa bàn của bạn."),
            ("No such listing", "It is not there, or outside the provinces that you may see."),
        )
    } else if code.status() == StatusCode::BAD_REQUEST {
        (
            ("Địa chỉ không đúng", "Một tham số trong địa chỉ không dùng được."),
            ("The address is not right", "A parameter in the address cannot be used."),
        )
    } else if code == Code::StoreUnavailable {
        (
            ("Kho dữ liệu chưa trả lời", "Hãy thử lại sau giây lát."),
            ("The store does not answer", "Try again in a moment."),
        )
    } else {
        (
            ("Có lỗi bên trong", "Hãy báo cho người vận hành dịch vụ; chi tiết có trong nhật ký."),
            ("Something went wrong inside", "Tell whoever runs the service; the log says more."),
        )
    };
    let (title, text) = lang.pick(vi, en);
    let mut response = message(visit, code.status(), title, text);
    if let Some(wait) = problem.into_response().headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// The console is not for every key.
pub(super) fn wrong_role(visit: &Visit, role: Role) -> Response {
    let lang = visit.lang;
    let name = lang.role(role);
    let title = lang.pick("Khóa này không vào được", "This key does not open the console");
    let text = match lang {
        Lang::Vi => format!(
            "Bàn làm việc dành cho cán bộ phân tích, lãnh đạo và quản trị; khóa này có vai trò {name}."
        ),
        Lang::En => format!(
            "The console is for analysts, supervisors and admins; the role of this key is {name}."
        ),
    };
    message(visit, StatusCode::FORBIDDEN, title, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_compile_and_never_turn_escaping_off() {
        for lang in [Lang::Vi, Lang::En] {
            for (name, source) in TEMPLATES {
                assert!(environment(lang).get_template(name).is_ok());
                assert!(name.ends_with(".html"));
                for word in ["safe", "autoescape", " style=", "onclick", "http://", "https://"] {
                    assert!(!source.contains(word), "{name} has {word:?}");
                }
            }
        }
    }
}
