//! Reading columns, and the texts of SQL that depend on a number of rows.

use std::fmt::Write as _;
use std::str::FromStr;

use sqlx::Row as _;
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::dialect::{ABSENT_REAL, NULLABLE_REALS, decode_text};
use super::{Result, StoreError};

pub(super) fn text(row: &AnyRow, column: &str) -> Result<String> {
    Ok(decode_text(row.try_get(column)?))
}

pub(super) fn maybe_text(row: &AnyRow, column: &str) -> Result<Option<String>> {
    Ok(row.try_get::<Option<String>, _>(column)?.map(decode_text))
}

/// One of a few names.
pub(super) fn name<T: FromStr>(row: &AnyRow, column: &'static str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    let name: String = row.try_get(column)?;
    name.parse().map_err(|e: T::Err| StoreError::corrupt(column, &e))
}

/// Microseconds since 1970, as times are kept.
pub(super) fn micros(time: OffsetDateTime) -> i64 {
    // From a year beyond 290,000, the last time there is.
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

pub(super) fn time_from_micros(micros: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|e| StoreError::corrupt("time", &e))
}

pub(super) fn time(row: &AnyRow, column: &str) -> Result<OffsetDateTime> {
    time_from_micros(row.try_get(column)?)
}

pub(super) fn maybe_time(row: &AnyRow, column: &str) -> Result<Option<OffsetDateTime>> {
    row.try_get::<Option<i64>, _>(column)?.map(time_from_micros).transpose()
}

/// `$first, $first+1, …`: `count` of them.
pub(super) fn binds(first: usize, count: usize) -> String {
    let mut out = String::new();
    for n in first..first + count {
        let comma = if n == first { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(out, "{comma}${n}");
    }
    out
}

/// `INSERT INTO table (columns) VALUES (…), (…)` for `rows` rows.
pub(super) fn insert(table: &str, columns: &[&str], rows: usize) -> String {
    let mut out = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    let mut n = 0;
    for row in 0..rows {
        out.push_str(if row == 0 { "(" } else { ", (" });
        for (at, column) in columns.iter().enumerate() {
            n += 1;
            let comma = if at == 0 { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = if NULLABLE_REALS.contains(column) {
                write!(out, "{comma}NULLIF(${n}, {ABSENT_REAL:?})")
            } else {
                write!(out, "{comma}${n}")
            };
        }
        out.push(')');
    }
    out
}

/// `rows` cut into pieces of few sizes, so that a connection's prepared statements serve again.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = [32, 8, 1].into_iter().find(|n| *n <= rows.len())?;
        let (piece, rest) = rows.split_at(size);
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    #[test]
    fn pieces_hold_every_row_once_in_order() {
        for n in [0, 1, 7, 8, 9, 31, 32, 107] {
            let rows: Vec<usize> = (0..n).collect();
            assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
        let sizes: Vec<_> = pieces(&[0; 42]).map(<[_]>::len).collect();
        assert_eq!(sizes, [32, 8, 1, 1]);
    }

    #[test]
    fn sql_counts_its_binds_through_all_rows() {
        assert_eq!(insert("t", &["a", "b"], 2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
        assert_eq!(
            insert("t", &["a", "price_amount"], 1),
            "INSERT INTO t (a, price_amount) VALUES ($1, NULLIF($2, -1.0))"
        );
        assert_eq!(binds(3, 2), "$3, $4");
    }

    #[test]
    fn times_come_back_to_the_microsecond() {
        for text in ["2026-03-14T09:20:00.123456Z", "1969-12-31T23:59:59.5Z"] {
            let time = OffsetDateTime::parse(text, &Rfc3339).unwrap();
            assert_eq!(time_from_micros(micros(time)).unwrap(), time);
        }
    }
}
