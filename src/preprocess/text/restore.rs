//! The words worth restoring, and how a disguised one is recognised.
//!
//! Only words of the vocabulary are restored: names of brands and the plain words of the lexicon.
//! So "D.I.O.R", "n1ke", "gu.cci" and "cha nel" become words again, while "s/m/l", "v.v", "a52s"
//! and "1.5" stay as they are.

use super::Marks;
use super::chars::Piece;
use super::fold::fold_char;

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

/// A place in the tree of skeletons.
#[derive(Debug, Clone)]
struct Node {
    next: [u16; LETTERS],
    /// One more than the index of the entry that ends here.
    entry: u16,
}

const LETTERS: usize = 26;
const ROOT: u16 = 0;

/// Words that the normaliser restores from their disguises.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    entries: Vec<Entry>,
    nodes: Vec<Node>,
    words: super::FastSet<Box<str>>,
    /// Names that are written in several pieces: "g shock", "biti s".
    names: super::FastSet<Box<str>>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        let nodes = vec![Node { next: [ROOT; LETTERS], entry: 0 }];
        Self {
            entries: Vec::new(),
            nodes,
            words: super::FastSet::default(),
            names: super::FastSet::default(),
        }
    }
}

impl Vocabulary {
    /// Adds a normalised word of letters; `spaced` tells whether it may also be restored from
    /// pieces with only spaces between ("cha nel"). Of two words that look alike the first stays.
    pub fn add(&mut self, word: &str, spaced: bool) {
        let letters = word.chars().count();
        let folded: Box<str> = super::fold(word).into();
        let latin = folded.bytes().all(|b| b.is_ascii_lowercase());
        let room = self.nodes.len() + letters < usize::from(u16::MAX);
        if !(MIN_LETTERS..=MAX_WORD).contains(&letters) || !latin || !room {
            return;
        }
        self.words.insert(folded.clone());
        let mut at = ROOT;
        for slot in folded.chars().filter_map(slot) {
            let next = self.nodes[usize::from(at)].next[slot];
            at = if next == ROOT {
                let fresh = u16::try_from(self.nodes.len()).unwrap_or(ROOT);
                self.nodes.push(Node { next: [ROOT; LETTERS], entry: 0 });
                self.nodes[usize::from(at)].next[slot] = fresh;
                fresh
            } else {
                next
            };
        }
        if self.nodes[usize::from(at)].entry == 0 {
            self.entries.push(Entry { word: word.into(), folded, spaced });
            self.nodes[usize::from(at)].entry = u16::try_from(self.entries.len()).unwrap_or(0);
        }
    }

    /// Adds a name of several folded words with one space between: written so, it is no disguise
    /// of the same letters in one word.
    pub fn add_name(&mut self, name: &str) {
        self.names.insert(name.into());
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn step(&self, at: u16, slot: usize) -> Option<u16> {
        let next = self.nodes[usize::from(at)].next[slot];
        (next != ROOT).then_some(next)
    }

    fn entry(&self, at: u16) -> Option<&Entry> {
        let entry = usize::from(self.nodes[usize::from(at)].entry);
        entry.checked_sub(1).map(|i| &self.entries[i])
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

/// The branch of the tree for a folded letter, digit or sign.
fn slot(c: char) -> Option<usize> {
    let letter = skeleton_char(c)?;
    letter.is_ascii_lowercase().then(|| usize::from(letter as u8 - b'a'))
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
    let mut walk = Walk::new(vocabulary);
    let first = &pieces[words[at].0..words[at].1];
    if !walk.word(first) {
        return None;
    }
    let mut best = walk.single(first).map(|(word, marks)| Restored {
        pieces: words[at],
        words: 1,
        word,
        marks,
    });
    for next in at + 1..words.len() {
        let between = &pieces[words[next - 1].1..words[next].0];
        let Some(kind) = gap(between) else { break };
        walk.gap(kind, between);
        if !walk.word(&pieces[words[next].0..words[next].1]) {
            break;
        }
        let range = (words[at].0, words[next].1);
        if let Some((word, marks)) = walk.broken(&pieces[range.0..range.1]) {
            best = Some(Restored { pieces: range, words: next + 1 - at, word, marks });
        }
    }
    // What begins with a word as it should be is no disguise of another.
    best.filter(|_| !vocabulary.words.contains(folded(first).as_str()))
}

/// The letters and digits of `pieces`, folded.
fn folded(pieces: &[Piece]) -> String {
    pieces.iter().map(|p| fold_char(p.ch)).filter(|c| c.is_alphanumeric()).collect()
}

/// The words of `pieces`, folded, one space between.
fn spaced(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        let folded = fold_char(piece.ch);
        if folded.is_alphanumeric() {
            out.push(folded);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Follows consecutive pieces of what may be one word through the tree.
struct Walk<'v> {
    vocabulary: &'v Vocabulary,
    /// Where the letters lead, while they lead anywhere.
    at: Option<u16>,
    /// The same with single signs between the pieces read as letters ("f@ke").
    with_signs: Option<u16>,
    chunks: usize,
    chars: usize,
    all_single: bool,
    accents: bool,
    digits: bool,
    spaces: usize,
    gaps: Option<Gap>,
    same_gaps: bool,
}

impl<'v> Walk<'v> {
    fn new(vocabulary: &'v Vocabulary) -> Self {
        Self {
            vocabulary,
            at: Some(ROOT),
            with_signs: None,
            chunks: 0,
            chars: 0,
            all_single: true,
            accents: false,
            digits: false,
            spaces: 0,
            gaps: None,
            same_gaps: true,
        }
    }

    /// Goes on with a piece; `false` when no word of the vocabulary goes on like that.
    fn word(&mut self, word: &[Piece]) -> bool {
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
            let Some(slot) = slot(folded) else { return false };
            let step = |at: Option<u16>| self.vocabulary.step(at?, slot);
            (self.at, self.with_signs) = (step(self.at), step(self.with_signs));
            if self.at.is_none() && self.with_signs.is_none() {
                return false;
            }
        }
        true
    }

    fn gap(&mut self, kind: Gap, between: &[Piece]) {
        self.spaces += usize::from(kind != Gap::Signs);
        self.same_gaps &= self.gaps.is_none_or(|before| before == kind);
        self.gaps = Some(kind);
        if let (Gap::Signs, [sign]) = (kind, between)
            && let Some(slot) = slot(sign.ch)
        {
            let from = self.with_signs.or(self.at);
            self.with_signs = from.and_then(|at| self.vocabulary.step(at, slot));
        }
    }

    /// One word in which digits or look-alike letters stand for letters.
    fn single(&self, word: &[Piece]) -> Option<(&'v str, Marks)> {
        let entry = self.vocabulary.entry(self.at?)?;
        let numbers = word.iter().all(|p| p.ch.is_numeric());
        if self.chars < MIN_WORD || self.accents || numbers || folded(word) == *entry.folded {
            return None;
        }
        let marks = if self.digits { Marks::LEET } else { Marks::LOOKALIKE };
        Some((&entry.word, marks))
    }

    /// Several pieces that make one word.
    fn broken(&self, pieces: &[Piece]) -> Option<(&'v str, Marks)> {
        let find = |at: Option<u16>| self.vocabulary.entry(at?);
        let entry = find(self.at).or_else(|| find(self.with_signs))?;
        let letters = entry.folded.len();
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
        if self.vocabulary.names.contains(spaced(pieces).as_str()) {
            return None;
        }
        let leet = folded(pieces) != *entry.folded;
        let marks = if leet { Marks::BROKEN | Marks::LEET } else { Marks::BROKEN };
        fits.then_some((&*entry.word, marks))
    }
}
