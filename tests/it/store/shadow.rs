use thatgia::domain::{Band, ModelId, Score, Thresholds};
use thatgia::store::{ModelScore, ShadowScore, StoreError};

use super::database::{Database, on_both};

fn model(id: &str) -> ModelId {
    ModelId::new(id).unwrap()
}

/// What a model says at these log-odds.
fn said(id: &str, logit: f64) -> ModelScore {
    let score = Score::from_logit(logit).unwrap();
    let band = Thresholds::new(0.4, 0.8).map_or(Band::Low, |t| t.band(score));
    ModelScore { model: model(id), score: score.value(), band }
}

/// Of the listing `id`, by the model `live`, at the first log-odds, and by `m-2`, at the second.
pub(super) fn shadow_score(id: &str, live: &str, (first, second): (f64, f64)) -> ShadowScore {
    ShadowScore {
        listing_id: Some(id.to_owned()),
        content_sha256: format!("{id:0<64}"),
        live: said(live, first),
        shadow: said("m-2", second),
    }
}

const LOW: f64 = -3.0;
const REVIEW: f64 = 0.0;
const HIGH: f64 = 3.0;

on_both! {
    async fn two_models_are_compared(db: &Database) {
        let m2 = model("m-2");
        assert_eq!(db.store.shadow_summary(&m2).await.unwrap(), []);
        db.store.save_shadow(&[]).await.unwrap();
        let mut rows = Vec::new();
        for (n, logits) in
            [(LOW, LOW), (LOW, LOW), (LOW, REVIEW), (REVIEW, HIGH), (HIGH, LOW)].iter().enumerate()
        {
            rows.push(shadow_score(&format!("a{n}"), "m-1", *logits));
        }
        rows.push(shadow_score("a0", "m-0", (HIGH, HIGH)));
        let first = db.clock_now();
        db.store.save_shadow(&rows).await.unwrap();
        db.clock.pass(time::Duration::seconds(60));
        db.store.save_shadow(&[shadow_score("b", "m-1", (HIGH, HIGH))]).await.unwrap();

        let all = db.store.shadow_summary(&m2).await.unwrap();
        assert_eq!(all.len(), 2);
        let (zero, one) = (&all[0], &all[1]);
        assert_eq!((zero.live.as_str(), zero.rows, zero.bands[2][2]), ("m-0", 1, 1));
        assert!(zero.mean_difference.abs() < 1e-12);
        assert_eq!((one.live.as_str(), one.rows), ("m-1", 6));
        assert_eq!(one.bands, [[2, 1, 0], [0, 0, 1], [1, 0, 1]]);
        assert!((one.bands_differ() - 0.5).abs() < 1e-12);
        let at = |logit| Score::from_logit(logit).unwrap().value();
        let apart = (at(REVIEW) - at(LOW)) + (at(HIGH) - at(REVIEW)) + (at(HIGH) - at(LOW));
        assert!((one.mean_difference - apart / 6.0).abs() < 1e-12, "{one:?}");
        assert_eq!((one.first_at, one.last_at), (first, db.clock_now()));
        assert_eq!(db.store.shadow_summary(&model("m-1")).await.unwrap(), []);
    }

    async fn the_same_content_is_one_row_of_the_newest_scores(db: &Database) {
        let twice = [
            shadow_score("a", "m-1", (LOW, HIGH)),
            shadow_score("b", "m-1", (LOW, LOW)),
            shadow_score("a", "m-1", (LOW, REVIEW)),
        ];
        for _ in 0..2 {
            db.store.save_shadow(&twice).await.unwrap();
            let summary = db.store.shadow_summary(&model("m-2")).await.unwrap();
            assert_eq!(summary[0].bands, [[1, 1, 0], [0, 0, 0], [0, 0, 0]]);
        }
        let nameless = ShadowScore { listing_id: None, ..shadow_score("a", "m-1", (HIGH, HIGH)) };
        db.store.save_shadow(&[nameless]).await.unwrap();
        let summary = db.store.shadow_summary(&model("m-2")).await.unwrap();
        assert_eq!(summary[0].bands, [[1, 0, 0], [0, 0, 0], [0, 0, 1]]);
        let ids = "SELECT COALESCE(listing_id, '-') FROM shadow_scores ORDER BY 1";
        assert_eq!(db.dump(ids).await, ["-", "b"]);
    }

    async fn as_many_as_there_are_are_kept_at_once(db: &Database) {
        let mut rows: Vec<_> =
            (0..300).map(|n| shadow_score(&format!("n{n}x"), "m-1", (LOW, HIGH))).collect();
        let saves = rows.chunks(100).map(|rows| db.store.save_shadow(rows));
        for saved in futures_util::future::join_all(saves).await {
            saved.unwrap();
        }
        rows.reverse();
        db.store.save_shadow(&rows).await.unwrap();
        assert_eq!(db.store.shadow_summary(&model("m-2")).await.unwrap()[0].rows, 300);
    }

    async fn an_odd_id_is_kept_and_a_broken_row_told(db: &Database) {
        let odd = "a\0\\b'; DROP TABLE shadow_scores; --";
        let row = ShadowScore {
            listing_id: Some(odd.to_owned()),
            ..shadow_score("a", "m-1", (LOW, LOW))
        };
        db.store.save_shadow(&[row]).await.unwrap();
        let kept = db.dump("SELECT listing_id FROM shadow_scores").await;
        assert_eq!(kept, [r"a\0\\b'; DROP TABLE shadow_scores; --"]);
        db.tamper("UPDATE shadow_scores SET live_band = 'huge'").await;
        let error = db.store.shadow_summary(&model("m-2")).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { what: "live_band", .. }), "{error}");
    }
}
