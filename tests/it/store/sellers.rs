use serde_json::{Value, json};
use thatgia::domain::LinkKind;
use thatgia::store::{ConfirmedCase, SellerContext, Signs, Store};
use time::Duration;

use super::database::{Database, Item, on_both, save};

/// Enough words for a text whose likeness says something; `n` makes it another text.
fn text(n: u32) -> String {
    let mut seed = u64::from(n) + 1;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let letters = (seed >> 20).to_le_bytes();
        letters[..5].iter().map(|b| char::from(b'a' + b % 26)).collect::<String>()
    };
    (0..60).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// A listing of a seller; `more` is put into it.
fn listing(id: &str, seller: &str, more: &Value) -> String {
    let mut all = json!({"id": id, "title": "Túi", "platform": "Shopee", "seller": {"id": seller}});
    let fields = all.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        if name == "location" {
            fields["seller"]["location"] = value.clone();
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    all.to_string()
}

fn item(id: &str, seller: &str, logit: f64, more: &Value) -> Item {
    Item::new(&listing(id, seller, more), logit)
}

async fn context(store: &Store, json: &str) -> SellerContext {
    let item = Item::new(json, 0.0);
    store.seller_contexts(&[Signs::new(&item.listing)]).await.unwrap().pop().unwrap()
}

fn case(id: &str, seller: &str, listing: &str, db: &Database) -> ConfirmedCase {
    ConfirmedCase {
        id: id.to_owned(),
        platform: "shopee".to_owned(),
        seller_id: seller.to_owned(),
        listing_id: listing.to_owned(),
        confirmed_at: db.clock_now(),
    }
}

on_both! {
    async fn a_listing_is_never_counted_for_itself(db: &Database) {
        let one = item("a", "s1", 5.0, &json!({"brand": "Gucci"}));
        assert_eq!(context(&db.store, &one.json).await.facts, None);
        save(&db.store, std::slice::from_ref(&one)).await;
        assert_eq!(context(&db.store, &one.json).await.facts, None);
        save(&db.store, &[one.clone(), item("b", "s1", -3.0, &json!({"brand": "Dior"}))]).await;
        let of_a = context(&db.store, &one.json).await.facts.unwrap();
        assert_eq!((of_a.listings, of_a.suspects), (1, 0));
        assert_eq!(of_a.brands, [("dior".to_owned(), 1)]);
        let of_new = context(&db.store, &listing("c", "s1", &json!({}))).await.facts.unwrap();
        assert_eq!((of_new.listings, of_new.suspects), (2, 1));
        // Another platform is another seller, whatever its id; its case does not matter.
        let same = listing("c", "s1", &json!({"platform": "SHOPEE "}));
        assert_eq!(context(&db.store, &same).await.facts.unwrap().listings, 2);
        let elsewhere = listing("c", "s1", &json!({"platform": "tiki"}));
        assert_eq!(context(&db.store, &elsewhere).await, SellerContext::default());
    }

    async fn a_seller_is_judged_by_scores_without_his_own_part(db: &Database) {
        let mut one = item("a", "s1", 2.0, &json!({}));
        if let Ok(assessment) = &mut one.line.outcome {
            assessment.parts.text = Some(-1.0);
            assessment.parts.seller = Some(3.0);
        }
        save(&db.store, &[one]).await;
        let facts = context(&db.store, &listing("b", "s1", &json!({}))).await.facts.unwrap();
        assert_eq!((facts.listings, facts.suspects), (1, 0));
    }

    async fn prices_count_where_they_could_be_judged(db: &Database) {
        let mut items = [item("a", "s1", 0.0, &json!({})), item("b", "s1", 0.0, &json!({})),
            item("c", "s1", 0.0, &json!({}))];
        for (item, part) in items.iter_mut().zip([Some(1.5), Some(-0.5), None]) {
            if let Ok(assessment) = &mut item.line.outcome {
                assessment.parts.price = part;
            }
        }
        save(&db.store, &items).await;
        let facts = context(&db.store, &listing("d", "s1", &json!({}))).await.facts.unwrap();
        assert_eq!((facts.listings, facts.priced, facts.cheap), (3, 2, 1));
    }

    async fn sellers_who_share_a_number_or_a_text_are_linked(db: &Database) {
        save(&db.store, &[
            item("a", "s1", 0.0, &json!({"description": format!("{} 0912.345.678 🔥 289k", text(1))})),
            item("b", "s2", 3.0, &json!({"description": format!("{} zalo O987 654 321 ✅ 1.290k", text(1))})),
            item("c", "s3", 0.0, &json!({"description": "gọi không chín 12 345 678"})),
            item("d", "s4", 0.0, &json!({"description": text(2)})),
        ]).await;
        let of = |seller| async move {
            let row = db.store.seller("SHOPEE", seller).await.unwrap().unwrap();
            let links = db.store.links_of(&[row.key]).await.unwrap();
            let mut kinds: Vec<_> = links.iter().map(|l| (l.kind, l.listings.clone())).collect();
            kinds.sort();
            kinds
        };
        let own = of("s1").await;
        assert_eq!(own.iter().map(|l| l.0).collect::<Vec<_>>(), [LinkKind::Phone, LinkKind::CopiedText]);
        assert_eq!(of("s2").await.len(), 1);
        assert_eq!(of("s3").await.len(), 1);
        assert_eq!(of("s4").await, []);
        // One that is not kept yet is linked by what stands in it.
        let new = listing("e", "s5", &json!({"description": format!("{} 0987654321", text(1))}));
        let context = context(&db.store, &new).await;
        assert_eq!(context.copies, 2);
        let phone = context.links.iter().find(|l| l.kind == LinkKind::Phone).unwrap();
        assert_eq!((phone.facts.suspects, phone.strength), (1, 1.0));
        let pairs = db.store.linked_pairs(0.0, &[], 10).await.unwrap();
        assert_eq!(pairs.len(), 2);
    }

    async fn no_contact_stands_in_a_table_of_signs(db: &Database) {
        let text = "LH 0912345678, ban.hang@vidu.vn, fb.com/shop.giay.xin, zalo.me/g/abcxyz";
        save(&db.store, &[item("a", "s1", 0.0, &json!({"description": text})),
            item("b", "s2", 0.0, &json!({"description": text}))]).await;
        for table in ["sellers", "listing_signs", "copy_bands", "seller_contacts", "seller_links"] {
            let sql = if db.is_sqlite() {
                let columns = db.dump(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let all: Vec<_> = columns.iter().map(|c| format!("COALESCE({c}, '')")).collect();
                format!("SELECT CAST({} AS TEXT) FROM {table}", all.join(" || ' ' || "))
            } else {
                format!("SELECT CAST(t.* AS TEXT) FROM {table} t")
            };
            for row in db.dump(&sql).await {
                for plain in ["912345678", "vidu", "giay", "abcxyz"] {
                    assert!(!row.contains(plain), "{table}: {row}");
                }
            }
        }
        assert_eq!(db.dump("SELECT kind FROM seller_links ORDER BY kind").await,
            ["email", "facebook", "phone", "zalo"]);
        assert_eq!(db.dump("SELECT kind FROM seller_contacts").await.len(), 8);
    }

    async fn what_changes_or_goes_takes_its_links_along(db: &Database) {
        let shared = json!({"description": format!("{} 0912345678", text(1))});
        let items = [item("a", "s1", 0.0, &shared), item("b", "s2", 3.0, &shared)];
        save(&db.store, &items).await;
        assert_eq!(db.dump("SELECT kind FROM seller_links").await.len(), 2);
        // Seen again: nothing is added, nothing lost.
        save(&db.store, &items).await;
        assert_eq!(db.dump("SELECT kind FROM seller_links").await.len(), 2);
        save(&db.store, &[item("b", "s2", 3.0, &json!({"description": text(2)}))]).await;
        assert_eq!(db.dump("SELECT kind FROM seller_links").await.len(), 0);
        assert_eq!(db.dump("SELECT kind FROM seller_contacts").await.len(), 1);
        save(&db.store, &items).await;
        // Moved to another seller: both are counted anew.
        save(&db.store, &[item("b", "s3", 3.0, &shared)]).await;
        assert_eq!(db.store.seller("shopee", "s2").await.unwrap(), None);
        assert_eq!(db.store.seller("shopee", "s3").await.unwrap().unwrap().facts.suspects, 1);
        assert_eq!(db.store.remove_listings(&["a", "b", "none"]).await.unwrap(), 2);
        for table in ["listings", "assessments", "listing_signs", "copy_bands", "seller_contacts",
            "seller_links", "sellers"] {
            let rows = db.dump(&format!("SELECT '' FROM {table}")).await;
            assert!(rows.is_empty(), "{table}: {rows:?}");
        }
        // Even where something else deletes a listing, its signs go with it.
        save(&db.store, &items).await;
        let sql = if db.is_sqlite() { "PRAGMA foreign_keys = ON; DELETE FROM listings" } else { "DELETE FROM listings" };
        db.tamper(sql).await;
        for table in ["listing_signs", "copy_bands", "seller_contacts", "seller_links"] {
            assert!(db.dump(&format!("SELECT '' FROM {table}")).await.is_empty(), "{table}");
        }
    }

    async fn a_number_that_many_share_is_a_hotline(db: &Database) {
        let many: Vec<_> = (0..40)
            .map(|n| item(&format!("i{n}"), &format!("s{n}"), 0.0,
                &json!({"title": "Tổng đài 0912345678"})))
            .collect();
        save(&db.store, &many[..10]).await;
        assert_eq!(db.store.linked_pairs(0.0, &[], 1000).await.unwrap().len(), 45);
        save(&db.store, &many[10..]).await;
        assert_eq!(db.store.linked_pairs(0.0, &[], 1000).await.unwrap(), []);
        assert_eq!(db.dump("SELECT kind FROM seller_contacts").await.len(), 21);
        assert_eq!(context(&db.store, &many[39].json).await.links, []);
    }

    async fn a_text_that_many_have_is_common(db: &Database) {
        let many: Vec<_> = (0..150)
            .map(|n| item(&format!("i{n}"), &format!("s{n}"), 0.0, &json!({"description": text(1)})))
            .collect();
        save(&db.store, &many[..5]).await;
        assert_eq!(db.store.linked_pairs(0.0, &[], 1000).await.unwrap().len(), 10);
        assert_eq!(context(&db.store, &many[0].json).await.copies, 4);
        save(&db.store, &many[5..]).await;
        assert_eq!(db.store.linked_pairs(0.0, &[], 1000).await.unwrap(), []);
        assert_eq!(context(&db.store, &many[0].json).await.copies, 0);
        assert!(db.dump("SELECT '' FROM copy_bands").await.len() <= 12 * 32);
    }

    async fn a_seller_with_many_listings_stays_cheap(db: &Database) {
        let body = format!("{} 0912345678", text(1));
        let many: Vec<_> = (0..600)
            .map(|n| item(&format!("i{n}"), "s1", if n % 2 == 0 { 3.0 } else { -3.0 },
                &json!({"description": body, "brand": format!("b{n}")})))
            .collect();
        for batch in many.chunks(100) {
            save(&db.store, batch).await;
        }
        let seller = db.store.seller("shopee", "s1").await.unwrap().unwrap();
        assert_eq!((seller.facts.listings, seller.more, seller.facts.brands.len()), (512, true, 16));
        assert!((200..312).contains(&seller.facts.suspects), "{:?}", seller.facts);
        assert!(db.dump("SELECT '' FROM copy_bands").await.len() <= 12 * 2);
        let mut counts = Vec::new();
        for item in &many {
            counts.push(context(&db.store, &item.json).await.facts.unwrap().listings);
        }
        assert_eq!(counts.iter().filter(|n| **n == 511).count(), 512);
        assert_eq!(counts.iter().filter(|n| **n == 512).count(), 88);
    }

    async fn cases_outlive_listings_and_can_be_taken_back(db: &Database) {
        save(&db.store, &[item("a", "s1", 3.0, &json!({"description": "0912345678"})),
            item("z", "s2", 0.0, &json!({"description": "0912345678"}))]).await;
        db.store.confirm_case(&case("d1", "s1", "a", db)).await.unwrap();
        db.store.confirm_case(&case("d1", "s1", "a", db)).await.unwrap();
        let own = context(&db.store, &listing("a", "s1", &json!({}))).await;
        assert!(own.cases.is_empty());
        let other = context(&db.store, &listing("b", "s1", &json!({}))).await;
        assert_eq!(other.cases, [db.clock_now()]);
        let linked = context(&db.store, &listing("z", "s2", &json!({}))).await;
        assert_eq!(linked.links[0].cases, [db.clock_now()]);
        db.store.remove_listings(&["a"]).await.unwrap();
        db.clock.pass(Duration::days(1));
        db.store.confirm_case(&case("d2", "s1", "b", db)).await.unwrap();
        let other = context(&db.store, &listing("c", "s1", &json!({}))).await;
        assert_eq!(other.cases.len(), 2);
        assert!(db.store.withdraw_case("d1").await.unwrap());
        assert!(!db.store.withdraw_case("d1").await.unwrap());
        assert_eq!(context(&db.store, &listing("c", "s1", &json!({}))).await.cases, [db.clock_now()]);
        let mut nobody = case("d3", " ", "a", db);
        assert!(db.store.confirm_case(&nobody).await.is_err());
        nobody.seller_id = "s1".to_owned();
        nobody.id = "x".repeat(513);
        assert!(db.store.confirm_case(&nobody).await.is_err());
    }

    async fn a_batch_has_the_contexts_of_its_listings_one_by_one(db: &Database) {
        let items: Vec<_> = (0..70)
            .map(|n| item(&format!("i{n}"), &format!("s{}", n % 9), f64::from(n % 5) - 2.0, &json!({
                "description": format!("{} 09123456{:02}", text(n % 4), n % 6), "brand": format!("b{}", n % 3)})))
            .collect();
        save(&db.store, &items[..50]).await;
        let signs: Vec<_> = items.iter().map(|i| Signs::new(&i.listing)).collect();
        let all = db.store.seller_contexts(&signs).await.unwrap();
        assert!(all.iter().any(|c| !c.links.is_empty()));
        for (item, together) in items.iter().zip(&all) {
            assert_eq!(context(&db.store, &item.json).await, *together);
        }
        assert_eq!(db.store.seller_contexts(&[]).await.unwrap(), []);
    }

    async fn two_writers_of_linked_sellers_both_succeed(db: &Database) {
        let (one, other) = (db.store.clone(), db.again().await);
        let items: Vec<_> = (0..60)
            .map(|n| item(&format!("i{n}"), &format!("s{}", n % 7), 1.0,
                &json!({"description": format!("{} 09123456{:02}", text(n % 5), n % 3)})))
            .collect();
        let (first, second) = (items[..30].to_vec(), items[30..].to_vec());
        let forth = tokio::spawn(async move { for _ in 0..4 { save(&one, &first).await; } });
        let back = tokio::spawn(async move {
            for _ in 0..4 { save(&other, &second).await; }
            other.close().await;
        });
        forth.await.unwrap();
        back.await.unwrap();
        let listings: Vec<u32> = {
            let mut all = Vec::new();
            for n in 0..7 {
                let seller = db.store.seller("shopee", &format!("s{n}")).await.unwrap().unwrap();
                all.push(seller.facts.listings);
            }
            all
        };
        assert_eq!(listings.iter().sum::<u32>(), 60, "{listings:?}");
    }

    async fn strange_sellers_and_texts_do_no_harm(db: &Database) {
        for (n, id) in ["s\0", "' OR 1=1 --", " ", "", "𝒳𝒳", r"a\0"].iter().enumerate() {
            let one = item(&format!("n{n}"), id, 0.0, &json!({"title": "a".repeat(900),
                "description": "giày ".repeat(4_000), "platform": "p\0", "brand": "ﷺ".repeat(500)}));
            save(&db.store, std::slice::from_ref(&one)).await;
            context(&db.store, &one.json).await;
        }
        assert_eq!(db.store.seller("p", "s\0").await.unwrap().unwrap().id, "s\0");
        assert_eq!(db.store.seller("p", " ").await.unwrap(), None);
        assert_eq!(db.dump("SELECT '' FROM sellers").await.len(), 4);
    }
}
