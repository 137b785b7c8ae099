use proptest::prelude::*;
use serde_json::{Value, json};
use thatgia::domain::{Assessment, Limits, Listing, Part, logit};
use thatgia::scoring::{Assess as _, Detail, RawItem, ScoredItem, score_items};

use super::{demo, fast, listing};

/// The seller's own text of a field.
fn original<'a>(json: &'a Value, field: &str) -> &'a str {
    match field.strip_prefix("attributes.") {
        Some(name) => json["attributes"][name].as_str().unwrap(),
        None => json[field].as_str().unwrap(),
    }
}

pub(super) fn assert_adds_up(a: &Assessment) {
    let sum = a.prior + a.parts.sum();
    assert!((logit(a.score.value()) - sum).abs() < 1e-6, "{sum}");
    for part in Part::ALL {
        let evidence: f64 = a.evidence.iter().filter(|e| e.part == *part).map(|e| e.weight).sum();
        let value = a.parts.get(*part).unwrap_or(0.0);
        assert!((evidence - value).abs() < 1e-9, "{part}: {evidence} is not {value}");
    }
}

#[test]
fn parts_add_up_to_the_score_and_evidence_to_the_parts() {
    for line in demo() {
        for detail in [Detail::Brief, Detail::Full] {
            assert_adds_up(&fast().assess(&listing(line), detail.into()));
        }
    }
}

#[test]
fn evidence_quotes_the_seller_at_the_place_it_names() {
    for line in demo() {
        let json: Value = serde_json::from_str(line).unwrap();
        let assessment = fast().assess(&listing(line), Detail::Full.into());
        assert!(assessment.evidence.iter().any(|e| !e.text.is_empty()));
        for e in assessment.evidence.iter().filter(|e| e.part == Part::Text && e.end > 0) {
            let chars = original(&json, &e.field).chars();
            let quoted: String = chars.skip(e.start).take(e.end - e.start).collect();
            assert_eq!(quoted, e.text, "{} in {}", e.kind, e.field);
        }
    }
}

#[test]
fn a_score_does_not_depend_on_the_batch() {
    let lines = demo();
    let items: Vec<RawItem<'_>> =
        (1..).zip(&lines).map(|(line, json)| RawItem { line, json: json.as_bytes() }).collect();
    let limits = Limits::default();
    let together = score_items(&**fast(), &limits, Detail::Brief.into(), &items);
    for (item, ScoredItem { line, .. }) in items.iter().zip(&together).rev() {
        let alone = score_items(&**fast(), &limits, Detail::Brief.into(), &[*item]);
        assert_eq!(alone[0].line, *line);
    }
}

#[test]
fn a_part_without_input_is_absent() {
    let a = fast().assess(&listing(r#"{"title":"Áo thun trơn"}"#), Detail::Brief.into());
    assert!(a.parts.text.is_some());
    let absent = [Part::Image, Part::Price, Part::Seller, Part::Codes];
    assert!(absent.iter().all(|p| a.parts.get(*p).is_none()));
    let a =
        fast().assess(&listing(r#"{"title":"Áo","gtin":"6291041500213"}"#), Detail::Brief.into());
    assert_eq!(a.parts.codes, Some(0.0));
}

#[test]
fn a_lower_price_never_lowers_the_risk() {
    let score = |amount: f64| {
        let json = json!({"title": "Giày Nike Air Force 1", "price": {"amount": amount}});
        fast().assess(&listing(&json.to_string()), Detail::Brief.into()).score.value()
    };
    let scores: Vec<f64> =
        [1e9, 5e6, 2e6, 1e6, 5e5, 2e5, 5e4, 1.0, 0.0].into_iter().map(score).collect();
    assert!(scores.windows(2).all(|w| w[0] <= w[1]), "{scores:?}");
    assert!(scores[0] < scores[8], "{scores:?}");
}

#[test]
fn a_disguise_does_not_hide_and_a_base_rate_moves_only_the_prior() {
    let parts = |title: &str| {
        let json = json!({ "title": title }).to_string();
        fast().assess(&listing(&json), Detail::Full.into())
    };
    let kinds =
        |a: &Assessment| -> Vec<String> { a.evidence.iter().map(|e| e.kind.to_string()).collect() };
    for title in ["giày N.I.K.E", "giày N1KE", "giày Nі\u{200b}ke", "giày Nik\u{200b}e"] {
        let found = kinds(&parts(title));
        assert!(found.iter().any(|k| k.ends_with("_brand")), "{title}: {found:?}");
    }
    assert!(!kinds(&parts("giày Nike")).iter().any(|k| k.ends_with("_brand")));
}

#[test]
fn a_word_without_end_does_not_drown_the_others() {
    let text = |title: String| {
        let json = json!({ "title": title }).to_string();
        fast().assess(&listing(&json), Detail::Brief.into()).parts.text.unwrap()
    };
    let plain = text("túi rep 1:1 hàng nhái".to_owned());
    let padded = text(format!("túi rep 1:1 hàng nhái {}", "dàiquá".repeat(40)));
    assert!(padded > plain - 1.0, "{plain} became {padded}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_listing_gets_a_score_that_adds_up(
        title in "\\PC{1,60}",
        description in proptest::option::of(any::<String>()),
        amount in proptest::option::of(0.0..1e12_f64),
        gtin in proptest::option::of("[0-9]{7,14}"),
    ) {
        let json = json!({
            "title": title, "description": description, "gtin": gtin,
            "price": amount.map(|a| json!({"amount": a, "currency": "VND"})),
        });
        if let Ok(listing) = Listing::from_json(json.to_string().as_bytes(), &Limits::default()) {
            assert_adds_up(&fast().assess(&listing, Detail::Full.into()));
        }
    }
}
