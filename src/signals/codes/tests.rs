use proptest::prelude::*;

use super::*;
use crate::domain::Limits;

const GTIN: &str = "09506000134352";

fn listing(json: &str) -> Listing {
    Listing::from_json(json.as_bytes(), &Limits::default()).unwrap()
}

/// Field, start and text of each code, with its number or why it is none.
fn seen(json: &str) -> Vec<String> {
    find_codes(&listing(json))
        .iter()
        .map(|s| {
            let code = match &s.code {
                Ok(code) => code.gtin.to_string(),
                Err(error) => format!("{error:?}"),
            };
            format!("{} {} {:?} {code}", s.field, s.start, s.text)
        })
        .collect()
}

fn kinds(json: &str) -> Vec<&'static str> {
    let listing = listing(json);
    code_clues(&listing, &find_codes(&listing)).iter().map(|c| c.kind).collect()
}

#[test]
fn every_form_of_a_code_is_read() {
    let date = |y, m: u8, d| time::Date::from_calendar_date(y, m.try_into().unwrap(), d).ok();
    let code = |carrier| ProductCode::new(Gtin::parse(GTIN).unwrap(), carrier);
    let whole = |carrier| ProductCode {
        lot: Some("ABC(1)".to_owned()),
        serial: Some("12/x".to_owned()),
        expiry: date(2027, 2, 28),
        ..code(carrier)
    };
    for (text, want) in [
        ("9506000134352", code(Carrier::Plain)),
        (" 9506000-134352\n", code(Carrier::Plain)),
        ("https://id.gs1.org/01/09506000134352", code(Carrier::DigitalLink)),
        ("HTTPS://shop.example/p/q/gtin/9506000134352#x", code(Carrier::DigitalLink)),
        (
            "https://a.vn/01/09506000134352/10/ABC(1)/21/12%2Fx?17=270200&utm=1",
            whole(Carrier::DigitalLink),
        ),
        (
            "http://a.vn/gtin/09506000134352/lot/ABC(1)/ser/12%2Fx?exp=270228",
            whole(Carrier::DigitalLink),
        ),
        (
            "https://a.vn/01/09506000134352/22/2A?other",
            ProductCode { variant: Some("2A".to_owned()), ..code(Carrier::DigitalLink) },
        ),
        ("(01)09506000134352", code(Carrier::ElementString)),
        ("(01)09506000134352(10)ABC(1)(17)270228(21)12/x", whole(Carrier::ElementString)),
        ("(17)270228(10)ABC(1)(21)12/x(01)09506000134352", whole(Carrier::ElementString)),
        ("]C1010950600013435217270228\u{1d}10ABC(1)\u{1d}2112/x", whole(Carrier::ElementString)),
        ("\u{1d}01095060001343521727022810ABC(1)\u{1d}2112/x", whole(Carrier::ElementString)),
        ("0109506000134352", code(Carrier::ElementString)),
        ("010950600013435299anything", code(Carrier::ElementString)),
    ] {
        assert_eq!(parse_code(text), Ok(want), "{text:?}");
    }
}

#[test]
fn what_is_no_code_says_why() {
    let malformed = CodeError::Gtin(GtinError::Malformed);
    let check = CodeError::Gtin(GtinError::WrongCheckDigit);
    for (text, want) in [
        ("", malformed),
        ("AF1-2024", malformed),
        ("9506000134353", check),
        ("https://a.vn/01/09506000134353", check),
        ("https://a.vn/", CodeError::NoGtin),
        ("https://a.vn/products/9506000134352", CodeError::NoGtin),
        ("https://a.vn/01", CodeError::NoGtin),
        ("https://a.vn/01/09506000134352/10/%zz", CodeError::BadValue),
        ("https://a.vn/01/09506000134352/10/%FF", CodeError::BadValue),
        ("https://a.vn/01/09506000134352/10/123456789012345678901", CodeError::BadValue),
        ("https://a.vn/01/09506000134352?17=271301", CodeError::BadValue),
        ("(01)9506000134352", CodeError::BadValue),
        ("(01)09506000134352(01)09506000134352", CodeError::BadValue),
        ("(10)ABC", CodeError::NoGtin),
        ("(01", CodeError::NoGtin),
        ("]C110ABC", CodeError::NoGtin),
        ("]C1010950600", CodeError::BadValue),
        ("]C1é", CodeError::NoGtin),
    ] {
        assert_eq!(parse_code(text), Err(want), "{text:?}");
    }
    assert_eq!(parse_code(&"1".repeat(4000)), Err(CodeError::TooLong));
}

#[test]
fn codes_are_found_where_they_stand() {
    for (json, want) in [
        (r#"{"title":"a","gtin":" 9506000134352"}"#, "gtin 1 \"9506000134352\" 09506000134352"),
        (
            r#"{"title":"a","gtin":"9506000134353"}"#,
            "gtin 0 \"9506000134353\" Gtin(WrongCheckDigit)",
        ),
        (
            r#"{"title":"a","attributes":{"Mã vạch":"9506000 134352"}}"#,
            "attributes.Mã vạch 0 \"9506000 134352\" 09506000134352",
        ),
        (
            r#"{"title":"Kem ủ tóc, mã vạch: 9 506000 134352 500ml"}"#,
            "title 20 \"9 506000 134352\" 09506000134352",
        ),
        (
            r#"{"title":"a","description":"EAN-13 9506000134352."}"#,
            "description 7 \"9506000134352\" 09506000134352",
        ),
        (
            r#"{"title":"a","description":"quét: (https://id.gs1.org/01/09506000134352)."}"#,
            "description 7 \"https://id.gs1.org/01/09506000134352\" 09506000134352",
        ),
        (
            r#"{"title":"ố (01)09506000134352(10)A1 x"}"#,
            "title 2 \"(01)09506000134352(10)A1\" 09506000134352",
        ),
    ] {
        assert_eq!(seen(json), [want], "{json}");
    }
}

#[test]
fn other_numbers_are_no_codes() {
    for json in [
        r#"{"title":"a","gtin":"không có"}"#,
        r#"{"title":"9506000134352"}"#,
        r#"{"title":"Liên hệ 0912 345 678 hoặc 84912345678, mã giảm giá 950600013435"}"#,
        r#"{"title":"mã vạch 9506000134353"}"#,
        r#"{"title":"mã vạch đầy đủ, check thoải mái, cam kết hàng chuẩn hotline 9506000134352"}"#,
        r#"{"title":"xem https://shop.vn/2024/01/12345678 nhé"}"#,
        r#"{"title":"a","attributes":{"Mã vạch":"đang cập nhật 2024"}}"#,
        r#"{"title":"a","attributes":{"SKU":"9506000134352"}}"#,
    ] {
        assert_eq!(seen(json), Vec::<String>::new(), "{json}");
    }
}

#[test]
fn a_number_is_told_once_and_never_too_many() {
    let twice = r#"{"title":"barcode 9506000134352","gtin":"9506000134352","attributes":{"EAN":"09506000134352"}}"#;
    assert_eq!(seen(twice).len(), 1);
    let many: String = (0..50).map(|i| format!("ean {} ", valid(i))).collect();
    assert_eq!(seen(&format!(r#"{{"title":"a","description":"{many}"}}"#)).len(), 8);
}

fn valid(i: u32) -> Gtin {
    (0..10).find_map(|d| Gtin::parse(&format!("893460{i:06}{d}")).ok()).unwrap()
}

#[test]
fn codes_say_what_they_are_and_no_more() {
    for (json, want) in [
        (r#"{"title":"a","gtin":"8934602480013"}"#, vec!["gtin_wrong_check_digit"]),
        (r#"{"title":"a","gtin":"AB12"}"#, vec!["gtin_malformed"]),
        (r#"{"title":"a","gtin":"2001234567893"}"#, vec!["gtin_restricted_prefix"]),
        (r#"{"title":"a","gtin":"1412345678902"}"#, vec!["gtin_unassigned_prefix"]),
        (r#"{"title":"a","gtin":"9506000134352"}"#, vec!["gtin_valid"]),
        (
            r#"{"title":"a, barcode 6291041500213","gtin":"9506000134352"}"#,
            vec!["gtin_valid", "gtin_valid", "gtin_disagrees"],
        ),
        (
            r#"{"title":"a","gtin":"(01)09506000134352(17)250101","captured_at":"2026-01-01T00:00:00Z"}"#,
            vec!["gtin_valid", "code_expired"],
        ),
        (
            r#"{"title":"xuất xứ Pháp","gtin":"6291041500213"}"#,
            vec!["gtin_valid", "code_origin_differs"],
        ),
        (r#"{"title":"xuất xứ Pháp","gtin":"3000000000014"}"#, vec!["gtin_valid"]),
        (r#"{"title":"a"}"#, vec![]),
    ] {
        assert_eq!(kinds(json), want, "{json}");
    }
}

#[test]
fn a_valid_code_says_who_issued_it_and_that_it_proves_nothing() {
    let listing = listing(r#"{"title":"a","gtin":"6291041500213"}"#);
    let clues = code_clues(&listing, &find_codes(&listing));
    let reason = clues[0].reason.as_ref().unwrap();
    assert!(reason.en.contains("629 is of GS1 UAE, which proves nothing"), "{reason:?}");
    assert!(reason.vi.contains("đầu số 629 do GS1 UAE cấp"), "{reason:?}");
}

fn text_of_codes() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[0-9]{1,15}",
        Just("(01)".to_owned()),
        Just(")(10)".to_owned()),
        Just("https://x/01/".to_owned()),
        Just("%".to_owned()),
        Just("\u{1d}".to_owned()),
        Just("]C1".to_owned()),
        Just("09506000134352".to_owned()),
        Just("mã vạch ".to_owned()),
        Just("xuất xứ ".to_owned()),
        Just("?17=".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in text_of_codes()) {
        if let Ok(code) = parse_code(&text) {
            prop_assert_eq!(Gtin::parse(code.gtin.as_str()), Ok(code.gtin));
        }
    }

    #[test]
    fn whatever_is_found_stands_there(title in text_of_codes(), description in text_of_codes()) {
        let json = serde_json::json!({
            "title": format!("x{title}"), "description": description, "gtin": title,
            "attributes": {"barcode": description, "xuất xứ": title},
        });
        let listing = listing(&json.to_string());
        let codes = find_codes(&listing);
        for clue in code_clues(&listing, &codes) {
            let text = match &*clue.field {
                "title" => listing.title(),
                "gtin" | "attributes.xuất xứ" => &title,
                _ => &description,
            };
            let there: String = text.chars().skip(clue.start).take(clue.text.chars().count()).collect();
            prop_assert_eq!(there, clue.text);
        }
    }

    #[test]
    fn any_gtin_comes_back_from_every_form(body in "[1-9][0-9]{12}") {
        let gtin = (0..10).find_map(|d| Gtin::parse(&format!("{body}{d}")).ok()).unwrap();
        for text in [
            gtin.to_string(), format!("(01){gtin}"), format!("01{gtin}10A"), format!("]Q301{gtin}"),
            format!("https://example.vn/a/01/{gtin}/10/A?x=1"),
        ] {
            prop_assert_eq!(parse_code(&text).map(|c| c.gtin), Ok(gtin), "{}", text);
        }
    }
}
