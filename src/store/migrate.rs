use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, SqlSafeStr as _};

use super::dialect::Dialect;
use super::{PendingMigration, Result, Store, StoreError};

/// Every migration: number, name, its SQL for SQLite and for PostgreSQL.
const MIGRATIONS: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "first",
        include_str!("../../migrations/sqlite/0001_first.sql"),
        include_str!("../../migrations/postgres/0001_first.sql"),
    ),
    (
        2,
        "shadow",
        include_str!("../../migrations/sqlite/0002_shadow.sql"),
        include_str!("../../migrations/postgres/0002_shadow.sql"),
    ),
    (
        3,
        "products",
        include_str!("../../migrations/sqlite/0003_products.sql"),
        include_str!("../../migrations/postgres/0003_products.sql"),
    ),
    (
        4,
        "sellers",
        include_str!("../../migrations/sqlite/0004_sellers.sql"),
        include_str!("../../migrations/postgres/0004_sellers.sql"),
    ),
];

fn migrator(dialect: Dialect) -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sqlite, postgres)| {
        let sql = match dialect {
            Dialect::Sqlite => *sqlite,
            Dialect::Postgres => *postgres,
        };
        let kind = MigrationType::Simple;
        Migration::new(*version, (*name).into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The migrations that `connection`'s database lacks.
pub(super) async fn pending(
    connection: &mut AnyConnection,
    dialect: Dialect,
) -> Result<Vec<PendingMigration>> {
    let sql = "SELECT version, checksum FROM _sqlx_migrations";
    let rows = match sqlx::query(sql).fetch_all(connection).await {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(e)) if dialect.is_missing_table(e.as_ref()) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let mut applied = HashMap::new();
    for row in rows {
        applied.insert(row.try_get::<i64, _>(0)?, row.try_get::<Vec<u8>, _>(1)?);
    }
    let migrator = migrator(dialect);
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    if let Some(found) = applied.keys().copied().filter(|v| !migrator.version_exists(*v)).max() {
        return Err(StoreError::Newer { found, known });
    }
    let mut pending = Vec::new();
    for migration in migrator.iter() {
        match applied.get(&migration.version) {
            None => pending.push(PendingMigration {
                version: migration.version,
                name: migration.description.to_string(),
            }),
            Some(sum) if *sum == *migration.checksum => {}
            Some(_) => {
                let why = format!("{} is another one than this program's", migration.version);
                return Err(StoreError::corrupt("migration", &why));
            }
        }
    }
    Ok(pending)
}

impl Store {
    /// Brings the tables up to this program; says which migrations it ran. Many programs may do
    /// so at the same time.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a newer program migrated the database, and when it fails.
    pub async fn migrate(&self) -> Result<Vec<PendingMigration>> {
        let _turn = self.turn_to_write().await?;
        // A connection of its own, closed afterwards: PostgreSQL's lock would outlive a failure.
        let mut connection = self.pool.acquire().await?.detach();
        let mut todo = pending(&mut connection, self.dialect).await?;
        let migrator = migrator(self.dialect);
        while !todo.is_empty() {
            let Err(error) = migrator.run_direct(None, &mut connection, false).await else { break };
            // On SQLite another process may have been faster with some of them: what that one has
            // not done yet is tried again.
            todo = match pending(&mut connection, self.dialect).await {
                Ok(left) if left.len() < todo.len() => left,
                _ => return Err(StoreError::Database(Box::new(error))),
            };
        }
        for migration in &todo {
            tracing::info!(version = migration.version, name = %migration.name, "migrated");
        }
        Ok(todo)
    }

    /// The migrations that [`Self::migrate`] would run, in order.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>> {
        pending(&mut *self.pool.acquire().await?, self.dialect).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_in_the_list() {
        let files = |folder: &str| -> BTreeSet<String> {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
            let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
            names.map(|n| n.into_string().unwrap()).collect()
        };
        let listed: BTreeSet<_> =
            MIGRATIONS.iter().map(|(v, name, ..)| format!("{v:04}_{name}.sql")).collect();
        assert_eq!(files("sqlite"), listed);
        assert_eq!(files("postgres"), listed);
    }
}
