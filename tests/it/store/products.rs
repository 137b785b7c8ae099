use thatgia::domain::{Document, Gtin, NewProduct, Product, ProductStatus};
use thatgia::store::{Actor, Expected, ImportReport, StoreError};
use time::Duration;

use super::database::{Database, on_both};

fn gtin(n: u32) -> Gtin {
    (0..10).find_map(|d| Gtin::parse(&format!("893460{n:06}{d}")).ok()).unwrap()
}

fn product(n: u32, brand: &str) -> Product {
    let new = NewProduct {
        brand: Some(brand.to_owned()),
        name: Some("Áo \\ 'x' \0".to_owned()),
        owner: Some("'; DROP TABLE products; --".to_owned()),
        country: Some("vn".to_owned()),
        documents: vec![Document { kind: "CFS \0".to_owned(), reference: "\\1".to_owned() }],
        price_low: Some(150_000.0),
        ..NewProduct::default()
    };
    new.parse(gtin(n), "test").unwrap()
}

fn by() -> Actor {
    Actor::Key("k-1".to_owned())
}

on_both! {
    async fn a_product_comes_back_as_it_was_put(db: &Database) {
        assert!(!db.store.has_products().await.unwrap());
        assert_eq!(db.store.product(&gtin(1)).await.unwrap(), None);
        let put = db.store.put_product(&product(1, "Nike"), Expected::New, &by()).await.unwrap();
        assert_eq!((put.version, &put.product), (1, &product(1, "Nike")));
        assert_eq!(db.store.product(&gtin(1)).await.unwrap().as_ref(), Some(&put));
        assert!(db.store.has_products().await.unwrap());
        // Absent numbers and texts, after a statement that had them.
        let bare = Product {
            owner: None, country: None, documents: Vec::new(), price_low: None,
            price_typical: Some(0.0), status: ProductStatus::Withdrawn, ..product(1, "Nike")
        };
        db.clock.pass(Duration::hours(1));
        let changed = db.store.put_product(&bare, Expected::Any, &by()).await.unwrap();
        assert_eq!((changed.version, &changed.product), (2, &bare));
        assert_eq!(changed.created_at, put.created_at);
        assert_eq!(changed.updated_at, put.updated_at + Duration::hours(1));
    }

    async fn a_change_by_somebody_else_is_not_lost(db: &Database) {
        let stale = async |expected, found| {
            let error = db.store.put_product(&product(1, "x"), expected, &by()).await.unwrap_err();
            assert!(matches!(error, StoreError::Stale { found: f, .. } if f == found), "{error}");
        };
        stale(Expected::Version(1), 0).await;
        assert!(!db.store.has_products().await.unwrap());
        db.store.put_product(&product(1, "a"), Expected::New, &by()).await.unwrap();
        stale(Expected::New, 1).await;
        let second = db.store.put_product(&product(1, "b"), Expected::Version(1), &by()).await.unwrap();
        assert_eq!(second.version, 2);
        stale(Expected::Version(1), 2).await;
        stale(Expected::Version(u64::MAX), 2).await;
        let kept = db.store.product(&gtin(1)).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.product.brand.as_str()), (2, "b"));
        // Only what was done is in the log.
        let report = db.store.verify_audit().await.unwrap();
        assert_eq!((report.rows, report.broken), (2, None));
    }

    async fn an_import_counts_what_it_did(db: &Database) {
        let all: Vec<Product> = (0..100).map(|n| product(n, "Nike")).collect();
        let report = db.store.import_products(&all, &Actor::System).await.unwrap();
        assert_eq!(report, ImportReport { new: 100, changed: 0, unchanged: 0 });
        let mut again = all.clone();
        again[3].status = ProductStatus::Withdrawn;
        again.push(product(3, "Adidas"));
        again.push(product(200, "Dior"));
        let report = db.store.import_products(&again, &Actor::System).await.unwrap();
        assert_eq!(report, ImportReport { new: 1, changed: 1, unchanged: 99 });
        let found = db.store.products_of(&[gtin(3), gtin(4), gtin(999)]).await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[&gtin(3)].version, found[&gtin(4)].version), (2, 1));
        assert_eq!(found[&gtin(3)].product.brand, "Adidas");
        assert_eq!(db.store.import_products(&[], &Actor::System).await.unwrap(), ImportReport::default());
        // Nothing new, nothing in the log.
        db.store.import_products(&all[..1], &Actor::System).await.unwrap();
        assert_eq!(db.store.verify_audit().await.unwrap().rows, 2);
    }

    async fn products_are_listed_page_by_page(db: &Database) {
        let brands = ["Nike", "NIKE ", "Dior"];
        let all: Vec<Product> = (0..7).map(|n| product(n, brands[n as usize % 3])).collect();
        db.store.import_products(&all, &Actor::System).await.unwrap();
        for (brand, want) in [(None, 7), (Some("nike"), 5), (Some("Díor"), 2), (Some("' OR 1=1"), 0)] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = db.store.products(brand, after.as_ref(), 2).await.unwrap();
                seen.extend(page.rows.iter().map(|r| r.product.gtin));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen.len(), want, "{brand:?}");
            assert!(seen.is_sorted());
        }
    }
}
