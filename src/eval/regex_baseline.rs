//! The keyword list that a careful practitioner would write in an afternoon.
//!
//! The floor that a model has to clear: words of the trade with weights set by hand, on text
//! without case and diacritics, negated phrases taken out first, and two patterns for broken-up
//! words. It reads title and description, no price and no seller, and uses none of the product's
//! normaliser or lexicon.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

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
];

/// Phrases in which a risky word means the opposite, taken out before the words are counted.
const NEGATED: &[(&str, f64)] = &[
    ("khong ban hang fake", -1.0),
    ("khong ban fake", -1.0),
    ("khong fake", -1.0),
    ("khong phai hang fake", -1.0),
    ("khong phai fake", -1.0),
    ("khong phai rep", -1.0),
    ("khong rep", -1.0),
    ("khong ban hang nhai", -1.0),
    ("khong hang nhai", -1.0),
    ("noi khong voi hang fake", -1.0),
    ("noi khong voi hang nhai", -1.0),
    ("noi khong voi hang gia", -1.0),
    ("no fake", -1.0),
    ("not fake", -1.0),
    ("phat hien fake", -1.0),
    ("phat hien hang fake", -1.0),
    ("phat hien hang nhai", -1.0),
    ("phat hien gia den", -1.0),
    ("neu fake", -1.0),
    ("phan biet hang fake", -1.5),
    ("phan biet that gia", -1.5),
    ("phan biet hang that", -1.5),
    ("canh bao hang", -1.5),
    ("tranh mua phai hang", -1.0),
];

/// A word broken up by dots or the like: `D.I.O.R`.
const BROKEN_UP: f64 = 1.5;
/// Invisible characters inside the text.
const HIDDEN: f64 = 2.0;

#[derive(Debug)]
struct Lists {
    words: AhoCorasick,
    negated: AhoCorasick,
}

/// `None` only when a list could not be compiled, which a test rules out.
static LISTS: LazyLock<Option<Lists>> = LazyLock::new(|| {
    let padded = |list: &[(&str, f64)]| -> Vec<String> {
        list.iter().map(|(word, _)| format!(" {word} ")).collect()
    };
    let words = AhoCorasick::builder().build(padded(WORDS)).ok()?;
    let negated = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(padded(NEGATED))
        .ok()?;
    Some(Lists { words, negated })
});

/// The baseline's score, between 0 and 1.
pub fn score(title: &str, description: Option<&str>) -> f64 {
    let Some(lists) = LISTS.as_ref() else { return sigmoid(BASE) };
    let raw = format!("{title}\n{}", description.unwrap_or_default());
    let mut text = format!(" {} ", fold_words(&raw));
    let mut sum = BASE;
    // A phrase that shares its border space with the one before is found in the next pass.
    while let Some(found) = lists.negated.find(&text) {
        sum += NEGATED[found.pattern().as_usize()].1;
        text.replace_range(found.range(), " | ");
    }
    let mut seen = vec![false; WORDS.len()];
    for found in lists.words.find_overlapping_iter(&text) {
        let word = found.pattern().as_usize();
        if !std::mem::replace(&mut seen[word], true) {
            sum += WORDS[word].1;
        }
    }
    if broken_up(&raw) {
        sum += BROKEN_UP;
    }
    if raw.contains(['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}']) {
        sum += HIDDEN;
    }
    sigmoid(sum)
}

/// Four letters or more, each alone between dots, dashes, stars or the like.
fn broken_up(text: &str) -> bool {
    text.split_whitespace().any(|token| {
        let mut parts = token.split(['.', '-', '_', '*', '·', '|']);
        let single = |part: &str| {
            let mut chars = part.chars();
            chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
        };
        parts.clone().count() >= 4 && parts.all(single)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_compile_and_are_folded() {
        assert!(LISTS.is_some());
        for (word, weight) in WORDS.iter().chain(NEGATED) {
            assert_eq!(&fold_words(word), word);
            assert!(weight.abs() > 0.0 && weight.is_finite());
        }
    }

    #[test]
    fn words_of_the_trade_count_and_negations_do_not() {
        let nothing = score("Giày thể thao nam", None);
        assert!((nothing - sigmoid(BASE)).abs() < 1e-12);
        for risky in ["Giày Nike REP 1:1", "túi super fake", "đồng hồ like auth", "D.I.O.R mới"]
        {
            assert!(score(risky, None) > nothing, "{risky}");
        }
        assert!(score("Giày Nike", Some("hàng siêu cấp, bản cao cấp nhất thị trường")) > 0.8);
        for safe in ["Shop không bán hàng fake", "phát hiện fake đền 10 lần", "Ốp lưng cho iPhone"]
        {
            assert!(score(safe, None) < nothing, "{safe}");
        }
        // Whole words only.
        assert!((score("repair kit, sfumato", None) - nothing).abs() < 1e-12);
        // Said twice, counted once.
        assert!((score("mirror mirror", None) - score("mirror", None)).abs() < 1e-12);
    }
}
