use super::super::dialect::encode_text;
use super::super::rows::micros;
use super::super::{Result, Store, StoreError};
use super::signs::SellerName;
use super::write::count;
use super::{ConfirmedCase, matching};

/// Longest id of a decision, in bytes.
const MAX_ID_BYTES: usize = 512;

impl Store {
    /// Keeps that a case was confirmed against a seller; the same decision again changes only what
    /// it says. It outlives the listing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] on a seller without platform or id, and on an id that is empty or
    /// longer than 512 bytes.
    pub async fn confirm_case(&self, case: &ConfirmedCase) -> Result<()> {
        let name = SellerName::new(&case.platform, &case.seller_id).ok_or_else(|| {
            StoreError::Invalid { field: "seller", message: "has no platform or no id".to_owned() }
        })?;
        if case.id.is_empty() || case.id.len() > MAX_ID_BYTES {
            let message = format!("must be of 1 to {MAX_ID_BYTES} bytes");
            return Err(StoreError::Invalid { field: "id", message });
        }
        let keys = self.keys().await?;
        let mut tx = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO confirmed_cases (id, seller, listing, confirmed_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET seller = excluded.seller, \
             listing = excluded.listing, confirmed_at = excluded.confirmed_at",
        )
        .bind(encode_text(&case.id).into_owned())
        .bind(keys.seller(&name.platform_key, &name.id))
        .bind(keys.listing(&encode_text(&case.listing_id)))
        .bind(micros(case.confirmed_at))
        .execute(tx.connection())
        .await?;
        tx.commit().await
    }

    /// Takes a confirmed case back; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw_case(&self, id: &str) -> Result<bool> {
        let mut tx = self.begin_write().await?;
        let done = sqlx::query("DELETE FROM confirmed_cases WHERE id = $1")
            .bind(encode_text(id).into_owned())
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Removes listings with their history and all signs of them; gives how many there were. What
    /// was decided of them stays.
    ///
    /// # Errors
    /// When the database fails; nothing is removed then.
    pub async fn remove_listings(&self, ids: &[&str]) -> Result<u64> {
        let keys = self.keys().await?;
        let mut ids: Vec<String> = ids.iter().map(|id| encode_text(id).into_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        let listings: Vec<i64> = ids.iter().map(|id| keys.listing(id)).collect();
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let sql = "SELECT DISTINCT seller FROM listing_signs \
             WHERE seller IS NOT NULL AND listing IN ({})";
        let mut sellers = Vec::new();
        for row in matching(tx.connection(), sql, &listings).await? {
            sellers.push(sqlx::Row::try_get(&row, "seller")?);
        }
        sellers.sort_unstable();
        sellers.dedup();
        let mut removed = 0;
        for id in ids {
            let done = sqlx::query("DELETE FROM listings WHERE id = $1").bind(id);
            removed += done.execute(tx.connection()).await?.rows_affected();
        }
        count(tx.connection(), &sellers, now).await?;
        tx.commit().await?;
        Ok(removed)
    }
}
