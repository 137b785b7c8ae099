use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case, without diacritics, everything that is no letter or digit as one space:
/// `"Giày Nike – REP 1:1!"` → `"giay nike rep 1 1"`.
///
/// For comparing texts with each other. It undoes no tricks (look-alike letters, broken-up
/// words); that is the normaliser's work in `preprocess`.
pub fn fold_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Composed again, so that Hangul syllables stay whole.
    let base = text.nfkd().filter(|c| !is_combining_mark(*c)).nfc();
    for c in base.flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(if c == 'đ' { 'd' } else { c });
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_leaves_words_only() {
        assert_eq!(fold_words("  Giày Nike – REP 1:1!\n"), "giay nike rep 1 1");
        assert_eq!(fold_words("Đồng hồ ĐEO tay ２ kim 🔥"), "dong ho deo tay 2 kim");
        assert_eq!(fold_words("고퀄 正品级"), "고퀄 正品级");
        assert_eq!(fold_words("🔥 !"), "");
    }
}
