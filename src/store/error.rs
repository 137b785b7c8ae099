use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::dialect;

/// What can go wrong in the store. The texts name no secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Every connection is taken, or another writer holds the database for too long. Try again.
    #[error("the store is busy")]
    Busy,
    /// The database failed, or cannot be reached.
    #[error("database: {0}")]
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// A file or folder of the embedded store cannot be used.
    #[error("{path}: {error}", path = path.display())]
    File { path: PathBuf, error: io::Error },
    /// A setting cannot be used.
    #[error("store: {0}")]
    Settings(String),
    /// The database was migrated by a newer program.
    #[error("the database has migration {found}, this program knows them up to {known}")]
    Newer { found: i64, known: i64 },
    /// Something was asked for that is not there.
    #[error("no {what} {id:?}")]
    NotFound { what: &'static str, id: String },
    /// Something was changed by somebody else since it was seen; version 0 is not there.
    #[error("the {what} has version {found} by now")]
    Stale { what: &'static str, found: u64 },
    /// A value that may not be kept.
    #[error("{field}: {message}")]
    Invalid { field: &'static str, message: String },
    /// A row does not hold what this program wrote.
    #[error("the database holds an unreadable {what}: {why}")]
    Corrupt { what: &'static str, why: String },
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
    /// Something is there already that must not be overwritten.
    #[error("{path} exists already", path = .0.display())]
    Exists(PathBuf),
    /// Another process has the store open.
    #[error("{path} is in use by another process", path = .0.display())]
    InUse(PathBuf),
    /// The file is not a whole thatgia database.
    #[error("{path} is not a thatgia database: {why}", path = path.display())]
    NotAStore { path: PathBuf, why: String },
    /// What only the embedded store can do.
    #[error("the store is PostgreSQL: back it up with pg_dump and restore it with pg_restore")]
    UsePgDump,
}

impl StoreError {
    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }

    pub(super) fn corrupt(what: &'static str, why: &dyn fmt::Display) -> Self {
        Self::Corrupt { what, why: why.to_string() }
    }

    pub(super) fn not_a_store(path: &Path, why: &dyn fmt::Display) -> Self {
        Self::NotAStore { path: path.to_owned(), why: why.to_string() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code());
        if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
            || code.is_some_and(|c| dialect::is_busy(&c))
        {
            Self::Busy
        } else {
            Self::Database(Box::new(error))
        }
    }
}

/// The text is not a cursor that this service gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct CursorError;
