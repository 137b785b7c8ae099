use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Row as _};

use super::connect::{FILE_NAME, create_private, prepare_dir, sqlite_options};
use super::dialect::Dialect;
use super::{Overwrite, Result, Store, StoreError, migrate};

/// A file that is removed again unless it is kept.
struct Draft {
    path: PathBuf,
    kept: bool,
}

impl Draft {
    /// An empty file that only its owner may read, beside `target` and named after it.
    fn beside(target: &Path) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}.part", crate::domain::hex(&super::secret::random::<4>()?)));
        let path = target.with_file_name(name);
        create_private(&path).map_err(|e| StoreError::file(&path, e))?;
        Ok(Self { path, kept: false })
    }

    /// Writes it to the disk and gives it the name `target`, at once and for good.
    fn keep_as(mut self, target: &Path) -> Result<()> {
        let kept = || -> io::Result<()> {
            File::open(&self.path)?.sync_all()?;
            fs::rename(&self.path, target)?;
            // The name is in the folder, which has to reach the disk too.
            match target.parent() {
                Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
                _ => File::open(".")?.sync_all(),
            }
        };
        kept().map_err(|e| StoreError::file(target, e))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done about a file that will not go.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Store {
    /// Copies the embedded store to a new file, readable by its owner only, while it is in use.
    /// The file appears under its name when it is whole.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is something at `to`; [`StoreError::UsePgDump`] on
    /// PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        if self.dialect != Dialect::Sqlite {
            return Err(StoreError::UsePgDump);
        }
        // Takes the name, so that no one else does meanwhile.
        create_private(to).map_err(|e| {
            if e.kind() == io::ErrorKind::AlreadyExists {
                StoreError::Exists(to.to_owned())
            } else {
                StoreError::file(to, e)
            }
        })?;
        let mut taken = Draft { path: to.to_owned(), kept: false };
        let draft = Draft::beside(to)?;
        let path = draft.path.to_str().ok_or_else(|| {
            StoreError::file(to, io::Error::new(io::ErrorKind::InvalidInput, "not UTF-8"))
        })?;
        sqlx::query("VACUUM INTO $1").bind(path.to_owned()).execute(&self.pool).await?;
        draft.keep_as(to)?;
        taken.kept = true;
        Ok(())
    }
}

/// Puts a backup in place as the embedded store of `data_dir`, after checking that it is whole
/// and this program's. No one may have that store open.
///
/// # Errors
/// [`StoreError::NotAStore`] or [`StoreError::Newer`] when the backup is of no use;
/// [`StoreError::Exists`] when there is a store and it may not be replaced; [`StoreError::InUse`]
/// when someone has it open.
pub async fn restore(backup: &Path, data_dir: &Path, overwrite: Overwrite) -> Result<()> {
    let file = prepare_dir(data_dir)?.join(FILE_NAME);
    if file.exists() && overwrite == Overwrite::Refuse {
        return Err(StoreError::Exists(file));
    }
    // The copy is what is checked, so the backup cannot change in between.
    let draft = Draft::beside(&file)?;
    fs::copy(backup, &draft.path).map_err(|e| StoreError::file(backup, e))?;
    check(&draft.path, backup).await?;
    let mut taken = None;
    if file.exists() {
        settle(&file).await?;
    } else {
        // Takes the name, so that a store made meanwhile is not lost.
        create_private(&file).map_err(|e| StoreError::file(&file, e))?;
        taken = Some(Draft { path: file.clone(), kept: false });
    }
    draft.keep_as(&file)?;
    if let Some(taken) = &mut taken {
        taken.kept = true;
    }
    Ok(())
}

/// Whether the database at `path`, a copy of `backup`, is whole and has tables that are known.
async fn check(path: &Path, backup: &Path) -> Result<()> {
    let broken = |e: sqlx::Error| StoreError::not_a_store(backup, &e);
    let mut connection = sqlite_options(path, "rw")?.connect().await.map_err(broken)?;
    let checked = checked(&mut connection, backup).await;
    connection.close().await.map_err(broken)?;
    checked
}

async fn checked(connection: &mut AnyConnection, backup: &Path) -> Result<()> {
    let broken = |e: sqlx::Error| StoreError::not_a_store(backup, &e);
    let row = sqlx::query("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(broken)?;
    let found: String = row.try_get(0).map_err(broken)?;
    if found != "ok" {
        return Err(StoreError::not_a_store(backup, &found));
    }
    let pending = match migrate::pending(connection, Dialect::Sqlite).await {
        Err(StoreError::Corrupt { why, .. }) => return Err(StoreError::not_a_store(backup, &why)),
        other => other?,
    };
    if pending.first().is_some_and(|first| first.version == 1) {
        return Err(StoreError::not_a_store(backup, &"it has none of the tables"));
    }
    let tables = "SELECT 1 FROM listings, assessments, keys, sessions, audit, audit_head LIMIT 0";
    sqlx::query(tables).fetch_optional(connection).await.map_err(broken)?;
    Ok(())
}

/// Makes sure that no one has `file` open, and empties its WAL: a WAL left beside the restored
/// file would be taken for its own.
async fn settle(file: &Path) -> Result<()> {
    let settled = async {
        let mut connection = sqlite_options(file, "rw")?.connect().await?;
        sqlx::query("PRAGMA busy_timeout = 1000").execute(&mut connection).await?;
        // Leaving WAL needs the file for oneself.
        sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await?;
        Ok::<_, StoreError>(connection.close().await?)
    };
    match settled.await {
        Err(StoreError::Busy) => return Err(StoreError::InUse(file.to_owned())),
        // A store that is broken is what a backup is for.
        Err(error) => tracing::warn!(%error, "the store that is replaced cannot be read"),
        Ok(()) => {}
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::file(Path::new(&name), e));
            }
            _ => {}
        }
    }
    Ok(())
}
