use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use minijinja::value::Serde;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use super::view::{self, page, refusal};
use crate::domain::Band;
use crate::flow::{compute, find_listing, rank_suspects};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::extract::Segment;
use crate::store::{Cursor, SuspectFilter};

const STYLE: &str = include_str!("console.css");
/// Longest text of a filter, in bytes.
const FILTER_BYTES: usize = 512;

/// The ranked suspects.
pub(in crate::http) async fn queue(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let field = |name: &str| {
        query.get(name).filter(|t| !t.trim().is_empty() && t.len() <= FILTER_BYTES).cloned()
    };
    // A filter that can't be read must not widen the list in silence.
    let Ok(band) = field("band").map(|b| b.parse::<Band>()).transpose() else {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    };
    let Ok(cursor) = field("cursor").map(|c| c.parse::<Cursor>()).transpose() else {
        return Ok(refusal(StatusCode::BAD_REQUEST));
    };
    let filter = SuspectFilter {
        band,
        platform: field("platform"),
        province: field("province"),
        brand: field("brand"),
        scope: Vec::new(),
    };
    let chosen = filter.clone();
    let rows = app.settings().server.page_rows;
    let found = rank_suspects(app.store(), caller.key(), filter, cursor.as_ref(), rows).await?;
    let (name, role) = (caller.key().name.clone(), caller.key().role);
    Ok(compute(move || {
        let rows: Vec<_> = found.rows.iter().map(view::row).map(Serde).collect();
        let next = found.next.map(|c| c.to_string());
        let (platform, province, brand) = (chosen.platform, chosen.province, chosen.brand);
        let context = context! {
            name, role => role.as_str(), rows, next,
            band => chosen.band.map(Band::as_str), platform, province, brand,
        };
        page(StatusCode::OK, "queue.html", context)
    })
    .await?)
}

/// One listing with its evidence in place.
pub(in crate::http) async fn listing(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let Some(found) = find_listing(app.store(), caller.key(), &id).await? else {
        return Ok(refusal(StatusCode::NOT_FOUND));
    };
    let (name, role) = (caller.key().name.clone(), caller.key().role);
    Ok(compute(move || {
        let listing: Value = serde_json::from_str(&found.json).unwrap_or_default();
        let line: Value = serde_json::from_str(&found.line).unwrap_or_default();
        let seen = found.last_seen_at.format(&Rfc3339).unwrap_or_default();
        let context = context! {
            name, role => role.as_str(), id => found.id, raw => found.json, seen,
            versions => found.history.len(), view => Serde(view::listing(&listing, &line)),
        };
        page(StatusCode::OK, "listing.html", context)
    })
    .await?)
}

/// The pages' style.
pub(in crate::http) async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], STYLE).into_response()
}
