use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use thatgia::store::{SavedState, StoreError, SuspectFilter};
use time::Duration;

use super::database::{Database, Item, json, on_both, save};

on_both! {
    async fn counts_new_changed_and_unchanged(db: &Database) {
        let (a, b) = (Item::new(&json("a", &[]), 1.0), Item::new(&json("b", &[]), 2.0));
        let report = save(&db.store, &[a.clone(), b.clone()]).await;
        assert_eq!((report.new, report.changed, report.unchanged, report.not_stored), (2, 0, 0, 0));
        assert_eq!(report, {
            let mut other = save(&db.store, &[a, Item::failed(&json("c", &[]))]).await;
            assert_eq!((other.unchanged, other.not_stored), (1, 1));
            assert_eq!(other.items[1].id, None);
            assert_eq!(other.items[1].state, SavedState::NotStored);
            other.clone_from(&report);
            other
        });
        let report = save(&db.store, &[Item::new(&json("b", &[("brand", "x".into())]), 2.0)]).await;
        assert_eq!((report.changed, report.items[0].id.as_deref()), (1, Some("b")));
        assert_eq!(db.store.count().await.unwrap(), 2);
        assert_eq!(db.store.listing("c").await.unwrap(), None);
        assert_eq!(db.store.save(&[]).await.unwrap().items, []);
    }

    async fn json_comes_back_to_the_byte(db: &Database) {
        for (n, rest) in [
            r#""title":"a\u0000b","platform":"p\u0000","brand":"b\\0","seller":{"name":"\u0000","location":"\u0000"}"#,
            r#""title":"x", "unknown":"\ud800 \udc00","deep":[[[{"a":1e400}]]],  "n":1.000000000000000000001"#,
            "\"title\":\"Giày 👟 \\u1ec7 \\\\ \\\" \u{2028}\u{feff}\",\n\t\"url\":\"javascript:alert(1)\"",
            r#""title":"'); DROP TABLE listings; --""#,
        ].iter().enumerate() {
            let json = format!("{{ \"id\":\"n{n}\", {rest} }}");
            save(&db.store, &[Item::new(&json, 0.5)]).await;
            let stored = db.store.listing(&format!("n{n}")).await.unwrap().unwrap();
            assert_eq!(stored.json, json);
        }
        let page = db.store.suspects(&SuspectFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.rows[0].title, "a\0b");
        assert_eq!(page.rows[0].platform.as_deref(), Some("p\0"));
        assert_eq!(page.rows[0].brand.as_deref(), Some(r"b\0"));
        assert_eq!(page.rows[0].seller.as_deref(), Some("\0"));
    }

    async fn any_id_is_found_again_and_no_two_are_taken_for_one(db: &Database) {
        let longest = "𝒳".repeat(512);
        let ids = ["a\0b", r"a\0b", r"a\\0b", "a", "A", "á", "a\u{301}", "a ", "' OR 1=1", &longest];
        for id in ids {
            let brand = Value::from("ﷺ".repeat(512));
            save(&db.store, &[Item::new(&json(id, &[("brand", brand)]), 0.5)]).await;
        }
        assert_eq!(db.store.count().await.unwrap(), ids.len() as u64);
        for id in ids {
            let stored = db.store.listing(id).await.unwrap().unwrap();
            assert_eq!(stored.id, id);
            let line: Value = serde_json::from_str(&stored.line).unwrap();
            assert_eq!((line["id"].as_str(), line["line"].as_u64()), (Some(id), Some(1)));
        }
        assert_eq!(db.store.listing("' OR '1'='1").await.unwrap(), None);
    }

    async fn a_listing_without_id_gets_the_same_one_again(db: &Database) {
        let item = Item::new(r#"{"title":"Túi xách"}"#, 1.0);
        let first = save(&db.store, std::slice::from_ref(&item)).await;
        let again = save(&db.store, &[item, Item::new(r#"{"title":"Túi"}"#, 1.0)]).await;
        let id = first.items[0].id.clone().unwrap();
        assert!(id.starts_with("h-"), "{id}");
        assert_eq!(again.items[0].id.as_deref(), Some(id.as_str()));
        assert_eq!((again.unchanged, again.new), (1, 1));
        let line: Value =
            serde_json::from_str(&db.store.listing(&id).await.unwrap().unwrap().line).unwrap();
        assert_eq!(line["id"], id);
    }

    async fn the_last_of_one_id_in_a_batch_wins(db: &Database) {
        let one = |price: u32, logit| Item::new(&json("a", &[("url", price.to_string().into())]), logit);
        let report = save(&db.store, &[one(1, 1.0), one(2, 2.0), one(2, 2.5), one(1, 3.0)]).await;
        assert_eq!((report.new, report.changed, report.unchanged), (1, 2, 1));
        let stored = db.store.listing("a").await.unwrap().unwrap();
        assert_eq!(stored.json, one(1, 0.0).json);
        assert_eq!(stored.history.len(), 2);
    }

    async fn a_price_may_be_absent_before_and_after_another(db: &Database) {
        let price = |amount: f64| serde_json::json!({"amount": amount, "currency": "VND"});
        let prices = [None, Some(0.1), None, Some(0.0), Some(1.797e308)];
        for (n, amount) in prices.into_iter().enumerate() {
            let more: Vec<_> = amount.map(|a| ("price", price(a))).into_iter().collect();
            save(&db.store, &[Item::new(&json(&format!("i{n}"), &more), 0.0)]).await;
        }
        let page = db.store.suspects(&SuspectFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.rows.iter().map(|r| r.price_amount).collect::<Vec<_>>(), prices);
    }

    async fn history_keeps_one_entry_for_each_content_and_model(db: &Database) {
        let (old, new) = (json("a", &[]), json("a", &[("brand", "x".into())]));
        let mut times = Vec::new();
        for (json, logit, model) in
            [(&old, 1.0, "m-1"), (&old, 1.5, "m-1"), (&old, 2.0, "m-2"), (&new, 3.0, "m-2")]
        {
            save(&db.store, &[Item::by_model(json, logit, model)]).await;
            times.push(thatgia::domain::Clock::now(&*db.clock));
            db.clock.pass(Duration::minutes(1));
        }
        let stored = db.store.listing("a").await.unwrap().unwrap();
        let history: Vec<_> = stored
            .history
            .iter()
            .map(|h| (h.model.id.as_str(), (h.score / (1.0 - h.score)).ln().round(), h.assessed_at))
            .collect();
        assert_eq!(history, [("m-2", 3.0, times[3]), ("m-2", 2.0, times[2]), ("m-1", 2.0, times[1])]);
        assert_eq!(
            (stored.first_seen_at, stored.changed_at, stored.last_seen_at),
            (times[0], times[3], times[3])
        );
        assert_ne!(stored.history[0].content_sha256, stored.history[1].content_sha256);
        assert_eq!(stored.line, stored.history[0].line);
    }

    async fn a_failing_item_leaves_nothing_of_its_batch(db: &Database) {
        save(&db.store, &[Item::new(&json("kept", &[("brand", "kept".into())]), 1.0)]).await;
        db.tamper("CREATE UNIQUE INDEX boom ON listings (brand)").await;
        // More than one statement's rows, the last of which fails.
        let mut items: Vec<_> = (0..100)
            .map(|n| Item::new(&json(&format!("i{n:03}"), &[("brand", n.to_string().into())]), 1.0))
            .collect();
        items.push(Item::new(&json("kept", &[("brand", "changed".into())]), 2.0));
        items.push(Item::new(&json("zzz", &[("brand", "99".into())]), 1.0));
        let items: Vec<_> = items.iter().map(Item::to_store).collect();
        let error = db.store.save(&items).await.unwrap_err();
        assert!(matches!(error, StoreError::Database(_)), "{error}");
        assert_eq!(db.store.count().await.unwrap(), 1);
        let kept = db.store.listing("kept").await.unwrap().unwrap();
        assert!(kept.json.contains(r#""brand":"kept""#));
        assert_eq!(kept.history.len(), 1);
        // The store goes on working.
        assert_eq!(db.store.save(&items[..100]).await.unwrap().new, 100);
    }

    async fn an_id_that_no_index_could_hold_is_refused(db: &Database) {
        let mut item = Item::new(&json("a", &[]), 1.0);
        let limits = thatgia::domain::Limits { field_chars: 9_999, ..Default::default() };
        item.json = json(&"a".repeat(2_049), &[]);
        item.listing =
            thatgia::domain::Listing::from_json(item.json.as_bytes(), &limits).unwrap();
        let error = db.store.save(&[item.to_store()]).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { field: "id", .. }), "{error}");
    }

    async fn a_caller_that_leaves_leaves_all_or_nothing(db: &Database) {
        let items: Vec<_> = (0..200).map(|n| Item::new(&json(&format!("i{n}"), &[]), 1.0)).collect();
        let items: Vec<_> = items.iter().map(Item::to_store).collect();
        for polls in 0..60 {
            {
                let mut saving = pin!(db.store.save(&items));
                let mut done = false;
                for _ in 0..polls {
                    done = matches!(saving.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_));
                    if done {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                if done {
                    break;
                }
            }
            let count = db.store.count().await.unwrap();
            assert!(count == 0 || count == 200, "{count} after {polls} polls");
        }
        assert_eq!(db.store.save(&items).await.unwrap().items.len(), 200);
        assert_eq!(db.store.count().await.unwrap(), 200);
    }

    async fn two_writers_at_once_both_succeed(db: &Database) {
        let (one, other) = (db.store.clone(), db.again().await);
        let items: Vec<_> = (0..70).map(|n| Item::new(&json(&format!("i{n}"), &[]), 1.0)).collect();
        let reversed: Vec<_> = items.iter().rev().cloned().collect();
        let (forth, back) = (
            tokio::spawn(async move { for _ in 0..5 { save(&one, &items).await; } }),
            tokio::spawn(async move { for _ in 0..5 { save(&other, &reversed).await; } other.close().await; }),
        );
        forth.await.unwrap();
        back.await.unwrap();
        assert_eq!(db.store.count().await.unwrap(), 70);
    }
}
