use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::schema;
use super::suspects::json;
use crate::domain::LinkKind;
use crate::flow::{
    Cluster, Clusters, SellerGraph, SellerProfile, SellersError, find_seller, link_sellers,
    list_clusters,
};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Params, Segments};
use crate::store::{Cursor, SellerLink, SellerRow};

/// Lists sellers who hang together through contacts or near copies of texts that few share, the
/// largest share of suspects first.
///
/// A page ends with `next`: pass it as `cursor` for the page after it. Sellers outside the
/// provinces that a key is bound to neither count nor connect.
#[utoipa::path(
    get, path = "/v1/sellers/clusters", tag = "sellers", security(("key" = [])),
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "Clusters in the page; the settings say how many at most"),
    ),
    responses(
        (status = 200, description = "A page of clusters", body = ClustersJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn get_clusters(
    State(app): State<App>,
    caller: Caller,
    mut params: Params,
) -> Result<Response, Problem> {
    let rows = params.rows(&app.settings().server)?;
    let cursor = params.take::<Cursor>("cursor")?;
    params.finish()?;
    let page = list_clusters(app.store(), caller.key(), cursor, rows as usize).await;
    let page = page.map_err(|error| match error {
        SellersError::Store(error) => Problem::from(error),
        SellersError::Unfinished(error) => Problem::from(error),
    })?;
    json(move || serde_json::to_vec(&clusters_json(&page))).await
}

/// Gives what is known of one seller.
///
/// The platform's name matches regardless of case, Unicode form and blanks. A seller outside the
/// provinces that the key is bound to counts as not there.
#[utoipa::path(
    get, path = "/v1/sellers/{platform}/{id}", tag = "sellers", security(("key" = [])),
    params(
        ("platform" = String, Path, description = "The platform", example = "shopee"),
        ("id" = String, Path, description = "The seller's id on it", example = "shopgiay88"),
    ),
    responses(
        (status = 200, description = "The seller", body = ProfileJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 404, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn get_seller(
    State(app): State<App>,
    caller: Caller,
    Segments([platform, id]): Segments<2>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let found = find_seller(app.store(), caller.key(), &platform, &id).await?;
    let found = found.ok_or_else(|| not_found(&platform, &id))?;
    json(move || serde_json::to_vec(&profile_json(&found))).await
}

/// Gives the sellers within three links of one, and the links between them.
///
/// A link says what two sellers have in common, never the contact itself, and names a listing of
/// each that shows it. Sellers outside the provinces that the key is bound to are left out.
#[utoipa::path(
    get, path = "/v1/sellers/{platform}/{id}/links", tag = "sellers", security(("key" = [])),
    params(
        ("platform" = String, Path, description = "The platform", example = "shopee"),
        ("id" = String, Path, description = "The seller's id on it", example = "shopgiay88"),
    ),
    responses(
        (status = 200, description = "The graph", body = GraphJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 404, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn get_links(
    State(app): State<App>,
    caller: Caller,
    Segments([platform, id]): Segments<2>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let found = link_sellers(app.store(), caller.key(), &platform, &id).await?;
    let found = found.ok_or_else(|| not_found(&platform, &id))?;
    json(move || serde_json::to_vec(&graph_json(&found))).await
}

fn not_found(platform: &str, id: &str) -> Problem {
    let short = |text: &str| text.chars().take(100).collect::<String>();
    let text = format!("no seller {:?} on {:?}", short(id), short(platform));
    Problem::new(Code::SellerNotFound, text)
}

/// A seller as he is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredSeller)]
struct SellerJson<'a> {
    platform: &'a str,
    id: &'a str,
    #[schema(required)]
    name: Option<&'a str>,
    #[schema(required)]
    province: Option<&'a str>,
    /// Listings that were counted, at most 512.
    listings: u32,
    /// Whether he has more listings than were counted.
    more: bool,
    /// Those more likely counterfeit than not by what they say themselves.
    suspects: u32,
    /// Those with a price that could be judged.
    priced: u32,
    /// Of these, the ones far below what is usual.
    cheap: u32,
    /// Claimed brands, the most frequent first, with their numbers of listings.
    brands: Vec<BrandJson<'a>>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    first_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: OffsetDateTime,
}

/// A brand as names are compared.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerBrand)]
struct BrandJson<'a> {
    brand: &'a str,
    listings: u32,
}

fn seller_json(s: &SellerRow) -> SellerJson<'_> {
    SellerJson {
        platform: &s.platform,
        id: &s.id,
        name: s.name.as_deref(),
        province: s.province.as_deref(),
        listings: s.facts.listings,
        more: s.more,
        suspects: s.facts.suspects,
        priced: s.facts.priced,
        cheap: s.facts.cheap,
        brands: s.facts.brands.iter().map(|(b, n)| BrandJson { brand: b, listings: *n }).collect(),
        first_seen_at: s.first_seen_at,
        last_seen_at: s.last_seen_at,
    }
}

/// A seller and the cases against him.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerProfile)]
struct ProfileJson<'a> {
    seller: SellerJson<'a>,
    /// When cases were confirmed against him, the newest first; at most 16.
    #[schema(value_type = Vec<String>)]
    confirmed_cases: Vec<Time>,
}

#[derive(Serialize)]
struct Time(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

fn profile_json(p: &SellerProfile) -> ProfileJson<'_> {
    let confirmed_cases = p.cases.iter().map(|at| Time(*at)).collect();
    ProfileJson { seller: seller_json(&p.seller), confirmed_cases }
}

/// Sellers who are linked with one another.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerGraph)]
struct GraphJson<'a> {
    /// The one asked for first.
    nodes: Vec<SellerJson<'a>>,
    edges: Vec<EdgeJson<'a>>,
    /// Whether there is more than is shown.
    more: bool,
}

/// What two sellers have in common.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerEdge)]
struct EdgeJson<'a> {
    /// Places of the two in `nodes`.
    from: usize,
    to: usize,
    #[schema(value_type = schema::LinkKind)]
    kind: LinkKind,
    /// From 0 to 1: 1 is a contact that only these two share.
    #[schema(minimum = 0, maximum = 1)]
    strength: f64,
    /// A listing of each that shows it.
    from_listing: &'a str,
    to_listing: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    found_at: OffsetDateTime,
}

fn graph_json(g: &SellerGraph) -> GraphJson<'_> {
    let place = |key: i64| g.nodes.iter().position(|node| node.key == key);
    let edges = g.links.iter().filter_map(|link| {
        let SellerLink { seller, other, kind, strength, listings, found_at } = link;
        let (from, to) = (place(*seller)?, place(*other)?);
        let [from_listing, to_listing] = listings;
        let (kind, strength, found_at) = (*kind, *strength, *found_at);
        Some(EdgeJson { from, to, kind, strength, from_listing, to_listing, found_at })
    });
    let edges = edges.collect();
    GraphJson { nodes: g.nodes.iter().map(seller_json).collect(), edges, more: g.more }
}

/// A page of clusters.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerClusters)]
struct ClustersJson<'a> {
    clusters: Vec<ClusterJson<'a>>,
    /// Pass it as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
    /// Whether all links were looked at; false beyond 200,000.
    whole: bool,
}

/// Sellers who hang together.
#[derive(Serialize, ToSchema)]
#[schema(as = SellerCluster)]
struct ClusterJson<'a> {
    /// Sellers in it, all of them.
    size: usize,
    listings: u64,
    suspects: u64,
    /// At most 20.
    members: Vec<SellerJson<'a>>,
}

fn clusters_json(page: &Clusters) -> ClustersJson<'_> {
    let clusters = page.rows.iter().map(|Cluster { size, listings, suspects, members }| {
        let members = members.iter().map(seller_json).collect();
        ClusterJson { size: *size, listings: *listings, suspects: *suspects, members }
    });
    let next = page.next.as_ref().map(ToString::to_string);
    ClustersJson { clusters: clusters.collect(), next, whole: page.whole }
}
