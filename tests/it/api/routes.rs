use axum::body::Body;
use thatgia::domain::Role;
use thatgia::http::{Access, Roles, Route, routes};
use time::Duration;

use crate::support::TestApp;

const PUBLIC: [&str; 9] = [
    "/healthz",
    "/readyz",
    "/docs",
    "/docs/{file}",
    "/v1/openapi.json",
    "/v2/health/live",
    "/v2/health/ready",
    "/console/sign-in",
    "/console/{file}",
];

fn path(route: &Route) -> String {
    let file = if route.path.starts_with("/console") { "console.css" } else { "docs.js" };
    let path = route.path.replace("{id}", "x").replace("{gtin}", "x").replace("{file}", file);
    path.replace("{name}", "thatgia").replace("{version}", "1").replace("{platform}", "shopee")
}

async fn status(app: &TestApp, route: &Route) -> (u16, String) {
    let request = app.request(route.method.as_str(), &path(route)).body(Body::empty()).unwrap();
    let answer = app.send(request).await;
    let code = match answer.status.as_u16() {
        401 | 403 => answer.problem().1,
        _ => String::new(),
    };
    (answer.status.as_u16(), code)
}

#[tokio::test]
async fn every_route_is_closed_to_those_it_does_not_name() {
    let app = TestApp::new().await;
    let mut by_role = Vec::new();
    for role in Role::ALL {
        by_role.push((role, app.with_role(role).await));
    }
    let (mut closed, mut pages) = (0, 0);
    for route in routes() {
        let roles = match route.access {
            Access::Public => {
                assert!(PUBLIC.contains(&route.path), "{route:?} is public");
                // A sign-in without a token does nothing.
                let want = if route.method == "GET" { 200 } else { 403 };
                let request = app.request(route.method.as_str(), &path(&route));
                let answer = app.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, want, "{route:?}");
                continue;
            }
            Access::Session(roles) => {
                check_session(&app, &route, roles).await;
                pages += 1;
                continue;
            }
            Access::Local(roles) | Access::Keys(roles) => roles,
        };
        assert_eq!(status(&app, &route).await, (401, "key_required".into()), "{route:?}");
        let mut refused = 0;
        for (role, holder) in &by_role {
            let (status, code) = status(holder, &route).await;
            if roles.contains(*role) {
                assert!(status != 401 && status != 403, "{route:?} as {role}: {status}");
            } else {
                assert_eq!((status, code), (403, "forbidden".into()), "{route:?} as {role}");
                refused += 1;
            }
        }
        assert!(refused > 0, "{route:?} lets every role in");
        closed += 1;
    }
    assert!(closed >= 5 && pages >= 4);
}

/// Whoever is not signed in is sent to the sign-in page, whoever has another role is refused.
async fn check_session(app: &TestApp, route: &Route, roles: Roles) {
    let local = app.at_peer("127.0.0.1");
    let ask = async |cookie: String| {
        let request = local.request(route.method.as_str(), &path(route)).header("cookie", cookie);
        local.send(request.body(Body::empty()).unwrap()).await
    };
    for cookie in [String::new(), format!("thatgia_session={}", "A".repeat(43))] {
        let answer = ask(cookie).await;
        assert_eq!(answer.status, 303, "{route:?}");
        assert_eq!(answer.header("location"), "/console/sign-in", "{route:?}");
    }
    for role in Role::ALL {
        let key = app.with_role(role).await;
        let hour = std::time::Duration::from_secs(3600);
        let (_, token) = app.store.create_session(&key.record().id, hour).await.unwrap();
        let answer = ask(format!("thatgia_session={}", token.reveal())).await;
        let wrong_role = answer.text().contains("Khóa này không vào được");
        assert_eq!(wrong_role, !roles.contains(role), "{route:?} as {role}");
        assert!(!wrong_role || answer.status == 403, "{route:?} as {role}");
        assert_ne!(answer.status, 303, "{route:?} as {role}");
    }
}

#[tokio::test]
async fn only_a_whole_and_known_key_opens() {
    let app = TestApp::new().await;
    let known = app.with_role(Role::Analyst).await;
    let ask = async |header: &str| {
        let request = app.request("GET", "/v1/suspects").header("authorization", header);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask(&format!("bearer {}", known.key())).await.status, 200);
    for header in ["", "Bearer", "Basic dTpw", known.key(), &format!("Token {}", known.key())] {
        let answer = ask(header).await;
        assert_eq!(answer.problem().1, "key_required", "{header}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="thatgia""#);
    }
    let other = format!("Bearer tg_{}", "A".repeat(43));
    for header in ["Bearer tg_", "Bearer tg_'; DROP TABLE keys; --", &other] {
        let answer = ask(header).await;
        assert_eq!(answer.problem().1, "key_invalid", "{header}");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    let request = app
        .request("GET", "/v1/suspects")
        .header("authorization", format!("Bearer {}", known.key()))
        .header("authorization", other);
    let twice = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(twice.problem().0, 401);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_after_five_seconds() {
    let app = TestApp::new().await;
    let analyst = app.with_role(Role::Analyst).await;
    assert_eq!(analyst.get("/v1/suspects").await.status, 200);
    let by = thatgia::store::Actor::System;
    app.store.revoke_key(&analyst.record().id, &by).await.unwrap();
    app.clock.advance(Duration::seconds(5));
    assert_eq!(analyst.get("/v1/suspects").await.problem().1, "key_invalid");
}

#[tokio::test]
async fn a_known_key_does_not_ask_the_store_each_time() {
    let app = TestApp::new().await;
    let crawler = app.with_role(Role::Crawler).await;
    let body = r#"{"listings":[{"title":"a"}]}"#;
    crawler.post("/v1/score", body).await.ok();
    app.store.close().await;
    crawler.post("/v1/score", body).await.ok();
    app.clock.advance(Duration::seconds(6));
    let answer = crawler.post("/v1/score", body).await;
    assert_eq!(answer.problem(), (503, "store_unavailable".into(), String::new()));
    assert!(!answer.text().contains("database"), "{}", answer.text());
}
