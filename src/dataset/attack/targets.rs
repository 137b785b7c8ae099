use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use crate::signals::{FieldText, Knowledge, Polarity, Reading, Source};

/// What a phrase gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Brand(u16),
    /// A concept of polarity risk.
    Concept(u16),
}

/// A phrase that a seller of counterfeits would hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Unicode scalar values of the field's text.
    pub(super) place: Range<usize>,
    pub(super) meaning: Meaning,
}

/// The field of `reading` that came from `source`.
pub(super) fn field(reading: &Reading, source: Source) -> Option<&FieldText> {
    reading.fields.iter().find(|f| f.source == source)
}

/// Brands and tell-tale phrases of a field in the text's order, none over another.
pub(super) fn targets(knowledge: &Knowledge, field: &FieldText) -> Vec<Target> {
    let concepts = knowledge.lexicon().concepts();
    let risky = |concept: u16| concepts[usize::from(concept)].polarity == Polarity::Risk;
    let range = |place: crate::preprocess::text::Place| place.start as usize..place.end as usize;
    let brands = field
        .brands
        .iter()
        .map(|m| Target { place: range(m.place), meaning: Meaning::Brand(m.brand) });
    let words = field
        .findings
        .iter()
        .filter(|f| risky(f.concept))
        .map(|f| Target { place: range(f.place), meaning: Meaning::Concept(f.concept) });
    let mut all: Vec<Target> = brands.chain(words).collect();
    // Of two that overlap the first stays, of two that begin together the longer one.
    all.sort_by_key(|t| (t.place.start, std::cmp::Reverse(t.place.end)));
    let mut end = 0;
    all.retain(|t| {
        let apart = t.place.start >= end;
        if apart {
            end = t.place.end;
        }
        apart
    });
    all
}

/// Runs of letters and digits within `range` of a text, those of digits alone left out.
pub(super) fn words(text: &[char], range: Range<usize>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for at in range {
        let c = text[at];
        let mark = is_combining_mark(c);
        match out.last_mut() {
            Some(last) if last.end == at && (mark || c.is_alphanumeric()) => last.end = at + 1,
            _ if c.is_alphanumeric() => out.push(at..at + 1),
            _ => {}
        }
    }
    // A number is no name, and hiding it would only change the goods.
    out.retain(|w| text[w.clone()].iter().any(|c| c.is_alphabetic()));
    out
}

/// The letters of a word, each with the marks that stand on it.
pub(super) fn letters(word: &[char]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for c in word {
        match out.last_mut() {
            Some(last) if is_combining_mark(*c) => last.push(*c),
            _ => out.push(c.to_string()),
        }
    }
    out
}

/// `text` with each of `edits`, in order and apart, in its place; edits for which `limit`
/// characters have no room are left out. `None` when nothing is left.
pub(super) fn replace(
    text: &[char],
    edits: Vec<(Range<usize>, String)>,
    limit: usize,
) -> Option<String> {
    let mut room = limit.saturating_sub(text.len());
    let mut out = String::with_capacity(2 * text.len());
    let (mut from, mut changed) = (0, false);
    for (range, new) in edits {
        let (old, count) = (&text[range.clone()], new.chars().count());
        if count > old.len() + room || new.chars().eq(old.iter().copied()) {
            continue;
        }
        room = room + old.len() - count;
        out.extend(&text[from..range.start]);
        out.push_str(&new);
        from = range.end;
        changed = true;
    }
    out.extend(&text[from..]);
    changed.then_some(out)
}
