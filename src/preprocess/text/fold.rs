use std::sync::LazyLock;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Letters from here on have no diacritics to take away.
const END: usize = 0x1F00;

static FOLDED: LazyLock<Box<[char]>> =
    LazyLock::new(|| (0..END).map(|c| fold_slowly(u32::try_from(c).unwrap_or(0))).collect());

fn fold_slowly(code: u32) -> char {
    let Some(c) = char::from_u32(code) else { return char::REPLACEMENT_CHARACTER };
    match c {
        'đ' | 'ð' => return 'd',
        'Đ' | 'Ð' => return 'D',
        'ø' => return 'o',
        'ł' => return 'l',
        _ => {}
    }
    let mut base = c;
    let mut seen = false;
    decompose_canonical(c, |d| {
        if !seen && !is_combining_mark(d) {
            base = d;
            seen = true;
        }
    });
    base
}

/// The letter without its diacritics: `ệ` → `e`, `đ` → `d`; anything else as it is.
#[inline]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() { c } else { FOLDED.get(c as usize).copied().unwrap_or(c) }
}

/// [`fold_char`] over a text; as many characters as it had.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_letters_lose_every_mark() {
        assert_eq!(
            fold("Hàng nhái giống thật, đường Lê Lợi, ỷ ữ ẫ"),
            "Hang nhai giong that, duong Le Loi, y u a"
        );
        assert_eq!(fold("日本 и 5%"), "日本 и 5%");
    }
}
