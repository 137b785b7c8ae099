use time::OffsetDateTime;

use super::Cursor;
use crate::domain::{Band, Gtin, Listing, ModelId, ModelRef, Product, Role, ScoredLine};

/// One listing to keep.
#[derive(Debug, Clone, Copy)]
pub struct ToStore<'a> {
    /// The listing's JSON as received.
    pub json: &'a str,
    pub listing: &'a Listing,
    /// Kept when its outcome is an assessment; an item that failed is only counted.
    pub line: &'a ScoredLine,
}

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavedState {
    /// The listing was not there before.
    New,
    /// The listing was there with another content.
    Changed,
    /// The listing was there with this content; its score is renewed.
    Unchanged,
    /// The item has an error instead of an assessment, and nothing was kept.
    NotStored,
}

/// One item of a [`SaveReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The listing's id, made from its content where it came without; `None` when not stored.
    pub id: Option<String>,
    pub state: SavedState,
}

/// What [`super::Store::save`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaveReport {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Items with an error instead of an assessment.
    pub not_stored: u64,
    /// One for each item, in order.
    pub items: Vec<Saved>,
}

/// One assessment of a listing's past.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// SHA-256 of the listing's JSON that was assessed, in hexadecimal.
    pub content_sha256: String,
    pub model: ModelRef,
    pub score: f64,
    pub band: Band,
    /// The scored line as JSON.
    pub line: String,
    pub assessed_at: OffsetDateTime,
}

/// A listing as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredListing {
    pub id: String,
    /// The listing's JSON as received, to the byte.
    pub json: String,
    /// The newest scored line as JSON; its `line` is 1.
    pub line: String,
    pub score: f64,
    pub band: Band,
    /// The seller's province as written.
    pub province: Option<String>,
    /// When the listing was first kept.
    pub first_seen_at: OffsetDateTime,
    /// When its content last changed.
    pub changed_at: OffsetDateTime,
    /// When it was last sent.
    pub last_seen_at: OffsetDateTime,
    /// Newest first, one for each content and model; at most 100.
    pub history: Vec<HistoryEntry>,
}

/// Which suspects to list; `None` and an empty list let all through.
///
/// Names match regardless of case, Unicode form and blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuspectFilter {
    pub band: Option<Band>,
    pub platform: Option<String>,
    pub province: Option<String>,
    pub brand: Option<String>,
    /// The provinces that the asker may see.
    pub scope: Vec<String>,
}

/// One row of the ranked list.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    pub id: String,
    pub score: f64,
    pub band: Band,
    pub title: String,
    pub platform: Option<String>,
    pub url: Option<String>,
    pub province: Option<String>,
    pub brand: Option<String>,
    pub price_amount: Option<f64>,
    /// Three letters.
    pub price_currency: Option<String>,
    /// The seller's name, or id where there is no name.
    pub seller: Option<String>,
    /// The scored line as JSON; its `line` is 1.
    pub line: String,
    pub last_seen_at: OffsetDateTime,
}

/// What one model says of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScore {
    pub model: ModelId,
    /// Between 0 and 1.
    pub score: f64,
    pub band: Band,
}

/// What the live model and the one in the shadow say of the same listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowScore {
    /// As the client sent it, if it did.
    pub listing_id: Option<String>,
    /// SHA-256 of the listing's JSON as received, in hexadecimal.
    pub content_sha256: String,
    pub live: ModelScore,
    pub shadow: ModelScore,
}

/// How a model in the shadow compares with one that was live meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowSummary {
    pub live: ModelId,
    /// Different contents that both have scored; at least one.
    pub rows: u64,
    /// Rows by the live model's band, then the shadow's, in the order of [`Band::ALL`].
    pub bands: [[u64; 3]; 3],
    /// Mean absolute difference of the two scores.
    pub mean_difference: f64,
    pub first_at: OffsetDateTime,
    pub last_at: OffsetDateTime,
}

impl ShadowSummary {
    /// The share of rows whose two bands differ.
    pub fn bands_differ(&self) -> f64 {
        let same: u64 = (0..3).map(|at| self.bands[at][at]).sum();
        // Counts of rows are far below 2^53.
        (self.rows - same) as f64 / self.rows as f64
    }
}

/// Some rows, and where the next ones start when there are more.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<Cursor>,
}

/// A registered product.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRecord {
    pub product: Product,
    /// From 1, one more with each change.
    pub version: u64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// Some products, and after which number the next ones come when there are more.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductPage {
    pub rows: Vec<ProductRecord>,
    pub next: Option<Gtin>,
}

/// As what a row must be found for a change to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// Not there yet.
    New,
    /// In this version.
    Version(u64),
}

/// What [`super::Store::import_products`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
}

/// Who does something that the audit log keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The program itself, or whoever may run its command line.
    System,
    /// The holder of a key, by the key's id.
    Key(String),
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Whose key it is, for people; not blank.
    pub name: String,
    pub role: Role,
    pub agency: Option<String>,
    /// The provinces that the holder may see; empty: all.
    pub provinces: Vec<String>,
}

/// What is kept of a key; never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `k-` and 16 hexadecimal digits.
    pub id: String,
    pub name: String,
    pub role: Role,
    pub agency: Option<String>,
    pub provinces: Vec<String>,
    pub created_at: OffsetDateTime,
    pub revoked_at: Option<OffsetDateTime>,
}

/// A session of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub key: KeyRecord,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// A migration that is not applied yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMigration {
    pub version: i64,
    pub name: String,
}

/// The first place where the audit log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBreak {
    /// The row's number, from 1.
    pub seq: i64,
    pub problem: &'static str,
}

/// What [`super::Store::verify_audit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Rows that were read and fit.
    pub rows: u64,
    /// SHA-256 of the newest row, in hexadecimal. Kept elsewhere, it proves that the log up to it
    /// was not rewritten as a whole.
    pub head: String,
    pub broken: Option<AuditBreak>,
}

/// Whether [`super::restore`] may replace a store that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    Refuse,
    Replace,
}
