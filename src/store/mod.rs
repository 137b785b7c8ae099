//! Everything that is kept: listings with their scores, their sellers, what a model in the shadow
//! said, registered products, keys, sessions and the audit log.
//!
//! Owns all SQL, over SQLite in a folder (the default) or PostgreSQL: one path of code, whose
//! differences are named in `dialect`. It checks no rights and scores nothing: `flow` and `http`
//! decide who may ask, and hand it what is already validated.

mod audit;
mod backup;
mod connect;
mod cursor;
mod dialect;
mod error;
mod keys;
mod listings;
mod migrate;
mod names;
mod plan;
mod products;
mod records;
mod rows;
mod secret;
mod sellers;
mod sessions;
mod shadow;
mod suspects;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sqlx::{Any, AnyConnection, AnyPool, Row as _, Transaction};
use time::OffsetDateTime;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

pub use backup::restore;
pub use cursor::Cursor;
use dialect::Dialect;
pub use error::{CursorError, StoreError};
pub use names::same_province;
pub use records::{
    Actor, AuditBreak, AuditReport, Expected, HistoryEntry, ImportReport, KeyRecord, ModelScore,
    NewKey, Overwrite, Page, PendingMigration, ProductPage, ProductRecord, SaveReport, Saved,
    SavedState, Session, ShadowScore, ShadowSummary, StoredListing, Suspect, SuspectFilter,
    ToStore,
};
pub use secret::{Token, TokenError};
pub use sellers::{
    ClusterEdge, ConfirmedCase, LinkedSeller, SellerContext, SellerFacts, SellerLink, SellerRow,
    Signs,
};

use crate::domain::Clock;

type Result<T> = std::result::Result<T, StoreError>;

/// The store: a pool of connections, cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    dialect: Dialect,
    clock: Arc<dyn Clock>,
    /// The embedded store's file.
    file: Option<Arc<Path>>,
    /// SQLite has one writer at a time. Queueing for it here is fair and wakes at once, where
    /// SQLite itself would poll.
    writers: Arc<Semaphore>,
    keys: Arc<OnceCell<sellers::Keys>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the pool: its options hold the URL and with it the password.
        f.debug_struct("Store")
            .field("dialect", &self.dialect)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// A transaction that writes. Dropped without [`Self::commit`], it leaves nothing behind.
struct WriteTx {
    tx: Transaction<'static, Any>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl WriteTx {
    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }
}

impl Store {
    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not within ten seconds.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Listings kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self) -> Result<u64> {
        let row = sqlx::query("SELECT COUNT(*) FROM listings").fetch_one(&self.pool).await?;
        let count: i64 = row.try_get(0)?;
        u64::try_from(count).map_err(|e| StoreError::corrupt("count", &e))
    }

    /// Closes all connections once their work is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin_write(&self) -> Result<WriteTx> {
        let turn = self.turn_to_write().await?;
        let tx = self.pool.begin_with(self.dialect.begin_write()).await?;
        Ok(WriteTx { tx, _turn: turn })
    }

    /// Waits for the turn to write where the database has one writer at a time.
    async fn turn_to_write(&self) -> Result<Option<OwnedSemaphorePermit>> {
        if self.dialect != Dialect::Sqlite {
            return Ok(None);
        }
        let turn = Arc::clone(&self.writers).acquire_owned();
        match tokio::time::timeout(connect::PATIENCE, turn).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(StoreError::Busy),
        }
    }

    /// The time by the store's clock.
    pub fn time(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The time now, as exactly as it is kept.
    fn now(&self) -> i64 {
        rows::micros(self.clock.now())
    }
}

/// `now` and a while, in microseconds.
fn after(now: i64, ttl: std::time::Duration) -> Result<(i64, OffsetDateTime)> {
    let wrong = || StoreError::Invalid { field: "ttl", message: format!("{ttl:?} is too long") };
    let ttl = i64::try_from(ttl.as_micros()).map_err(|_| wrong())?;
    let at = now.checked_add(ttl).ok_or_else(wrong)?;
    Ok((at, rows::time_from_micros(at).map_err(|_| wrong())?))
}
