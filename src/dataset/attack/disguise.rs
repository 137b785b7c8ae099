use super::letters::{Alphabet, EMOJI, INVISIBLE, SIGNS, SOUNDS, leet};
use super::targets::{Meaning, Target, field, letters, replace, targets, words};
use super::{Attack, Texts};
use crate::eval::SplitMix64;
use crate::preprocess::text::fold_char;
use crate::signals::{Knowledge, Reading};

/// Hides every target of both texts, in one manner.
pub(super) fn apply(
    kind: Attack,
    texts: &mut Texts,
    knowledge: &Knowledge,
    reading: &Reading,
    random: &mut SplitMix64,
) {
    let manner = Manner::new(kind, random);
    let limits = texts.clone();
    texts.each(|source, text| {
        let text_chars: Vec<char> = text.chars().collect();
        let found = targets(knowledge, field(reading, source)?);
        let mut edits = Vec::new();
        for target in found {
            if kind == Attack::CodeWords {
                let new = code_word(knowledge, &text_chars, &target, random);
                edits.extend(new.map(|new| (target.place, new)));
                continue;
            }
            for word in words(&text_chars, target.place) {
                let new = manner.word(&letters(&text_chars[word.clone()]), random);
                edits.extend(new.map(|new| (word, new)));
            }
        }
        replace(&text_chars, edits, limits.limit(source))
    });
}

/// How one seller does it, all over the listing.
#[derive(Debug)]
struct Manner {
    kind: Attack,
    /// Between all letters, or at one place of a word.
    throughout: bool,
    between: &'static str,
    alphabet: Alphabet,
    syllables: bool,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "code words and styles are no spelling of a word"
)]
impl Manner {
    fn new(kind: Attack, random: &mut SplitMix64) -> Self {
        let between = match kind {
            Attack::Spacing => Some(&" "),
            Attack::Dotting => random.pick(&[".", ".", "·"]),
            Attack::EmojiBetween => random.pick(EMOJI),
            _ => random.pick(SIGNS),
        };
        Self {
            kind,
            throughout: random.one_in(2),
            between: between.copied().unwrap_or(" "),
            alphabet: random.pick(&Alphabet::ALL).copied().unwrap_or(Alphabet::Cyrillic),
            syllables: random.one_in(2),
        }
    }

    /// The word in disguise; `None` where this way leaves it as it is.
    fn word(&self, letters: &[String], random: &mut SplitMix64) -> Option<String> {
        if letters.len() < 2 {
            return None;
        }
        match self.kind {
            Attack::Spacing | Attack::Dotting | Attack::Signs | Attack::EmojiBetween => {
                Some(self.broken(letters, random))
            }
            Attack::Leet => map_some(letters, random, |c, random| random.pick(leet(c)).copied()),
            Attack::Lookalike => {
                let alphabet = self.alphabet;
                if self.throughout {
                    map_all(letters, |c| alphabet.lookalike(c))
                } else {
                    map_some(letters, random, |c, _| alphabet.lookalike(c))
                }
            }
            Attack::ZeroWidth => self.invisible(letters, random),
            Attack::Doubled => {
                let at =
                    if self.throughout { letters.len() - 1 } else { random.below(letters.len()) };
                let mut out = letters.to_vec();
                out.insert(at, letters[at].clone());
                Some(out.concat())
            }
            Attack::Swapped => swapped(letters, random),
            Attack::VowelsDropped => without_vowels(letters),
            Attack::Respelling => respelled(letters, self.syllables, random),
            _ => None,
        }
    }

    fn broken(&self, letters: &[String], random: &mut SplitMix64) -> String {
        if self.throughout {
            return letters.join(self.between);
        }
        let (head, tail) = letters.split_at(1 + random.below(letters.len() - 1));
        head.concat() + self.between + &tail.concat()
    }

    fn invisible(&self, letters: &[String], random: &mut SplitMix64) -> Option<String> {
        let only = 1 + random.below(letters.len() - 1);
        let mut out = String::new();
        for (i, letter) in letters.iter().enumerate() {
            if i == only || (i > 0 && self.throughout) {
                out.push(*random.pick(INVISIBLE)?);
            }
            out.push_str(letter);
        }
        Some(out)
    }
}

fn map_all(letters: &[String], map: impl Fn(char) -> Option<char>) -> Option<String> {
    let word: String = letters.concat();
    let new: String = word.chars().map(|c| map(c).unwrap_or(c)).collect();
    (new != word).then_some(new)
}

/// One or two letters of the word, of those that `map` knows.
fn map_some(
    letters: &[String],
    random: &mut SplitMix64,
    map: impl Fn(char, &mut SplitMix64) -> Option<char>,
) -> Option<String> {
    let mut word: Vec<char> = letters.concat().chars().collect();
    let mut able: Vec<(usize, char)> = Vec::new();
    for (i, c) in word.iter().enumerate() {
        able.extend(map(*c, random).map(|new| (i, new)));
    }
    random.shuffle(&mut able);
    let count = 1 + random.below(2);
    for (i, new) in able.iter().take(count) {
        word[*i] = *new;
    }
    (!able.is_empty()).then(|| word.into_iter().collect())
}

/// Two neighbours changed, the first letter kept, as readers hardly see.
fn swapped(letters: &[String], random: &mut SplitMix64) -> Option<String> {
    let able: Vec<usize> = (1..letters.len() - 1)
        .filter(|i| letters[*i].to_lowercase() != letters[i + 1].to_lowercase())
        .filter(|i| letters[*i..i + 2].iter().all(|l| l.starts_with(char::is_alphabetic)))
        .collect();
    let at = *random.pick(&able)?;
    let mut out = letters.to_vec();
    out.swap(at, at + 1);
    Some(out.concat())
}

fn base(letter: &str) -> char {
    letter.chars().next().map_or(' ', fold_char).to_ascii_lowercase()
}

fn is_vowel(letter: &str) -> bool {
    matches!(base(letter), 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Without vowels but at the beginning; two letters at least remain.
fn without_vowels(letters: &[String]) -> Option<String> {
    let kept: Vec<&str> = letters
        .iter()
        .enumerate()
        .filter(|(i, l)| *i == 0 || !is_vowel(l))
        .map(|(_, l)| l.as_str())
        .collect();
    (kept.len() >= 2 && kept.len() < letters.len()).then(|| kept.concat())
}

/// As it sounds: in syllables ("a đi đát"), or with one sound spelt in another way; a word that
/// has neither gets a tone mark ("rép").
fn respelled(letters: &[String], syllables: bool, random: &mut SplitMix64) -> Option<String> {
    if syllables && let Some(spoken) = spoken(letters, random) {
        return Some(spoken);
    }
    let word: String = letters.iter().map(|l| base(l)).collect();
    let able: Vec<(usize, &str, &[&str])> = SOUNDS
        .iter()
        .flat_map(|(sound, spellings)| {
            word.match_indices(sound).map(move |(i, s)| (i, s, *spellings))
        })
        .collect();
    let Some((at, sound, spellings)) = random.pick(&able).copied() else {
        return toned(letters);
    };
    let count = sound.chars().count();
    let start = word[..at].chars().count();
    let new = random.pick(spellings)?;
    let upper = letters[start].chars().next().is_some_and(char::is_uppercase);
    let new = if upper { capitalised(new) } else { (*new).to_owned() };
    Some(letters[..start].concat() + &new + &letters[start + count..].concat())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// The word in Vietnamese syllables: `adidas` → `a đi đát`; `None` for one syllable.
fn spoken(letters: &[String], random: &mut SplitMix64) -> Option<String> {
    let mut syllables: Vec<Vec<String>> = vec![Vec::new()];
    for (i, letter) in letters.iter().enumerate() {
        let next_vowel = letters.get(i + 1).is_some_and(|l| is_vowel(l));
        let open = syllables.last().is_some_and(|s| s.iter().any(|l| is_vowel(l)));
        if open && !is_vowel(letter) && next_vowel {
            syllables.push(Vec::new());
        }
        syllables.last_mut()?.push(letter.clone());
    }
    if syllables.len() < 2 || !letters.iter().all(|l| base(l).is_ascii_alphabetic()) {
        return None;
    }
    let spelt = syllables.iter().map(|s| {
        let mut s = s.clone();
        if base(&s[0]) == 'd' {
            "đ".clone_into(&mut s[0]);
        }
        if s.len() > 1 && s.last().is_some_and(|l| base(l) == 's') {
            s.pop();
            s.push("t".to_owned());
            return toned(&s).unwrap_or_else(|| s.concat());
        }
        s.concat()
    });
    let spelt: Vec<String> = spelt.collect();
    Some(spelt.join(random.pick(&[" ", " ", "-"])?))
}

/// With an acute on the last vowel, as closed syllables are read.
fn toned(letters: &[String]) -> Option<String> {
    let at = letters.iter().rposition(|l| is_vowel(l))?;
    let mut out = letters.to_vec();
    let toned = match out[at].as_str() {
        "a" => "á",
        "e" => "é",
        "i" => "í",
        "o" => "ó",
        "u" => "ú",
        "y" => "ý",
        "A" => "Á",
        "E" => "É",
        "I" => "Í",
        "O" => "Ó",
        "U" => "Ú",
        "Y" => "Ý",
        _ => return None,
    };
    toned.clone_into(&mut out[at]);
    Some(out.concat())
}

/// Another phrase that means the same and names no other goods.
fn code_word(
    knowledge: &Knowledge,
    text: &[char],
    target: &Target,
    random: &mut SplitMix64,
) -> Option<String> {
    let found: String = text[target.place.clone()].iter().collect();
    let normalizer = knowledge.normalizer();
    let normal = normalizer.normalize(&found);
    let goods = knowledge.first_kind(&normal);
    let phrases = match target.meaning {
        Meaning::Brand(brand) => knowledge.brands().spellings(brand),
        Meaning::Concept(concept) => knowledge.lexicon().concepts()[usize::from(concept)].terms(),
    };
    let same_goods = |phrase: &&str| {
        let other = normalizer.normalize(phrase);
        let kind = knowledge.first_kind(&other);
        other.folded() != normal.folded() && (kind.is_none() || kind == goods)
    };
    let short = normalizer.teencode().short_forms();
    let short = short.filter(|(_, long)| *long == normal.plain()).map(|(short, _)| short);
    let mut able: Vec<&str> = phrases.iter().map(|p| &**p).filter(same_goods).collect();
    able.extend(short.filter(|s| *s != found.to_lowercase()));
    able.sort_unstable();
    let new = *random.pick(&able)?;
    let upper = found.chars().any(char::is_alphabetic) && found == found.to_uppercase();
    Some(if upper { new.to_uppercase() } else { new.to_owned() })
}
