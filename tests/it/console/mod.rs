//! The officers' pages: who gets in, how, and that nothing a seller wrote gets out of its place.

use axum::body::Body;
use thatgia::domain::Role;
use thatgia::http::{Access, routes};
use thatgia::store::Token;
use time::Duration;

use crate::support::{Answer, TestApp};

const HOUR: Duration = Duration::hours(1);

async fn send(app: &TestApp, method: &str, path: &str, cookie: &str, form: &str) -> Answer {
    let request = app.request(method, path).header("cookie", cookie);
    app.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

/// A link's token for a new key of this role.
async fn link(app: &TestApp, role: Role) -> Token {
    let holder = app.with_role(role).await;
    app.store.create_sign_in(&holder.record().id, HOUR.unsigned_abs()).await.unwrap()
}

/// Signs in and gives the cookie.
async fn cookie(app: &TestApp, role: Role) -> String {
    let form = format!("token={}", link(app, role).await.reveal());
    let answer = send(app, "POST", "/console/sign-in", "", &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console"));
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_link_signs_in_once_and_its_page_spends_nothing() {
    let app = TestApp::new().await;
    let token = link(&app, Role::Analyst).await;
    let (path, form) =
        (format!("/console/sign-in?token={}", token.reveal()), format!("token={}", token.reveal()));
    for _ in 0..2 {
        let page = send(&app, "GET", &path, "", "").await;
        assert!(page.status == 200 && html(&page).contains("<form method=\"post\""));
    }
    let entered = send(&app, "POST", "/console/sign-in", "", &form).await;
    let cookie = entered.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/console", "Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert_eq!(send(&app, "POST", "/console/sign-in", "", &form).await.status, 401);
    let local = app.at_peer("127.0.0.1");
    let form = format!("token={}", link(&app, Role::Analyst).await.reveal());
    let entered = send(&local, "POST", "/console/sign-in", "", &form).await;
    assert!(!entered.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn an_old_link_garbage_and_forms_from_elsewhere_open_nothing() {
    let app = TestApp::new().await;
    let form = format!("token={}", link(&app, Role::Analyst).await.reveal());
    let request = app.request("POST", "/console/sign-in").header("sec-fetch-site", "cross-site");
    assert_eq!(app.send(request.body(Body::from(form.clone())).unwrap()).await.status, 403);
    app.clock.advance(HOUR + Duration::seconds(1));
    assert_eq!(send(&app, "POST", "/console/sign-in", "", &form).await.status, 401);
    for form in ["", "token=", "token=x", &"token=A".repeat(1000)] {
        assert_eq!(send(&app, "POST", "/console/sign-in", "", form).await.status, 400);
    }
    assert_eq!(send(&app, "GET", "/console/sign-in?token=%3Cscript%3E", "", "").await.status, 400);
}

#[tokio::test]
async fn pages_want_a_session_of_a_role_that_they_name() {
    let app = TestApp::new().await;
    let mut cookies = Vec::new();
    for role in Role::ALL {
        cookies.push((role, cookie(&app, role).await));
    }
    let mut closed = 0;
    for route in routes() {
        let Access::Session(roles) = route.access else { continue };
        let path = route.path.replace("{id}", "none");
        for cookie in ["", "thatgia_session=x", &format!("thatgia_session={}", "A".repeat(43))] {
            assert_eq!(send(&app, "GET", &path, cookie, "").await.status, 401, "{path}");
        }
        let keyed = app.with_role(Role::Admin).await;
        assert_eq!(keyed.get(&path).await.status, 401, "a key is no session");
        for (role, cookie) in &cookies {
            let status = send(&app, "GET", &path, cookie, "").await.status;
            assert_eq!(status == 403, !roles.contains(*role), "{path} as {role}: {status}");
        }
        closed += 1;
    }
    assert_eq!(closed, 2);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let app = TestApp::new().await;
    let cookie = cookie(&app, Role::Admin).await;
    assert_eq!(send(&app, "GET", "/console", &cookie, "").await.status, 200);
    let out = send(&app, "POST", "/console/sign-out", &cookie, "").await;
    assert!(out.status == 303 && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(send(&app, "GET", "/console", &cookie, "").await.status, 401);
}

#[tokio::test]
async fn what_a_seller_wrote_is_shown_and_never_run() {
    let app = TestApp::new().await;
    let crawler = app.with_role(Role::Crawler).await;
    let body = r#"{"listings":[{"id":"a/<b>","title":"rep <script>alert(1)</script> \u202etúi","description":"<img src=x onerror=alert(1)>",
        "seller":{"name":"\"><b>","location":"Hà Nội"},"price":{"amount":345000}}]}"#;
    assert_eq!(crawler.post("/v1/score?store=true", body).await.status, 200);
    let cookie = cookie(&app, Role::Analyst).await;
    let queue = send(&app, "GET", "/console?band=&platform=&province=Ha+Noi", &cookie, "").await;
    let page = html(&queue);
    assert!(page.contains("&lt;script&gt;") && page.contains("345.000 ₫"), "{page}");
    assert!(page.contains("/console/listings/a%2F%3Cb%3E"));
    let listing = send(&app, "GET", "/console/listings/a%2F%3Cb%3E", &cookie, "").await;
    assert!(html(&listing).contains("&lt;img src=x"));
    for answer in [queue, listing] {
        let page = html(&answer);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("\"><b>"));
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!answer.header("content-security-policy").contains("unsafe"));
    }
    assert_eq!(send(&app, "GET", "/console/listings/none", &cookie, "").await.status, 404);
    for bad in ["band=huge", "cursor=x"] {
        let path = format!("/console?{bad}");
        assert_eq!(send(&app, "GET", &path, &cookie, "").await.status, 400, "{bad}");
    }
    assert!(
        html(&send(&app, "GET", "/console?brand=none", &cookie, "").await)
            .contains("Không có tin nào")
    );
}
