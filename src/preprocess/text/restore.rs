//! The words worth restoring, and how a disguised one is recognised.
//!
//! Only words of the vocabulary are restored: names of brands and the plain words of the lexicon.
//! So "D.I.O.R", "n1ke", "gu.cci" and "cha nel" become words again, while "s/m/l", "v.v", "a52s"
//! and "1.5" stay as they are.

use super::chars::Piece;
use super::fold::fold_char;
use super::{FastMap, Marks};

/// Shortest word that may be restored from pieces longer than a letter, or from digits.
const MIN_WORD: usize = 4;
/// Shortest word that may be restored from single letters.
const MIN_LETTERS: usize = 3;
/// Shortest word that may be restored from pieces with nothing but spaces between.
const MIN_SPACED: usize = 5;
/// Longest disguised word, in letters.
const MAX_WORD: usize = 16;
/// Most pieces longer than a letter.
const MAX_CHUNKS: usize = 4;
/// Most characters between two pieces.
const MAX_GAP: usize = 3;

#[derive(Debug, Clone)]
struct Entry {
    word: Box<str>,
    folded: Box<str>,
    spaced: bool,
}

/// Words that the normaliser restores from their disguises.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    entries: FastMap<Box<str>, Entry>,
    words: super::FastSet<Box<str>>,
}

impl Vocabulary {
    /// Adds a normalised word of letters; `spaced` tells whether it may also be restored from
    /// pieces with only spaces between ("cha nel"). Of two words that look alike the first stays.
    pub fn add(&mut self, word: &str, spaced: bool) {
        let letters = word.chars().count();
        if !(MIN_LETTERS..=MAX_WORD).contains(&letters) || !word.chars().all(char::is_alphabetic) {
            return;
        }
        let folded: Box<str> = super::fold(word).into();
        self.words.insert(folded.clone());
        let entry = Entry { word: word.into(), folded: folded.clone(), spaced };
        self.entries.entry(skeleton(&folded).into()).or_insert(entry);
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// What the eye takes a letter, digit or sign for.
fn skeleton_char(c: char) -> Option<char> {
    Some(match c {
        'l' | '1' | '!' | '|' | 'i' => 'i',
        '0' | 'o' => 'o',
        '3' | '€' | 'e' => 'e',
        '4' | '@' | 'a' => 'a',
        '5' | '$' | 's' => 's',
        '7' | 't' => 't',
        '8' | 'b' => 'b',
        '9' | 'g' => 'g',
        c if c.is_alphabetic() => c,
        _ => return None,
    })
}

fn skeleton(folded: &str) -> String {
    folded.chars().filter_map(skeleton_char).collect()
}

/// A run of characters to be replaced by a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Restored<'v> {
    pub(super) pieces: (usize, usize),
    pub(super) words: usize,
    pub(super) word: &'v str,
    pub(super) marks: Marks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Spaces,
    Signs,
    Mixed,
}

fn gap(pieces: &[Piece]) -> Option<Gap> {
    if pieces.is_empty() || pieces.len() > MAX_GAP || pieces.iter().any(|p| p.ch == '\n') {
        return None;
    }
    let spaces = pieces.iter().filter(|p| p.ch == ' ').count();
    Some(match spaces {
        0 => Gap::Signs,
        n if n == pieces.len() => Gap::Spaces,
        _ => Gap::Mixed,
    })
}

/// The disguised word that begins at word `at`, if there is one; of several the longest.
///
/// `words` are the ranges of letters and digits in `pieces`.
pub(super) fn restore<'v>(
    vocabulary: &'v Vocabulary,
    pieces: &[Piece],
    words: &[(usize, usize)],
    at: usize,
) -> Option<Restored<'v>> {
    let mut window = Window::new(&pieces[words[at].0..words[at].1])?;
    let mut best = window.single(vocabulary).map(|(word, marks)| Restored {
        pieces: words[at],
        words: 1,
        word,
        marks,
    });
    if window.is_plain(vocabulary) {
        return None;
    }
    for next in at + 1..words.len() {
        let between = &pieces[words[next - 1].1..words[next].0];
        let Some(kind) = gap(between) else { break };
        if !window.extend(kind, between, &pieces[words[next].0..words[next].1]) {
            break;
        }
        if let Some((word, marks)) = window.broken(vocabulary) {
            let range = (words[at].0, words[next].1);
            best = Some(Restored { pieces: range, words: next + 1 - at, word, marks });
        }
    }
    best
}

/// Consecutive pieces of what may be one word.
struct Window {
    letters: String,
    /// The same with signs between the pieces read as letters ("f@ke").
    with_signs: Option<String>,
    folded: String,
    chunks: usize,
    chars: usize,
    all_single: bool,
    accents: bool,
    digits: bool,
    spaces: usize,
    gaps: Option<Gap>,
    same_gaps: bool,
}

impl Window {
    /// `None` when the word is too long to be a piece.
    fn new(word: &[Piece]) -> Option<Self> {
        let mut window = Self {
            letters: String::new(),
            with_signs: None,
            folded: String::new(),
            chunks: 0,
            chars: 0,
            all_single: true,
            accents: false,
            digits: false,
            spaces: 0,
            gaps: None,
            same_gaps: true,
        };
        window.push(word).then_some(window)
    }

    fn push(&mut self, word: &[Piece]) -> bool {
        self.chars += word.len();
        self.chunks += 1;
        self.all_single &= word.len() == 1;
        if self.chars > MAX_WORD || (!self.all_single && self.chunks > MAX_CHUNKS) {
            return false;
        }
        for piece in word {
            let folded = fold_char(piece.ch);
            self.accents |= folded != piece.ch;
            self.digits |= piece.ch.is_numeric();
            self.folded.push(folded);
            let Some(letter) = skeleton_char(folded) else { return false };
            self.letters.push(letter);
            if let Some(text) = &mut self.with_signs {
                text.push(letter);
            }
        }
        true
    }

    fn extend(&mut self, kind: Gap, between: &[Piece], word: &[Piece]) -> bool {
        self.spaces += usize::from(kind != Gap::Signs);
        self.same_gaps &= self.gaps.is_none_or(|before| before == kind);
        self.gaps = Some(kind);
        if kind == Gap::Signs && between.len() == 1 {
            if let Some(letter) = skeleton_char(between[0].ch) {
                self.with_signs.get_or_insert_with(|| self.letters.clone()).push(letter);
            }
        }
        self.push(word)
    }

    /// Whether the first piece is already a word of the vocabulary.
    fn is_plain(&self, vocabulary: &Vocabulary) -> bool {
        vocabulary.words.contains(self.folded.as_str())
    }

    /// One word in which digits or look-alike letters stand for letters.
    fn single<'v>(&self, vocabulary: &'v Vocabulary) -> Option<(&'v str, Marks)> {
        if self.chars < MIN_WORD || self.accents || self.is_plain(vocabulary) {
            return None;
        }
        let swapped = self.digits || self.folded.contains(['i', 'l']);
        if !swapped || self.folded.chars().all(char::is_numeric) {
            return None;
        }
        let entry = vocabulary.entries.get(self.letters.as_str())?;
        let marks = if self.digits { Marks::LEET } else { Marks::LOOKALIKE };
        Some((&entry.word, marks))
    }

    /// Several pieces that make one word.
    fn broken<'v>(&self, vocabulary: &'v Vocabulary) -> Option<(&'v str, Marks)> {
        let find = |text: &str| vocabulary.entries.get(text);
        let signs = self.with_signs.as_deref().and_then(find);
        let entry = find(&self.letters).or(signs)?;
        let letters = entry.word.chars().count();
        let fits = if self.all_single {
            letters >= MIN_LETTERS && self.same_gaps
        } else if self.spaces == 0 {
            letters >= MIN_WORD
        } else {
            letters >= MIN_SPACED
                && self.gaps == Some(Gap::Spaces)
                && self.same_gaps
                && entry.spaced
                && !self.accents
                && self.chunks <= 3
        };
        let leet = self.folded != *entry.folded;
        let marks = if leet { Marks::BROKEN | Marks::LEET } else { Marks::BROKEN };
        fits.then_some((entry.word.as_ref(), marks))
    }
}
