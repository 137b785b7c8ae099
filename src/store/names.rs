//! The form in which platforms, brands and provinces are compared.
//!
//! It is written to the `*_key` columns: a change here needs them to be filled anew.

use unicode_normalization::UnicodeNormalization as _;

use crate::preprocess::text::fold;

/// Longest key, in characters: an index entry must stay below PostgreSQL's 2,704 bytes.
const MAX_CHARS: usize = 128;

/// How sellers write a province in short, beside how it is written in full.
const SHORT_PROVINCES: [(&str, &str); 6] = [
    ("hcm", "ho chi minh"),
    ("hcmc", "ho chi minh"),
    ("sai gon", "ho chi minh"),
    ("saigon", "ho chi minh"),
    ("hn", "ha noi"),
    ("hanoi", "ha noi"),
];

/// Without case, diacritics, compatibility forms and superfluous blanks.
pub(super) fn name_key(text: &str) -> String {
    let composed: String = text.nfkc().filter(|c| *c != '\0').collect();
    let folded = fold(&composed.to_lowercase());
    let words: Vec<_> = folded.split_whitespace().collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

/// [`name_key`] of a province, without the words for province and city, and written in full.
pub(super) fn province_key(text: &str) -> String {
    let key = name_key(text);
    let bare = ["thanh pho ", "tinh ", "tp. ", "tp.", "tp "]
        .iter()
        .find_map(|prefix| key.strip_prefix(prefix))
        .unwrap_or(&key);
    let full = SHORT_PROVINCES.iter().find(|(short, _)| *short == bare);
    full.map_or(bare, |(_, full)| full).to_owned()
}

/// Whether two names are of one province, as [`super::SuspectFilter`] has it.
pub fn same_province(a: &str, b: &str) -> bool {
    province_key(a) == province_key(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_key() {
        let decomposed: String = "Việt Tiến".nfd().collect();
        for name in ["Việt Tiến", "VIỆT  TIẾN ", "viet tien", &decomposed, "Ｖiệt\u{a0}Tiến"]
        {
            assert_eq!(name_key(name), "viet tien", "{name:?}");
        }
        for name in ["TP. Hồ Chí Minh", "Thành phố Hồ Chí Minh", "tp.hcm", "HCM", "Sài Gòn"]
        {
            assert_eq!(province_key(name), "ho chi minh", "{name}");
        }
        assert_eq!(province_key("Tỉnh Đồng Nai"), "dong nai");
        assert_eq!(province_key("Đà Nẵng"), "da nang");
    }

    #[test]
    fn a_key_stays_short_and_free_of_nul() {
        assert_eq!(name_key(&"ﷺ".repeat(500)).chars().count(), MAX_CHARS);
        assert_eq!(name_key("a\0b"), "ab");
        assert_eq!(name_key(" \t"), "");
    }
}
