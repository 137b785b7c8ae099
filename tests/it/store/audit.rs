use thatgia::domain::Role;
use thatgia::store::Actor;

use super::database::{Database, on_both};
use super::keys::new_key;

async fn five_rows(db: &Database) {
    for role in [Role::Admin, Role::Analyst, Role::Crawler, Role::Partner, Role::Scientist] {
        db.store.create_key(&new_key(role), &Actor::Key("k-\0".to_owned())).await.unwrap();
    }
}

/// Where the chain breaks after `sql`, and whether it says the rows before are sound.
async fn breaks_at(db: &Database, sql: &str) -> Option<i64> {
    five_rows(db).await;
    let before = db.store.verify_audit().await.unwrap();
    assert_eq!((before.rows, before.broken), (5, None));
    db.tamper(sql).await;
    let report = db.store.verify_audit().await.unwrap();
    if let Some(broken) = &report.broken {
        assert_eq!(i64::try_from(report.rows).unwrap() + 1, broken.seq, "{report:?}");
    }
    report.broken.map(|b| b.seq)
}

on_both! {
    async fn an_untouched_log_is_whole(db: &Database) {
        let empty = db.store.verify_audit().await.unwrap();
        assert_eq!((empty.rows, empty.broken, empty.head.as_str()), (0, None, ""));
        five_rows(db).await;
        let report = db.store.verify_audit().await.unwrap();
        assert_eq!((report.rows, report.broken, report.head.len()), (5, None, 64));
    }

    async fn a_changed_row_is_found(db: &Database) {
        let sql = "UPDATE audit SET details = replace(details, 'crawler', 'admin') WHERE seq = 3";
        assert_eq!(breaks_at(db, sql).await, Some(3));
    }

    async fn a_changed_time_is_found(db: &Database) {
        assert_eq!(breaks_at(db, "UPDATE audit SET at = at - 1 WHERE seq = 5").await, Some(5));
    }

    async fn a_changed_actor_is_found(db: &Database) {
        let sql = "UPDATE audit SET actor = 'system' WHERE seq = 1";
        assert_eq!(breaks_at(db, sql).await, Some(1));
    }

    async fn a_row_removed_from_the_middle_is_found(db: &Database) {
        assert_eq!(breaks_at(db, "DELETE FROM audit WHERE seq = 2").await, Some(2));
    }

    async fn a_row_removed_and_closed_up_is_found(db: &Database) {
        let sql = "DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
                   UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5";
        assert_eq!(breaks_at(db, sql).await, Some(2));
    }

    async fn the_newest_rows_removed_are_found(db: &Database) {
        assert_eq!(breaks_at(db, "DELETE FROM audit WHERE seq >= 4").await, Some(4));
    }

    async fn all_rows_removed_are_found(db: &Database) {
        assert_eq!(breaks_at(db, "DELETE FROM audit").await, Some(1));
    }

    async fn swapped_rows_are_found(db: &Database) {
        let sql = "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
                   UPDATE audit SET seq = 3 WHERE seq = 99";
        assert_eq!(breaks_at(db, sql).await, Some(2));
    }

    async fn an_added_row_is_found(db: &Database) {
        let sql = "INSERT INTO audit SELECT 6, at, actor, action, subject, details, sha256 \
                   FROM audit WHERE seq = 5";
        assert_eq!(breaks_at(db, sql).await, Some(6));
    }

    async fn a_row_before_the_first_is_found(db: &Database) {
        let sql = "INSERT INTO audit SELECT 0, at, actor, action, subject, details, sha256 \
                   FROM audit WHERE seq = 5";
        assert!(breaks_at(db, sql).await.is_some());
    }

    async fn a_head_set_back_is_found(db: &Database) {
        let sql = "DELETE FROM audit WHERE seq = 5; UPDATE audit_head SET seq = 4";
        assert!(breaks_at(db, sql).await.is_some());
    }

    async fn many_at_once_stay_in_order(db: &Database) {
        let other = db.again().await;
        let work: Vec<_> = (0..12)
            .map(|n| {
                let store = if n % 2 == 0 { db.store.clone() } else { other.clone() };
                tokio::spawn(async move {
                    store.create_key(&new_key(Role::Crawler), &Actor::System).await.unwrap();
                })
            })
            .collect();
        for one in work {
            one.await.unwrap();
        }
        other.close().await;
        let report = db.store.verify_audit().await.unwrap();
        assert_eq!((report.rows, report.broken), (12, None));
    }
}
