use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::figures::{self, When};
use super::filter::Filter;
use super::lang::Lang;
use super::line::{Finding, Line};
use super::render;
use super::sum::{Sum, sum};
use super::text::{self, Piece};
use super::visit::Visit;
use crate::domain::{self, NewListing, Part};
use crate::flow::{compute, find_listing, rank_suspects};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::Segment;
use crate::store::{Cursor, HistoryEntry, StoredListing};

#[derive(Serialize)]
struct Page {
    back: String,
    next: Option<String>,
    id: Vec<Piece>,
    heading: String,
    percent: String,
    band: &'static str,
    band_name: &'static str,
    title: Vec<Piece>,
    description: Option<Vec<Piece>>,
    facts: Vec<Fact>,
    attributes: Vec<Fact>,
    price: Option<String>,
    price_reasons: Vec<String>,
    seller: Option<Seller>,
    url: Option<Url>,
    legal_class: &'static str,
    sum: Sum,
    evidence: Vec<Row>,
    model: String,
    weights_sha256: String,
    tier: &'static str,
    captured: Option<When>,
    first_seen: When,
    changed: When,
    last_seen: When,
    assessed: Option<When>,
    history: Vec<Past>,
    json: String,
    line: String,
}

/// A name and what stands there.
#[derive(Serialize)]
struct Fact {
    name: Vec<Piece>,
    value: Vec<Piece>,
}

#[derive(Serialize)]
struct Seller {
    name: Option<Vec<Piece>>,
    id: Option<Vec<Piece>>,
    province: Option<Vec<Piece>>,
    rating: Option<String>,
    ratings: Option<String>,
    since: Option<When>,
}

/// The listing's address; a link only where it leads to the web.
#[derive(Serialize)]
struct Url {
    text: Vec<Piece>,
    link: Option<String>,
}

#[derive(Serialize)]
struct Row {
    part: &'static str,
    field: Vec<Piece>,
    quoted: Vec<Piece>,
    reason: String,
    kind: String,
    weight: String,
    sense: &'static str,
}

#[derive(Serialize)]
struct Past {
    at: When,
    percent: String,
    band: &'static str,
    band_name: &'static str,
    model: String,
    weights: String,
    /// The first letters of the content's hash: the same letters, the same listing.
    content: String,
}

/// One listing with everything that is known of it.
pub(in crate::http) async fn page(
    State(app): State<App>,
    visit: Visit,
    caller: Caller,
    id: Result<Segment, Problem>,
) -> Response {
    let shown = async {
        let Segment(id) = id?;
        show(&app, &visit, &caller, &id).await
    };
    match shown.await {
        Ok(response) => response,
        Err(problem) => render::problem(&visit, problem),
    }
}

async fn show(app: &App, visit: &Visit, caller: &Caller, id: &str) -> Result<Response, Problem> {
    let filter = Filter::of(visit)?;
    let Some(listing) = find_listing(app.store(), caller.key(), id).await? else {
        return Err(Problem::new(Code::ListingNotFound, Code::ListingNotFound.hint()));
    };
    let after = Cursor::after(listing.score, &listing.id);
    let next =
        rank_suspects(app.store(), caller.key(), filter.for_store(), Some(&after), 1).await?;
    let next = next.rows.first().map(|s| filter.listing(&s.id));
    let visit = visit.clone();
    compute(move || {
        let mut page = view(&listing, visit.lang).map_err(|e| Problem::hide(Code::Internal, &e))?;
        page.back = filter.queue(None);
        page.next = next;
        Ok(render::page(&visit, "listing.html", &page))
    })
    .await?
}

fn view(stored: &StoredListing, lang: Lang) -> serde_json::Result<Page> {
    let line: Line = serde_json::from_str(&stored.line)?;
    let fields: NewListing = serde_json::from_str(&stored.json)?;
    let mark = |field: &str, text: &str| {
        text::marked(text, line.evidence.iter().filter(|f| f.field == field), lang)
    };
    let fact = |field: &'static str, value: &Option<String>| {
        let value = value.as_deref()?;
        Some(Fact { name: text::plain(&lang.field(field), lang), value: mark(field, value) })
    };
    let facts = [
        fact("brand", &fields.brand),
        fact("category", &fields.category),
        fact("gtin", &fields.gtin),
    ];
    let attributes = fields.attributes.iter().map(|(name, value)| Fact {
        name: text::plain(name, lang),
        value: match value.as_str() {
            Some(value) => mark(&format!("attributes.{name}"), value),
            None => text::plain(&value.to_string(), lang),
        },
    });
    let title = fields.title.as_deref().unwrap_or_default();
    let money = fields.price.as_ref();
    let of_price = line.evidence.iter().filter(|f| f.part == Part::Price);
    Ok(Page {
        back: String::new(),
        next: None,
        id: text::plain(&stored.id, lang),
        heading: text::flat(title),
        percent: figures::percent(stored.score, lang),
        band: stored.band.as_str(),
        band_name: lang.band(stored.band),
        title: mark("title", title),
        description: fields.description.as_deref().map(|t| mark("description", t)),
        facts: facts.into_iter().flatten().collect(),
        attributes: attributes.collect(),
        price: money.and_then(|m| Some(figures::money(m.amount?, m.currency.as_deref(), lang))),
        price_reasons: of_price.map(|f| text::flat(lang.reason(&f.reason))).collect(),
        seller: fields.seller.as_ref().map(|s| seller(s, lang)),
        url: fields.url.as_deref().map(|u| url(u, lang)),
        legal_class: lang.legal_class(line.legal_class),
        sum: sum(&line, lang),
        evidence: line.evidence.iter().map(|f| row(f, lang)).collect(),
        tier: lang.tier(line.tier),
        captured: fields.captured_at.as_deref().and_then(figures::when_written),
        first_seen: figures::when(stored.first_seen_at),
        changed: figures::when(stored.changed_at),
        last_seen: figures::when(stored.last_seen_at),
        assessed: assessed(stored, &line).map(|h| figures::when(h.assessed_at)),
        history: stored.history.iter().map(|h| past(h, lang)).collect(),
        json: text::json(&stored.json),
        line: text::json(&stored.line),
        model: line.model,
        weights_sha256: line.weights_sha256,
    })
}

/// The entry of the history that the listing's score is.
fn assessed<'a>(stored: &'a StoredListing, line: &Line) -> Option<&'a HistoryEntry> {
    stored.history.iter().find(|h| *h.model.weights_sha256 == *line.weights_sha256)
}

fn seller(s: &domain::Seller, lang: Lang) -> Seller {
    let text = |t: &Option<String>| t.as_deref().map(|t| text::plain(t, lang));
    Seller {
        name: text(&s.name),
        id: text(&s.id),
        province: text(&s.location),
        rating: s.rating.map(|r| figures::number(r, lang)),
        ratings: s.rating_count.map(|n| figures::count(n, lang)),
        since: s.created_at.as_deref().and_then(figures::when_written),
    }
}

fn url(url: &str, lang: Lang) -> Url {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let web = lower.starts_with("http://") || lower.starts_with("https://");
    let clean = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    Url { text: text::plain(url, lang), link: (web && clean).then(|| url.to_owned()) }
}

fn row(f: &Finding, lang: Lang) -> Row {
    Row {
        part: lang.part(f.part),
        field: text::plain(&lang.field(&f.field), lang),
        quoted: f.quoted().map_or(Vec::new(), |t| text::plain(t, lang)),
        reason: text::flat(lang.reason(&f.reason)),
        kind: text::flat(&f.kind),
        weight: figures::log_odds(f.weight, lang),
        sense: f.sense(),
    }
}

fn past(h: &HistoryEntry, lang: Lang) -> Past {
    let short = |hash: &str| hash.chars().take(12).collect();
    Past {
        at: figures::when(h.assessed_at),
        percent: figures::percent(h.score, lang),
        band: h.band.as_str(),
        band_name: lang.band(h.band),
        model: h.model.id.to_string(),
        weights: short(&h.model.weights_sha256),
        content: short(&h.content_sha256),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_linked() {
        let link = |text: &str| url(text, Lang::Vi).link;
        assert!(link("https://shop.example/a?b=\"c").is_some());
        assert!(link("HTTP://shop.example").is_some());
        for bad in ["javascript:alert(1)", " https://a", "data:text/html,x", "//a", "a", "đđđđđ"]
        {
            assert_eq!(link(bad), None, "{bad}");
        }
    }
}
