use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use thatgia::config;
use thatgia::domain::SystemClock;
use thatgia::store::{Store, StoreError};

use super::database::{Database, Item, json, save};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn open(data_dir: &Path, url: &str) -> Result<Store, StoreError> {
    let url = url.to_owned();
    let settings = config::Store { data_dir: data_dir.to_owned(), url, max_connections: 2 };
    Store::open(&settings, Arc::new(SystemClock)).await
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    let store = open(&data, "").await.unwrap();
    store.migrate().await.unwrap();
    save(&store, &[Item::new(&json("a", &[]), 1.0)]).await;
    assert_eq!(mode(&data), 0o700);
    for file in ["thatgia.db", "thatgia.db-wal", "thatgia.db-shm"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_folder_may_have_any_name_and_the_rows_outlive_the_store() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["dữ liệu ?mode=ro#x", "100%25", "a b;c&d", "..x"] {
        let data = dir.path().join(name);
        let store = open(&data, "").await.unwrap();
        store.migrate().await.unwrap();
        save(&store, &[Item::new(&json("a", &[]), 1.0)]).await;
        store.close().await;
        assert!(data.join("thatgia.db").exists(), "{name}");
        let store = open(&data.join("../").join(name), "").await.unwrap();
        assert_eq!(store.count().await.unwrap(), 1, "{name}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
}

#[tokio::test]
async fn a_place_that_cannot_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = open(&file, "").await.unwrap_err();
    assert!(matches!(&error, StoreError::File { path, .. } if *path == file), "{error}");
    std::fs::write(dir.path().join("thatgia.db"), "not a database at all, but text").unwrap();
    let error = open(dir.path(), "").await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error}");
}

#[tokio::test]
async fn no_error_and_no_debug_text_holds_the_password() {
    let dir = tempfile::tempdir().unwrap();
    for url in [
        "mysql://u:s3cret@h/d",
        "postgres://u:s3cret@127.0.0.1:notaport/d",
        "postgres://u:s3cret@127.0.0.1:1/d",
        "postgres://127.0.0.1:1/d?user=u&password=s3cret",
    ] {
        let error = open(dir.path(), url).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    if let Some(db) = Database::postgres().await {
        assert!(!format!("{:?}", db.store).contains("search_path"), "the URL is in it");
        db.finish().await;
    }
}
