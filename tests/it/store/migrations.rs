use thatgia::domain::ModelId;
use thatgia::store::{Store, StoreError};

use super::database::{Database, Item, json, on_both, save};

/// `table.column`, in order, without the list of migrations.
async fn columns(db: &Database) -> Vec<String> {
    let sql = if db.is_sqlite() {
        "SELECT m.name || '.' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN '!' ELSE '' END \
         FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE '%sql%' ORDER BY m.name, c.cid"
    } else {
        "SELECT table_name || '.' || column_name || ' ' || upper(data_type) \
         || CASE is_nullable WHEN 'NO' THEN '!' ELSE '' END \
         FROM information_schema.columns WHERE table_schema = current_schema() \
         AND table_name NOT LIKE '%sqlx%' ORDER BY table_name, ordinal_position"
    };
    db.dump(sql).await
}

/// The indexes that a migration made, sorted; not those of keys and constraints.
async fn indexes(db: &Database) -> Vec<String> {
    let mut names = db
        .dump(if db.is_sqlite() {
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        } else {
            "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisunique"
        })
        .await;
    names.sort();
    names
}

#[tokio::test]
async fn both_databases_get_the_same_tables() {
    let sqlite = Database::sqlite().await;
    assert!(columns(&sqlite).await.contains(&"listings.score DOUBLE PRECISION!".to_owned()));
    let Some(postgres) = Database::postgres().await else { return };
    assert_eq!(columns(&sqlite).await, columns(&postgres).await);
    assert_eq!(indexes(&sqlite).await, indexes(&postgres).await);
    assert_eq!(indexes(&sqlite).await.len(), 18);
    let applied = "SELECT description FROM _sqlx_migrations ORDER BY version";
    assert_eq!(sqlite.dump(applied).await, postgres.dump(applied).await);
    sqlite.finish().await;
    postgres.finish().await;
}

/// The tables that the first migration does not make, in the order in which they can go.
const LATER: [&str; 9] = [
    "products",
    "confirmed_cases",
    "seller_links",
    "seller_contacts",
    "copy_bands",
    "listing_signs",
    "sellers",
    "secrets",
    "shadow_scores",
];

/// As it was before any migration.
async fn empty(db: &Database) {
    let first = ["assessments", "listings", "sessions", "sign_ins", "keys", "audit", "audit_head"];
    for table in LATER.into_iter().chain(first).chain(["_sqlx_migrations"]) {
        db.tamper(&format!("DROP TABLE {table}")).await;
    }
}

on_both! {
    async fn each_runs_once(db: &Database) {
        assert_eq!(db.store.migrate().await.unwrap(), []);
        assert_eq!(db.store.pending_migrations().await.unwrap(), []);
        empty(db).await;
        let pending = db.store.pending_migrations().await.unwrap();
        let names: Vec<_> = pending.iter().map(|m| (m.version, m.name.as_str())).collect();
        assert_eq!(names, [(1, "first"), (2, "shadow"), (3, "products"), (4, "sellers")]);
        assert!(matches!(db.store.count().await, Err(StoreError::Database(_))));
        assert_eq!(db.store.migrate().await.unwrap(), pending);
        assert_eq!(db.store.count().await.unwrap(), 0);
        db.store.ping().await.unwrap();
    }

    async fn programs_that_start_together_share_the_work(db: &Database) {
        empty(db).await;
        let stores: Vec<Store> = vec![db.store.clone(), db.again().await, db.again().await];
        let work: Vec<_> = stores
            .iter()
            .cloned()
            .map(|store| tokio::spawn(async move { store.migrate().await.map(drop) }))
            .collect();
        for one in work {
            one.await.unwrap().unwrap();
        }
        assert_eq!(db.store.pending_migrations().await.unwrap(), []);
        for store in &stores[1..] {
            store.close().await;
        }
    }

    async fn what_the_program_before_left_is_brought_up(db: &Database) {
        save(&db.store, &[Item::new(&json("a", &[]), 1.0)]).await;
        for table in LATER {
            db.tamper(&format!("DROP TABLE {table}")).await;
        }
        db.tamper("DELETE FROM _sqlx_migrations WHERE version > 1").await;
        let done = db.store.migrate().await.unwrap();
        assert_eq!(done.iter().map(|m| m.version).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(db.store.listing("a").await.unwrap().is_some());
        let model = ModelId::new("m-2").unwrap();
        assert_eq!(db.store.shadow_summary(&model).await.unwrap(), []);
        assert!(!db.store.has_products().await.unwrap());
    }

    async fn a_database_of_a_newer_program_is_left_alone(db: &Database) {
        db.tamper("UPDATE _sqlx_migrations SET version = 999 WHERE version = 3").await;
        for error in [
            db.store.migrate().await.unwrap_err(),
            db.store.pending_migrations().await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
        }
    }

    async fn a_migration_that_was_another_is_found(db: &Database) {
        let sql = if db.is_sqlite() {
            "UPDATE _sqlx_migrations SET checksum = x'00'"
        } else {
            "UPDATE _sqlx_migrations SET checksum = '\\x00'"
        };
        db.tamper(sql).await;
        let error = db.store.migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { what: "migration", .. }), "{error}");
    }
}
