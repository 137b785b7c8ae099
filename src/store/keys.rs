use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::audit::{self, Entry};
use super::dialect::encode_text;
use super::rows::{maybe_text, maybe_time, name, text, time, time_from_micros};
use super::secret::{random, sha256_hex};
use super::{Actor, KeyRecord, NewKey, Result, Store, StoreError};
use crate::domain::{ApiKey, hex};

/// Longest name of a key, an agency or a province, in characters.
const MAX_NAME: usize = 200;
/// Most provinces of one key: more than there are.
const MAX_PROVINCES: usize = 100;

impl Store {
    /// Makes a key; the secret is returned once and only its hash is kept.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a name is blank or longer than 200 characters, or there are
    /// more than 100 provinces.
    pub async fn create_key(&self, new: &NewKey, by: &Actor) -> Result<(KeyRecord, ApiKey)> {
        check(new)?;
        let key = ApiKey::from_bytes(&random()?);
        let id = format!("k-{}", hex(&random::<8>()?));
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let provinces = serde_json::Value::from(new.provinces.clone()).to_string();
        sqlx::query(
            "INSERT INTO keys (id, name, role, agency, provinces, secret_sha256, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.clone())
        .bind(encode_text(&new.name).into_owned())
        .bind(new.role.as_str())
        .bind(new.agency.as_deref().map(|a| encode_text(a).into_owned()))
        .bind(provinces)
        .bind(sha256_hex(key.reveal()))
        .bind(now)
        .execute(tx.connection())
        .await?;
        let details = json!({
            "name": new.name, "role": new.role, "agency": new.agency, "provinces": new.provinces,
        });
        let entry = Entry { actor: by, action: "key.create", subject: &id, details };
        audit::append(tx.connection(), now, entry).await?;
        tx.commit().await?;
        let NewKey { name, role, agency, provinces } = new.clone();
        let created_at = time_from_micros(now)?;
        let record = KeyRecord { id, name, role, agency, provinces, created_at, revoked_at: None };
        Ok((record, key))
    }

    /// The record of a key that is not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_key(&self, key: &ApiKey) -> Result<Option<KeyRecord>> {
        let found = sqlx::query(
            "SELECT id, name, role, agency, provinces, created_at, revoked_at FROM keys \
             WHERE secret_sha256 = $1 AND revoked_at IS NULL",
        )
        .bind(sha256_hex(key.reveal()))
        .fetch_optional(&self.pool)
        .await?;
        found.as_ref().map(record).transpose()
    }

    /// All keys, revoked ones too, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>> {
        let found = sqlx::query(
            "SELECT id, name, role, agency, provinces, created_at, revoked_at FROM keys \
             ORDER BY created_at, id",
        )
        .fetch_all(&self.pool)
        .await?;
        found.iter().map(record).collect()
    }

    /// Revokes a key and ends its sessions. A key that is revoked already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such key.
    pub async fn revoke_key(&self, id: &str, by: &Actor) -> Result<KeyRecord> {
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let revoked = sqlx::query(
            "UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING id",
        )
        .bind(now)
        .bind(encode_text(id).into_owned())
        .fetch_optional(tx.connection())
        .await?;
        let record = by_id(tx.connection(), id).await?.ok_or_else(|| not_found(id))?;
        if revoked.is_some() {
            for sql in
                ["DELETE FROM sessions WHERE key_id = $1", "DELETE FROM sign_ins WHERE key_id = $1"]
            {
                sqlx::query(sql).bind(record.id.clone()).execute(tx.connection()).await?;
            }
            let details = json!({ "name": record.name });
            let entry = Entry { actor: by, action: "key.revoke", subject: &record.id, details };
            audit::append(tx.connection(), now, entry).await?;
            tx.commit().await?;
        }
        Ok(record)
    }

    /// Whether there is an admin key that is not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_admin_key(&self) -> Result<bool> {
        let sql = "SELECT id FROM keys WHERE role = 'admin' AND revoked_at IS NULL LIMIT 1";
        Ok(sqlx::query(sql).fetch_optional(&self.pool).await?.is_some())
    }
}

fn check(new: &NewKey) -> Result<()> {
    let agency = new.agency.iter().map(|a| ("agency", a));
    let provinces = new.provinces.iter().map(|p| ("provinces", p));
    for (field, name) in [("name", &new.name)].into_iter().chain(agency).chain(provinces) {
        let message = if name.trim().is_empty() {
            "must not be blank".to_owned()
        } else if name.chars().count() > MAX_NAME {
            format!("longer than {MAX_NAME} characters")
        } else {
            continue;
        };
        return Err(StoreError::Invalid { field, message });
    }
    if new.provinces.len() > MAX_PROVINCES {
        let message = format!("more than {MAX_PROVINCES}");
        return Err(StoreError::Invalid { field: "provinces", message });
    }
    Ok(())
}

pub(super) fn not_found(id: &str) -> StoreError {
    StoreError::NotFound { what: "key", id: id.chars().take(80).collect() }
}

pub(super) async fn by_id(connection: &mut AnyConnection, id: &str) -> Result<Option<KeyRecord>> {
    let found = sqlx::query(
        "SELECT id, name, role, agency, provinces, created_at, revoked_at FROM keys WHERE id = $1",
    )
    .bind(encode_text(id).into_owned())
    .fetch_optional(connection)
    .await?;
    found.as_ref().map(record).transpose()
}

/// A row with the columns of `keys` but the secret's hash.
pub(super) fn record(row: &AnyRow) -> Result<KeyRecord> {
    let provinces: String = row.try_get("provinces")?;
    Ok(KeyRecord {
        id: text(row, "id")?,
        name: text(row, "name")?,
        role: name(row, "role")?,
        agency: maybe_text(row, "agency")?,
        provinces: serde_json::from_str(&provinces)
            .map_err(|e| StoreError::corrupt("list of provinces", &e))?,
        created_at: time(row, "created_at")?,
        revoked_at: maybe_time(row, "revoked_at")?,
    })
}
