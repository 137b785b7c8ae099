use std::collections::BTreeMap;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row as _};

use super::dialect::encode_text;
use super::rows::{insert, name, pieces, time};
use super::{Result, ShadowScore, ShadowSummary, Store, StoreError};
use crate::domain::{Band, ModelId};

const COLUMNS: [&str; 9] = [
    "shadow_model",
    "live_model",
    "content_sha256",
    "listing_id",
    "live_score",
    "live_band",
    "shadow_score",
    "shadow_band",
    "scored_at",
];

/// What two models say of a content now takes the place of what they said of it before.
const ON_CONFLICT: &str = " ON CONFLICT (shadow_model, live_model, content_sha256) DO UPDATE SET \
    listing_id = excluded.listing_id, live_score = excluded.live_score, \
    live_band = excluded.live_band, shadow_score = excluded.shadow_score, \
    shadow_band = excluded.shadow_band, scored_at = excluded.scored_at";

/// One cell of the table of bands, and what the summary needs of it.
struct Cell {
    live: ModelId,
    at: (Band, Band),
    rows: u64,
    /// Sum of the absolute differences of score.
    apart: f64,
}

impl Store {
    /// Keeps what two models say of the same listings, all of it or, on an error, nothing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it is to be tried again.
    pub async fn save_shadow(&self, scores: &[ShadowScore]) -> Result<()> {
        let last: BTreeMap<_, _> = scores
            .iter()
            .map(|s| ((&s.shadow.model, &s.live.model, &s.content_sha256), s))
            .collect();
        // The last of each key, since a statement can't write a row twice; sorted, so that two
        // savers lock the same rows in the same order.
        let rows: Vec<&ShadowScore> = last.into_values().collect();
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.begin_write().await?;
        for piece in pieces(&rows) {
            let mut sql = insert("shadow_scores", &COLUMNS, piece.len());
            sql.push_str(ON_CONFLICT);
            let statement = sqlx::query(AssertSqlSafe(sql));
            let statement = piece.iter().fold(statement, |s, row| bind(s, row, now));
            statement.execute(tx.connection()).await?;
        }
        tx.commit().await
    }

    /// How `model`, in the shadow, compares with each model that was live meanwhile, by their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shadow_summary(&self, model: &ModelId) -> Result<Vec<ShadowSummary>> {
        let found = sqlx::query(
            "SELECT live_model, live_band, shadow_band, COUNT(*) AS scored, \
             SUM(ABS(live_score - shadow_score)) AS apart, \
             MIN(scored_at) AS first_at, MAX(scored_at) AS last_at \
             FROM shadow_scores WHERE shadow_model = $1 \
             GROUP BY live_model, live_band, shadow_band",
        )
        .bind(model.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut all: BTreeMap<ModelId, ShadowSummary> = BTreeMap::new();
        for row in &found {
            let Cell { live, at: (of_live, of_shadow), rows, apart } = cell(row)?;
            let (first_at, last_at) = (time(row, "first_at")?, time(row, "last_at")?);
            let summary = all.entry(live).or_insert_with_key(|live| ShadowSummary {
                live: live.clone(),
                rows: 0,
                bands: [[0; 3]; 3],
                mean_difference: 0.0,
                first_at,
                last_at,
            });
            summary.rows += rows;
            // In the order of `Band::ALL`, which is that of the variants.
            summary.bands[of_live as usize][of_shadow as usize] = rows;
            summary.mean_difference += apart;
            summary.first_at = summary.first_at.min(first_at);
            summary.last_at = summary.last_at.max(last_at);
        }
        let mean = |mut summary: ShadowSummary| {
            summary.mean_difference /= summary.rows as f64;
            summary
        };
        Ok(all.into_values().map(mean).collect())
    }
}

fn cell(row: &AnyRow) -> Result<Cell> {
    let live: String = row.try_get("live_model")?;
    let rows: i64 = row.try_get("scored")?;
    Ok(Cell {
        live: ModelId::new(&live).map_err(|e| StoreError::corrupt("model", &e))?,
        at: (name(row, "live_band")?, name(row, "shadow_band")?),
        rows: u64::try_from(rows).map_err(|e| StoreError::corrupt("count", &e))?,
        apart: row.try_get("apart")?,
    })
}

/// In the order of [`COLUMNS`].
fn bind(
    statement: Query<'static, Any, AnyArguments>,
    row: &ShadowScore,
    now: i64,
) -> Query<'static, Any, AnyArguments> {
    statement
        .bind(row.shadow.model.to_string())
        .bind(row.live.model.to_string())
        .bind(row.content_sha256.clone())
        .bind(row.listing_id.as_deref().map(|id| encode_text(id).into_owned()))
        .bind(row.live.score)
        .bind(row.live.band.as_str())
        .bind(row.shadow.score)
        .bind(row.shadow.band.as_str())
        .bind(now)
}
