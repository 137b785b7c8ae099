use thatgia::domain::{ApiKey, Role};
use thatgia::store::{Actor, NewKey, StoreError};
use time::Duration;

use super::database::{Database, on_both};

pub(super) fn new_key(role: Role) -> NewKey {
    NewKey {
        name: "Đội 3".to_owned(),
        role,
        agency: Some("QLTT \0 Hà Nội".to_owned()),
        provinces: vec!["Hà Nội".to_owned(), "'\\0".to_owned()],
    }
}

on_both! {
    async fn a_key_is_found_by_its_secret_until_it_is_revoked(db: &Database) {
        let (record, key) = db.store.create_key(&new_key(Role::Analyst), &Actor::System).await.unwrap();
        assert_eq!(db.store.find_key(&key).await.unwrap().as_ref(), Some(&record));
        assert_eq!(record.agency, new_key(Role::Analyst).agency);
        assert_eq!(record.provinces, new_key(Role::Analyst).provinces);
        assert_eq!(db.store.find_key(&ApiKey::from_bytes(&[1; 32])).await.unwrap(), None);

        db.clock.pass(Duration::hours(1));
        let revoked = db.store.revoke_key(&record.id, &Actor::System).await.unwrap();
        assert_eq!(revoked.revoked_at, Some(record.created_at + Duration::hours(1)));
        assert_eq!(db.store.find_key(&key).await.unwrap(), None);

        db.clock.pass(Duration::hours(1));
        assert_eq!(db.store.revoke_key(&record.id, &Actor::System).await.unwrap(), revoked);
        assert_eq!(db.store.list_keys().await.unwrap(), [revoked]);
        assert_eq!(db.store.verify_audit().await.unwrap().rows, 2);
    }

    async fn the_secret_is_kept_nowhere(db: &Database) {
        let (record, key) = db.store.create_key(&new_key(Role::Crawler), &Actor::System).await.unwrap();
        let kept = db.dump(
            "SELECT id || name || provinces || secret_sha256 FROM keys \
             UNION ALL SELECT actor || action || subject || details FROM audit",
        ).await.join("\n");
        assert!(kept.contains(&record.id) && kept.contains("key.create"));
        assert!(!kept.contains(key.reveal()) && !kept.contains(&key.reveal()[3..]));
        if db.is_sqlite() {
            for file in std::fs::read_dir(db.dir.path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                let secret = &key.reveal().as_bytes()[3..];
                assert!(!bytes.windows(secret.len()).any(|w| w == secret));
            }
        }
    }

    async fn an_admin_key_counts_while_it_is_not_revoked(db: &Database) {
        db.store.create_key(&new_key(Role::Scientist), &Actor::System).await.unwrap();
        assert!(!db.store.has_admin_key().await.unwrap());
        let (admin, _) = db.store.create_key(&new_key(Role::Admin), &Actor::System).await.unwrap();
        assert!(db.store.has_admin_key().await.unwrap());
        db.store.revoke_key(&admin.id, &Actor::Key(admin.id.clone())).await.unwrap();
        assert!(!db.store.has_admin_key().await.unwrap());
    }

    async fn what_is_no_key_is_refused(db: &Database) {
        let good = new_key(Role::Analyst);
        for (bad, field) in [
            (NewKey { name: " ".into(), ..good.clone() }, "name"),
            (NewKey { name: "x".repeat(201), ..good.clone() }, "name"),
            (NewKey { agency: Some(String::new()), ..good.clone() }, "agency"),
            (NewKey { provinces: vec![String::new()], ..good.clone() }, "provinces"),
            (NewKey { provinces: vec!["a".into(); 101], ..good.clone() }, "provinces"),
        ] {
            let error = db.store.create_key(&bad, &Actor::System).await.unwrap_err();
            assert!(matches!(error, StoreError::Invalid { field: f, .. } if f == field), "{error}");
        }
        for id in ["k-none", "' OR '1'='1", "\0"] {
            let error = db.store.revoke_key(id, &Actor::System).await.unwrap_err();
            assert!(matches!(error, StoreError::NotFound { what: "key", .. }), "{error}");
        }
        assert_eq!(db.store.verify_audit().await.unwrap().rows, 0);
    }
}
