use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::dialect::encode_text;
use super::{Actor, AuditBreak, AuditReport, Result, Store};
use crate::domain::hex;

/// Rows that are checked at a time.
const CHUNK: i64 = 1_000;

/// What an audit row says.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    /// Whom or what it was done to.
    pub(super) subject: &'a str,
    pub(super) details: Value,
}

/// A row's own hash: over the one before, and over each column with its length, so that nothing
/// can move from one column to the next.
fn chain(before: &str, seq: i64, at: i64, texts: [&str; 4]) -> String {
    let mut hash = Sha256::new();
    for field in [before, &seq.to_string(), &at.to_string()].into_iter().chain(texts) {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    hex(&hash.finalize())
}

/// Adds a row within the transaction of what it tells of.
///
/// Taking the next number locks the head until the transaction ends, so rows stand in the order
/// in which they became true.
pub(super) async fn append(
    connection: &mut AnyConnection,
    at: i64,
    entry: Entry<'_>,
) -> Result<()> {
    let head =
        sqlx::query("UPDATE audit_head SET seq = seq + 1 WHERE one = 1 RETURNING seq, sha256")
            .fetch_one(&mut *connection)
            .await?;
    let (seq, before): (i64, String) = (head.try_get("seq")?, head.try_get("sha256")?);
    let actor = match entry.actor {
        Actor::System => "system".to_owned(),
        Actor::Key(id) => format!("key:{}", encode_text(id)),
    };
    let subject = encode_text(entry.subject).into_owned();
    let details = entry.details.to_string();
    let sha256 = chain(&before, seq, at, [&actor, entry.action, &subject, &details]);
    sqlx::query(
        "INSERT INTO audit (seq, at, actor, action, subject, details, sha256) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(seq)
    .bind(at)
    .bind(actor)
    .bind(entry.action)
    .bind(subject)
    .bind(details)
    .bind(sha256.clone())
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE audit_head SET sha256 = $1 WHERE one = 1")
        .bind(sha256)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Recomputes the audit log's chain: a row that was changed, removed, added or moved is found.
    ///
    /// # Errors
    /// When the database fails. A broken chain is no error: the report says where it breaks.
    pub async fn verify_audit(&self) -> Result<AuditReport> {
        let mut tx = self.pool.begin_with(self.dialect.begin_snapshot()).await?;
        let (mut rows, mut head) = (0_i64, String::new());
        loop {
            let chunk = sqlx::query(
                "SELECT seq, at, actor, action, subject, details, sha256 FROM audit \
                 WHERE seq > $1 ORDER BY seq LIMIT $2",
            )
            .bind(rows)
            .bind(CHUNK)
            .fetch_all(&mut *tx)
            .await?;
            if chunk.is_empty() {
                break;
            }
            for row in &chunk {
                if let Some(problem) = check(row, rows + 1, &head)? {
                    return Ok(report(rows, head, Some(problem)));
                }
                rows += 1;
                head = row.try_get("sha256")?;
            }
        }
        // Rows numbered below 1 escape the walk.
        let count = sqlx::query("SELECT COUNT(*) FROM audit").fetch_one(&mut *tx).await?;
        let newest = sqlx::query("SELECT seq, sha256 FROM audit_head WHERE one = 1")
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        let problem = match newest {
            None => Some("the head of the log is missing"),
            Some(newest) => {
                let (seq, sha256): (i64, String) = (newest.try_get(0)?, newest.try_get(1)?);
                match seq.cmp(&rows) {
                    std::cmp::Ordering::Greater => Some("the newest rows are missing"),
                    std::cmp::Ordering::Less => Some("rows were added past the head"),
                    std::cmp::Ordering::Equal if sha256 != head => {
                        Some("the head has another hash")
                    }
                    std::cmp::Ordering::Equal => None,
                }
            }
        };
        let problem = problem.or_else(|| {
            let more = count.try_get::<i64, _>(0).is_ok_and(|count| count != rows);
            more.then_some("rows were added before the first")
        });
        Ok(report(rows, head, problem))
    }
}

fn report(rows: i64, head: String, problem: Option<&'static str>) -> AuditReport {
    AuditReport {
        rows: rows.unsigned_abs(),
        head,
        broken: problem.map(|problem| AuditBreak { seq: rows + 1, problem }),
    }
}

/// What is wrong with `row`, which should be number `seq` and follow the hash `before`.
fn check(row: &AnyRow, seq: i64, before: &str) -> Result<Option<&'static str>> {
    if row.try_get::<i64, _>("seq")? != seq {
        return Ok(Some("the row is missing"));
    }
    let text = |column| row.try_get::<&str, _>(column);
    let texts = [text("actor")?, text("action")?, text("subject")?, text("details")?];
    let sha256 = chain(before, seq, row.try_get("at")?, texts);
    Ok((sha256 != text("sha256")?).then_some("the row was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_move_between_columns() {
        let hash = |a, b| chain("", 1, 2, [a, b, "s", "{}"]);
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(chain("", 1, 2, ["a"; 4]), chain("", 12, 2, ["a"; 4]));
        assert_ne!(chain("", 1, 2, ["a"; 4]), chain("x", 1, 2, ["a"; 4]));
    }
}
