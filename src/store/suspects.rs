use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::dialect::encode_text;
use super::names::{name_key, province_key};
use super::rows::{binds, maybe_text, name, text, time};
use super::{Cursor, Page, Result, Store, Suspect, SuspectFilter};

/// A value for a `$N`.
#[derive(Debug, Clone, PartialEq)]
enum Bind {
    Text(String),
    Real(f64),
    Int(i64),
}

impl Store {
    /// Riskiest first, then by id: at most `rows` (at least one) from after `cursor`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn suspects(
        &self,
        filter: &SuspectFilter,
        cursor: Option<&Cursor>,
        rows: u32,
    ) -> Result<Page<Suspect>> {
        let rows = rows.max(1);
        let (sql, binds) = ranked(filter, cursor, i64::from(rows) + 1);
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for bind in binds {
            statement = match bind {
                Bind::Text(text) => statement.bind(text),
                Bind::Real(real) => statement.bind(real),
                Bind::Int(int) => statement.bind(int),
            };
        }
        let found = statement.fetch_all(&self.pool).await?;
        let more = found.len() > rows as usize;
        let rows = found.iter().take(rows as usize).map(suspect).collect::<Result<Vec<_>>>()?;
        let next = rows.last().filter(|_| more);
        let next = next.map(|last| Cursor { score: last.score, id: last.id.clone() });
        Ok(Page { rows, next })
    }
}

/// The statement and its values. Its text depends on which filters are set, never on what they
/// hold.
fn ranked(filter: &SuspectFilter, cursor: Option<&Cursor>, limit: i64) -> (String, Vec<Bind>) {
    let mut clauses = Vec::new();
    let mut values = Vec::new();
    let mut equal = |column: &str, value: Option<String>| {
        if let Some(value) = value {
            values.push(Bind::Text(value));
            clauses.push(format!("{column} = ${}", values.len()));
        }
    };
    equal("band", filter.band.map(|b| b.as_str().to_owned()));
    equal("platform_key", filter.platform.as_deref().map(name_key));
    equal("province_key", filter.province.as_deref().map(province_key));
    equal("brand_key", filter.brand.as_deref().map(name_key));
    if !filter.scope.is_empty() {
        let first = values.len() + 1;
        values.extend(filter.scope.iter().map(|p| Bind::Text(province_key(p))));
        clauses.push(format!("province_key IN ({})", binds(first, filter.scope.len())));
    }
    if let Some(cursor) = cursor {
        let n = values.len();
        values.push(Bind::Real(cursor.score));
        values.push(Bind::Text(encode_text(&cursor.id).into_owned()));
        // The first half is for the index, which orders by score first.
        clauses.push(format!("score <= ${0} AND (score < ${0} OR id > ${1})", n + 1, n + 2));
    }
    values.push(Bind::Int(limit));
    let condition = if clauses.is_empty() { "" } else { " WHERE " };
    let sql = format!(
        "SELECT id, score, band, title, platform, url, province, brand, price_amount, \
         price_currency, seller, line, last_seen_at FROM listings{condition}{} \
         ORDER BY score DESC, id LIMIT ${}",
        clauses.join(" AND "),
        values.len()
    );
    (sql, values)
}

fn suspect(row: &AnyRow) -> Result<Suspect> {
    Ok(Suspect {
        id: text(row, "id")?,
        score: row.try_get("score")?,
        band: name(row, "band")?,
        title: text(row, "title")?,
        platform: maybe_text(row, "platform")?,
        url: maybe_text(row, "url")?,
        province: maybe_text(row, "province")?,
        brand: maybe_text(row, "brand")?,
        price_amount: row.try_get("price_amount")?,
        price_currency: row.try_get("price_currency")?,
        seller: maybe_text(row, "seller")?,
        line: row.try_get("line")?,
        last_seen_at: time(row, "last_seen_at")?,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::any::AnyConnectOptions;

    use super::*;
    use crate::domain::Band;

    const NASTY: &str = "'; DROP TABLE listings; --";

    fn all() -> SuspectFilter {
        SuspectFilter::default()
    }

    #[test]
    fn values_are_bound_and_never_part_of_the_text() {
        let cursor = Cursor { score: 0.25, id: "x' OR 1=1 --".to_owned() };
        let name = Some(NASTY.to_owned());
        let all = SuspectFilter {
            band: Some(Band::High),
            platform: name.clone(),
            province: name.clone(),
            brand: name,
            scope: vec!["a')--".to_owned(), "Huế".to_owned()],
        };
        let (sql, values) = ranked(&all, Some(&cursor), 51);
        assert!(!sql.contains('\'') && !sql.contains("--"), "{sql}");
        assert_eq!(values.len(), 9);
        assert_eq!(values[5], Bind::Text("hue".to_owned()));
        for n in 1..=9 {
            assert!(sql.contains(&format!("${n}")), "${n} in {sql}");
        }
    }

    #[tokio::test]
    async fn every_filter_has_an_index_that_gives_the_order() {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = "sqlite::memory:".parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        let tables = include_str!("../../migrations/sqlite/0001_first.sql");
        sqlx::raw_sql(tables).execute(&mut connection).await.unwrap();
        let cursor = Cursor { score: 0.5, id: "a".to_owned() };
        let name = Some(NASTY.to_owned());
        for (filter, index) in [
            (all(), "listings_ranked"),
            (SuspectFilter { band: Some(Band::High), ..all() }, "listings_ranked_band"),
            (SuspectFilter { platform: name.clone(), ..all() }, "listings_ranked_platform"),
            (SuspectFilter { province: name.clone(), ..all() }, "listings_ranked_province"),
            (SuspectFilter { brand: name.clone(), ..all() }, "listings_ranked_brand"),
        ] {
            let (sql, _) = ranked(&filter, Some(&cursor), 51);
            let sql = format!("EXPLAIN QUERY PLAN {sql}");
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|r| r.get("detail")).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(&format!("USING INDEX {index} (")), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
