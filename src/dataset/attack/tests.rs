use std::collections::BTreeSet;

use super::*;
use crate::dataset::testing::row;

const LEXICON: &str = r#"
[[concept]]
id = "replica_term"
polarity = "risk"
reason_vi = "Hàng nhái"
reason_en = "Replica"
terms = ["rep 1:1", "super fake", "hàng nhái", "giày fake", "đồng hồ fake"]
[[concept]]
id = "negator"
polarity = "context"
reason_vi = "Phủ định"
reason_en = "Negation"
terms = ["không"]
[[concept]]
id = "warning_guide"
polarity = "relief"
reason_vi = "Cảnh báo"
reason_en = "Warning"
terms = ["cách phân biệt"]
[[concept]]
id = "denial_phrase"
polarity = "relief"
reason_vi = "Nói không bán hàng nhái"
reason_en = "Denies it"
terms = ["nói không với hàng nhái"]
"#;

const BRANDS: &str = r#"
[[kind]]
id = "shoes"
words = ["giày"]
[[kind]]
id = "watch"
words = ["đồng hồ"]
[[brand]]
id = "adidas"
name = "Adidas"
aliases = ["adidas"]
disguises = ["a đi đát"]
"#;

fn knowledge() -> Knowledge {
    let teencode = "[expand]\nhok = \"không\"\ndc = \"được\"\nsf = \"super fake\"";
    Knowledge::parse(LEXICON, BRANDS, teencode).unwrap()
}

const TITLE: &str = "Giày Adidas rep 1:1 - siêu bền, giá tốt";
const DESCRIPTION: &str = "Hàng SUPER FAKE xịn, không lo phai màu.\nĐược kiểm tra: adidas!";

fn listing() -> NewListing {
    serde_json::from_value(serde_json::json!({
        "id": "x-1", "title": TITLE, "description": DESCRIPTION, "brand": "Adidas",
        "price": {"amount": 250000.0, "currency": "VND"}, "seller": {"id": "s1"},
        "attributes": {"Chất liệu": "da"},
    }))
    .unwrap()
}

fn attacked(kind: Attack, listing: &NewListing, seed: u64) -> Option<NewListing> {
    attack(kind, listing, &knowledge(), &mut SplitMix64::new(seed))
}

fn titles(kind: Attack, title: &str) -> BTreeSet<String> {
    let listing = NewListing { title: Some(title.to_owned()), ..NewListing::default() };
    let knowledge = knowledge();
    let one = |seed| attack(kind, &listing, &knowledge, &mut SplitMix64::new(seed))?.title;
    (0..400).filter_map(one).collect()
}

#[test]
fn names_are_unique_and_a_third_of_each_sort_is_held_out() {
    let names: BTreeSet<_> = Attack::ALL.iter().map(|a| a.as_str()).collect();
    assert_eq!(names.len(), Attack::ALL.len());
    for sort in [Sort::Disguise, Sort::Style] {
        let all = Attack::ALL.iter().filter(|a| a.sort() == sort).count();
        let held_out = Attack::ALL.iter().filter(|a| a.sort() == sort && !a.trained()).count();
        assert_eq!((all, held_out), (12, 4), "{sort:?}");
    }
}

#[test]
fn every_attack_changes_the_texts_and_nothing_else_the_same_for_a_seed() {
    let listing = listing();
    let rest = |l: &NewListing| {
        let mut json = serde_json::to_value(l).unwrap();
        json["title"].take();
        json["description"].take();
        json
    };
    for kind in Attack::ALL {
        let mut different = 0;
        for seed in 0..20 {
            let Some(got) = attacked(kind, &listing, seed) else { continue };
            different += 1;
            assert_ne!((&got.title, &got.description), (&listing.title, &listing.description));
            assert_eq!(rest(&got), rest(&listing), "{kind:?}");
            let again = attacked(kind, &listing, seed).unwrap();
            assert_eq!((got.title, got.description), (again.title, again.description));
        }
        assert!(different > 15, "{kind:?}: {different}");
    }
}

#[test]
fn where_there_is_no_target_nothing_changes() {
    let plain = |title: &str, description: Option<&str>| NewListing {
        title: Some(title.to_owned()),
        description: description.map(str::to_owned),
        ..NewListing::default()
    };
    let harmless = plain("Nồi cơm điện 1.8 lít", Some("Nấu ngon, bền"));
    for kind in Attack::ALL.into_iter().filter(|a| a.sort() == Sort::Disguise) {
        assert!(attacked(kind, &harmless, 1).is_none(), "{kind:?}");
    }
    for (kind, title) in [
        (Attack::NoDiacritics, "noi com"),
        (Attack::SomeDiacritics, "noi com"),
        (Attack::Teencode, "nồi cơm"),
        (Attack::Capitals, "NỒI CƠM"),
        (Attack::LowerCase, "nồi cơm"),
        (Attack::NoPunctuation, "tỉ lệ 1:1 giá 1.250.000"),
        (Attack::TitleCut, "nồi cơm"),
        (Attack::WordOrder, "nồi"),
        (Attack::Typing, "ô tô 12"),
        (Attack::Decomposed, "noi com"),
    ] {
        assert!(attacked(kind, &plain(title, None), 1).is_none(), "{kind:?}");
    }
    assert!(attacked(Attack::Emoji, &NewListing::default(), 1).is_none());
}

#[test]
fn disguises_hide_the_name_and_leave_the_rest() {
    let of = |kind| titles(kind, "Giày Adidas mới");
    let all = |kind: Attack, wanted: &[&str]| {
        let got = of(kind);
        for want in wanted {
            assert!(got.contains(&format!("Giày {want} mới")), "{kind:?}: {got:?}");
        }
        for title in got {
            assert!(title.starts_with("Giày ") && title.ends_with(" mới"), "{title}");
            assert!(!title.contains("Adidas") || kind == Attack::Doubled, "{kind:?}: {title}");
        }
    };
    all(Attack::Spacing, &["A d i d a s", "Adi das"]);
    all(Attack::Dotting, &["A.d.i.d.a.s", "Adi.das"]);
    all(Attack::Signs, &["A-d-i-d-a-s", "A*didas"]);
    all(Attack::Leet, &["Ad1das", "4did4s"]);
    all(Attack::Doubled, &["Adidass"]);
    all(Attack::VowelsDropped, &["Adds"]);
    all(Attack::CodeWords, &["a đi đát"]);
    all(Attack::Respelling, &["A đi đát", "Adjdas"]);
    all(Attack::Lookalike, &["Аԁіԁаѕ", "Ⓐⓓⓘⓓⓐⓢ"]);
    all(Attack::ZeroWidth, &[]);
    all(Attack::Swapped, &["Aiddas"]);
    all(Attack::EmojiBetween, &["A🔥d🔥i🔥d🔥a🔥s"]);
    let hidden = of(Attack::ZeroWidth);
    assert!(hidden.iter().all(|t| t.chars().count() > "Giày Adidas mới".chars().count()));
}

#[test]
fn code_words_mean_the_same_and_name_the_same_goods() {
    let got = titles(Attack::CodeWords, "Bán giày fake");
    assert!(got.contains("Bán hàng nhái") && got.contains("Bán rep 1:1"), "{got:?}");
    assert!(!got.iter().any(|t| t.contains("đồng hồ")), "{got:?}");
    assert!(titles(Attack::CodeWords, "SUPER FAKE").contains("sf".to_uppercase().as_str()));
}

#[test]
fn styles_are_what_they_say() {
    let of = |kind: Attack| attacked(kind, &listing(), 3).unwrap();
    assert_eq!(of(Attack::NoDiacritics).title.unwrap(), "Giay Adidas rep 1:1 - sieu ben, gia tot");
    assert_eq!(of(Attack::Capitals).title.unwrap(), "GIÀY ADIDAS REP 1:1 - SIÊU BỀN, GIÁ TỐT");
    let bare = of(Attack::NoPunctuation);
    assert_eq!(bare.title.unwrap(), "Giày Adidas rep 1:1 siêu bền giá tốt");
    let cut = of(Attack::TitleCut);
    assert_eq!(cut.title.unwrap(), "Giày Adidas rep 1:1 -");
    assert_eq!(cut.description.unwrap(), format!("{TITLE}\n{DESCRIPTION}"));
    let teencode: String =
        (0..9).filter_map(|s| attacked(Attack::Teencode, &listing(), s)?.description).collect();
    assert!(teencode.contains("hok lo") && teencode.contains("dc kiểm tra"), "{teencode}");
    let typing: String =
        (0..60).filter_map(|s| attacked(Attack::Typing, &listing(), s)?.title).collect();
    assert!(typing.contains("Giafy") || typing.contains("Giayf"), "{typing}");
    let nfd = of(Attack::Decomposed).title.unwrap();
    assert!(nfd.len() > TITLE.len() && nfd.contains('\u{300}'));
}

#[test]
fn another_order_keeps_phrases_whole() {
    let title = "Giày Adidas rep 1:1 - siêu bền, giá tốt";
    let sorted = |t: &str| {
        let mut words: Vec<String> =
            t.split([' ', ',']).filter(|w| !w.is_empty() && *w != "-").map(str::to_owned).collect();
        words.sort();
        words
    };
    let got = titles(Attack::WordOrder, title);
    assert!(got.len() > 3 && got.iter().all(|t| sorted(t) == sorted(title)), "{got:?}");
    for t in titles(Attack::WordOrder, "Giày đẹp tuyệt vời không phải hàng nhái nhé shop rep 1:1")
    {
        assert!(t.contains("không phải hàng nhái") && t.contains("rep 1:1"), "{t}");
    }
}

#[test]
fn no_field_outgrows_its_limit() {
    let limits = Limits::default();
    let long = |text: &str, limit: usize| {
        let text = text.repeat(limit / text.chars().count() + 1);
        text.chars().take(limit).collect::<String>()
    };
    let full = NewListing {
        title: Some(long("Giày Adidas rep 1:1 không được ", limits.title_chars)),
        description: Some(long("Adidas, super fake không được.\n", limits.description_chars)),
        ..NewListing::default()
    };
    for kind in Attack::ALL {
        if let Some(got) = attacked(kind, &full, 5) {
            assert!(got.parse(&limits).is_ok(), "{kind:?}");
        }
    }
}

#[test]
fn only_counterfeits_are_disguised_and_neighbours_do_not_matter() {
    let mut rows: Vec<Row> = (0..6)
        .map(|i| row(&format!("r-{i}"), "s", &format!("f{i}"), &format!("Giày Adidas số {i}")))
        .collect();
    for row in rows.iter_mut().step_by(2) {
        row.label = true;
    }
    let knowledge = knowledge();
    let title = |l: &Option<NewListing>| l.as_ref().and_then(|l| l.title.clone());
    let some = |kind| attack_rows(kind, &rows, &knowledge, 7);
    let disguised: Vec<bool> = some(Attack::Dotting).iter().map(Option::is_some).collect();
    assert_eq!(disguised, [true, false, true, false, true, false]);
    let styled = some(Attack::Emoji);
    assert!(styled.iter().all(Option::is_some));
    let alone = attack_rows(Attack::Emoji, &rows[3..4], &knowledge, 7);
    assert_eq!(title(&alone[0]), title(&styled[3]));
    let other = attack_rows(Attack::Emoji, &rows, &knowledge, 8);
    assert!(other.iter().zip(&styled).any(|(a, b)| title(a) != title(b)));
}
