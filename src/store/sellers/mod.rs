//! Sellers: what is known of each, what they have in common, what was decided of them.
//!
//! Kept beside the listings and in their transactions ([`mod@write`]). Contacts and ids become keyed
//! hashes ([`keys`]) before they reach a table. `flow` reads contexts for scoring, records, links
//! and clusters from here.

mod cases;
mod keys;
mod near;
mod read;
mod records;
mod signs;
mod write;

pub(super) use keys::Keys;
pub use records::{
    ClusterEdge, ConfirmedCase, LinkedSeller, SellerContext, SellerFacts, SellerLink, SellerRow,
};
pub use signs::Signs;
pub(super) use write::{Prepared, write};

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::Result;
use super::rows::binds;

/// Listings of a seller that are counted.
const COUNTED: u32 = 512;
/// Most sellers that share a contact or a text for it to be a link: beyond it, the number is a
/// hotline and the text a manufacturer's.
const RARE: usize = 20;
/// The estimated Jaccard index from which two listings are near copies.
const NEAR: f64 = 0.7;
/// Fewest different shingles of two texts whose likeness links their sellers: shorter ones are
/// alike because the goods are.
const LINK_SHINGLES: u32 = 100;
/// The score, without the seller's part, from which a listing counts as a suspect: more likely
/// counterfeit than not.
const SUSPECT: f64 = 0.5;
/// The log-odds from which a price counts as far below its reference: it doubles the odds.
const CHEAP: f64 = 0.7;

/// Rows of `sql`, whose `{}` stands for the values' places; every value may match some.
async fn matching(
    connection: &mut AnyConnection,
    sql: &str,
    values: &[i64],
) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for values in padded(values) {
        let sql = sql.replace("{}", &binds(1, values.len()));
        let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |s, v| s.bind(*v));
        found.extend(statement.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// Does `sql` for all values; `{}` as in [`matching`].
async fn change(connection: &mut AnyConnection, sql: &str, values: &[i64]) -> Result<()> {
    for values in padded(values) {
        let sql = sql.replace("{}", &binds(1, values.len()));
        let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |s, v| s.bind(*v));
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Rows of `one` for each value, whose place is `{}`; `one` has a limit of its own.
async fn for_each(
    connection: &mut AnyConnection,
    one: &str,
    values: &[i64],
) -> Result<Vec<AnyRow>> {
    let mut found = Vec::new();
    for values in super::rows::pieces(values) {
        let each = (1..=values.len()).map(|n| one.replace("{}", &format!("${n}")));
        let sql = each.collect::<Vec<_>>().join(" UNION ALL ");
        let statement = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |s, v| s.bind(*v));
        found.extend(statement.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// Values in lists of few lengths, so that prepared statements serve again; the last one is
/// repeated where a list would be short.
fn padded(values: &[i64]) -> Vec<Vec<i64>> {
    const LARGEST: usize = 512;
    let list = |part: &[i64]| {
        let length = [1, 8, 64, LARGEST].into_iter().find(|n| *n >= part.len());
        let mut list = part.to_vec();
        if let Some(last) = part.last() {
            list.resize(length.unwrap_or(LARGEST), *last);
        }
        list
    };
    values.chunks(LARGEST).map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_of_few_lengths_and_hold_every_value() {
        for count in [0_i64, 1, 2, 8, 9, 65, 600] {
            let values: Vec<i64> = (0..count).collect();
            let lists = padded(&values);
            assert!(lists.iter().all(|l| [1, 8, 64, 512].contains(&l.len())), "{count}");
            let mut all: Vec<i64> = lists.concat();
            all.dedup();
            assert_eq!(all, values);
        }
    }
}
