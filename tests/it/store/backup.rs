use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use thatgia::config;
use thatgia::domain::{ModelId, Role, SystemClock};
use thatgia::store::{Actor, Overwrite, Store, StoreError, restore};

use super::database::{Database, Item, json, save};
use super::keys::new_key;
use super::shadow::shadow_score;

async fn open(dir: &Path) -> Store {
    let settings =
        config::Store { data_dir: dir.to_owned(), url: String::new(), max_connections: 2 };
    Store::open(&settings, Arc::new(SystemClock)).await.unwrap()
}

/// A store with one listing and a backup of it.
async fn backed_up() -> (Database, PathBuf) {
    let db = Database::sqlite().await;
    save(&db.store, &[Item::new(&json("a", &[]), 1.0)]).await;
    db.store.create_key(&new_key(Role::Admin), &Actor::System).await.unwrap();
    db.store.save_shadow(&[shadow_score("a", "m-1", (-3.0, 0.0))]).await.unwrap();
    let file = db.dir.path().join("it's a backup.db");
    db.store.backup(&file).await.unwrap();
    (db, file)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_holds_everything_and_is_private() {
    let (db, file) = backed_up().await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // What comes after the backup is not in it.
    save(&db.store, &[Item::new(&json("b", &[]), 1.0)]).await;
    let target = tempfile::tempdir().unwrap();
    restore(&file, target.path(), Overwrite::Refuse).await.unwrap();
    assert_eq!(names(target.path()), ["thatgia.db"]);
    assert_eq!(
        fs::metadata(target.path().join("thatgia.db")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let restored = open(target.path()).await;
    assert_eq!(restored.pending_migrations().await.unwrap(), []);
    assert_eq!(restored.count().await.unwrap(), 1);
    assert_eq!(restored.listing("a").await.unwrap(), db.store.listing("a").await.unwrap());
    assert!(restored.has_admin_key().await.unwrap());
    let shadow = ModelId::new("m-2").unwrap();
    let summary = restored.shadow_summary(&shadow).await.unwrap();
    assert_eq!((summary.len(), summary[0].rows), (1, 1));
    let report = restored.verify_audit().await.unwrap();
    assert_eq!((report.rows, report.broken), (1, None));
}

#[tokio::test]
async fn a_backup_never_overwrites() {
    let (db, file) = backed_up().await;
    let before = fs::read(&file).unwrap();
    let error = db.store.backup(&file).await.unwrap_err();
    assert!(matches!(&error, StoreError::Exists(path) if *path == file), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    let error = db.store.backup(&db.dir.path().join("none/b.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    // Nothing half-written stays.
    assert!(!names(db.dir.path()).iter().any(|n| n.ends_with(".part")));
}

#[tokio::test]
async fn a_backup_while_others_write_is_one_state() {
    let db = Database::sqlite().await;
    let writer = db.store.clone();
    let writing = tokio::spawn(async move {
        for n in 0..20 {
            let pair = [format!("x{n}"), format!("y{n}")];
            save(&writer, &pair.map(|id| Item::new(&json(&id, &[]), 1.0))).await;
        }
    });
    let target = tempfile::tempdir().unwrap();
    for n in 0..3 {
        let file = db.dir.path().join(format!("b{n}"));
        db.store.backup(&file).await.unwrap();
        restore(&file, target.path(), Overwrite::Replace).await.unwrap();
        let restored = open(target.path()).await;
        assert_eq!(restored.count().await.unwrap() % 2, 0);
        restored.close().await;
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn postgresql_is_told_to_use_its_own_tool() {
    let Some(db) = Database::postgres().await else { return };
    let error = db.store.backup(&db.dir.path().join("b.db")).await.unwrap_err();
    assert!(error.to_string().contains("pg_dump"), "{error}");
    db.finish().await;
}

#[tokio::test]
async fn a_store_that_is_there_is_replaced_only_when_told() {
    let (_db, file) = backed_up().await;
    let target = tempfile::tempdir().unwrap();
    let store = open(target.path()).await;
    store.migrate().await.unwrap();
    save(&store, &["x", "y", "z"].map(|id| Item::new(&json(id, &[]), 1.0))).await;
    let error = restore(&file, target.path(), Overwrite::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    let error = restore(&file, target.path(), Overwrite::Replace).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert_eq!(store.count().await.unwrap(), 3);
    store.close().await;
    restore(&file, target.path(), Overwrite::Replace).await.unwrap();
    assert_eq!(names(target.path()), ["thatgia.db"]);
    let store = open(target.path()).await;
    assert_eq!(store.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_wal_left_by_a_crash_is_not_taken_for_the_backups() {
    let (db, file) = backed_up().await;
    let target = tempfile::tempdir().unwrap();
    save(&db.store, &["x", "y"].map(|id| Item::new(&json(id, &[]), 1.0))).await;
    // As a process that was killed leaves them.
    for name in ["thatgia.db", "thatgia.db-wal"] {
        fs::copy(db.dir.path().join(name), target.path().join(name)).unwrap();
    }
    restore(&file, target.path(), Overwrite::Replace).await.unwrap();
    assert_eq!(names(target.path()), ["thatgia.db"]);
    assert_eq!(open(target.path()).await.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_broken_store_can_be_replaced() {
    let (_db, file) = backed_up().await;
    let target = tempfile::tempdir().unwrap();
    let text = "no database any more".repeat(500);
    fs::write(target.path().join("thatgia.db"), text).unwrap();
    fs::write(target.path().join("thatgia.db-wal"), "nor a log").unwrap();
    restore(&file, target.path(), Overwrite::Replace).await.unwrap();
    assert_eq!(names(target.path()), ["thatgia.db"]);
    assert_eq!(open(target.path()).await.count().await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_leaves_no_trace() {
    let (_db, file) = backed_up().await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let whole = fs::read(&file).unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("text"), "hello, I am a backup".repeat(500)).unwrap();
    fs::write(path("cut"), &whole[..whole.len() / 2]).unwrap();
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0xA5);
    fs::write(path("torn"), torn).unwrap();
    for (name, sql) in [
        ("other", "CREATE TABLE notes (a TEXT)"),
        ("forged", "CREATE TABLE _sqlx_migrations (version BIGINT, checksum BLOB)"),
    ] {
        let url = format!("sqlite://{}?mode=rwc", path(name).display());
        let options: sqlx::any::AnyConnectOptions = url.parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    let target = tempfile::tempdir().unwrap();
    for name in ["empty", "text", "cut", "torn", "other", "forged"] {
        let error = restore(&path(name), target.path(), Overwrite::Refuse).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotAStore { path: p, .. } if *p == path(name)),
            "{name}: {error:?}"
        );
    }
    let error = restore(&path("none"), target.path(), Overwrite::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert_eq!(names(target.path()), [""; 0]);
}

#[tokio::test]
async fn a_backup_of_a_newer_program_is_refused() {
    let (db, _) = backed_up().await;
    db.tamper("UPDATE _sqlx_migrations SET version = 999 WHERE version = 2").await;
    let file = db.dir.path().join("newer.db");
    db.store.backup(&file).await.unwrap();
    let target = tempfile::tempdir().unwrap();
    let error = restore(&file, target.path(), Overwrite::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, known: 4 }), "{error}");
}
