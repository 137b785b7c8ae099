use proptest::prelude::*;

use super::*;

fn normalizer() -> Normalizer {
    let teencode = Teencode::parse(
        "[expand]\nko = \"không\"\nsp = \"sản phẩm\"\nsf = \"super fake\"\nkhum = \"không\"",
    )
    .unwrap();
    let mut vocabulary = Vocabulary::default();
    for word in ["dior", "gucci", "nike", "adidas", "chanel", "rep", "fake", "nhái", "dove", "lego"]
    {
        vocabulary.add(word, true);
    }
    vocabulary.add("gshock", true);
    vocabulary.add_name("g shock");
    Normalizer::new(teencode, vocabulary)
}

fn plain(original: &str) -> String {
    normalizer().normalize(original).plain().to_owned()
}

/// The first word that reads `folded`, as the seller wrote it, and how it was disguised.
fn found(original: &str, folded: &str) -> (String, Marks) {
    let text = normalizer().normalize(original);
    let word = text.words().iter().find(|w| text.folded_word(w) == folded);
    let word = word.unwrap_or_else(|| panic!("no {folded:?} in {:?}", text.plain()));
    (slice(original, word.place).to_owned(), word.marks)
}

#[test]
fn composed_and_decomposed_letters_are_one() {
    assert_eq!(plain("Giày Thể Thao"), plain("Gia\u{300}y The\u{302}\u{309} Thao"));
    assert_eq!(plain("  Giày\u{a0} \t thể\r\n\r\nTHAO "), "giày thể\nthao");
    assert_eq!(normalizer().normalize("Đồng Hồ").folded(), "dong ho");
}

#[test]
fn other_scripts_and_fonts_read_as_latin() {
    assert_eq!(plain("Nіkе"), "nike");
    assert_eq!(found("Nіkе Air", "nike"), ("Nіkе".to_owned(), Marks::LOOKALIKE));
    assert_eq!(plain("𝐇𝐚̀𝐧𝐠 Ｎｉｋｅ"), "hàng nike");
    assert_eq!(found("Ｎｉｋｅ", "nike").1, Marks::default());
    assert_eq!(plain("Nike™ ½"), "nike™ 1⁄2");
}

#[test]
fn invisible_characters_vanish_and_are_remembered() {
    let (words, marks) = found("Ni\u{200b}k\u{ad}e", "nike");
    assert_eq!((words.as_str(), marks), ("Ni\u{200b}k\u{ad}e", Marks::HIDDEN));
    assert_eq!(found("N\u{336}i\u{336}k\u{336}e\u{336}", "nike").1, Marks::HIDDEN);
    // A family of emoji is joined by U+200D as well, and hides nothing.
    assert_eq!(found("👨\u{200d}👩\u{200d}👧 nike ❤\u{fe0f}", "nike").1, Marks::default());
}

#[test]
fn broken_words_are_restored_in_place() {
    for (original, folded, words) in [
        ("túi D.I.O.R nữ", "dior", "D.I.O.R"),
        ("túi D I O R nữ", "dior", "D I O R"),
        ("giày N💚I💚K💚E xịn", "nike", "N💚I💚K💚E"),
        ("Gu.cci belt", "gucci", "Gu.cci"),
        ("nước hoa Cha nel", "chanel", "Cha nel"),
        ("giày N1ke", "nike", "N1ke"),
        ("giày Adldas", "adidas", "Adldas"),
        ("hàng f@ke", "fake", "f@ke"),
        ("hàng r-e-p", "rep", "r-e-p"),
        ("hàng nh.á.i", "nhai", "nh.á.i"),
        ("n.l.k.e", "nike", "n.l.k.e"),
    ] {
        let (got, marks) = found(original, folded);
        assert_eq!(got, words, "{original}");
        assert!(marks.is_disguised(), "{original}");
    }
}

#[test]
fn innocent_text_stays_as_it_is() {
    for text in [
        "size s/m/l/xl v.v",
        "galaxy a52s 1.5 lít 3,5 inch",
        "nike.com adidas",
        "nike, dove. lego",
        "nhai kẹo",
        "12.12 sale 50%",
        "g-shock g shock",
        "a b c d",
    ] {
        let got = normalizer().normalize(text);
        assert_eq!(got.plain(), text);
        assert!(got.words().iter().all(|w| !w.marks.is_disguised()), "{text}");
    }
}

#[test]
fn short_forms_are_written_out_and_point_at_themselves() {
    let text = normalizer().normalize("Shop ko bán sf");
    assert_eq!(text.plain(), "shop không bán super fake");
    let last = text.words().last().unwrap();
    assert_eq!(slice("Shop ko bán sf", last.place), "sf");
    assert!(last.marks.has(Marks::EXPANDED) && !last.marks.is_disguised());
}

#[test]
fn a_table_that_would_not_settle_is_refused() {
    assert!(matches!(
        Teencode::parse("[expand]\na = \"b c\"\nb = \"d\""),
        Err(TeencodeError::Loop { .. })
    ));
    assert!(matches!(Teencode::parse("[expand]\n\"a b\" = \"c\""), Err(TeencodeError::Key(_))));
}

#[test]
fn sentences_end_between_words() {
    let text = normalizer().normalize("hàng thật. ko fake\nauth, xịn 1.5l");
    let breaks: Vec<_> =
        text.words().iter().filter(|w| w.breaks).map(|w| text.plain_word(w)).collect();
    assert_eq!(breaks, ["không", "auth"]);
}

/// Text as sellers and attackers write it: words, disguises, signs, any character at all.
fn listing_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => proptest::sample::select(vec![
            "nike", "N.I.K.E", "d i o r", "gu.cci", "ko", "sf", "k.o", "n1ke", "hàng", "NHÁI",
            " ", "  ", "\n", ".", "-", "1:1", "ë", "\u{301}", "\u{200b}", "\u{fe0f}", "İ", "ﬁ", "Ⅷ",
            "ᄀ", "ᅡ", "ㄱ", "ㅏ", "а", "s0.1", "ß", "ǅ", "´", "\u{345}", "ϓ", "😀", "｢",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(|c| c.to_string()),
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn normalising_twice_changes_nothing(original in listing_text()) {
        let once = normalizer().normalize(&original);
        let twice = normalizer().normalize(once.plain());
        prop_assert_eq!(twice.plain(), once.plain());
    }

    #[test]
    fn every_place_is_inside_the_original_and_in_order(original in listing_text()) {
        let text = normalizer().normalize(&original);
        let len = u32::try_from(original.chars().count()).unwrap();
        prop_assert_eq!(text.places().len(), text.plain().chars().count());
        prop_assert_eq!(text.folded().chars().count(), text.plain().chars().count());
        let mut last = 0;
        for place in text.places() {
            prop_assert!(place.start < place.end && place.end <= len);
            prop_assert!(place.start >= last);
            last = place.start;
        }
    }

    #[test]
    fn a_word_found_is_made_of_the_letters_it_points_at(original in listing_text()) {
        let text = normalizer().normalize(&original);
        for word in text.words() {
            // Normalised alone, the seller's words give the word again, or hold it.
            let alone = normalizer().normalize(slice(&original, word.place));
            let same = alone.words().iter().any(|w| alone.plain_word(w) == text.plain_word(word));
            prop_assert!(same, "{:?} from {:?}", text.plain_word(word), slice(&original, word.place));
        }
    }

    #[test]
    fn any_string_will_do(original in any::<String>()) {
        let text = normalizer().normalize(&original);
        prop_assert!(text.words().len() <= original.chars().count() * 4);
    }
}
