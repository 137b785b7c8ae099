use std::time::Duration;

use serde_json::json;
use sqlx::Row as _;

use super::audit::{self, Entry};
use super::rows::{time, time_from_micros};
use super::secret::sha256_hex;
use super::{Actor, KeyRecord, Result, Session, Store, Token, WriteTx, after, keys};

impl Store {
    /// A token that signs the key's holder in to the console, once, within `ttl`.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`] when there is no such key or it is revoked.
    pub async fn create_sign_in(&self, key_id: &str, ttl: Duration) -> Result<Token> {
        let now = self.now();
        let (expires, _) = after(now, ttl)?;
        let token = Token::random()?;
        let mut tx = self.begin_write().await?;
        let key = live_key(&mut tx, key_id).await?;
        sqlx::query("DELETE FROM sign_ins WHERE expires_at <= $1")
            .bind(now)
            .execute(tx.connection())
            .await?;
        sqlx::query("INSERT INTO sign_ins (token_sha256, key_id, expires_at) VALUES ($1, $2, $3)")
            .bind(sha256_hex(token.reveal()))
            .bind(key.id.clone())
            .bind(expires)
            .execute(tx.connection())
            .await?;
        log(tx, now, "sign_in.create", key.id).await?;
        Ok(token)
    }

    /// Uses a sign-in token up. `None` when it is unknown, used, expired, or its key is revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_sign_in(&self, token: &Token) -> Result<Option<KeyRecord>> {
        let now = self.now();
        let mut tx = self.begin_write().await?;
        // Of two that come with the same token at once, the database lets one delete it.
        let taken = sqlx::query(
            "DELETE FROM sign_ins WHERE token_sha256 = $1 RETURNING key_id, expires_at",
        )
        .bind(sha256_hex(token.reveal()))
        .fetch_optional(tx.connection())
        .await?;
        let Some(taken) = taken else { return Ok(None) };
        let key_id: String = taken.try_get("key_id")?;
        let key = keys::by_id(tx.connection(), &key_id).await?;
        let live = key
            .filter(|k| k.revoked_at.is_none())
            .filter(|_| taken.try_get::<i64, _>("expires_at").is_ok_and(|at| at > now));
        match &live {
            Some(key) => log(tx, now, "sign_in.take", key.id.clone()).await?,
            None => tx.commit().await?,
        }
        Ok(live)
    }

    /// Opens a session for a key's holder.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`] when there is no such key or it is revoked.
    pub async fn create_session(&self, key_id: &str, ttl: Duration) -> Result<(Session, Token)> {
        let now = self.now();
        let (expires, expires_at) = after(now, ttl)?;
        let token = Token::random()?;
        let mut tx = self.begin_write().await?;
        let key = live_key(&mut tx, key_id).await?;
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now)
            .execute(tx.connection())
            .await?;
        sqlx::query(
            "INSERT INTO sessions (token_sha256, key_id, created_at, expires_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(sha256_hex(token.reveal()))
        .bind(key.id.clone())
        .bind(now)
        .bind(expires)
        .execute(tx.connection())
        .await?;
        log(tx, now, "session.create", key.id.clone()).await?;
        Ok((Session { key, created_at: time_from_micros(now)?, expires_at }, token))
    }

    /// The session of a token that is neither ended nor expired and whose key is not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_session(&self, token: &Token) -> Result<Option<Session>> {
        let found = sqlx::query(
            "SELECT k.id, k.name, k.role, k.agency, k.provinces, k.created_at, k.revoked_at, \
             s.created_at AS opened_at, s.expires_at \
             FROM sessions s JOIN keys k ON k.id = s.key_id \
             WHERE s.token_sha256 = $1 AND s.expires_at > $2 AND k.revoked_at IS NULL",
        )
        .bind(sha256_hex(token.reveal()))
        .bind(self.now())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(Session {
            key: keys::record(&row)?,
            created_at: time(&row, "opened_at")?,
            expires_at: time(&row, "expires_at")?,
        }))
    }

    /// Ends a session; `false` when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, token: &Token) -> Result<bool> {
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE token_sha256 = $1 RETURNING key_id")
            .bind(sha256_hex(token.reveal()))
            .fetch_optional(tx.connection())
            .await?;
        let Some(ended) = ended else { return Ok(false) };
        log(tx, now, "session.end", ended.try_get("key_id")?).await?;
        Ok(true)
    }
}

/// The key, if it may still be used.
async fn live_key(tx: &mut WriteTx, key_id: &str) -> Result<KeyRecord> {
    let key = keys::by_id(tx.connection(), key_id).await?;
    key.filter(|k| k.revoked_at.is_none()).ok_or_else(|| keys::not_found(key_id))
}

/// Writes down what the key's holder did, and commits.
async fn log(mut tx: WriteTx, now: i64, action: &'static str, key_id: String) -> Result<()> {
    let subject = key_id.clone();
    let actor = Actor::Key(key_id);
    let entry = Entry { actor: &actor, action, subject: &subject, details: json!({}) };
    audit::append(tx.connection(), now, entry).await?;
    tx.commit().await
}
