use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::schema;
use crate::domain::{Document, Gtin, NewProduct, ProductError, ProductStatus};
use crate::flow::keep_product;
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::error::{Code, Problem};
use crate::http::extract::{Media, Params, Segment};
use crate::store::{Expected, ProductRecord, StoreError};

/// Largest body of a product, in bytes.
pub(crate) const PRODUCT_BYTES: usize = 64 << 10;
/// Longest brand to look for, in bytes.
const BRAND_BYTES: usize = 512;

/// Lists registered products by their number.
///
/// A page ends with `next`: pass it as `cursor`, with the same brand, for the page after it. Brands
/// match regardless of case, Unicode form and blanks.
#[utoipa::path(
    get, path = "/v1/products", tag = "products", security(("key" = [])),
    params(
        ("brand" = Option<String>, Query, description = "Only this brand", example = "Nike"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "Rows in the page; the settings say how many at most"),
    ),
    responses(
        (status = 200, description = "A page of products", body = PageJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn list_products(
    State(app): State<App>,
    mut params: Params,
) -> Result<Response, Problem> {
    let server = &app.settings().server;
    let rows = params.rows(server)?;
    let cursor = params.take::<Gtin>("cursor")?;
    let brand = params.take::<String>("brand")?;
    params.finish()?;
    if brand.as_ref().is_some_and(|b| b.len() > BRAND_BYTES) {
        let text = format!("longer than {BRAND_BYTES} bytes");
        return Err(Problem::new(Code::InvalidQuery, text).at("brand"));
    }
    let page = app.store().products(brand.as_deref(), cursor.as_ref(), rows).await?;
    let products = page.rows.iter().map(product_json).collect();
    let next = page.next.map(|gtin| gtin.to_string());
    Ok(Json(PageJson { products, next }).into_response())
}

/// Gives a registered product.
///
/// `ETag` is the version: send it back as `If-Match` to change the product only if nobody else has
/// changed it since.
#[utoipa::path(
    get, path = "/v1/products/{gtin}", tag = "products", security(("key" = [])),
    params(("gtin" = String, Path, description = "GTIN-8, -12, -13 or -14", example = "8934602480019")),
    responses(
        (status = 200, description = "The product", body = ProductJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 404, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn get_product(
    State(app): State<App>,
    Segment(gtin): Segment,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let gtin = number(&gtin)?;
    match app.store().product(&gtin).await? {
        Some(record) => Ok(answer(StatusCode::OK, &record)),
        None => Err(Problem::new(Code::ProductNotFound, format!("no product {gtin}"))),
    }
}

/// Registers a product, or puts another state in place of the one there is.
///
/// With `If-Match: "3"` only where version 3 is the newest, with `If-None-Match: *` only where there
/// is none yet. Each change is a row of the audit log, with the key that made it.
#[utoipa::path(
    put, path = "/v1/products/{gtin}", tag = "products", security(("key" = [])),
    params(
        ("gtin" = String, Path, description = "GTIN-8, -12, -13 or -14", example = "8934602480019"),
        ("If-Match" = Option<String>, Header, description = "The version that was seen, in quotes"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if it is not there yet"),
    ),
    request_body(content = schema::ProductBody, description = "The product, whole"),
    responses(
        (status = 200, description = "Changed", body = ProductJson<'_>),
        (status = 201, description = "Registered", body = ProductJson<'_>),
        (status = 400, response = schema::ProblemResponse),
        (status = 401, response = schema::ProblemResponse),
        (status = 403, response = schema::ProblemResponse),
        (status = 412, response = schema::ProblemResponse),
        (status = 413, response = schema::ProblemResponse),
        (status = 415, response = schema::ProblemResponse),
        (status = 422, response = schema::ProblemResponse),
        (status = 503, response = schema::ProblemResponse),
    ),
)]
pub(crate) async fn put_product(
    State(app): State<App>,
    caller: Caller,
    Segment(gtin): Segment,
    params: Params,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    params.finish()?;
    let gtin = number(&gtin)?;
    Media::Json.check(&headers)?;
    let expected = expected(&headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Code::BodyTooLarge, format!("the limit is {PRODUCT_BYTES} bytes"))
        }
        _ => Problem::new(Code::BodyIncomplete, "the body broke off"),
    })?;
    let product = read(&body)?.parse(gtin, &caller.key().id).map_err(Problem::from)?;
    match keep_product(app.store(), caller.key(), &product, expected).await {
        Ok(record) if record.version == 1 => Ok(answer(StatusCode::CREATED, &record)),
        Ok(record) => Ok(answer(StatusCode::OK, &record)),
        Err(StoreError::Stale { found, .. }) => {
            let text = match found {
                0 => "the product is not there".to_owned(),
                found => format!("the newest version is {found}"),
            };
            Err(Problem::new(Code::VersionConflict, text))
        }
        Err(error) => Err(error.into()),
    }
}

fn number(text: &str) -> Result<Gtin, Problem> {
    text.parse()
        .map_err(|e: crate::domain::GtinError| Problem::new(Code::InvalidGtin, e.to_string()))
}

/// What the request's conditions ask for.
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let value = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or_default().trim());
    let wrong = |field: &'static str, text: &'static str| {
        Err(Problem::new(Code::InvalidCondition, text).at(field))
    };
    match (value(header::IF_MATCH), value(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Expected::Any),
        (None, Some("*")) => Ok(Expected::New),
        (_, Some(_)) => wrong("If-None-Match", "must be *, and without If-Match"),
        (Some(version), None) => {
            let digits = version.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            match digits.and_then(|d| d.parse().ok()) {
                Some(version) => Ok(Expected::Version(version)),
                None => wrong("If-Match", "must be a version in quotes, such as \"3\""),
            }
        }
    }
}

fn read(body: &[u8]) -> Result<NewProduct, Problem> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::new(Code::WrongType, "a product is a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let product = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return Problem::new(Code::InvalidJson, inner.to_string());
        }
        let problem = Problem::new(Code::WrongType, inner.to_string());
        if path == "." { problem } else { problem.at(path) }
    })?;
    json.end().map_err(|error| Problem::new(Code::InvalidJson, error.to_string()))?;
    Ok(product)
}

impl From<ProductError> for Problem {
    fn from(error: ProductError) -> Self {
        let code =
            if error.message == "is required" { Code::MissingField } else { Code::InvalidField };
        Self::new(code, error.message).at(error.field)
    }
}

fn answer(status: StatusCode, record: &ProductRecord) -> Response {
    let mut response = (status, Json(product_json(record))).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", record.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A page of products.
#[derive(Serialize, ToSchema)]
#[schema(as = Products)]
struct PageJson<'a> {
    products: Vec<ProductJson<'a>>,
    /// Pass it as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// A registered product.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
struct ProductJson<'a> {
    /// Fourteen digits, shorter numbers with zeros before them.
    #[schema(value_type = String)]
    gtin: Gtin,
    /// From 1, one more with each change.
    version: u64,
    brand: &'a str,
    name: &'a str,
    #[schema(required)]
    owner: Option<&'a str>,
    #[schema(required)]
    country: Option<&'a str>,
    #[schema(value_type = Vec<schema::ProductDocument>)]
    documents: &'a [Document],
    /// In VND.
    #[schema(required)]
    price_low: Option<f64>,
    #[schema(required)]
    price_typical: Option<f64>,
    #[schema(value_type = schema::ProductStatus)]
    status: ProductStatus,
    source: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
}

fn product_json(record: &ProductRecord) -> ProductJson<'_> {
    let product = &record.product;
    ProductJson {
        gtin: product.gtin,
        version: record.version,
        brand: &product.brand,
        name: &product.name,
        owner: product.owner.as_deref(),
        country: product.country.as_deref(),
        documents: &product.documents,
        price_low: product.price_low,
        price_typical: product.price_typical,
        status: product.status,
        source: &product.source,
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}
