use std::collections::{HashMap, HashSet};

use metrics::counter;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row as _};

use super::dialect::{ABSENT_REAL, encode_text};
use super::names::{name_key, province_key};
use super::plan::{Plan, Row};
use super::rows::{binds, insert, maybe_text, name, pieces, text, time};
use super::sellers::{self, Prepared};
use super::{HistoryEntry, Result, SaveReport, Store, StoreError, StoredListing, ToStore};
use crate::domain::{Listing, ModelId, ModelRef};
use crate::telemetry::metrics::LISTINGS_STORED;

type Statement = Query<'static, Any, AnyArguments>;

/// Most entries of a listing's history in an answer.
const HISTORY: i64 = 100;

const LISTING: [&str; 22] = [
    "id",
    "content_sha256",
    "score",
    "band",
    "model",
    "weights_sha256",
    "platform",
    "province",
    "brand",
    "platform_key",
    "province_key",
    "brand_key",
    "price_amount",
    "price_currency",
    "seller",
    "first_seen_at",
    "changed_at",
    "last_seen_at",
    "title",
    "url",
    "line",
    "json",
];

const ASSESSMENT: [&str; 8] = [
    "listing_id",
    "content_sha256",
    "model",
    "weights_sha256",
    "score",
    "band",
    "assessed_at",
    "line",
];

impl Store {
    /// Keeps listings and their newest assessments, all of them or, on an error, none.
    ///
    /// Saving the same again changes nothing but `last_seen_at`. The counts are exact unless
    /// another writer saves the same listing at the same moment.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it is to be tried again; [`StoreError::Invalid`] on an id longer
    /// than 2,048 bytes.
    pub async fn save(&self, items: &[ToStore<'_>]) -> Result<SaveReport> {
        let plan = Plan::new(items)?;
        let listings = plan.listings();
        if listings.is_empty() {
            return Ok(plan.report(HashMap::new()));
        }
        let prepared = Prepared::all(&listings, self.keys().await?);
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let before = contents(tx.connection(), &plan.ids()).await?;
        for piece in pieces(&listings) {
            let mut sql = insert("listings", &LISTING, piece.len());
            sql.push_str(&on_conflict("id", &LISTING[1..]));
            let statement = sqlx::query(AssertSqlSafe(sql));
            let statement = piece.iter().fold(statement, |s, row| bind_listing(s, row, now));
            statement.execute(tx.connection()).await?;
        }
        for piece in pieces(&plan.assessments()) {
            let mut sql = insert("assessments", &ASSESSMENT, piece.len());
            sql.push_str(&on_conflict(&ASSESSMENT[..4].join(", "), &ASSESSMENT[4..]));
            let statement = sqlx::query(AssertSqlSafe(sql));
            let statement = piece.iter().fold(statement, |s, row| bind_assessment(s, row, now));
            statement.execute(tx.connection()).await?;
        }
        let fresh = listings.iter().filter(|r| before.get(&r.id) != Some(&r.content_sha256));
        let fresh: HashSet<&str> = fresh.map(|r| r.id.as_str()).collect();
        sellers::write(tx.connection(), &prepared, &fresh, now).await?;
        tx.commit().await?;
        counter!(LISTINGS_STORED).increment(listings.len() as u64);
        Ok(plan.report(before))
    }

    /// One listing with its history.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listing(&self, id: &str) -> Result<Option<StoredListing>> {
        let id = encode_text(id).into_owned();
        let mut tx = self.pool.begin_with(self.dialect.begin_snapshot()).await?;
        let found = sqlx::query(
            "SELECT id, json, line, score, band, province, first_seen_at, changed_at, \
             last_seen_at FROM listings WHERE id = $1",
        )
        .bind(id.clone())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = found else { return Ok(None) };
        let history = sqlx::query(
            "SELECT content_sha256, model, weights_sha256, score, band, assessed_at, line \
             FROM assessments WHERE listing_id = $1 \
             ORDER BY assessed_at DESC, content_sha256, model, weights_sha256 LIMIT $2",
        )
        .bind(id)
        .bind(HISTORY)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(StoredListing {
            id: text(&row, "id")?,
            json: row.try_get("json")?,
            line: row.try_get("line")?,
            score: row.try_get("score")?,
            band: name(&row, "band")?,
            province: maybe_text(&row, "province")?,
            first_seen_at: time(&row, "first_seen_at")?,
            changed_at: time(&row, "changed_at")?,
            last_seen_at: time(&row, "last_seen_at")?,
            history: history.iter().map(history_entry).collect::<Result<_>>()?,
        }))
    }
}

fn history_entry(row: &AnyRow) -> Result<HistoryEntry> {
    let model: String = row.try_get("model")?;
    let id = ModelId::new(&model).map_err(|e| StoreError::corrupt("model", &e))?;
    let weights: String = row.try_get("weights_sha256")?;
    Ok(HistoryEntry {
        content_sha256: row.try_get("content_sha256")?,
        model: ModelRef { id, weights_sha256: weights.into() },
        score: row.try_get("score")?,
        band: name(row, "band")?,
        line: row.try_get("line")?,
        assessed_at: time(row, "assessed_at")?,
    })
}

/// The content that each of `ids` has in the database.
async fn contents(connection: &mut AnyConnection, ids: &[&str]) -> Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    for piece in pieces(ids) {
        let ids = binds(1, piece.len());
        let sql = format!("SELECT id, content_sha256 FROM listings WHERE id IN ({ids})");
        let statement = sqlx::query(AssertSqlSafe(sql));
        let statement = piece.iter().fold(statement, |s, id| s.bind((*id).to_owned()));
        for row in statement.fetch_all(&mut *connection).await? {
            found.insert(row.try_get("id")?, row.try_get("content_sha256")?);
        }
    }
    Ok(found)
}

/// The newer row wins, but for when the listing was first seen and when its content changed.
fn on_conflict(key: &str, columns: &[&str]) -> String {
    let set = columns.iter().filter_map(|column| match *column {
        "first_seen_at" => None,
        "changed_at" => Some(
            "changed_at = CASE WHEN listings.content_sha256 = excluded.content_sha256 \
             THEN listings.changed_at ELSE excluded.changed_at END"
                .to_owned(),
        ),
        column => Some(format!("{column} = excluded.{column}")),
    });
    format!(" ON CONFLICT ({key}) DO UPDATE SET {}", set.collect::<Vec<_>>().join(", "))
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(|t| encode_text(t).into_owned())
}

/// The key of a name; a name without any letter has none.
fn key(text: Option<&str>, key: fn(&str) -> String) -> Option<String> {
    text.map(key).filter(|k| !k.is_empty())
}

fn seller(listing: &Listing) -> Option<String> {
    let seller = listing.seller()?;
    owned(seller.name.as_deref().or(seller.id.as_deref()))
}

/// In the order of [`LISTING`].
fn bind_listing(statement: Statement, row: &Row<'_>, now: i64) -> Statement {
    let (listing, assessment) = (row.item.listing, row.assessment);
    let price = listing.price();
    statement
        .bind(row.id.clone())
        .bind(row.content_sha256.clone())
        .bind(assessment.score.value())
        .bind(assessment.band.as_str())
        .bind(assessment.model.id.to_string())
        .bind(assessment.model.weights_sha256.to_string())
        .bind(owned(listing.platform()))
        .bind(owned(listing.province()))
        .bind(owned(listing.brand()))
        .bind(key(listing.platform(), name_key))
        .bind(key(listing.province(), province_key))
        .bind(key(listing.brand(), name_key))
        .bind(price.map_or(ABSENT_REAL, |p| p.amount()))
        .bind(price.map(|p| p.currency().to_owned()))
        .bind(seller(listing))
        .bind(now)
        .bind(now)
        .bind(now)
        .bind(encode_text(listing.title()).into_owned())
        .bind(owned(listing.fields().url.as_deref()))
        .bind(row.line.clone())
        .bind(row.item.json.to_owned())
}

/// In the order of [`ASSESSMENT`].
fn bind_assessment(statement: Statement, row: &Row<'_>, now: i64) -> Statement {
    statement
        .bind(row.id.clone())
        .bind(row.content_sha256.clone())
        .bind(row.assessment.model.id.to_string())
        .bind(row.assessment.model.weights_sha256.to_string())
        .bind(row.assessment.score.value())
        .bind(row.assessment.band.as_str())
        .bind(now)
        .bind(row.line.clone())
}
