use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::figures::{self, When};
use super::filter::{Filter, FilterForm};
use super::lang::Lang;
use super::line::{Finding, Line};
use super::render;
use super::text::{self, Piece};
use super::visit::Visit;
use crate::flow::{compute, rank_suspects};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::store::{self, Cursor, Suspect};

/// Reasons shown with each suspect.
const REASONS: usize = 3;
/// Longest quotation of the seller's words, in characters.
const QUOTED: usize = 80;
/// What is left of a part when its findings are taken away: it says nothing by itself.
const REST: &str = "other_wording";

#[derive(Serialize)]
struct Page {
    filter: FilterForm,
    rows: Vec<Row>,
    first: bool,
    start: String,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    link: String,
    percent: String,
    band: &'static str,
    band_name: &'static str,
    title: Vec<Piece>,
    price: Option<String>,
    seller: Option<Vec<Piece>>,
    province: Option<Link>,
    platform: Option<Link>,
    brand: Option<Link>,
    seen: When,
    reasons: Vec<Reason>,
}

/// A name that narrows the list to its like.
#[derive(Serialize)]
struct Link {
    name: Vec<Piece>,
    to: String,
}

#[derive(Serialize)]
struct Reason {
    sense: &'static str,
    text: String,
    quoted: Vec<Piece>,
    weight: String,
}

/// The ranked list.
pub(in crate::http) async fn page(
    State(app): State<App>,
    visit: Visit,
    caller: Caller,
) -> Response {
    match show(&app, &visit, &caller).await {
        Ok(response) => response,
        Err(problem) => render::problem(&visit, problem),
    }
}

async fn show(app: &App, visit: &Visit, caller: &Caller) -> Result<Response, Problem> {
    let filter = Filter::of(visit)?;
    let cursor: Option<Cursor> =
        visit.param("cursor").map(str::parse).transpose().map_err(|e: store::CursorError| {
            Problem::new(Code::InvalidQuery, e.to_string()).at("cursor")
        })?;
    let rows = app.settings().server.page_rows;
    let found =
        rank_suspects(app.store(), caller.key(), filter.for_store(), cursor.as_ref(), rows).await?;
    let visit = visit.clone();
    compute(move || {
        let lang = visit.lang;
        let rows = found.rows.iter().map(|s| row(s, &filter, lang)).collect::<Result<_, _>>();
        let page = Page {
            filter: filter.form(lang),
            rows: rows.map_err(|e: serde_json::Error| Problem::hide(Code::Internal, &e))?,
            first: cursor.is_none(),
            start: filter.queue(None),
            next: found.next.as_ref().map(|c| filter.queue(Some(&c.to_string()))),
        };
        Ok(render::page(&visit, "queue.html", &page))
    })
    .await?
}

fn row(s: &Suspect, filter: &Filter, lang: Lang) -> serde_json::Result<Row> {
    let line: Line = serde_json::from_str(&s.line)?;
    let link = |field: &str, value: &Option<String>| {
        value
            .as_deref()
            .filter(|v| !v.trim().is_empty())
            .map(|v| Link { name: text::plain(v, lang), to: filter.queue_with(field, v) })
    };
    let in_title = line.evidence.iter().filter(|f| f.field == "title");
    Ok(Row {
        link: filter.listing(&s.id),
        percent: figures::percent(s.score, lang),
        band: s.band.as_str(),
        band_name: lang.band(s.band),
        title: text::marked(&s.title, in_title, lang),
        price: s.price_amount.map(|a| figures::money(a, s.price_currency.as_deref(), lang)),
        seller: s.seller.as_deref().map(|t| text::plain(t, lang)),
        province: link("province", &s.province),
        platform: link("platform", &s.platform),
        brand: link("brand", &s.brand),
        seen: figures::when(s.last_seen_at),
        reasons: reasons(&line.evidence, lang),
    })
}

/// The strongest findings that say something by themselves, each wording once.
fn reasons(evidence: &[Finding], lang: Lang) -> Vec<Reason> {
    let mut shown: Vec<&Finding> = Vec::with_capacity(REASONS);
    for f in evidence.iter().filter(|f| f.kind != REST && f.weight != 0.0) {
        if shown.len() == REASONS {
            break;
        }
        let same = |s: &&Finding| s.kind == f.kind && s.text.eq_ignore_ascii_case(&f.text);
        if !shown.iter().any(same) {
            shown.push(f);
        }
    }
    let reason = |f: &&Finding| Reason {
        sense: f.sense(),
        text: text::flat(lang.reason(&f.reason)),
        quoted: f.quoted().map_or(Vec::new(), |t| text::plain(&cut(t), lang)),
        weight: figures::log_odds(f.weight, lang),
    };
    shown.iter().map(reason).collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
