use crate::preprocess::FastMap;
use crate::preprocess::text::{Text, fold};
use unicode_normalization::UnicodeNormalization;

/// The number of a word that some phrase holds; [`UNKNOWN`] for every other word.
pub(super) type WordId = u32;
pub(super) const UNKNOWN: WordId = u32::MAX;

/// Words of all phrases, by their folded form.
#[derive(Debug, Default)]
pub(super) struct Interner {
    ids: FastMap<Box<str>, WordId>,
}

impl Interner {
    fn intern(&mut self, folded: &str) -> WordId {
        if let Some(id) = self.ids.get(folded) {
            return *id;
        }
        let id = u32::try_from(self.ids.len()).unwrap_or(UNKNOWN);
        self.ids.insert(folded.into(), id);
        id
    }

    pub(super) fn ids_of(&self, text: &Text) -> Vec<WordId> {
        text.words()
            .iter()
            .map(|w| self.ids.get(text.folded_word(w)).copied().unwrap_or(UNKNOWN))
            .collect()
    }
}

/// A phrase's end in the tree.
#[derive(Debug, Clone)]
struct End<T> {
    /// The words with their diacritics, tone marks set apart (see [`tone_key`]).
    keys: Box<[Box<str>]>,
    exact: bool,
    payload: T,
}

#[derive(Debug)]
struct Node<T> {
    next: FastMap<u64, u32>,
    ends: Vec<End<T>>,
}

/// Phrases of words, found at a place of a text; longest first.
#[derive(Debug)]
pub(super) struct Phrases<T> {
    nodes: Vec<Node<T>>,
    len: usize,
}

/// A phrase found: how many words it has and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match<T> {
    pub(super) words: usize,
    pub(super) payload: T,
}

impl<T: Copy> Phrases<T> {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node { next: FastMap::default(), ends: Vec::new() }], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a normalised phrase; an `exact` one matches only with its diacritics.
    pub(super) fn add(&mut self, interner: &mut Interner, phrase: &Text, exact: bool, payload: T) {
        let mut at = 0_usize;
        let mut keys = Vec::new();
        for word in phrase.words() {
            let id = u64::from(interner.intern(phrase.folded_word(word)));
            keys.push(tone_key(phrase.plain_word(word)).into_boxed_str());
            at = if let Some(next) = self.nodes[at].next.get(&id) {
                *next as usize
            } else {
                let next = self.nodes.len();
                self.nodes.push(Node { next: FastMap::default(), ends: Vec::new() });
                self.nodes[at].next.insert(id, u32::try_from(next).unwrap_or(0));
                next
            };
        }
        if at != 0 {
            self.nodes[at].ends.push(End { keys: keys.into(), exact, payload });
            self.len += 1;
        }
    }

    /// The phrases that begin at word `at`, longest first, into `found`.
    pub(super) fn at(&self, text: &Text, ids: &[WordId], at: usize, found: &mut Vec<Match<T>>) {
        found.clear();
        if ids[at] == UNKNOWN {
            return;
        }
        let mut node = &self.nodes[0];
        for (words, id) in (1..).zip(&ids[at..]) {
            if words > 1 && text.words()[at + words - 1].breaks {
                break;
            }
            let Some(next) = node.next.get(&u64::from(*id)) else { break };
            node = &self.nodes[*next as usize];
            for end in &node.ends {
                if end.fits(text, at) {
                    found.push(Match { words, payload: end.payload });
                }
            }
        }
        found.reverse();
    }
}

impl<T> End<T> {
    /// Whether the words' diacritics are the phrase's own or, unless it is exact, left out.
    fn fits(&self, text: &Text, at: usize) -> bool {
        self.keys.iter().zip(&text.words()[at..]).all(|(key, word)| {
            let plain = text.plain_word(word);
            plain == &**key
                || (!self.exact && plain == text.folded_word(word))
                || (!plain.is_ascii() && tone_key(plain) == **key)
        })
    }
}

/// A word with its tone mark moved to the end, so that the two ways of placing it (hoá, hóa) are
/// one.
fn tone_key(word: &str) -> String {
    if word.is_ascii() {
        return word.to_owned();
    }
    let mut tones = String::new();
    let rest: String = word
        .nfd()
        .filter(|c| {
            let tone = matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}');
            if tone {
                tones.push(*c);
            }
            !tone
        })
        .nfc()
        .collect();
    rest + &tones
}

/// Whether `text` has the folded phrase `phrase` among the words `from..to`.
pub(super) fn has_near(text: &Text, from: usize, to: usize, phrases: &[Box<str>]) -> bool {
    if phrases.is_empty() {
        return false;
    }
    let mut window = String::from(" ");
    for word in &text.words()[from..to.min(text.words().len())] {
        window.push_str(text.folded_word(word));
        window.push(' ');
    }
    phrases.iter().any(|p| window.contains(&**p))
}

/// A phrase as [`has_near`] wants it: folded, one space between words and at both ends.
pub(super) fn near_key(phrase: &Text) -> Box<str> {
    let mut key = String::from(" ");
    for word in phrase.words() {
        key.push_str(&fold(phrase.plain_word(word)));
        key.push(' ');
    }
    key.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::text::Normalizer;

    fn matches(phrases: &[(&str, bool)], text: &str) -> Vec<(usize, usize, usize)> {
        let normalizer = Normalizer::default();
        let mut interner = Interner::default();
        let mut tree = Phrases::new();
        for (i, (phrase, exact)) in phrases.iter().enumerate() {
            tree.add(&mut interner, &normalizer.normalize(phrase), *exact, i);
        }
        let text = normalizer.normalize(text);
        let ids = interner.ids_of(&text);
        let mut out = Vec::new();
        let mut found = Vec::new();
        for at in 0..ids.len() {
            tree.at(&text, &ids, at, &mut found);
            out.extend(found.iter().map(|m| (at, m.words, m.payload)));
        }
        out
    }

    #[test]
    fn the_longest_phrase_comes_first() {
        let phrases = [("rep", false), ("rep 1:1", false)];
        assert_eq!(matches(&phrases, "túi rep 1:1 đẹp"), [(1, 3, 1), (1, 1, 0)]);
        assert_eq!(matches(&phrases, "rep. 1:1"), [(0, 1, 0)]);
    }

    #[test]
    fn diacritics_may_be_left_out_but_not_be_others() {
        let phrases = [("hàng nhái", false), ("giả", true)];
        assert_eq!(matches(&phrases, "hang nhai"), [(0, 2, 0)]);
        assert_eq!(matches(&phrases, "hàng nhãi"), []);
        assert_eq!(matches(&phrases, "gia già giá giả"), [(3, 1, 1)]);
    }

    #[test]
    fn both_places_of_a_tone_mark_are_one() {
        assert_eq!(matches(&[("hóa đơn", false)], "có hoá đơn"), [(1, 2, 0)]);
    }
}
