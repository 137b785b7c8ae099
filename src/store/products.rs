use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row as _};

use super::audit::{self, Entry};
use super::dialect::{ABSENT_REAL, decode_text, encode_text};
use super::names::name_key;
use super::rows::{binds, insert, maybe_text, name, pieces, text, time};
use super::{Actor, Expected, ImportReport, ProductPage, ProductRecord, Result, Store, StoreError};
use crate::domain::{Gtin, Product};

const COLUMNS: [&str; 14] = [
    "gtin",
    "version",
    "brand",
    "brand_key",
    "name",
    "owner",
    "country",
    "documents",
    "price_low",
    "price_typical",
    "status",
    "source",
    "created_at",
    "updated_at",
];

const SELECT: &str = "SELECT gtin, version, brand, name, owner, country, documents, price_low, \
    price_typical, status, source, created_at, updated_at FROM products";

type Statement = Query<'static, Any, AnyArguments>;

impl Store {
    /// A product by its number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn product(&self, gtin: &Gtin) -> Result<Option<ProductRecord>> {
        let sql = format!("{SELECT} WHERE gtin = $1");
        let found = sqlx::query(AssertSqlSafe(sql)).bind(gtin.to_string());
        found.fetch_optional(&self.pool).await?.as_ref().map(record).transpose()
    }

    /// The products that have these numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn products_of(&self, gtins: &[Gtin]) -> Result<HashMap<Gtin, ProductRecord>> {
        let mut connection = self.pool.acquire().await?;
        of(&mut connection, gtins).await
    }

    /// Whether any product is registered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_products(&self) -> Result<bool> {
        let found = sqlx::query("SELECT gtin FROM products LIMIT 1");
        Ok(found.fetch_optional(&self.pool).await?.is_some())
    }

    /// Products by their number, of one brand or of all: at most `rows` (at least one) from after
    /// `after`. Brands match regardless of case, Unicode form and blanks.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn products(
        &self,
        brand: Option<&str>,
        after: Option<&Gtin>,
        rows: u32,
    ) -> Result<ProductPage> {
        let rows = rows.max(1);
        let condition = if brand.is_some() { " AND brand_key = $3" } else { "" };
        let sql = format!("{SELECT} WHERE gtin > $1{condition} ORDER BY gtin LIMIT $2");
        let mut statement = sqlx::query(AssertSqlSafe(sql))
            .bind(after.map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(rows) + 1);
        if let Some(brand) = brand {
            statement = statement.bind(name_key(brand));
        }
        let found = statement.fetch_all(&self.pool).await?;
        let more = found.len() > rows as usize;
        let rows = found.iter().take(rows as usize).map(record).collect::<Result<Vec<_>>>()?;
        let next = rows.last().filter(|_| more).map(|last| last.product.gtin);
        Ok(ProductPage { rows, next })
    }

    /// Registers a product or changes it, if it is as `expected`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is not.
    pub async fn put_product(
        &self,
        product: &Product,
        expected: Expected,
        by: &Actor,
    ) -> Result<ProductRecord> {
        let now = self.now();
        let mut sql = insert("products", &COLUMNS, 1);
        match expected {
            Expected::New => sql.push_str(" ON CONFLICT (gtin) DO NOTHING"),
            Expected::Any => sql.push_str(&on_conflict()),
            Expected::Version(_) => {
                sql.push_str(&on_conflict());
                sql.push_str(&format!(" WHERE products.version = ${}", COLUMNS.len() + 1));
            }
        }
        let mut tx = self.begin_write().await?;
        let before = of(tx.connection(), &[product.gtin]).await?.remove(&product.gtin);
        let stale = |found: Option<&ProductRecord>| StoreError::Stale {
            what: "product",
            found: found.map_or(0, |record| record.version),
        };
        if before.is_none() && matches!(expected, Expected::Version(_)) {
            return Err(stale(None));
        }
        sql.push_str(" RETURNING version");
        let mut statement = bind(sqlx::query(AssertSqlSafe(sql)), product, now);
        if let Expected::Version(version) = expected {
            statement = statement.bind(i64::try_from(version).unwrap_or(i64::MAX));
        }
        if statement.fetch_optional(tx.connection()).await?.is_none() {
            return Err(stale(before.as_ref()));
        }
        let kept = of(tx.connection(), &[product.gtin]).await?.remove(&product.gtin);
        let kept = kept.ok_or_else(|| StoreError::corrupt("product", &"it is gone"))?;
        let details = json!({
            "version": kept.version,
            "product": kept.product,
            "before": before.map(|b| b.product),
        });
        let entry =
            Entry { actor: by, action: "product.put", subject: product.gtin.as_str(), details };
        audit::append(tx.connection(), now, entry).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Registers products and changes those that are there, all of them or, on an error, none. What
    /// is the same already keeps its version; of products with one number the last one counts.
    ///
    /// The counts are exact unless another writer changes the same products at the same moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_products(&self, products: &[Product], by: &Actor) -> Result<ImportReport> {
        // The last of each, since a statement cannot write a row twice; sorted, so that two
        // importers lock rows in the same order.
        let last: BTreeMap<Gtin, &Product> = products.iter().map(|p| (p.gtin, p)).collect();
        let gtins: Vec<Gtin> = last.keys().copied().collect();
        let mut report = ImportReport::default();
        if gtins.is_empty() {
            return Ok(report);
        }
        let now = self.now();
        let mut tx = self.begin_write().await?;
        let before = of(tx.connection(), &gtins).await?;
        let mut rows = Vec::with_capacity(gtins.len());
        for (gtin, product) in &last {
            match before.get(gtin) {
                Some(record) if record.product == **product => {
                    report.unchanged += 1;
                    continue;
                }
                Some(_) => report.changed += 1,
                None => report.new += 1,
            }
            rows.push(*product);
        }
        for piece in pieces(&rows) {
            let mut sql = insert("products", &COLUMNS, piece.len());
            sql.push_str(&on_conflict());
            let statement = sqlx::query(AssertSqlSafe(sql));
            let statement = piece.iter().fold(statement, |s, product| bind(s, product, now));
            statement.execute(tx.connection()).await?;
        }
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            let details = json!({
                "new": report.new, "changed": report.changed,
                "first": first.gtin, "last": last.gtin, "source": first.source,
            });
            let subject = format!("{} products", rows.len());
            let entry = Entry { actor: by, action: "product.import", subject: &subject, details };
            audit::append(tx.connection(), now, entry).await?;
        }
        tx.commit().await?;
        Ok(report)
    }
}

/// A newer row wins, but for when it was first there, and counts one more version.
fn on_conflict() -> String {
    let set = COLUMNS[1..].iter().filter_map(|column| match *column {
        "created_at" => None,
        "version" => Some("version = products.version + 1".to_owned()),
        column => Some(format!("{column} = excluded.{column}")),
    });
    format!(" ON CONFLICT (gtin) DO UPDATE SET {}", set.collect::<Vec<_>>().join(", "))
}

/// In the order of [`COLUMNS`].
fn bind(statement: Statement, product: &Product, now: i64) -> Statement {
    let owned = |text: &str| encode_text(text).into_owned();
    let documents = serde_json::to_string(&product.documents).unwrap_or_default();
    statement
        .bind(product.gtin.to_string())
        .bind(1_i64)
        .bind(owned(&product.brand))
        .bind(name_key(&product.brand))
        .bind(owned(&product.name))
        .bind(product.owner.as_deref().map(owned))
        .bind(product.country.clone())
        .bind(owned(&documents))
        .bind(product.price_low.unwrap_or(ABSENT_REAL))
        .bind(product.price_typical.unwrap_or(ABSENT_REAL))
        .bind(product.status.as_str())
        .bind(owned(&product.source))
        .bind(now)
        .bind(now)
}

async fn of(
    connection: &mut AnyConnection,
    gtins: &[Gtin],
) -> Result<HashMap<Gtin, ProductRecord>> {
    let mut found = HashMap::new();
    for piece in pieces(gtins) {
        let sql = format!("{SELECT} WHERE gtin IN ({})", binds(1, piece.len()));
        let statement = sqlx::query(AssertSqlSafe(sql));
        let statement = piece.iter().fold(statement, |s, gtin| s.bind(gtin.to_string()));
        for row in statement.fetch_all(&mut *connection).await? {
            let record = record(&row)?;
            found.insert(record.product.gtin, record);
        }
    }
    Ok(found)
}

fn record(row: &AnyRow) -> Result<ProductRecord> {
    let gtin: String = row.try_get("gtin")?;
    let documents = decode_text(row.try_get("documents")?);
    let version: i64 = row.try_get("version")?;
    let product = Product {
        gtin: gtin.parse().map_err(|e| StoreError::corrupt("gtin", &e))?,
        brand: text(row, "brand")?,
        name: text(row, "name")?,
        owner: maybe_text(row, "owner")?,
        country: maybe_text(row, "country")?,
        documents: serde_json::from_str(&documents)
            .map_err(|e| StoreError::corrupt("list of documents", &e))?,
        price_low: row.try_get("price_low")?,
        price_typical: row.try_get("price_typical")?,
        status: name(row, "status")?,
        source: text(row, "source")?,
    };
    Ok(ProductRecord {
        product,
        version: u64::try_from(version).map_err(|e| StoreError::corrupt("version", &e))?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
