use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::schema;
use crate::domain::{Band, ModelRef};
use crate::flow::{compute, find_listing, rank_suspects};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Params, Segment};
use crate::store::{Cursor, HistoryEntry, Page, StoredListing, Suspect, SuspectFilter};

/// Longest text of a filter, in bytes.
const FILTER_BYTES: usize = 512;

/// Lists suspects, the riskiest first.
///
/// A page ends with `next`: pass it as `cursor`, with the same filters, for the page after it.
/// Names match regardless of case, Unicode form and blanks. A key that is bound to provinces
/// sees their listings only.
#[utoipa::path(
    get, path = "/v1/suspects", tag = "suspects", security(("key" = [])),
    params(
        ("band" = Option<schema::Band>, Query, description = "Only this band"),
        ("platform" = Option<String>, Query, description = "Only this platform", example = "shopee"),
        ("province" = Option<String>, Query, description = "Only sellers in this province", example = "Hà Nội"),
        ("brand" = Option<String>, Query, description = "Only this brand", example = "Nike"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "Rows in the page; the settings say how many at most"),
    ),
    responses(
        (status = 200, description = "A page of suspects", body = PageJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn list_suspects(
    State(app): State<App>,
    caller: Caller,
    mut params: Params,
) -> Result<Response, Problem> {
    let rows = params.rows(&app.settings().server)?;
    let cursor = params.take::<Cursor>("cursor")?;
    let filter = SuspectFilter {
        band: params.take::<Band>("band")?,
        platform: name(&mut params, "platform")?,
        province: name(&mut params, "province")?,
        brand: name(&mut params, "brand")?,
        scope: Vec::new(),
    };
    params.finish()?;
    let page = rank_suspects(app.store(), caller.key(), filter, cursor.as_ref(), rows).await?;
    json(move || page_json(&page)).await
}

fn name(params: &mut Params, name: &'static str) -> Result<Option<String>, Problem> {
    let text = params.take::<String>(name)?;
    if text.as_ref().is_some_and(|t| t.len() > FILTER_BYTES) {
        let text = format!("longer than {FILTER_BYTES} bytes");
        return Err(Problem::new(Code::InvalidQuery, text).at(name));
    }
    Ok(text)
}

/// Gives one listing as it was received, its newest assessment, and those before it.
///
/// An id with a slash, a per cent sign or other such characters goes percent-encoded into the
/// path. A listing outside the provinces that the key is bound to counts as not there.
#[utoipa::path(
    get, path = "/v1/listings/{id}", tag = "suspects", security(("key" = [])),
    params(("id" = String, Path, description = "The listing's id", example = "a1")),
    responses(
        (status = 200, description = "The listing", body = ListingJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 404, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn get_listing(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    match find_listing(app.store(), caller.key(), &id).await? {
        Some(listing) => json(move || listing_json(&listing)).await,
        None => {
            let id: String = id.chars().take(100).collect();
            Err(Problem::new(Code::ListingNotFound, format!("no listing {id:?}")))
        }
    }
}

/// Writes an answer on the thread pool: a page may hold megabytes of stored JSON.
pub(super) async fn json(
    write: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static,
) -> Result<Response, Problem> {
    let json = compute(write).await?.map_err(|error| Problem::hide(Code::Internal, &error))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], json).into_response())
}

/// A page of suspects.
#[derive(Serialize, ToSchema)]
#[schema(as = Suspects)]
struct PageJson<'a> {
    suspects: Vec<SuspectJson<'a>>,
    /// Pass it as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// One row of the ranked list.
#[derive(Serialize, ToSchema)]
#[schema(as = Suspect)]
struct SuspectJson<'a> {
    id: &'a str,
    score: f64,
    #[schema(value_type = schema::Band)]
    band: Band,
    title: &'a str,
    #[schema(required)]
    platform: Option<&'a str>,
    #[schema(required)]
    url: Option<&'a str>,
    #[schema(required)]
    province: Option<&'a str>,
    #[schema(required)]
    brand: Option<&'a str>,
    #[schema(required)]
    price: Option<PriceJson<'a>>,
    #[schema(required)]
    seller: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: OffsetDateTime,
    #[schema(value_type = schema::Scored)]
    assessment: &'a RawValue,
}

/// An amount and its currency, three letters.
#[derive(Serialize, ToSchema)]
#[schema(as = Price)]
struct PriceJson<'a> {
    amount: f64,
    #[schema(required)]
    currency: Option<&'a str>,
}

fn page_json(page: &Page<Suspect>) -> serde_json::Result<Vec<u8>> {
    let rows = page.rows.iter().map(suspect_json).collect::<serde_json::Result<_>>()?;
    let next = page.next.as_ref().map(ToString::to_string);
    serde_json::to_vec(&PageJson { suspects: rows, next })
}

fn suspect_json(s: &Suspect) -> serde_json::Result<SuspectJson<'_>> {
    Ok(SuspectJson {
        id: &s.id,
        score: s.score,
        band: s.band,
        title: &s.title,
        platform: s.platform.as_deref(),
        url: s.url.as_deref(),
        province: s.province.as_deref(),
        brand: s.brand.as_deref(),
        price: s.price_amount.map(|amount| {
            let currency = s.price_currency.as_deref();
            PriceJson { amount, currency }
        }),
        seller: s.seller.as_deref(),
        last_seen_at: s.last_seen_at,
        assessment: serde_json::from_str(&s.line)?,
    })
}

/// A listing as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredListing)]
struct ListingJson<'a> {
    id: &'a str,
    score: f64,
    #[schema(value_type = schema::Band)]
    band: Band,
    #[schema(required)]
    province: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    first_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    changed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: OffsetDateTime,
    /// As received.
    #[schema(value_type = schema::Listing)]
    listing: &'a RawValue,
    #[schema(value_type = schema::Scored)]
    assessment: &'a RawValue,
    /// Newest first.
    history: Vec<HistoryJson<'a>>,
}

/// One assessment of a listing's past.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
struct HistoryJson<'a> {
    score: f64,
    #[schema(value_type = schema::Band)]
    band: Band,
    #[schema(value_type = schema::ModelRef)]
    model: &'a ModelRef,
    /// SHA-256 of the listing's JSON that was assessed, in hexadecimal.
    content_sha256: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    assessed_at: OffsetDateTime,
    #[schema(value_type = schema::Scored)]
    assessment: &'a RawValue,
}

fn listing_json(l: &StoredListing) -> serde_json::Result<Vec<u8>> {
    let history = l.history.iter().map(history_json).collect::<serde_json::Result<_>>()?;
    serde_json::to_vec(&ListingJson {
        id: &l.id,
        score: l.score,
        band: l.band,
        province: l.province.as_deref(),
        first_seen_at: l.first_seen_at,
        changed_at: l.changed_at,
        last_seen_at: l.last_seen_at,
        listing: serde_json::from_str(&l.json)?,
        assessment: serde_json::from_str(&l.line)?,
        history,
    })
}

fn history_json(h: &HistoryEntry) -> serde_json::Result<HistoryJson<'_>> {
    Ok(HistoryJson {
        score: h.score,
        band: h.band,
        model: &h.model,
        content_sha256: &h.content_sha256,
        assessed_at: h.assessed_at,
        assessment: serde_json::from_str(&h.line)?,
    })
}
