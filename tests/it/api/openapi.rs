use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use thatgia::http::{Access, Route, api::openapi_json, routes};

use crate::support::TestApp;

#[test]
fn the_document_describes_the_routes_and_no_others() {
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].is_string(), "{method} {path}");
            let route = routes()
                .into_iter()
                .find(|r| r.path == path && r.method.as_str().eq_ignore_ascii_case(method));
            let keyed = !operation["security"].is_null();
            let closed = route.is_some_and(|r| !matches!(r.access, Access::Public));
            assert_eq!(keyed, closed, "{method} {path}: what it says of keys");
            if closed {
                assert!(operation["responses"]["401"].is_object(), "{method} {path}");
                assert!(operation["responses"]["403"].is_object(), "{method} {path}");
            }
        }
    }
    // The console's pages are for people.
    let for_programs = |r: &Route| !r.path.starts_with("/console");
    let served = routes().into_iter().filter(for_programs);
    let served: BTreeSet<_> = served.map(|r| format!("{} {}", r.method, r.path)).collect();
    assert_eq!(described, served);
}

#[test]
fn every_reference_leads_somewhere() {
    let api: Value = serde_json::from_str(openapi_json()).unwrap();
    let mut found = 0;
    for piece in openapi_json().split("\"$ref\": \"#").skip(1) {
        let pointer = piece.split('"').next().unwrap();
        assert!(api.pointer(pointer).is_some(), "{pointer}");
        found += 1;
    }
    assert!(found > 20);
}

/// The committed document is the one that is served; `UPDATE_DOCS=1` writes it anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting")]
fn the_committed_document_is_as_served() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, openapi_json()).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let fix = "run: UPDATE_DOCS=1 cargo nextest run the_committed_document";
    assert!(committed == openapi_json(), "docs/openapi.json is out of date; {fix}");
}

#[tokio::test]
async fn the_page_needs_no_other_server_and_no_inline_script() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/v1/openapi.json").await.text(), openapi_json());
    let page = app.get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let mut links = 0;
    for attribute in ["src=\"", "href=\""] {
        for piece in page.text().split(attribute).skip(1) {
            let link = piece.split('"').next().unwrap();
            let answer = app.get(link).await;
            assert_eq!(answer.status, 200, "{link}");
            assert!(!answer.text().contains("innerHTML"), "{link}");
            links += 1;
        }
    }
    assert!(links >= 4);
    assert!(page.text().split("<script").skip(1).all(|s| s.contains("></script>")));
    assert!(!page.text().contains("style="), "no inline style");
    assert_eq!(
        app.get("/docs/docs.js").await.header("content-type"),
        "text/javascript; charset=utf-8"
    );
}
