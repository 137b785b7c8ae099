//! Everything that is kept: listings with their scores, keys, sessions and the audit log.
//!
//! Owns all SQL, over SQLite in a folder (the default) or PostgreSQL. It checks no rights and
//! scores nothing: `flow` and `http` decide who may ask, and hand it what is already validated.

mod error;
mod model;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::{CursorError, StoreError};
pub use model::{
    Actor, AuditBreak, AuditReport, Cursor, HistoryEntry, KeyRecord, NewKey, Overwrite, Page,
    PendingMigration, SaveReport, Saved, SavedState, Session, StoredListing, Suspect,
    SuspectFilter, ToStore, Token, TokenError,
};

use crate::config;
use crate::domain::{ApiKey, Clock};

/// The store: a pool of connections, cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    clock: Arc<dyn Clock>,
}

type Result<T> = std::result::Result<T, StoreError>;

#[expect(clippy::unused_async, clippy::unused_self, unused_variables, reason = "bodies follow")]
impl Store {
    /// Opens the store that the settings name, and makes the embedded one where it is lacking.
    /// Does not migrate.
    ///
    /// # Errors
    /// When the place cannot be made, reached or opened.
    pub async fn open(settings: &config::Store, clock: Arc<dyn Clock>) -> Result<Self> {
        Err(StoreError::Busy)
    }

    /// Brings the tables up to this program; says which migrations it ran.
    pub async fn migrate(&self) -> Result<Vec<PendingMigration>> {
        Err(StoreError::Busy)
    }

    /// The migrations that [`Self::migrate`] would run.
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>> {
        Err(StoreError::Busy)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Err(StoreError::Busy)
    }

    /// Keeps listings and their scores, all or none of them.
    pub async fn save(&self, items: &[ToStore<'_>]) -> Result<SaveReport> {
        Err(StoreError::Busy)
    }

    /// One listing with its history.
    pub async fn listing(&self, id: &str) -> Result<Option<StoredListing>> {
        Err(StoreError::Busy)
    }

    /// Riskiest first; at most `rows` from after `cursor`.
    pub async fn suspects(
        &self,
        filter: &SuspectFilter,
        cursor: Option<&Cursor>,
        rows: u32,
    ) -> Result<Page<Suspect>> {
        Err(StoreError::Busy)
    }

    /// Listings kept.
    pub async fn count(&self) -> Result<u64> {
        Err(StoreError::Busy)
    }

    /// Makes a key; the secret is returned once and not kept.
    pub async fn create_key(&self, new: &NewKey, by: &Actor) -> Result<(KeyRecord, ApiKey)> {
        Err(StoreError::Busy)
    }

    /// The record of a key that is not revoked.
    pub async fn find_key(&self, key: &ApiKey) -> Result<Option<KeyRecord>> {
        Err(StoreError::Busy)
    }

    /// All keys, revoked ones too, oldest first.
    pub async fn list_keys(&self) -> Result<Vec<KeyRecord>> {
        Err(StoreError::Busy)
    }

    /// Revokes a key and ends its sessions. A key that is revoked already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such key.
    pub async fn revoke_key(&self, id: &str, by: &Actor) -> Result<KeyRecord> {
        Err(StoreError::Busy)
    }

    /// Whether there is an admin key that is not revoked.
    pub async fn has_admin_key(&self) -> Result<bool> {
        Err(StoreError::Busy)
    }

    /// A token that signs the key's holder in to the console, once, within `ttl`.
    pub async fn create_sign_in(&self, key_id: &str, ttl: Duration) -> Result<Token> {
        Err(StoreError::Busy)
    }

    /// Uses a sign-in token up. `None` when it is unknown, used, expired, or its key is revoked.
    pub async fn take_sign_in(&self, token: &Token) -> Result<Option<KeyRecord>> {
        Err(StoreError::Busy)
    }

    /// Opens a session for a key's holder.
    pub async fn create_session(&self, key_id: &str, ttl: Duration) -> Result<(Session, Token)> {
        Err(StoreError::Busy)
    }

    /// The session of a token that is neither ended nor expired and whose key is not revoked.
    pub async fn find_session(&self, token: &Token) -> Result<Option<Session>> {
        Err(StoreError::Busy)
    }

    /// Ends a session; `false` when there was none.
    pub async fn end_session(&self, token: &Token) -> Result<bool> {
        Err(StoreError::Busy)
    }

    /// Recomputes the audit log's chain.
    pub async fn verify_audit(&self) -> Result<AuditReport> {
        Err(StoreError::Busy)
    }

    /// Copies the embedded store to a new file while it is in use.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        Err(StoreError::Busy)
    }

    /// Closes all connections once their work is done.
    pub async fn close(&self) {}
}

/// Puts a backup in place as the embedded store of `data_dir`, after checking it.
#[expect(clippy::unused_async, unused_variables, reason = "bodies follow")]
pub async fn restore(backup: &Path, data_dir: &Path, overwrite: Overwrite) -> Result<()> {
    Err(StoreError::Busy)
}
