//! Letters, signs and what may stand for them.

/// Digits and signs that are read as a letter.
pub(super) fn leet(letter: char) -> &'static [char] {
    match letter.to_ascii_lowercase() {
        'a' => &['4', '@'],
        'b' => &['8'],
        'e' => &['3'],
        'g' => &['9'],
        'i' => &['1', '!'],
        'l' => &['1'],
        'o' => &['0'],
        's' => &['5', '$'],
        't' => &['7'],
        _ => &[],
    }
}

/// An alphabet to borrow letters from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Cyrillic,
    Greek,
    Fullwidth,
    MathBold,
    MathSans,
    Monospace,
    Circled,
    Small,
}

impl Alphabet {
    pub(super) const ALL: [Self; 8] = [
        Self::Cyrillic,
        Self::Greek,
        Self::Fullwidth,
        Self::MathBold,
        Self::MathSans,
        Self::Monospace,
        Self::Circled,
        Self::Small,
    ];

    /// The letter of this alphabet that looks like a Latin one.
    pub(super) fn lookalike(self, letter: char) -> Option<char> {
        let from = |upper: u32, lower: u32| match letter {
            'A'..='Z' => char::from_u32(upper + u32::from(letter) - u32::from('A')),
            'a'..='z' => char::from_u32(lower + u32::from(letter) - u32::from('a')),
            _ => None,
        };
        match self {
            Self::Cyrillic => pair(CYRILLIC, letter),
            Self::Greek => pair(GREEK, letter),
            Self::Fullwidth => from(0xff21, 0xff41),
            Self::MathBold => from(0x1_d400, 0x1_d41a),
            Self::MathSans => from(0x1_d5d4, 0x1_d5ee),
            Self::Monospace => from(0x1_d670, 0x1_d68a),
            Self::Circled => from(0x24b6, 0x24d0),
            Self::Small => pair(SMALL, letter.to_ascii_lowercase()),
        }
    }
}

type Pairs = &'static [(char, char)];

fn pair(pairs: Pairs, letter: char) -> Option<char> {
    pairs.iter().find(|(latin, _)| *latin == letter).map(|(_, other)| *other)
}

const CYRILLIC: Pairs = &[
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('J', 'Ј'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Y', 'У'),
    ('a', 'а'),
    ('c', 'с'),
    ('d', 'ԁ'),
    ('e', 'е'),
    ('h', 'һ'),
    ('i', 'і'),
    ('j', 'ј'),
    ('k', 'к'),
    ('o', 'о'),
    ('p', 'р'),
    ('q', 'ԛ'),
    ('s', 'ѕ'),
    ('v', 'ѵ'),
    ('w', 'ԝ'),
    ('x', 'х'),
    ('y', 'у'),
];

const GREEK: Pairs = &[
    ('A', 'Α'),
    ('B', 'Β'),
    ('E', 'Ε'),
    ('H', 'Η'),
    ('I', 'Ι'),
    ('K', 'Κ'),
    ('M', 'Μ'),
    ('N', 'Ν'),
    ('O', 'Ο'),
    ('P', 'Ρ'),
    ('T', 'Τ'),
    ('X', 'Χ'),
    ('Y', 'Υ'),
    ('Z', 'Ζ'),
    ('a', 'α'),
    ('i', 'ι'),
    ('k', 'κ'),
    ('n', 'η'),
    ('o', 'ο'),
    ('p', 'ρ'),
    ('t', 'τ'),
    ('u', 'υ'),
    ('v', 'ν'),
    ('w', 'ω'),
    ('x', 'χ'),
    ('y', 'γ'),
];

/// Small capitals and letters made for phonetics.
const SMALL: Pairs = &[
    ('a', 'ᴀ'),
    ('b', 'ʙ'),
    ('c', 'ᴄ'),
    ('d', 'ᴅ'),
    ('e', 'ᴇ'),
    ('f', 'ꜰ'),
    ('g', 'ɢ'),
    ('h', 'ʜ'),
    ('i', 'ɪ'),
    ('j', 'ᴊ'),
    ('k', 'ᴋ'),
    ('l', 'ʟ'),
    ('m', 'ᴍ'),
    ('n', 'ɴ'),
    ('o', 'ᴏ'),
    ('p', 'ᴘ'),
    ('r', 'ʀ'),
    ('t', 'ᴛ'),
    ('u', 'ᴜ'),
    ('v', 'ᴠ'),
    ('w', 'ᴡ'),
    ('y', 'ʏ'),
    ('z', 'ᴢ'),
];

/// Characters that are drawn as nothing.
pub(super) const INVISIBLE: &[char] =
    &['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'];

pub(super) const EMOJI: &[&str] =
    &["🔥", "✨", "💥", "🌟", "👉", "✅", "🎁", "⚡", "🛒", "💯", "❤", "🌸"];

/// Signs put between letters, dots and spaces aside.
pub(super) const SIGNS: &[&str] = &["-", "_", "*", "~", "/", "'"];

/// Hashtags that say nothing of the goods.
pub(super) const HASHTAGS: &[&str] =
    &["#xuhuong", "#viral", "#fyp", "#muasamonline", "#shopee", "#trending", "#review", "#sale"];

/// Keys beside a letter's on a QWERTY keyboard.
pub(super) fn neighbours(letter: char) -> &'static str {
    match letter {
        'a' => "sqz",
        'b' => "vn",
        'c' => "xv",
        'd' => "sf",
        'e' => "wr",
        'f' => "dg",
        'g' => "fh",
        'h' => "gj",
        'i' => "uo",
        'j' => "hk",
        'k' => "jl",
        'l' => "k",
        'm' => "n",
        'n' => "bm",
        'o' => "ip",
        'p' => "o",
        'q' => "w",
        'r' => "et",
        's' => "ad",
        't' => "ry",
        'u' => "yi",
        'v' => "cb",
        'w' => "qe",
        'x' => "zc",
        'y' => "tu",
        'z' => "xs",
        _ => "",
    }
}

/// Spellings of one sound for another in teencode, longest first; folded lower case.
pub(super) const SOUNDS: &[(&str, &[&str])] = &[
    ("ph", &["f"]),
    ("qu", &["w"]),
    ("gi", &["j"]),
    ("ng", &["q", "g"]),
    ("nh", &["nk"]),
    ("ch", &["ck"]),
    ("kh", &["k"]),
    ("ck", &["k"]),
    ("cc", &["kc", "c"]),
    ("oo", &["u"]),
    ("c", &["k"]),
    ("k", &["c"]),
    ("f", &["ph"]),
    ("x", &["s"]),
    ("v", &["dz"]),
    ("d", &["z"]),
    ("i", &["j", "y"]),
    ("y", &["i"]),
];
