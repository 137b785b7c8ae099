use std::time::Duration;

use thatgia::domain::Role;
use thatgia::store::{Actor, KeyRecord, StoreError, Token};

use super::database::{Database, on_both};
use super::keys::new_key;

const HOUR: Duration = Duration::from_secs(3600);

async fn key(db: &Database) -> KeyRecord {
    db.store.create_key(&new_key(Role::Analyst), &Actor::System).await.unwrap().0
}

fn unknown() -> Token {
    Token::parse(&"a".repeat(43)).unwrap()
}

on_both! {
    async fn a_sign_in_works_once_and_in_time(db: &Database) {
        let key = key(db).await;
        let token = db.store.create_sign_in(&key.id, HOUR).await.unwrap();
        assert_eq!(db.store.take_sign_in(&unknown()).await.unwrap(), None);
        assert_eq!(db.store.take_sign_in(&token).await.unwrap(), Some(key.clone()));
        assert_eq!(db.store.take_sign_in(&token).await.unwrap(), None);

        let late = db.store.create_sign_in(&key.id, HOUR).await.unwrap();
        db.clock.pass(time::Duration::hours(1));
        assert_eq!(db.store.take_sign_in(&late).await.unwrap(), None);
    }

    async fn of_two_that_come_at_once_one_signs_in(db: &Database) {
        let key = key(db).await;
        let other = db.again().await;
        for _ in 0..5 {
            let token = db.store.create_sign_in(&key.id, HOUR).await.unwrap();
            let (a, b) = tokio::join!(db.store.take_sign_in(&token), other.take_sign_in(&token));
            assert_eq!(usize::from(a.unwrap().is_some()) + usize::from(b.unwrap().is_some()), 1);
        }
        other.close().await;
    }

    async fn a_session_lasts_until_it_ends_or_expires(db: &Database) {
        let key = key(db).await;
        let (session, token) = db.store.create_session(&key.id, HOUR).await.unwrap();
        assert_eq!(session.expires_at - session.created_at, HOUR);
        assert_eq!(db.store.find_session(&token).await.unwrap(), Some(session));
        assert_eq!(db.store.find_session(&unknown()).await.unwrap(), None);
        assert!(db.store.end_session(&token).await.unwrap());
        assert!(!db.store.end_session(&token).await.unwrap());
        assert_eq!(db.store.find_session(&token).await.unwrap(), None);

        let (_, late) = db.store.create_session(&key.id, HOUR).await.unwrap();
        db.clock.pass(time::Duration::hours(1));
        assert_eq!(db.store.find_session(&late).await.unwrap(), None);
    }

    async fn a_revoked_key_has_neither_sessions_nor_sign_ins(db: &Database) {
        let key = key(db).await;
        let (_, session) = db.store.create_session(&key.id, HOUR).await.unwrap();
        let sign_in = db.store.create_sign_in(&key.id, HOUR).await.unwrap();
        db.store.revoke_key(&key.id, &Actor::System).await.unwrap();
        assert_eq!(db.store.find_session(&session).await.unwrap(), None);
        assert_eq!(db.store.take_sign_in(&sign_in).await.unwrap(), None);
        for error in [
            db.store.create_session(&key.id, HOUR).await.unwrap_err(),
            db.store.create_sign_in(&key.id, HOUR).await.unwrap_err(),
            db.store.create_session("k-none", HOUR).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
        }
    }

    async fn tokens_are_kept_as_hashes_and_each_step_is_written_down(db: &Database) {
        let key = key(db).await;
        let sign_in = db.store.create_sign_in(&key.id, HOUR).await.unwrap();
        let kept = db.dump("SELECT token_sha256 FROM sign_ins").await;
        assert!(kept.len() == 1 && kept[0] != sign_in.reveal());
        db.store.take_sign_in(&sign_in).await.unwrap();
        let (_, session) = db.store.create_session(&key.id, HOUR).await.unwrap();
        let kept = db.dump("SELECT token_sha256 FROM sessions").await;
        assert!(kept.len() == 1 && kept[0] != session.reveal());
        db.store.end_session(&session).await.unwrap();
        assert_eq!(
            db.dump("SELECT action FROM audit ORDER BY seq").await,
            ["key.create", "sign_in.create", "sign_in.take", "session.create", "session.end"]
        );
        assert!(db.store.create_session(&key.id, Duration::MAX).await.is_err());
    }
}
