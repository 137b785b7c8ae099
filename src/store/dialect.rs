//! What SQLite and PostgreSQL do differently. All other SQL is the same for both.

use std::borrow::Cow;

/// Which database the store is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Starts a transaction that writes.
    ///
    /// SQLite takes its write lock at once: a transaction that starts as a reader and then writes
    /// fails without waiting when another one wrote in between.
    pub(super) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Starts a transaction that sees one state of the database throughout.
    pub(super) fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Prepares each new connection.
    ///
    /// WAL lets readers go on beside the writer; `synchronous = FULL` keeps what was answered for
    /// through a loss of power. The wait for the lock stands first, since WAL needs it.
    pub(super) fn on_connect(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA trusted_schema = OFF"
            }
            Self::Postgres => "SET application_name = 'thatgia'",
        }
    }

    /// Whether the database's error code says that a table is not there.
    pub(super) fn is_missing_table(self, error: &dyn sqlx::error::DatabaseError) -> bool {
        match self {
            Self::Sqlite => error.message().starts_with("no such table"),
            Self::Postgres => error.code().as_deref() == Some("42P01"),
        }
    }
}

/// Whether the database's error code says: not now, try again.
pub(super) fn is_busy(code: &str) -> bool {
    // SQLITE_BUSY in its forms and SQLITE_LOCKED; PostgreSQL's serialization failure,
    // deadlock, lock not available, too many connections, shutting down and starting up.
    const BUSY: [&str; 11] =
        ["5", "6", "261", "517", "773", "40001", "40P01", "55P03", "53300", "57P01", "57P03"];
    BUSY.contains(&code)
}

/// The columns of numbers that may be absent, and the number, which no price is, that stands for
/// an absent one on its way there.
///
/// sqlx would send an absent `f64` as an absent `f32`, and PostgreSQL, which keeps the statement
/// with the types it had first, would then refuse every number that follows.
pub(super) const NULLABLE_REALS: [&str; 3] = ["price_amount", "price_low", "price_typical"];
pub(super) const ABSENT_REAL: f64 = -1.0;

/// A client's text as it is written to a column: `U+0000`, which PostgreSQL cannot hold, becomes
/// `\0`, and `\` becomes `\\`. Different texts stay different.
pub(super) fn encode_text(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\\']) {
        Cow::Owned(text.replace('\\', r"\\").replace('\0', r"\0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`encode_text`] wrote.
pub(super) fn decode_text(text: String) -> String {
    if !text.contains('\\') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_back_and_hold_no_nul(text in r"[\x00\\0a-cư]{0,12}") {
            let encoded = encode_text(&text).into_owned();
            prop_assert!(!encoded.contains('\0'));
            prop_assert_eq!(decode_text(encoded), text);
        }
    }

    #[test]
    fn busy_is_told_from_broken() {
        assert!(is_busy("5") && is_busy("40P01"));
        assert!(!is_busy("11") && !is_busy("23505"));
    }
}
