//! The keyword list that a careful practitioner would write in an afternoon.
//!
//! The floor that a model has to clear: words of the trade with weights set by hand, on text
//! without case and diacritics, negated words taken out first, and patterns for broken-up and
//! disguised words. Vocabulary and weights come from the domain's word list and a look at the
//! word counts of the training rows. It reads title and description, no price and no seller, and uses none of the product's
//! normaliser or lexicon.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::fold_words;
use crate::domain::sigmoid;

/// The baseline's name where a model's id is expected.
pub const NAME: &str = "regex";

/// Log-odds of a listing in which nothing is found.
const BASE: f64 = -1.0;

/// Weights in log-odds; each word counts once.
const WORDS: &[(&str, f64)] = &[
    // Said openly.
    ("rep", 1.5),
    ("rep 1 1", 1.5),
    ("rep 11", 1.5),
    ("replica", 2.5),
    ("rep1 1", 2.5),
    ("1 1", 1.0),
    ("super fake", 2.0),
    ("superfake", 3.0),
    ("sf", 1.5),
    ("fake", 1.5),
    ("fake 1", 1.5),
    ("fake1", 3.0),
    ("hang fake", 1.0),
    ("f1", 1.0),
    ("like auth", 3.0),
    ("like au", 3.0),
    ("chuan auth", 1.0),
    ("sieu cap", 1.5),
    ("hang nhai", 3.0),
    ("trung cap", 1.5),
    ("mirror", 1.5),
    ("loai 1", 0.7),
    ("正品级", 2.5),
    ("고퀄", 2.5),
    // Hinted.
    ("cao cap nhat thi truong", 1.5),
    ("giong hang that", 2.0),
    ("y hang that", 2.0),
    ("logo che", 2.0),
    ("che logo", 1.5),
    ("quang chau", 1.0),
    ("gia kho", 0.5),
    ("tem chong gia le", 2.0),
    ("hang store", 1.0),
    ("factory", 1.0),
    ("same", 1.0),
    ("soi khong ra", 2.0),
    ("tuong duong", 1.0),
    ("hang tuyen", 1.0),
    ("cao cap", 0.7),
    ("in lai", 0.7),
    ("hang ve", 0.3),
    ("full box", 0.3),
    ("full hop", 0.3),
    // Speaks for genuine goods.
    ("hoa don vat", -1.0),
    ("bao check", -0.5),
    ("bao hanh chinh hang", -0.7),
    ("tuong thich", -1.0),
    ("op lung", -1.0),
    ("danh cho", -0.3),
    // Second-hand and grey imports are not counterfeit.
    ("xach tay", -0.5),
    ("vnxk", -0.5),
    ("xuat du", -0.5),
    ("noi dia", -0.7),
    ("2hand", -1.0),
    ("second hand", -1.0),
    ("secondhand", -1.0),
    ("pass lai", -1.5),
    ("da qua su dung", -1.5),
    ("thanh ly", -0.7),
    ("xuoc", -1.5),
    ("tray", -1.0),
    ("moc", -0.5),
    ("outlet", -1.0),
    ("tem phu", -1.0),
    ("cat mac", -0.5),
    ("san xuat", -0.3),
    ("zin", -0.5),
];

/// Words that mean the opposite when one of [`NEGATORS`] stands shortly before them.
const RISKY: &[&str] =
    &["rep", "replica", "fake", "superfake", "fake1", "sf", "f1", "nhai", "mirror", "gia", "dom"];

const NEGATORS: &[&str] = &[
    "khong", "ko", "k", "kg", "hok", "no", "not", "noi", "chong", "tranh", "neu", "hien", "biet",
    "canh", "ngua",
];

/// Words back to look for a negator, as in "không bao giờ bán hàng fake".
const REACH: usize = 5;
/// A listing that speaks against fakes.
const NEGATED: f64 = -1.0;

/// A word broken up into letters: `D.I.O.R`, `r e p`.
const BROKEN_UP: f64 = 1.5;
/// Invisible characters, or letters that only look like Latin ones.
const DISGUISED: f64 = 2.0;

/// `None` only when the list could not be compiled, which a test rules out.
static PATTERNS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(WORDS.iter().map(|(word, _)| format!(" {word} "))).ok());

/// The baseline's score, between 0 and 1.
pub fn score(title: &str, description: Option<&str>) -> f64 {
    let Some(patterns) = PATTERNS.as_ref() else { return sigmoid(BASE) };
    let raw = format!("{title}\n{}", description.unwrap_or_default());
    let folded = fold_words(&raw);
    let (text, negated) = without_negated(&folded);
    let mut sum = BASE;
    if negated {
        sum += NEGATED;
    }
    let mut seen = vec![false; WORDS.len()];
    for found in patterns.find_overlapping_iter(&text) {
        let word = found.pattern().as_usize();
        if !std::mem::replace(&mut seen[word], true) {
            sum += WORDS[word].1;
        }
    }
    if broken_up(&folded) {
        sum += BROKEN_UP;
    }
    if disguised(&raw) {
        sum += DISGUISED;
    }
    sigmoid(sum)
}

/// The words, each between spaces, negated ones blotted out; and whether there was one.
fn without_negated(folded: &str) -> (String, bool) {
    let words: Vec<&str> = folded.split(' ').collect();
    let mut text = String::from(" ");
    let mut any = false;
    for (i, word) in words.iter().enumerate() {
        let before = &words[i.saturating_sub(REACH)..i];
        let negated = RISKY.contains(word) && before.iter().any(|w| NEGATORS.contains(w));
        any |= negated;
        text.push_str(if negated { "|" } else { word });
        text.push(' ');
    }
    (text, any)
}

/// Three single letters or more in a row.
fn broken_up(folded: &str) -> bool {
    let mut run = 0;
    folded.split(' ').any(|word| {
        let mut chars = word.chars();
        let single = chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none();
        run = if single { run + 1 } else { 0 };
        run >= 3
    })
}

fn disguised(raw: &str) -> bool {
    raw.chars().any(|c| {
        let hidden = matches!(c, '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{2060}' | '\u{feff}');
        // Greek, Cyrillic, and the letters of mathematics.
        hidden || matches!(u32::from(c), 0x370..=0x52f | 0x1_d400..=0x1_d7ff)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_compiles_and_is_folded() {
        assert!(PATTERNS.is_some());
        for (word, weight) in WORDS {
            assert_eq!(&fold_words(word), word);
            assert!(weight.abs() > 0.0 && weight.is_finite());
        }
    }

    #[test]
    fn words_of_the_trade_count_and_negations_do_not() {
        let nothing = score("Giày thể thao nam", None);
        assert!((nothing - sigmoid(BASE)).abs() < 1e-12);
        for risky in ["Giày Nike REP 1:1", "túi super fake", "like auth", "D.I.O.R mới", "Nіke"]
        {
            assert!(score(risky, None) > nothing, "{risky}");
        }
        assert!(score("Giày Nike", Some("hàng siêu cấp, bản cao cấp nhất thị trường")) > 0.8);
        for safe in [
            "Shop không bán hàng fake",
            "không bao giờ bán super fake",
            "phát hiện fake đền 10 lần",
            "Ốp lưng cho iPhone",
        ] {
            assert!(score(safe, None) < nothing, "{safe}");
        }
        // Whole words only.
        assert!((score("repair kit, sfumato", None) - nothing).abs() < 1e-12);
        // Said twice, counted once.
        assert!((score("mirror mirror", None) - score("mirror", None)).abs() < 1e-12);
    }
}
