//! The first step: characters, composed, lower case, look-alikes mapped, invisible ones dropped.

use std::sync::LazyLock;

use unicode_normalization::char::{compose, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use super::fold::fold_char;
use super::lookalike::{is_invisible, lookalike};
use super::{Marks, Place};

/// One character of normalised text and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) ch: char,
    pub(super) place: Place,
    pub(super) marks: Marks,
}

/// Letters from here on always take the slow way.
const END: usize = 0x1F00;
/// Stands in the table for "take the slow way".
const SLOW: char = '\0';

/// For each letter that a step cannot change but for its case: the lower-case letter.
static LOWER: LazyLock<Box<[char]>> = LazyLock::new(|| {
    (0..END)
        .map(|code| {
            let Some(c) = u32::try_from(code).ok().and_then(char::from_u32) else { return SLOW };
            let mut lower = c.to_lowercase();
            let plain = c == ' '
                || c.is_ascii_graphic()
                || (c.is_alphabetic()
                    && lookalike(c).is_none()
                    && !is_combining_mark(c)
                    && !is_invisible(c));
            match (lower.next(), lower.next()) {
                (Some(l), None) if plain && clean(&c.to_string()).0 == l.to_string() => l,
                _ => SLOW,
            }
        })
        .collect()
});

/// For each letter below [`END`], whether it belongs to a word.
static WORD: LazyLock<Box<[bool]>> = LazyLock::new(|| {
    (0..END)
        .map(|code| u32::try_from(code).ok().and_then(char::from_u32))
        .map(|c| c.is_some_and(char::is_alphanumeric))
        .collect()
});

/// Reads `original` into pieces; runs of white space become one space or one line feed, none at
/// the ends.
pub(super) fn read(original: &str) -> Vec<Piece> {
    let chars = original.chars().zip(0_u32..).map(|(ch, i)| Piece {
        ch,
        place: Place { start: i, end: i + 1 },
        marks: Marks::default(),
    });
    let mut pieces = pass(chars, original.len());
    // A character mapped alone may compose with its neighbour (Hangul does): go again, rarely.
    for _ in 0..4 {
        if is_nfc_quick(pieces.iter().map(|p| p.ch)) == IsNormalized::Yes {
            break;
        }
        let len = pieces.len();
        let next = pass(pieces.iter().copied(), len);
        if next == pieces {
            break;
        }
        pieces = next;
    }
    pieces
}

fn pass(chars: impl Iterator<Item = Piece>, capacity: usize) -> Vec<Piece> {
    let lower = &*LOWER;
    let mut out: Vec<Piece> = Vec::with_capacity(capacity);
    let mut chars = chars.peekable();
    let mut cluster = String::new();
    let mut hidden = false;
    while let Some(Piece { ch, mut place, mut marks }) = chars.next() {
        let simple = lower.get(ch as usize).copied().unwrap_or(SLOW);
        let alone = chars.peek().is_none_or(|next| !joins(ch, next.ch));
        if simple != SLOW && alone {
            push(&mut out, Piece { ch: simple, place, marks }, &mut hidden);
            continue;
        }
        if alone && is_settled_sign(ch) {
            push(&mut out, Piece { ch, place, marks }, &mut hidden);
            continue;
        }
        if is_invisible(ch) {
            hidden = true;
            continue;
        }
        cluster.clear();
        cluster.push(ch);
        let mut last = ch;
        while let Some(next) = chars.next_if(|next| joins(last, next.ch)) {
            if !is_invisible(next.ch) {
                cluster.push(next.ch);
                last = next.ch;
            } else if !is_invisible_tail(next.ch) {
                marks |= Marks::HIDDEN;
            }
            place = place.to(next.place);
            marks |= next.marks;
        }
        let (text, found) = clean(&cluster);
        for ch in text.chars() {
            push(&mut out, Piece { ch, place, marks: marks | found }, &mut hidden);
        }
    }
    while out.last().is_some_and(|p| p.ch.is_whitespace()) {
        out.pop();
    }
    out
}

/// Whether no step can change the character: most emoji and signs.
fn is_settled_sign(c: char) -> bool {
    !c.is_alphanumeric()
        && !c.is_whitespace()
        && !c.is_control()
        && !is_invisible(c)
        && !is_combining_mark(c)
        && lookalike(c).is_none()
        && c.to_lowercase().eq([c])
        && is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes
}

/// Whether the character belongs to a word.
pub(super) fn is_word(c: char) -> bool {
    WORD.get(c as usize).copied().unwrap_or_else(|| c.is_alphanumeric())
}

/// Whether `next` belongs to the character before it.
fn joins(last: char, next: char) -> bool {
    !next.is_ascii()
        && (is_combining_mark(next) || is_invisible_tail(next) || compose(last, next).is_some())
}

/// Selectors of variants say how the sign before them is drawn (☺︎ or ☺️): part of an emoji, not a
/// way to hide.
fn is_invisible_tail(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}')
}

fn push(out: &mut Vec<Piece>, mut piece: Piece, hidden: &mut bool) {
    if piece.ch.is_whitespace() || piece.ch.is_control() {
        let line = matches!(piece.ch, '\n' | '\r' | '\u{2028}' | '\u{2029}');
        match out.last_mut() {
            None => {}
            Some(last) if last.ch.is_whitespace() => {
                if line {
                    last.ch = '\n';
                }
                last.place = last.place.to(piece.place);
            }
            Some(_) => {
                piece.ch = if line { '\n' } else { ' ' };
                out.push(piece);
            }
        }
    } else {
        if *hidden && is_word(piece.ch) && out.last().is_some_and(|last| is_word(last.ch)) {
            piece.marks |= Marks::HIDDEN;
        }
        out.push(piece);
    }
    *hidden = false;
}

/// One character with its marks, until nothing changes any more.
fn clean(cluster: &str) -> (String, Marks) {
    let mut marks = Marks::default();
    let mut text = cluster.to_owned();
    for _ in 0..6 {
        let next = clean_once(&text, &mut marks);
        if next == text {
            break;
        }
        text = next;
    }
    (text, marks)
}

fn clean_once(text: &str, marks: &mut Marks) -> String {
    // Signs whose compatibility form would glue letters to the word before them.
    let keep = |c: char| matches!(c, '™' | '℠' | '℡' | '№' | '℃' | '℉');
    if text.chars().all(keep) {
        return text.to_owned();
    }
    let mut mapped = String::with_capacity(text.len());
    for c in text.nfc().nfkc() {
        match lookalike(c) {
            Some(latin) => {
                *marks |= Marks::LOOKALIKE;
                mapped.push(latin);
            }
            None if is_invisible(c) => {}
            None if c.is_control() && c != '\n' && c != '\r' => mapped.push(' '),
            None => mapped.extend(c.to_lowercase()),
        }
    }
    let composed: String = mapped.nfc().collect();
    let mut latin = true;
    let mut out = String::with_capacity(composed.len());
    for c in composed.chars() {
        if is_combining_mark(c) && latin {
            // Marks that make no letter only blur the one they stand on.
            *marks |= Marks::HIDDEN;
        } else {
            if !is_combining_mark(c) {
                latin = fold_char(c).is_ascii() || !c.is_alphabetic();
            }
            out.push(c);
        }
    }
    out
}
