use super::parse::{bracketed, is_link};
use super::{CodeError, ProductCode, parse_code};
use crate::domain::{Field, Gtin, GtinError, Listing};
use crate::preprocess::text::fold_char;

/// Most codes of a listing that are looked at.
const CODES: usize = 8;
/// Most stretches of one text that are tried.
const TRIES: usize = 64;
/// Characters before a number in which a word must say that it is a code.
const BEFORE: usize = 40;
/// Longest stretch of running text that is read as a code, in bytes.
const STRETCH: usize = 512;

/// A code and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCode {
    pub field: Field,
    /// First character of the code in the field.
    pub start: usize,
    /// As it is written there.
    pub text: String,
    pub code: Result<ProductCode, CodeError>,
}

/// The codes of a listing: of the field `gtin`, of attributes that are named for one, and of running
/// text; each number once.
///
/// In running text a number counts only if it is right and words or signs say that it is a code: a
/// telephone number is none.
pub fn find_codes(listing: &Listing) -> Vec<SeenCode> {
    let mut found = Vec::new();
    if let Some(text) = listing.gtin().filter(|text| has_digit(text)) {
        add(&mut found, "gtin".into(), 0, (text, parse_code(text)));
    }
    for (name, text) in listing.attributes() {
        let field = || Field::from(format!("attributes.{name}"));
        if !may_hold_code(text) {
            continue;
        }
        if is_code_name(name) {
            match parse_code(text) {
                // "đang cập nhật 2024" is no code that is wrong.
                Err(CodeError::Gtin(GtinError::Malformed)) => in_text(&mut found, &field(), text),
                code => add(&mut found, field(), 0, (text, code)),
            }
        } else {
            in_text(&mut found, &field(), text);
        }
    }
    let texts = [("title", Some(listing.title())), ("description", listing.description())];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| may_hold_code(text)) {
            in_text(&mut found, &name.into(), text);
        }
    }
    found
}

fn add(
    found: &mut Vec<SeenCode>,
    field: Field,
    start: usize,
    (text, code): (&str, Result<ProductCode, CodeError>),
) {
    let known = |seen: &SeenCode| match (&seen.code, &code) {
        (Ok(a), Ok(b)) => a == b || (a.gtin == b.gtin && b.is_bare()),
        _ => seen.text == text,
    };
    if found.len() < CODES && !found.iter().any(known) {
        let trimmed = text.trim_start();
        let start = start + text[..text.len() - trimmed.len()].chars().count();
        let text = trimmed.trim_end().chars().take(STRETCH).collect();
        found.push(SeenCode { field, start, text, code });
    }
}

impl ProductCode {
    /// Whether it says no more than its GTIN.
    fn is_bare(&self) -> bool {
        self.lot.is_none()
            && self.serial.is_none()
            && self.variant.is_none()
            && self.expiry.is_none()
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

/// Whether there are eight digits with nothing but single blanks and hyphens between: most texts
/// end here.
fn may_hold_code(text: &str) -> bool {
    let (mut digits, mut gap) = (0, false);
    for b in text.bytes() {
        (digits, gap) = match b {
            b'0'..=b'9' => (digits + 1, false),
            b' ' | b'-' if digits > 0 && !gap => (digits, true),
            _ => (0, false),
        };
        if digits == 8 {
            return true;
        }
    }
    false
}

/// Whether an attribute of this name holds a code.
fn is_code_name(name: &str) -> bool {
    let words = folded(name);
    says_code(&words) && !words.contains("san pham lien quan")
}

fn folded(text: &str) -> String {
    text.chars()
        .map(|c| fold_char(c).to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect()
}

/// Whether folded words speak of a product code.
fn says_code(words: &str) -> bool {
    let word = |w: &str| {
        matches!(
            w,
            "gtin" | "ean" | "ean8" | "ean13" | "ean14" | "gtin13" | "gtin14" | "upc" | "barcode"
        )
    };
    let mut before = "";
    words.split_whitespace().any(|w| {
        let pair = matches!((before, w), ("ma", "vach") | ("bar", "code"));
        before = w;
        pair || word(w)
    })
}

/// Looks for codes in running text.
fn in_text(found: &mut Vec<SeenCode>, field: &Field, text: &str) {
    let mut tries = 0;
    let mut at = 0;
    // Characters before `counted`, so that places are counted once.
    let (mut counted, mut chars) = (0, 0);
    while let Some(stretch) = next_stretch(text, at) {
        tries += 1;
        if tries > TRIES || found.len() == CODES {
            return;
        }
        let (start, end) = stretch.range;
        at = end;
        let Some(piece) = text.get(start..end) else { continue };
        let code = match stretch.kind {
            Kind::Digits if !says_code(&folded(before(text, start))) => continue,
            Kind::Digits | Kind::Link | Kind::Elements => parse_code(piece),
        };
        if let Ok(code) = code {
            chars += text.get(counted..start).map_or(0, |t| t.chars().count());
            counted = start;
            add(found, Field::clone(field), chars, (piece, Ok(code)));
        }
    }
}

/// The text right before a place, some characters of it.
fn before(text: &str, at: usize) -> &str {
    let head = text.get(..at).unwrap_or_default();
    let from = head.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    head.get(from..).unwrap_or_default()
}

#[derive(Clone, Copy)]
enum Kind {
    Digits,
    Link,
    Elements,
}

struct Stretch {
    kind: Kind,
    range: (usize, usize),
}

/// The next stretch from `at` on that may be a code.
fn next_stretch(text: &str, at: usize) -> Option<Stretch> {
    let bytes = text.as_bytes();
    let mut i = at;
    while let Some(b) = bytes.get(i) {
        match b {
            b'h' | b'H' if is_link(text.get(i..)?) => {
                let mut end = end_of(bytes, i, |b| !b.is_ascii_graphic() || b"\"<>".contains(&b));
                while b".,;:)".contains(&bytes[end - 1]) {
                    end -= 1;
                }
                return Some(Stretch { kind: Kind::Link, range: (i, end) });
            }
            b'(' if bracketed(text.get(i..)?).is_some_and(|(ai, _)| ai == "01") => {
                let end = end_of(bytes, i, |b| b.is_ascii_whitespace() || !b.is_ascii());
                return Some(Stretch { kind: Kind::Elements, range: (i, end) });
            }
            b'0'..=b'9' => {
                if let Some(end) = end_of_number(text, i) {
                    return Some(Stretch { kind: Kind::Digits, range: (i, end) });
                }
                i = end_of(bytes, i, |b| !b.is_ascii_digit());
            }
            _ => i += 1,
        }
    }
    None
}

fn end_of(bytes: &[u8], start: usize, stop: impl Fn(u8) -> bool) -> usize {
    let rest = bytes[start..].iter().take(STRETCH);
    let length = rest.take_while(|b| !stop(**b)).count();
    start + length
}

/// The end of a GTIN that begins here, in one piece or in groups such as `8 934602 480012`; what
/// follows may be digits too.
fn end_of_number(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut gap = false;
    for (i, b) in bytes.iter().enumerate().skip(start).take(32) {
        match b {
            b'0'..=b'9' => gap = false,
            b' ' | b'-' if !gap => gap = true,
            _ => break,
        }
        let ends = b.is_ascii_digit() && !bytes.get(i + 1).is_some_and(u8::is_ascii_digit);
        if ends && Gtin::parse(text.get(start..=i)?).is_ok() {
            return Some(i + 1);
        }
    }
    None
}
