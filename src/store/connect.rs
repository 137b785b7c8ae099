use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use tokio::sync::{OnceCell, Semaphore};

use super::dialect::Dialect;
use super::{Result, Store, StoreError};
use crate::config;
use crate::domain::Clock;

/// The embedded store's file in its folder.
pub(super) const FILE_NAME: &str = "thatgia.db";

/// Longest wait for a connection, and for the turn to write.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens the store that the settings name, and makes the embedded one where it is lacking,
    /// readable by its owner only. Does not migrate.
    ///
    /// # Errors
    /// When the place cannot be made, reached or opened.
    pub async fn open(settings: &config::Store, clock: Arc<dyn Clock>) -> Result<Self> {
        install_default_drivers();
        let (dialect, options, file) = if settings.url.is_empty() {
            let file = prepare_file(&settings.data_dir)?;
            tracing::info!(path = %file.display(), "store: SQLite");
            (Dialect::Sqlite, sqlite_options(&file, "rwc")?, Some(Arc::from(file)))
        } else {
            (Dialect::Postgres, postgres_options(&settings.url)?, None)
        };
        // The pool would try again until its patience ends; the first connection fails at once,
        // with the reason.
        let mut first = options.connect().await?;
        sqlx::raw_sql(dialect.on_connect()).execute(&mut first).await?;
        let pool = AnyPoolOptions::new()
            .max_connections(settings.max_connections.max(1))
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(dialect.on_connect()).execute(connection).await.map(drop)
                })
            })
            .connect_lazy_with(options);
        drop(pool.acquire().await?);
        sqlx::Connection::close(first).await?;
        let (writers, keys) = (Arc::new(Semaphore::new(1)), Arc::new(OnceCell::new()));
        Ok(Self { pool, dialect, clock, file, writers, keys })
    }
}

/// The connection to an embedded store; `mode` as in SQLite's URIs.
pub(super) fn sqlite_options(file: &Path, mode: &str) -> Result<AnyConnectOptions> {
    let text = file.to_str().ok_or_else(|| {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8");
        StoreError::file(file, error)
    })?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    install_default_drivers();
    Ok(AnyConnectOptions::from_str(&format!("{url}?mode={mode}"))?)
}

fn postgres_options(url: &str) -> Result<AnyConnectOptions> {
    let wrong =
        || StoreError::Settings("url must be postgres://user:password@host/database".into());
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(wrong());
    }
    let options = AnyConnectOptions::from_str(url).map_err(|_| wrong())?;
    let place = &options.database_url;
    // Never the URL itself: both its authority and its query may hold the password.
    tracing::info!(
        host = place.host_str().unwrap_or("local socket"),
        port = place.port().unwrap_or(5432),
        database = place.path().trim_start_matches('/'),
        "store: PostgreSQL"
    );
    Ok(options)
}

/// Makes folder and file of the embedded store, and gives the file's absolute path.
fn prepare_file(data_dir: &Path) -> Result<PathBuf> {
    let dir = prepare_dir(data_dir)?;
    let file = dir.join(FILE_NAME);
    // SQLite gives its WAL the permissions of the database.
    match create_private(&file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => drop(made.map_err(|e| StoreError::file(&file, e))?),
    }
    Ok(file)
}

/// Makes the folder where it is lacking, open to its owner only, and gives its absolute path.
pub(super) fn prepare_dir(data_dir: &Path) -> Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data_dir).map_err(|e| StoreError::file(data_dir, e))?;
    fs::canonicalize(data_dir).map_err(|e| StoreError::file(data_dir, e))
}

/// Makes a file that only its owner may read; fails when it is there.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
