//! What requests and answers look like, for the OpenAPI document.
//!
//! The domain types know nothing of OpenAPI, so their shapes are written down here once more;
//! a test holds real answers against them.

#![expect(dead_code, reason = "shapes that are described and never built")]

use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToResponse, ToSchema};

use crate::http::error::Code;

#[derive(ToSchema)]
#[schema(example = json!({"listings": [
    {"id": "a1", "platform": "shopee", "title": "Giày Nike Air Force 1 rep 1:1 full box",
        "brand": "Nike", "price": {"amount": 350000, "currency": "VND"},
        "seller": {"name": "shopgiay88", "location": "Hà Nội"}},
    {"title": "Áo len đan tay"},
]}))]
pub(super) struct ScoreBody {
    /// 1 to `server.max_batch` (1024 unless it is set otherwise).
    #[schema(min_items = 1)]
    listings: Vec<Listing>,
}

/// A listing as a crawler found it. Lengths are limited as the settings say; an image or
/// attribute that is not needed for the score is kept all the same.
#[derive(ToSchema)]
#[schema(example = json!({"id": "a1", "platform": "shopee",
    "title": "Giày Nike Air Force 1 rep 1:1 full box", "brand": "Nike",
    "price": {"amount": 350000, "currency": "VND"}}))]
pub(super) struct Listing {
    title: String,
    /// The platform's own id. A listing sent again under the same id takes the place of the one before.
    id: Option<String>,
    platform: Option<String>,
    url: Option<String>,
    description: Option<String>,
    category: Option<String>,
    brand: Option<String>,
    price: Option<Money>,
    seller: Option<Seller>,
    images: Option<Vec<Image>>,
    /// The product's GTIN (EAN, UPC) as printed.
    gtin: Option<String>,
    /// Anything else by name; texts are read for the score.
    #[schema(value_type = Option<Object>)]
    attributes: Option<BTreeMap<String, String>>,
    #[schema(format = DateTime)]
    captured_at: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct Money {
    #[schema(minimum = 0)]
    amount: f64,
    /// Three letters; VND when it is absent.
    #[schema(min_length = 3, max_length = 3)]
    currency: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct Seller {
    id: Option<String>,
    name: Option<String>,
    #[schema(minimum = 0)]
    rating: Option<f64>,
    rating_count: Option<u64>,
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// A province.
    location: Option<String>,
}

/// A picture by address, by hash, or as base64 bytes.
#[derive(ToSchema)]
pub(super) struct Image {
    id: Option<String>,
    url: Option<String>,
    sha256: Option<String>,
    data: Option<String>,
}

/// A product as it is to be registered. Its brand and name are needed, the rest may be left out.
#[derive(ToSchema)]
#[schema(example = json!({"brand": "Nike", "name": "Giày Air Force 1", "owner": "Nike Việt Nam",
    "country": "VN", "documents": [{"kind": "CFS", "reference": "123/2025"}],
    "price_low": 1900000, "price_typical": 2600000, "status": "active", "source": "owner"}))]
pub(super) struct ProductBody {
    brand: String,
    name: String,
    /// Who answers for it: the holder of the brand or the importer.
    owner: Option<String>,
    /// Where it is made: two letters (ISO 3166).
    #[schema(min_length = 2, max_length = 2)]
    country: Option<String>,
    #[schema(max_items = 20)]
    documents: Option<Vec<ProductDocument>>,
    /// The lowest price seen, in VND.
    #[schema(minimum = 0)]
    price_low: Option<f64>,
    /// The usual price, in VND.
    #[schema(minimum = 0)]
    price_typical: Option<f64>,
    /// `active` unless it is said otherwise.
    status: Option<ProductStatus>,
    /// Where this is known from; the key's id unless it is said.
    source: Option<String>,
}

/// A paper about a product.
#[derive(ToSchema)]
pub(super) struct ProductDocument {
    kind: String,
    /// Its number, or where it can be seen.
    reference: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ProductStatus {
    Active,
    Withdrawn,
    Unknown,
}

#[derive(ToSchema)]
pub(super) struct ScoreResults {
    /// One for each listing, in the order sent.
    results: Vec<ScoredLine>,
}

/// A score, or an error.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum ScoredLine {
    Scored(Scored),
    Failed(Failed),
}

/// What the service says of one listing.
///
/// `logit(score) = prior + the sum of the parts that are not null`, to 1e-6.
#[derive(ToSchema)]
#[schema(example = json!({"line": 1, "id": "a1", "score": 0.9731, "band": "high", "tier": "fast",
    "model": "vi-fast-2026-11c", "weights_sha256": "9f86d081884c7d65", "prior": -2.2,
    "parts": {"text": 4.9, "image": null, "price": 0.9, "seller": null, "codes": null},
    "legal_class": "counterfeit_mark",
    "evidence": [{"part": "text", "kind": "replica_term", "field": "title", "start": 21, "end": 28,
        "text": "rep 1:1", "weight": 2.7,
        "reason": {"vi": "Tự nhận là hàng nhái", "en": "Calls itself a replica"}}],
    "error": null}))]
pub(super) struct Scored {
    /// The place in the input, from 1.
    #[schema(minimum = 1)]
    line: u64,
    /// As sent; made from the content where a listing that is kept came without.
    #[schema(required)]
    id: Option<String>,
    /// The calibrated probability that an expert would call it counterfeit.
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
    band: Band,
    tier: Tier,
    /// The model that the score is from.
    model: String,
    /// SHA-256 of the model's weights, in hexadecimal.
    weights_sha256: String,
    /// Log-odds before any evidence.
    prior: f64,
    parts: Parts,
    legal_class: LegalClass,
    /// Strongest first; what belongs to a part adds up to the part.
    evidence: Vec<Evidence>,
    /// Always null.
    #[schema(required)]
    error: Option<String>,
}

/// Log-odds by part; null where the part had no input.
#[derive(ToSchema)]
pub(super) struct Parts {
    #[schema(required)]
    text: Option<f64>,
    #[schema(required)]
    image: Option<f64>,
    #[schema(required)]
    price: Option<f64>,
    #[schema(required)]
    seller: Option<f64>,
    #[schema(required)]
    codes: Option<f64>,
}

/// One finding and its share of its part's log-odds.
#[derive(ToSchema)]
pub(super) struct Evidence {
    part: Part,
    /// What was found, such as `replica_term`.
    kind: String,
    /// `title`, `description`, `attributes.<name>` and so on.
    field: String,
    /// First Unicode scalar value of the finding in the field as received.
    start: u64,
    /// One past the last. Equal to `start` when the finding has no place of its own.
    end: u64,
    /// The seller's words.
    text: String,
    weight: f64,
    reason: Reason,
}

/// Why it counts, for an officer.
#[derive(ToSchema)]
pub(super) struct Reason {
    vi: String,
    en: String,
}

/// An item that got no score.
#[derive(ToSchema)]
#[schema(example = json!({"line": 7, "id": "x", "error":
    {"code": "missing_field", "field": "title", "message": "is required"}}))]
pub(super) struct Failed {
    #[schema(minimum = 1)]
    line: u64,
    /// As sent, where it could be read.
    #[schema(required)]
    id: Option<String>,
    error: ItemError,
}

#[derive(ToSchema)]
pub(super) struct ItemError {
    code: ItemErrorCode,
    /// Path of the field, such as `price.amount`; empty when the item as a whole is wrong.
    field: String,
    message: String,
}

/// Which model made a score.
#[derive(ToSchema)]
pub(super) struct ModelRef {
    id: String,
    weights_sha256: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ItemErrorCode {
    InvalidUtf8,
    InvalidJson,
    MissingField,
    WrongType,
    EmptyField,
    TooLong,
    TooMany,
    OutOfRange,
    InvalidFormat,
    ItemTooLarge,
    ImageTooLarge,
    ImageUnsupported,
    ImageCorrupt,
    ImageTimeout,
    Internal,
}

/// What an analyst should do with a listing.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Band {
    Low,
    Review,
    High,
}

/// Which model settled the score.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Tier {
    Fast,
    Full,
}

/// The legal class that the listing would fall under.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum LegalClass {
    CounterfeitMark,
    CounterfeitQuality,
    CounterfeitLabel,
    OriginUnclear,
    None,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Part {
    Text,
    Image,
    Price,
    Seller,
    Codes,
}

/// What two sellers have in common.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum LinkKind {
    Phone,
    Email,
    Facebook,
    Zalo,
    CopiedText,
}

/// The strongest findings (`brief`, unless it is asked otherwise) or all of them.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::http) enum Explain {
    Brief,
    Full,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::http) enum TierWanted {
    Auto,
    Fast,
    Full,
}

/// What is wrong with a request (RFC 9457).
#[derive(ToSchema)]
#[schema(example = json!({"type": "/docs#too_many", "title": "Too many entries", "status": 422,
    "detail": "more than the limit of 1024 listings in one request", "code": "too_many",
    "field": "listings"}))]
pub(super) struct Problem {
    /// Where the problem is described.
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    code: ProblemCode,
    /// The field of the body or parameter of the query that is wrong.
    field: Option<String>,
}

/// Built from [`Code`], so that no code can be forgotten.
pub(in crate::http) struct ProblemCode;

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let mut text = String::from("Stable: match on this one.\n");
        for code in Code::ALL {
            let (name, status) = (code.as_str(), code.status().as_u16());
            text.push_str(&format!("\n`{name}` ({status}): {}. {}", code.title(), code.hint()));
        }
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some(text))
            .enum_values(Some(Code::ALL.iter().map(|c| c.as_str())))
            .into()
    }
}

impl ToSchema for ProblemCode {}

#[derive(ToResponse)]
#[response(description = "A problem; `code` says which", content_type = "application/problem+json")]
pub(super) struct ProblemResponse(Problem);
