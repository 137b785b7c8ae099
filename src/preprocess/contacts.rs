//! Ways to reach a seller, as they stand in a text: telephone numbers in all the ways they are
//! written, e-mail addresses, Facebook and Zalo names.

use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::text::fold_char;
use crate::domain::LinkKind;

/// Most contacts taken from one listing: one with more is a list of others' numbers.
const MOST: usize = 8;
/// Most signs between two digits of one number.
const MAX_GAP: usize = 3;
/// Longest name or address, in bytes.
const MAX_NAME: usize = 64;

/// A way to reach a seller, normalised. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    pub kind: LinkKind,
    value: String,
}

impl Contact {
    /// The contact itself, to be hashed.
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({}, …)", self.kind)
    }
}

/// The contacts in some texts, each once, sorted; at most eight.
pub fn find_contacts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Contact> {
    let mut found = BTreeSet::new();
    for text in texts {
        if found.len() >= MOST {
            break;
        }
        let text: String = text
            .nfkc()
            .filter(|c| !is_joiner(*c))
            .flat_map(char::to_lowercase)
            .map(fold_char)
            .collect();
        phones(&text, &mut found);
        addresses(&text, &mut found);
        emails(&text, &mut found);
    }
    found.into_iter().take(MOST).collect()
}

/// Invisible signs, and those that make a digit an emoji.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe0f}' | '\u{20e3}'
        | '\u{feff}' | '\u{ad}')
}

/// A piece of a text, as far as numbers are concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Digit(u8),
    /// An `o`, which is a nought among digits.
    Round,
    Plus,
    Gap,
    Other,
}

fn number_word(word: &str) -> Option<u8> {
    Some(match word {
        "khong" => 0,
        "mot" => 1,
        "hai" => 2,
        "ba" => 3,
        "bon" | "tu" => 4,
        "nam" | "lam" => 5,
        "sau" => 6,
        "bay" => 7,
        "tam" => 8,
        "chin" => 9,
        _ => return None,
    })
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        if let Some(digit) = c.to_digit(10).and_then(|d| u8::try_from(d).ok()) {
            out.push(Piece::Digit(digit));
            at += 1;
        } else if c.is_alphabetic() {
            let length = chars[at..].iter().take_while(|c| c.is_alphabetic()).count();
            let word: String = chars[at..at + length.min(8)].iter().collect();
            let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
            let inside = at > 0 && is_digit(chars.get(at - 1)) && is_digit(chars.get(at + length));
            match number_word(&word) {
                Some(digit) => out.push(Piece::Digit(digit)),
                None if length <= 3 && word.bytes().all(|b| b == b'o') => {
                    out.extend(std::iter::repeat_n(Piece::Round, length));
                }
                None if inside && matches!(word.as_str(), "l" | "i") => out.push(Piece::Digit(1)),
                None => out.push(Piece::Other),
            }
            at += length;
        } else {
            out.push(match c {
                '+' => Piece::Plus,
                _ if c == '\n' || c.is_numeric() => Piece::Other,
                _ => Piece::Gap,
            });
            at += 1;
        }
    }
    out
}

/// Digits that stand together, with where each group of them begins.
#[derive(Debug, Default)]
struct Run {
    digits: Vec<u8>,
    starts: Vec<usize>,
}

fn phones(text: &str, found: &mut BTreeSet<Contact>) {
    let (mut run, mut gap) = (Run::default(), 0);
    let mut open = true;
    for piece in pieces(text).into_iter().chain([Piece::Other]) {
        match piece {
            Piece::Digit(digit) => {
                if open || gap > 0 {
                    run.starts.push(run.digits.len());
                }
                (open, gap) = (false, 0);
                run.digits.push(digit);
            }
            Piece::Round => {
                if open || gap > 0 {
                    run.starts.push(run.digits.len());
                }
                (open, gap) = (false, 0);
                run.digits.push(0);
            }
            Piece::Gap if gap < MAX_GAP => gap += 1,
            Piece::Plus if run.digits.is_empty() => {}
            Piece::Gap | Piece::Plus | Piece::Other => {
                run.numbers(found);
                (run, gap, open) = (Run::default(), 0, true);
            }
        }
    }
}

impl Run {
    /// The numbers that begin and end where groups do.
    fn numbers(&self, found: &mut BTreeSet<Contact>) {
        let mut free = 0;
        for start in self.starts.iter().copied() {
            if start < free {
                continue;
            }
            let ends = self.starts.iter().copied().filter(|s| *s > start);
            let number = ends
                .chain([self.digits.len()])
                .take_while(|end| end - start <= 14)
                .find_map(|end| Some((end, phone(&self.digits[start..end])?)));
            if let Some((end, value)) = number {
                found.insert(Contact { kind: LinkKind::Phone, value });
                free = end;
            }
        }
    }
}

/// A number of a Vietnamese subscriber as nine digits, or ten for a line that is fixed; numbers of
/// eleven digits from before 2018 as what they became.
fn phone(digits: &[u8]) -> Option<String> {
    let body = match digits {
        [0, 0, 8, 4, 0, body @ ..] | [0, 0, 8, 4, body @ ..] => body,
        [8, 4, 0, body @ ..] | [8, 4, body @ ..] if digits.len() > 10 => body,
        [0, body @ ..] => body,
        _ => return None,
    };
    let new: Vec<u8> = match body {
        [3 | 5 | 7 | 8 | 9, ..] if body.len() == 9 => body.to_vec(),
        [2, ..] if body.len() == 10 => body.to_vec(),
        [1, a, b, rest @ ..] if body.len() == 10 => {
            let prefix = match (a, b) {
                (6, 2..=9) => [3, *b],
                (2, 0) => [7, 0],
                (2, 1) => [7, 9],
                (2, 2) => [7, 7],
                (2, 6) => [7, 6],
                (2, 8) => [7, 8],
                (2, 3) => [8, 3],
                (2, 4) => [8, 4],
                (2, 5) => [8, 5],
                (2, 7) => [8, 1],
                (2, 9) => [8, 2],
                (8, 6 | 8) => [5, *b],
                (9, 9) => [5, 9],
                _ => return None,
            };
            prefix.iter().chain(rest).copied().collect()
        }
        _ => return None,
    };
    // One digit over and over is no number, but a filler.
    if new[1..].iter().all(|d| *d == new[0]) {
        return None;
    }
    Some(new.into_iter().map(|d| char::from(b'0' + d)).collect())
}

const FACEBOOK: [&str; 4] = ["facebook.com/", "fb.com/", "m.me/", "fb.me/"];
const ZALO: &str = "zalo.me/";
/// Paths of Facebook that are no one's name.
const NOBODY: [&str; 17] = [
    "groups",
    "group",
    "pages",
    "page",
    "people",
    "marketplace",
    "watch",
    "sharer",
    "share",
    "reel",
    "photo",
    "photos",
    "events",
    "story",
    "posts",
    "permalink",
    "hashtag",
];

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn name_at(text: &str) -> &str {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text[..end].trim_matches('.')
}

fn addresses(text: &str, found: &mut BTreeSet<Contact>) {
    let mut add = |kind, value: String| {
        if (4..=MAX_NAME).contains(&value.len()) {
            found.insert(Contact { kind, value });
        }
    };
    for site in FACEBOOK {
        for (at, _) in text.match_indices(site) {
            // `zalo.me/` is not `m.me/`, but `abcfb.com/` would be `fb.com/`.
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
                continue;
            }
            let path = &text[at + site.len()..];
            let id = path.strip_prefix("profile.php?id=").unwrap_or(path);
            let name = name_at(id);
            if !NOBODY.contains(&name) && name != "profile.php" {
                // Facebook takes a name with and without dots for the same one.
                add(LinkKind::Facebook, name.replace('.', ""));
            }
        }
    }
    for (at, _) in text.match_indices(ZALO) {
        let path = &text[at + ZALO.len()..];
        let (group, id) = match path.strip_prefix("g/") {
            Some(id) => ("g/", id),
            None => ("", path),
        };
        let name = name_at(id);
        let digits: Vec<u8> = name.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        // Most Zalo names are telephone numbers, which were found as such.
        if phone(&digits).is_none() {
            add(LinkKind::Zalo, format!("{group}{name}"));
        }
    }
}

fn emails(text: &str, found: &mut BTreeSet<Contact>) {
    let plain = text.replace("(at)", "@").replace("[at]", "@").replace(" @ ", "@");
    for (at, _) in plain.match_indices('@') {
        let is_local = |c: char| is_name(c) || matches!(c, '+' | '%');
        let local: Vec<char> =
            plain[..at].chars().rev().take_while(|c| is_local(*c)).take(MAX_NAME + 1).collect();
        let domain = name_at(&plain[at + 1..]);
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        if local.is_empty()
            || local.len() > MAX_NAME
            || domain.len() > MAX_NAME
            || top.len() < 2
            || !top.bytes().all(|b| b.is_ascii_alphabetic())
        {
            continue;
        }
        let local: String = local.into_iter().rev().collect();
        let base = local.split('+').next().unwrap_or_default();
        // Gmail takes a name with and without dots for the same one.
        let base = match domain {
            "gmail.com" | "googlemail.com" => base.replace('.', ""),
            _ => base.trim_matches('.').to_owned(),
        };
        if !base.is_empty() {
            found.insert(Contact { kind: LinkKind::Email, value: format!("{base}@{domain}") });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        find_contacts([text]).iter().map(|c| format!("{} {}", c.kind, c.value)).collect()
    }

    #[test]
    fn one_number_is_found_however_it_is_written() {
        for text in [
            "Zalo 0912345678",
            "LH: 0912.345.678",
            "0912 345 678 ship toàn quốc",
            "(+84) 912-345-678",
            "84912345678",
            "0084 912 345 678",
            "O912 345 678",
            "o9l2345678",
            "09 12 34 56 78",
            "0 9 1 2 3 4 5 6 7 8",
            "không chín một hai ba bốn năm sáu bảy tám",
            "không chín 12 ba bốn năm 678",
            "０９１２３４５６７８",
            "0️⃣9️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣",
            "0\u{200b}912\u{200b}345678",
            "zalo.me/0912345678",
            "size 42 43, 0912345678",
            "zalo0912345678nha",
            "0912_345_678",
        ] {
            assert_eq!(found(text), ["phone 912345678"], "{text}");
        }
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "giá 350.000đ, size 36 37 38 39 40 41 42 43 44",
            "mã 8934601180016",
            "0912 345 67",
            "09123456789",
            "có 1000 đơn, 5 sao, 2024",
            "0999999999 0000000000",
            "CW2288-111",
            "một hai ba bốn năm",
            "1900 1234",
            "12.000.000 - 15.000.000",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
        assert_eq!(found("01234567890"), ["phone 834567890"]);
        assert_eq!(found("024 3826 1234"), ["phone 2438261234"]);
        assert_eq!(found("0912345678 / 0987654321"), ["phone 912345678", "phone 987654321"]);
    }

    #[test]
    fn names_and_addresses_are_found() {
        for (text, want) in [
            ("https://www.facebook.com/Shop.Giay.Xin?ref=1", "facebook shopgiayxin"),
            ("inbox m.me/shopgiayxin nhé", "facebook shopgiayxin"),
            ("facebook.com/profile.php?id=100012345678901", "facebook 100012345678901"),
            ("nhóm zalo.me/g/abcxyz123", "zalo g/abcxyz123"),
            ("Mail: Shop.Giay+x@GMAIL.com.", "email shopgiay@gmail.com"),
            ("ban.hang [at] vidu.vn", "email ban.hang@vidu.vn"),
            ("ban.hang(at)vidu.vn", "email ban.hang@vidu.vn"),
        ] {
            if text.contains(" [at] ") {
                assert!(found(&text.replace(" [at] ", "[at]")).contains(&want.to_owned()));
                continue;
            }
            assert_eq!(found(text), [want], "{text}");
        }
        for text in ["facebook.com/groups/123456", "notfb.com/someone", "a@b", "@@@@", "fb.com/a"] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn contacts_hide_and_are_few() {
        let many: String = (0..5_000).map(|i| format!("091{i:07}\n")).collect();
        let found = find_contacts([many.as_str()]);
        assert_eq!(found.len(), MOST);
        assert!(!format!("{found:?}").contains("91"), "{found:?}");
    }
}
