use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::letters::{EMOJI, HASHTAGS, neighbours};
use super::targets::{replace, words};
use super::{Attack, Texts};
use crate::eval::SplitMix64;
use crate::preprocess::text::fold;
use crate::signals::Knowledge;

/// Fewest words of a title that is cut.
const MIN_CUT: usize = 4;
/// Of so many words one has a slip.
const SLIPS: usize = 12;

/// Writes both texts in another manner.
#[expect(clippy::wildcard_enum_match_arm, reason = "disguises and the order have their own files")]
pub(super) fn apply(
    kind: Attack,
    texts: &mut Texts,
    knowledge: &Knowledge,
    random: &mut SplitMix64,
) {
    let limits = texts.clone();
    match kind {
        Attack::NoDiacritics => texts.each(|_, t| Some(plain(t))),
        Attack::SomeDiacritics => texts.each(|source, t| {
            each_word(t, limits.limit(source), |w| {
                (plain(w) != *w && random.one_in(2)).then(|| plain(w))
            })
        }),
        Attack::Teencode => {
            let short = short_forms(knowledge);
            texts.each(|source, t| teencode(t, limits.limit(source), &short, random));
        }
        Attack::Capitals => texts.each(|_, t| Some(t.to_uppercase())),
        Attack::LowerCase => texts.each(|_, t| Some(t.to_lowercase())),
        Attack::Emoji => emoji(texts, random),
        Attack::NoPunctuation => texts.each(|_, t| Some(without_punctuation(t))),
        Attack::TitleRepeated => {
            let sign = random.pick(&[" ", " - ", " | "]).copied().unwrap_or(" ");
            texts.set_title(format!("{}{sign}{}", texts.title, texts.title));
        }
        Attack::TitleCut => title_cut(texts),
        Attack::Typing => texts.each(|source, t| slips(t, limits.limit(source), random)),
        Attack::Decomposed => texts.each(|_, t| Some(t.nfd().collect())),
        _ => {}
    }
}

fn plain(text: &str) -> String {
    fold(&text.nfc().collect::<String>())
}

/// `text` with words replaced by what `change` makes of them.
fn each_word(
    text: &str,
    limit: usize,
    mut change: impl FnMut(&str) -> Option<String>,
) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let edits = words(&chars, 0..chars.len()).into_iter().filter_map(|range| {
        let word: String = chars[range.clone()].iter().collect();
        change(&word).map(|new| (range, new))
    });
    replace(&chars, edits.collect(), limit)
}

/// Short forms by the words that they stand for.
fn short_forms(knowledge: &Knowledge) -> BTreeMap<Vec<String>, Vec<&str>> {
    let mut out: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
    for (short, long) in knowledge.normalizer().teencode().short_forms() {
        let long = long.split_whitespace().map(str::to_owned).collect();
        out.entry(long).or_default().push(short);
    }
    for forms in out.values_mut() {
        forms.sort_unstable();
    }
    out
}

/// Most words that a short form is looked up for.
const LONGEST: usize = 5;

/// Three in four of the words that have a short form in it.
fn teencode(
    text: &str,
    limit: usize,
    short: &BTreeMap<Vec<String>, Vec<&str>>,
    random: &mut SplitMix64,
) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let places = words(&chars, 0..chars.len());
    let lower: Vec<String> = places
        .iter()
        .map(|p| {
            chars[p.clone()].iter().collect::<String>().nfc().collect::<String>().to_lowercase()
        })
        .collect();
    let mut edits = Vec::new();
    let mut at = 0;
    while at < places.len() {
        let found = (1..=LONGEST.min(places.len() - at)).rev().find_map(|n| {
            let spaced = places[at..at + n]
                .windows(2)
                .all(|pair| chars[pair[0].end..pair[1].start] == [' ']);
            short.get(&lower[at..at + n]).filter(|_| spaced).map(|forms| (n, forms))
        });
        let Some((n, forms)) = found else {
            at += 1;
            continue;
        };
        if !random.one_in(4)
            && let Some(new) = random.pick(forms)
        {
            edits.push((places[at].start..places[at + n - 1].end, (*new).to_owned()));
        }
        at += n;
    }
    replace(&chars, edits, limit)
}

fn emoji(texts: &mut Texts, random: &mut SplitMix64) {
    let one = |random: &mut SplitMix64| random.pick(EMOJI).copied().unwrap_or("✨");
    let lead = one(random);
    let lead = if random.one_in(2) { lead.repeat(2) } else { lead.to_owned() };
    let tail = one(random);
    texts.set_title(format!("{lead} {} {tail}", texts.title.trim()));
    let mut tags: Vec<String> = HASHTAGS.iter().map(|t| (*t).to_owned()).collect();
    random.shuffle(&mut tags);
    tags.truncate(2 + random.below(3));
    let tags = tags.join(" ");
    match texts.description.clone() {
        Some(description) => {
            let mark = one(random);
            let lines: Vec<String> = description
                .lines()
                .map(|line| {
                    let marked = !line.trim().is_empty() && !random.one_in(3);
                    if marked { format!("{mark} {line}") } else { line.to_owned() }
                })
                .collect();
            texts.set_description(format!("{}\n{tags}", lines.join("\n")));
        }
        None => texts.set_title(format!("{} {tags}", texts.title)),
    }
}

/// Punctuation as one space, but inside numbers ("1:1", "1.250.000") and of units ("100%").
fn without_punctuation(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: Option<usize>| at.and_then(|i| chars.get(i)).is_some_and(char::is_ascii_digit);
    let mut out = String::with_capacity(text.len());
    let mut dropped = false;
    for (i, c) in chars.iter().enumerate() {
        let mark = (c.is_ascii_punctuation() && !matches!(c, '%' | '#' | '@' | '&' | '+'))
            || matches!(c, '–' | '—' | '…' | '“' | '”' | '‘' | '’' | '•' | '·' | '【' | '】');
        dropped =
            mark && !(digit(i.checked_sub(1)) && digit(Some(i + 1))) || (dropped && *c == ' ');
        if !dropped {
            out.push(*c);
        } else if !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
    out
}

/// The title's first half; the whole title opens the description, so that nothing is lost.
fn title_cut(texts: &mut Texts) {
    let title = texts.title.clone();
    let words: Vec<&str> = title.split_whitespace().collect();
    if words.len() < MIN_CUT {
        return;
    }
    let description = match &texts.description {
        Some(description) => format!("{title}\n{description}"),
        None => title.clone(),
    };
    if description.chars().count() <= texts.description_limit {
        texts.set_description(description);
        texts.set_title(words[..words.len().div_ceil(2)].join(" "));
    }
}

/// Slips of the finger in one word of twelve, and in one at least.
fn slips(text: &str, limit: usize, random: &mut SplitMix64) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut able: Vec<_> = words(&chars, 0..chars.len())
        .into_iter()
        .filter(|w| w.len() >= 3 && chars[w.clone()].iter().any(|c| c.is_alphabetic()))
        .collect();
    let count = able.len().div_ceil(SLIPS);
    random.shuffle(&mut able);
    able.truncate(count);
    able.sort_by_key(|w| w.start);
    let edits = able.into_iter().filter_map(|w| {
        let new = slip(&chars[w.clone()], random)?;
        Some((w, new))
    });
    replace(&chars, edits.collect(), limit)
}

fn slip(word: &[char], random: &mut SplitMix64) -> Option<String> {
    let text: String = word.iter().collect();
    if let Some(keys) = telex(&text).filter(|_| random.one_in(2)) {
        return Some(keys);
    }
    let mut out = word.to_vec();
    let at = 1 + random.below(word.len() - 1);
    match random.below(4) {
        0 => drop(out.remove(at)),
        1 => out.insert(at, word[at]),
        2 => out.swap(at - 1, at),
        _ => {
            let keys: Vec<char> = neighbours(word[at].to_ascii_lowercase()).chars().collect();
            out[at] = *random.pick(&keys)?;
        }
    }
    Some(out.into_iter().collect())
}

/// The keys of the Telex method as they were struck, when its program was not on: "đẹp" →
/// "ddepj"; `None` for a word without diacritics.
fn telex(word: &str) -> Option<String> {
    let mut keys = String::new();
    let mut tone = None;
    for c in word.nfd() {
        match c {
            '\u{301}' => tone = Some('s'),
            '\u{300}' => tone = Some('f'),
            '\u{309}' => tone = Some('r'),
            '\u{303}' => tone = Some('x'),
            '\u{323}' => tone = Some('j'),
            '\u{302}' => keys.push(keys.chars().next_back()?.to_ascii_lowercase()),
            '\u{306}' | '\u{31b}' => keys.push('w'),
            'đ' => keys.push_str("dd"),
            'Đ' => keys.push_str("Dd"),
            c => keys.push(c),
        }
    }
    keys.extend(tone);
    (keys != word && keys.is_ascii()).then_some(keys)
}
