use std::ops::Range;

use super::Texts;
use super::targets::field;
use crate::eval::SplitMix64;
use crate::preprocess::text::slice;
use crate::signals::{FieldText, Reading, Source, Variant};

/// Words back that a negation may stand before what it negates.
const REACH: usize = 5;

/// Puts the title's phrases into another order. Brands, phrases of the lexicon and negations with
/// what they negate stay whole, so that the title says the same.
pub(super) fn apply(texts: &mut Texts, reading: &Reading, random: &mut SplitMix64) {
    let whole = field(reading, Source::Title).map(whole).unwrap_or_default();
    let tokens = tokens(&texts.title);
    let free = |at: usize| !whole.iter().any(|w| w.start < at && at < w.end);
    let free: Vec<usize> = (1..tokens.len()).filter(|i| free(tokens[*i].start)).collect();
    let text = |t: &Range<usize>| {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let place = crate::preprocess::text::Place { start: number(t.start), end: number(t.end) };
        slice(&texts.title, place)
    };
    let signs: Vec<usize> = free
        .iter()
        .copied()
        .filter(|i| is_sign(text(&tokens[*i])) || ends(text(&tokens[i - 1])))
        .collect();
    let cuts = if signs.is_empty() { every_few(&free, random) } else { signs.clone() };
    let mut phrases: Vec<String> = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([tokens.len()]) {
        let words: Vec<&str> = tokens[from..to].iter().map(text).collect();
        let phrase = words.join(" ");
        let phrase = phrase.trim_matches(|c: char| c == ' ' || is_separator(c));
        if !phrase.is_empty() {
            phrases.push(phrase.to_owned());
        }
        from = to;
    }
    let before = phrases.clone();
    random.shuffle(&mut phrases);
    if phrases == before && phrases.len() > 1 {
        phrases.rotate_left(1);
    }
    if phrases != before {
        texts.set_title(phrases.join(if signs.is_empty() { " " } else { " - " }));
    }
}

/// Ranges that must not be cut, in characters of the title.
fn whole(field: &FieldText) -> Vec<Range<usize>> {
    let words = field.text.words();
    let place =
        |from: usize, to: usize| words[from].place.start as usize..words[to - 1].place.end as usize;
    let findings = field.findings.iter().map(|f| {
        let back = if f.variant == Variant::Negated { REACH } else { 0 };
        place(f.words.0.saturating_sub(back), f.words.1)
    });
    findings.chain(field.brands.iter().map(|b| place(b.words.0, b.words.1))).collect()
}

/// Runs without white space, in characters.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, c) in text.chars().enumerate() {
        match out.last_mut() {
            _ if c.is_whitespace() => {}
            Some(last) if last.end == i => last.end = i + 1,
            _ => out.push(i..i + 1),
        }
    }
    out
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '–' | '—' | '|' | '/' | '•' | ',' | ';' | '~')
}

fn is_sign(token: &str) -> bool {
    token.chars().all(is_separator)
}

fn ends(token: &str) -> bool {
    token.ends_with(is_separator)
}

/// A cut after every two or three words, where it is free.
fn every_few(free: &[usize], random: &mut SplitMix64) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut next = 2 + random.below(2);
    for at in free {
        if *at >= next {
            cuts.push(*at);
            next = at + 2 + random.below(2);
        }
    }
    cuts
}
