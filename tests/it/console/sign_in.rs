use std::time::Duration;

use thatgia::domain::Role;
use thatgia::store::Actor;
use time::Duration as Span;

use super::Browser;
use super::html::Html;
use crate::support::{Answer, TestApp};

async fn link(app: &TestApp, key: &TestApp) -> String {
    let within = Duration::from_secs(15 * 60);
    let token = app.store.create_sign_in(&key.record().id, within).await.unwrap();
    format!("/console/sign-in?token={}", token.reveal())
}

fn form(link: &str) -> String {
    link.split_once('?').unwrap().1.to_owned()
}

fn refused(answer: &Answer, words: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(answer.header("set-cookie"), "");
    let page = Html::parse(answer);
    assert!(page.text().contains(words), "{}", page.text());
}

const UNUSABLE: &str = "Liên kết này không dùng được";

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_does_not_spend_it() {
    let app = TestApp::new().await;
    let link = link(&app, &app.with_role(Role::Analyst).await).await;
    let browser = Browser::new(&app);
    for _ in 0..3 {
        let page = browser.page(&link).await;
        assert_eq!(format!("token={}", page.value("token")), form(&link));
    }
    let answer = browser.post("/console/sign-in", &form(&link)).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("thatgia_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
    let token = form(&link);
    assert!(!cookie.contains(token.strip_prefix("token=").unwrap()), "not the link's token");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let signed_in = Browser { cookie, ..browser.clone() };
    assert!(signed_in.page("/console/").await.text().contains("a analyst · cán bộ phân tích"));
    refused(&browser.post("/console/sign-in", &form(&link)).await, UNUSABLE);

    app.clock.advance(Span::hours(12));
    assert_eq!(signed_in.get("/console/").await.header("location"), "/console/sign-in");
}

#[tokio::test]
async fn elsewhere_the_cookie_takes_tls() {
    let app = TestApp::new().await;
    let link = link(&app, &app.with_role(Role::Admin).await).await;
    let away = Browser { app: app.at_peer("10.0.0.7"), cookie: String::new() };
    assert!(away.page(&link).await.text().contains("HTTPS"));
    let answer = away.post("/console/sign-in", &form(&link)).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-thatgia_session=") && cookie.ends_with("; Secure"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let host = Browser { cookie: cookie.clone(), ..away.clone() };
    host.page("/console/").await;
    let other = Browser { cookie: cookie.replace("__Host-", ""), ..away };
    assert_eq!(other.get("/console/").await.status, 303, "a cookie that a subdomain could set");
}

#[tokio::test]
async fn links_that_are_old_revoked_made_up_or_of_another_role_are_refused() {
    let app = TestApp::new().await;
    let browser = Browser::new(&app);
    let analyst = app.with_role(Role::Analyst).await;
    let old = link(&app, &analyst).await;
    app.clock.advance(Span::minutes(15));
    refused(&browser.post("/console/sign-in", &form(&old)).await, UNUSABLE);

    let revoked = link(&app, &analyst).await;
    app.store.revoke_key(&analyst.record().id, &Actor::System).await.unwrap();
    refused(&browser.post("/console/sign-in", &form(&revoked)).await, UNUSABLE);

    for role in [Role::Crawler, Role::Scientist, Role::Partner] {
        let other = link(&app, &app.with_role(role).await).await;
        refused(&browser.post("/console/sign-in", &form(&other)).await, "Khóa này không vào được");
    }
    for made_up in ["", "token=", "token=%3Cscript%3E", "x=1", &format!("token={}", "A".repeat(43))]
    {
        refused(&browser.post("/console/sign-in", made_up).await, UNUSABLE);
    }
    let long = format!("token={}", "A".repeat(10_000));
    refused(&browser.post("/console/sign-in", &long).await, UNUSABLE);
    refused(&browser.get("/console/sign-in?token=%22%3E%3Cscript%3E").await, UNUSABLE);
}

#[tokio::test]
async fn another_site_cannot_sign_anybody_in() {
    let app = TestApp::new().await;
    let link = link(&app, &app.with_role(Role::Analyst).await).await;
    let browser = Browser::new(&app);
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("origin", "https://evil.example"), ("host", "thatgia.example")],
        &[("origin", "null"), ("host", "thatgia.example")],
    ] {
        let answer = browser.post_with("/console/sign-in", &form(&link), headers).await;
        refused(&answer, UNUSABLE);
    }
    let answer = browser.post("/console/sign-in", &form(&link)).await;
    assert_eq!(answer.status, 303, "and the link is not spent by trying");
}

#[tokio::test]
async fn signing_out_takes_the_forms_own_token() {
    let app = TestApp::new().await;
    let browser = Browser::signed_in(&app, Role::Supervisor, &[]).await;
    let other = Browser::signed_in(&app, Role::Supervisor, &[]).await;
    let csrf = format!("csrf={}", browser.page("/console/").await.value("csrf"));
    let foreign = format!("csrf={}", other.page("/console/").await.value("csrf"));
    for wrong in ["", "csrf=", &foreign, &csrf[..csrf.len() - 1]] {
        refused(&browser.post("/console/sign-out", wrong).await, "Không nhận yêu cầu này");
    }
    let cross =
        browser.post_with("/console/sign-out", &csrf, &[("sec-fetch-site", "same-site")]).await;
    refused(&cross, "Không nhận yêu cầu này");
    browser.page("/console/").await;

    let answer = browser.post("/console/sign-out", &csrf).await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("set-cookie").starts_with("thatgia_session=; Path=/; Max-Age=0"));
    let page = browser.page(answer.header("location")).await;
    assert!(page.text().contains("Đã đăng xuất"), "{}", page.text());
    assert_eq!(browser.get("/console/").await.status, 303, "the old cookie opens nothing");
    other.page("/console/").await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_sessions_at_once() {
    let app = TestApp::new().await;
    let browser = Browser::signed_in(&app, Role::Analyst, &[]).await;
    browser.page("/console/").await;
    let keys = app.store.list_keys().await.unwrap();
    app.store.revoke_key(&keys[0].id, &Actor::System).await.unwrap();
    assert_eq!(browser.get("/console/").await.header("location"), "/console/sign-in");
}

#[tokio::test]
async fn an_api_key_opens_no_page_and_a_session_no_api() {
    let app = TestApp::new().await;
    let admin = app.with_role(Role::Admin).await;
    assert_eq!(admin.get("/console/").await.status, 303);
    let browser = Browser::signed_in(&app, Role::Admin, &[]).await;
    assert_eq!(browser.get("/v1/suspects").await.problem().1, "key_required");
}

#[tokio::test]
async fn without_a_session_the_page_says_how_to_get_a_link() {
    let app = TestApp::new().await;
    let browser = Browser::new(&app);
    let answer = browser.get("/console/listings/x").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/sign-in"));
    let page = browser.page("/console/sign-in").await;
    assert!(page.text().contains("thatgia key sign-in"), "{}", page.text());
    let english = browser.get("/console/sign-in?lang=en").await;
    assert!(english.header("set-cookie").starts_with("thatgia_lang=en; Path=/console;"));
    let english = Html::parse(&english);
    assert_eq!(english.all("h1")[0].text, "Sign in to the console");
    let kept = Browser { cookie: "thatgia_lang=en".to_owned(), ..browser };
    assert_eq!(kept.page("/console/sign-in").await.all("h1")[0].text, "Sign in to the console");
}
