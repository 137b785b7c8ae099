/// The Latin letter that a letter of another script is drawn like, lower case.
///
/// A choice of single-letter pairs from Unicode's confusables (UTS #39), those that are seen in
/// listings: Cyrillic, Greek, Armenian, Cherokee, and Latin letters made for phonetics. Vietnamese
/// letters are never changed. Where a sign may stand for two letters, the commoner one is taken;
/// restoring a word treats i, l and 1 alike anyway.
pub(super) fn lookalike(c: char) -> Option<char> {
    Some(match c {
        // Cyrillic
        'а' | 'А' | 'ӑ' | 'ӓ' => 'a',
        'в' | 'В' | 'Ь' | 'ь' | 'ъ' => 'b',
        'с' | 'С' | 'ҫ' => 'c',
        'ԁ' | 'Ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'Ё' | 'є' | 'Є' | 'ҽ' => 'e',
        'ԍ' | 'Ԍ' => 'g',
        'н' | 'Н' | 'һ' | 'Һ' => 'h',
        'і' | 'І' | 'ї' | 'Ї' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'қ' | 'Қ' => 'k',
        'Ӏ' | 'ӏ' => 'l',
        'м' | 'М' => 'm',
        'п' | 'П' => 'n',
        'о' | 'О' | 'ө' | 'Ө' => 'o',
        'р' | 'Р' => 'p',
        'ԛ' | 'Ԛ' => 'q',
        'г' | 'Г' | 'я' | 'Я' => 'r',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' => 't',
        'ц' | 'Ц' => 'u',
        'ѵ' | 'Ѵ' => 'v',
        'ԝ' | 'Ԝ' | 'ш' | 'Ш' | 'щ' | 'Щ' => 'w',
        'х' | 'Х' | 'ҳ' => 'x',
        'у' | 'У' | 'ү' | 'Ү' | 'ў' | 'Ў' => 'y',
        // Greek
        'α' | 'Α' => 'a',
        'β' | 'Β' => 'b',
        'ε' | 'Ε' | 'Ξ' => 'e',
        'η' | 'Π' | 'Ν' | 'π' => 'n',
        'Η' => 'h',
        'ι' | 'Ι' => 'i',
        'κ' | 'Κ' => 'k',
        'Μ' => 'm',
        'ο' | 'Ο' | 'σ' | 'θ' | 'Θ' => 'o',
        'ρ' | 'Ρ' => 'p',
        'τ' | 'Τ' => 't',
        'υ' | 'μ' | 'µ' => 'u',
        'ν' => 'v',
        'ω' => 'w',
        'χ' | 'Χ' => 'x',
        'γ' | 'Υ' => 'y',
        'Ζ' => 'z',
        // Armenian and Cherokee
        'ա' => 'w',
        'հ' | 'Ꮒ' => 'h',
        'ո' => 'n',
        'օ' | 'Օ' => 'o',
        'ս' | 'Ս' => 'u',
        'Ꭺ' => 'a',
        'Ᏼ' => 'b',
        'Ꮯ' => 'c',
        'Ꭰ' => 'd',
        'Ꭼ' => 'e',
        'Ꮐ' => 'g',
        'Ꮋ' => 'h',
        'Ꭻ' => 'j',
        'Ꮶ' => 'k',
        'Ꮮ' => 'l',
        'Ꮇ' => 'm',
        'Ꮲ' => 'p',
        'Ꭱ' => 'r',
        'Ꮪ' => 's',
        'Ꭲ' => 't',
        'Ꮩ' => 'v',
        'Ꮃ' => 'w',
        'Ꮓ' => 'z',
        // Latin made for phonetics, small capitals, dotless and long letters
        'ɑ' | 'ᴀ' | 'ɐ' => 'a',
        'ʙ' | 'ɓ' | 'ƀ' => 'b',
        'ᴄ' | 'ɕ' | 'ƈ' => 'c',
        'ᴅ' | 'ɖ' | 'ɗ' => 'd',
        'ᴇ' | 'ɛ' | 'ə' | 'ǝ' => 'e',
        'ꜰ' | 'ƒ' => 'f',
        'ɡ' | 'ɢ' | 'ɠ' => 'g',
        'ʜ' | 'ɦ' => 'h',
        'ı' | 'ɪ' | 'ɩ' | 'ɨ' => 'i',
        'ᴊ' | 'ȷ' | 'ʝ' => 'j',
        'ᴋ' | 'ƙ' => 'k',
        'ʟ' | 'ɫ' | 'ǀ' | 'ƚ' => 'l',
        'ᴍ' | 'ɱ' => 'm',
        'ɴ' | 'ɲ' | 'ŋ' => 'n',
        'ᴏ' | 'ɔ' => 'o',
        'ᴘ' | 'ƥ' => 'p',
        'ʀ' | 'ɾ' | 'ɹ' => 'r',
        'ꜱ' | 'ʂ' | 'ſ' => 's',
        'ᴛ' | 'ƭ' | 'ʈ' => 't',
        'ᴜ' | 'ʋ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' | 'ƴ' => 'y',
        'ᴢ' | 'ʐ' | 'ƶ' => 'z',
        _ => return None,
    })
}

/// Whether the character is drawn as nothing: joiners, marks of direction, selectors of variants,
/// soft hyphens, tags.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}
