use thatgia::domain::Band;
use thatgia::store::{Cursor, CursorError, Store, SuspectFilter};

use super::database::{Database, Item, json, on_both, save};

/// What an attacker, or a seller with an odd name, would write.
const NASTY: [&str; 12] = [
    "' OR '1'='1",
    "'; DROP TABLE listings; --",
    "\" OR 1=1 --",
    "%",
    "_",
    "$1",
    "\\",
    "\0",
    "a' UNION SELECT secret_sha256 FROM keys --",
    "1) OR (1=1",
    "ｎ\u{202e}",
    "/*",
];

async fn ids(store: &Store, filter: &SuspectFilter) -> Vec<String> {
    let page = store.suspects(filter, None, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|r| r.id).collect()
}

on_both! {
    async fn are_ranked_by_score_and_then_by_the_bytes_of_their_id(db: &Database) {
        let items = [("b", 1.0), ("é", 1.0), ("a", -3.0), ("Z", 1.0), ("z", 1.0), ("top", 5.0), ("B", 1.0)];
        let items = items.map(|(id, logit)| Item::new(&json(id, &[]), logit));
        save(&db.store, &items).await;
        assert_eq!(ids(&db.store, &SuspectFilter::default()).await, ["top", "B", "Z", "b", "z", "é", "a"]);
    }

    async fn pages_hold_while_rows_are_added(db: &Database) {
        let named = |n: usize| format!("i{n:03}");
        // Ten scores for sixty rows, so that places within one score count.
        let items: Vec<_> =
            (0..60).map(|n| Item::new(&json(&named(n), &[]), f64::from(u8::try_from(n % 10).unwrap()))).collect();
        save(&db.store, &items).await;
        let expected = ids(&db.store, &SuspectFilter::default()).await;
        let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let page = db.store.suspects(&SuspectFilter::default(), cursor.as_ref(), 7).await.unwrap();
            seen.extend(page.rows.into_iter().map(|r| r.id));
            let Some(next) = page.next else { break };
            // Through its text, as a client hands it back.
            cursor = Some(next.to_string().parse().unwrap());
            // A row before the place, and one after it.
            let n = seen.len();
            save(&db.store, &[
                Item::new(&json(&format!("above{n}"), &[]), 15.0),
                Item::new(&json(&format!("below{n}"), &[]), -15.0),
            ]).await;
        }
        let old: Vec<_> = seen.iter().filter(|id| id.starts_with('i')).cloned().collect();
        assert_eq!(old, expected);
        assert!(!seen.iter().any(|id| id.starts_with("above")));
        assert!(seen.iter().any(|id| id.starts_with("below")));
        seen.sort();
        let all = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), all, "no row twice");
    }

    async fn filters_match_names_however_they_are_written(db: &Database) {
        let row = |id: &str, logit: f64, platform: &str, province: &str, brand: &str| {
            Item::new(&json(id, &[
                ("platform", platform.into()),
                ("seller", serde_json::json!({"location": province, "name": "Shop"})),
                ("brand", brand.into()),
                ("price", serde_json::json!({"amount": 99.5, "currency": "vnd"})),
            ]), logit)
        };
        save(&db.store, &[
            row("a", 3.0, "Shopee", "TP. Hồ Chí Minh", "Nike"),
            row("b", 2.0, "shopee ", "Hà Nội", "NIKE"),
            row("c", 0.0, "Lazada", "thanh pho ho chi minh", "Adidas"),
            row("d", -3.0, "Lazada", " ", "nike"),
            Item::new(&json("bare", &[]), 1.0),
        ]).await;
        let all = SuspectFilter::default();
        let text = |t: &str| Some(t.to_owned());
        for (filter, want) in [
            (SuspectFilter { band: Some(Band::High), ..all.clone() }, &["a", "b"][..]),
            (SuspectFilter { band: Some(Band::Low), ..all.clone() }, &["d"]),
            (SuspectFilter { platform: text("SHOPEE"), ..all.clone() }, &["a", "b"]),
            (SuspectFilter { province: text("Hồ Chí Minh"), ..all.clone() }, &["a", "c"]),
            (SuspectFilter { province: text("tp.hcm"), ..all.clone() }, &["a", "c"]),
            (SuspectFilter { brand: text("nike"), ..all.clone() }, &["a", "b", "d"]),
            (SuspectFilter { brand: text("nike"), platform: text("lazada"), ..all.clone() }, &["d"]),
            (SuspectFilter { brand: text(""), ..all.clone() }, &[]),
            (SuspectFilter { scope: vec!["Hà Nội".into(), "Huế".into()], ..all.clone() }, &["b"]),
            (SuspectFilter { scope: vec![" ".into()], ..all.clone() }, &[]),
            (SuspectFilter { scope: vec!["Hà Nội".into()], province: text("TP.HCM"), ..all.clone() }, &[]),
        ] {
            assert_eq!(ids(&db.store, &filter).await, want, "{filter:?}");
        }
        let page = db.store.suspects(&all, None, 1).await.unwrap();
        let row = &page.rows[0];
        assert_eq!(row.province.as_deref(), Some("TP. Hồ Chí Minh"));
        assert_eq!((row.price_amount, row.price_currency.as_deref()), (Some(99.5), Some("VND")));
        assert_eq!((row.seller.as_deref(), row.title.as_str()), (Some("Shop"), "t"));
        let line: serde_json::Value = serde_json::from_str(&row.line).unwrap();
        assert_eq!(line["score"].as_f64(), Some(row.score));
    }

    async fn no_filter_lets_sql_in(db: &Database) {
        save(&db.store, &[Item::new(&json("a", &[("brand", "Nike".into())]), 1.0)]).await;
        for text in NASTY {
            let all = SuspectFilter::default();
            let one = Some(text.to_owned());
            for filter in [
                SuspectFilter { platform: one.clone(), ..all.clone() },
                SuspectFilter { province: one.clone(), ..all.clone() },
                SuspectFilter { brand: one.clone(), ..all.clone() },
                SuspectFilter { scope: vec![text.to_owned()], ..all.clone() },
            ] {
                assert_eq!(ids(&db.store, &filter).await, [""; 0], "{filter:?}");
            }
            assert_eq!(db.store.listing(text).await.unwrap(), None);
        }
        // And what is odd but real is found.
        for text in NASTY.iter().filter(|t| **t != "\0") {
            let item = Item::new(&json(text, &[("brand", (*text).into())]), 2.0);
            save(&db.store, &[item]).await;
            let filter = SuspectFilter { brand: Some((*text).to_owned()), ..SuspectFilter::default() };
            assert_eq!(ids(&db.store, &filter).await, [*text]);
        }
        assert_eq!(db.store.count().await.unwrap(), 12);
    }

    async fn a_page_has_at_least_one_row_and_knows_its_end(db: &Database) {
        let all = SuspectFilter::default();
        assert_eq!(db.store.suspects(&all, None, 5).await.unwrap().rows, []);
        save(&db.store, &[Item::new(&json("a", &[]), 1.0), Item::new(&json("b", &[]), 0.0)]).await;
        let page = db.store.suspects(&all, None, 0).await.unwrap();
        assert_eq!((page.rows.len(), page.next.is_some()), (1, true));
        assert_eq!(db.store.suspects(&all, None, 2).await.unwrap().next, None);
        assert_eq!(db.store.suspects(&all, None, u32::MAX).await.unwrap().rows.len(), 2);
        let next = db.store.suspects(&all, page.next.as_ref(), 5).await.unwrap();
        assert_eq!((next.rows[0].id.as_str(), next.next), ("b", None));
    }
}

#[test]
fn garbage_is_no_cursor() {
    let long = "A".repeat(100_000);
    for text in NASTY.into_iter().chain(["", "AAAA", "0", "null", "e30=", &long]) {
        assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
    }
}
