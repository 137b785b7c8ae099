//! A database of its own for each test, on both kinds, and what is put into it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use tempfile::TempDir;
use thatgia::config;
use thatgia::domain::{
    Assessment, Band, Clock, ErrorCode, ItemError, LegalClass, Limits, Listing, ModelId, ModelRef,
    Parts, Score, ScoredLine, Thresholds, Tier,
};
use thatgia::store::{SaveReport, Store, ToStore};
use time::{Duration, OffsetDateTime};

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(super) struct TestClock(AtomicI64);

impl TestClock {
    pub(super) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A migrated store that no other test knows.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) store: Store,
    pub(super) settings: config::Store,
    pub(super) clock: Arc<TestClock>,
    pub(super) dir: TempDir,
    /// Where a connection beside the store goes.
    url: String,
    /// The schema and where to drop it, on PostgreSQL.
    schema: Option<(String, String)>,
}

impl Database {
    pub(super) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/thatgia.db?mode=rw", dir.path().display());
        Self::open(dir, String::new(), url, None).await
    }

    /// `None`, said aloud, where there is no PostgreSQL to test on.
    #[expect(clippy::print_stderr, reason = "who runs the tests should know")]
    pub(super) async fn postgres() -> Option<Self> {
        let Some(server) = environment("TEST_DATABASE_URL") else {
            let required = environment("THATGIA_REQUIRE_POSTGRES").is_some_and(|v| v == "1");
            assert!(!required, "THATGIA_REQUIRE_POSTGRES=1 and TEST_DATABASE_URL is not set");
            eprintln!("skipped: TEST_DATABASE_URL is not set");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let random = dir.path().file_name().unwrap().to_str().unwrap().to_owned();
        let schema: String = random.bytes().map(|b| format!("{b:02x}")).collect();
        let schema = format!("t_{schema}");
        execute(&mut connect(&server).await, &format!("CREATE SCHEMA {schema}")).await;
        let and = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{and}options[search_path]={schema}");
        Some(Self::open(dir, url.clone(), url, Some((server, schema))).await)
    }

    async fn open(
        dir: TempDir,
        setting: String,
        url: String,
        schema: Option<(String, String)>,
    ) -> Self {
        let data_dir = dir.path().to_owned();
        let settings = config::Store { data_dir, url: setting, max_connections: 4 };
        let clock = Arc::new(TestClock(AtomicI64::new(1_790_000_000)));
        let store = Store::open(&settings, clock.clone()).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, settings, clock, dir, url, schema }
    }

    /// The same database, opened once more.
    pub(super) async fn again(&self) -> Store {
        Store::open(&self.settings, self.clock.clone()).await.unwrap()
    }

    pub(super) fn clock_now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.schema.is_none()
    }

    /// A connection beside the store's own.
    pub(super) async fn connect(&self) -> AnyConnection {
        connect(&self.url).await
    }

    /// Does what no method of the store would do.
    pub(super) async fn tamper(&self, sql: &str) {
        execute(&mut self.connect().await, sql).await;
    }

    /// All columns of all rows, as text.
    pub(super) async fn dump(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connect().await;
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = rows.fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// Closes the store and removes the schema.
    pub(super) async fn finish(self) {
        self.store.close().await;
        if let Some((server, schema)) = self.schema {
            execute(&mut connect(&server).await, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the database to test on is no setting")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    url.parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
}

async fn execute(connection: &mut AnyConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *connection).await.unwrap();
    connection.ping().await.unwrap();
}

/// Writes each test twice: for SQLite and for PostgreSQL.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: &Database) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($db: &Database) $body

            #[tokio::test]
            async fn sqlite() {
                let db = Database::sqlite().await;
                check(&db).await;
                db.finish().await;
            }

            #[tokio::test]
            async fn postgres() {
                let Some(db) = Database::postgres().await else { return };
                check(&db).await;
                db.finish().await;
            }
        }
    )+};
}
pub(super) use on_both;

/// A listing with its score, to be saved.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) json: String,
    pub(super) listing: Listing,
    pub(super) line: ScoredLine,
}

impl Item {
    /// Reads the listing and gives it the score at `logit`, by the model `m-1`.
    pub(super) fn new(json: &str, logit: f64) -> Self {
        Self::by_model(json, logit, "m-1")
    }

    pub(super) fn by_model(json: &str, logit: f64, model: &str) -> Self {
        let listing = Listing::from_json(json.as_bytes(), &Limits::default()).unwrap();
        let score = Score::from_logit(logit).unwrap();
        let assessment = Assessment {
            score,
            band: Thresholds::new(0.4, 0.8).map_or(Band::Low, |t| t.band(score)),
            tier: Tier::Fast,
            model: ModelRef {
                id: ModelId::new(model).unwrap(),
                weights_sha256: "ab".repeat(32).into(),
            },
            prior: 0.0,
            parts: Parts { text: Some(logit), ..Parts::default() },
            legal_class: LegalClass::None,
            evidence: Vec::new(),
        };
        let id = listing.id().map(str::to_owned);
        Self {
            json: json.to_owned(),
            listing,
            line: ScoredLine { line: 9, id, outcome: Ok(assessment) },
        }
    }

    /// One that could not be scored.
    pub(super) fn failed(json: &str) -> Self {
        let mut item = Self::new(json, 0.0);
        item.line.outcome = Err(ItemError::new(ErrorCode::Internal, "", "scoring failed"));
        item
    }

    pub(super) fn to_store(&self) -> ToStore<'_> {
        ToStore { json: &self.json, listing: &self.listing, line: &self.line }
    }
}

/// Saves all of `items` at once.
pub(super) async fn save(store: &Store, items: &[Item]) -> SaveReport {
    let items: Vec<_> = items.iter().map(Item::to_store).collect();
    store.save(&items).await.unwrap()
}

/// `{"id": id, "title": "t", ...}` with more fields.
pub(super) fn json(id: &str, more: &[(&str, serde_json::Value)]) -> String {
    let mut fields: BTreeMap<&str, serde_json::Value> = more.iter().cloned().collect();
    fields.insert("id", id.into());
    fields.entry("title").or_insert_with(|| "t".into());
    serde_json::to_string(&fields).unwrap()
}
