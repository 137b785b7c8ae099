//! Near copies: texts that share most of their character 5-grams, told from a short sketch.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::hash::mix;
use super::text::Normalizer;

/// Characters of one shingle.
const LENGTH: usize = 5;
/// Hash functions; the estimate's standard deviation is at most 1/16.
const HASHES: usize = 64;
/// Bands of a sketch. Two texts with a Jaccard index of s share at least one with a probability of
/// 1 − (1 − s^5)^12: 0.32 at 0.5, 0.89 at 0.7, 0.99 at 0.8.
pub const BANDS: usize = 12;
const ROWS: usize = 5;
/// Fewest different shingles of a text that is worth a sketch.
const LEAST: usize = 20;

static BARE: LazyLock<Normalizer> = LazyLock::new(Normalizer::default);

/// Odd factors and terms of the hash functions (multiply-shift, Dietzfelbinger 1996).
static FACTORS: LazyLock<[(u64, u64); HASHES]> = LazyLock::new(|| {
    let mut seed = 0x7468_6174_6769_6100;
    [(); HASHES].map(|()| {
        seed = mix(seed + 1);
        (seed | 1, mix(!seed))
    })
});

/// What is kept of a text to find its near copies: the smallest of each hash over its shingles
/// (`MinHash`, Broder 1997), a byte each.
///
/// The text is compared normalised: without case, diacritics, look-alike and invisible letters,
/// signs and emoji, and without any word that has a digit, so that another price, size or
/// telephone number makes no other text. It is stored: a change here needs sketches made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    lows: [u8; HASHES],
    shingles: u32,
}

/// A sketch as it was just made, with what finds its near copies in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketched {
    pub sketch: Sketch,
    pub bands: [u64; BANDS],
}

impl Sketched {
    /// The sketch of some texts taken together; `None` where they hold too few words to tell.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let shingles = shingles(texts);
        if shingles.len() < LEAST {
            return None;
        }
        let mut mins = [u32::MAX; HASHES];
        for shingle in &shingles {
            for (min, (factor, term)) in mins.iter_mut().zip(&*FACTORS) {
                let hash = shingle.wrapping_mul(*factor).wrapping_add(*term) >> 32;
                // The upper half fits.
                *min = (*min).min(u32::try_from(hash).unwrap_or(u32::MAX));
            }
        }
        let band = |at: usize| {
            let rows = &mins[at * ROWS..(at + 1) * ROWS];
            rows.iter().fold(mix(at as u64), |band, row| mix(band ^ u64::from(*row)))
        };
        let lows = mins.map(|min| min.to_le_bytes()[0]);
        let shingles = u32::try_from(shingles.len()).unwrap_or(u32::MAX);
        Some(Self { sketch: Sketch { lows, shingles }, bands: std::array::from_fn(band) })
    }
}

impl Sketch {
    /// An estimate of the Jaccard index of the two texts' shingles.
    pub fn similarity(&self, other: &Self) -> f64 {
        let same = self.lows.iter().zip(&other.lows).filter(|(a, b)| a == b).count();
        let share = same as f64 / HASHES as f64;
        // One byte in 256 is the same by chance.
        ((share - 1.0 / 256.0) / (1.0 - 1.0 / 256.0)).max(0.0)
    }

    /// How many different shingles the text has.
    pub fn shingles(&self) -> u32 {
        self.shingles
    }

    /// As text: letters of base64url.
    pub fn encode(&self) -> String {
        let mut bytes = self.shingles.to_be_bytes().to_vec();
        bytes.extend(self.lows);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (shingles, lows) = bytes.split_first_chunk::<4>()?;
        Some(Self { shingles: u32::from_be_bytes(*shingles), lows: lows.try_into().ok()? })
    }
}

/// The different shingles of some texts, hashed.
fn shingles<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u64> {
    let mut chars: Vec<char> = Vec::new();
    for original in texts {
        let text = BARE.normalize(original);
        for word in text.words() {
            let word = text.folded_word(word);
            if word.chars().any(char::is_numeric) {
                continue;
            }
            if !chars.is_empty() {
                chars.push(' ');
            }
            chars.extend(word.chars());
        }
    }
    let hash = |window: &[char]| {
        window.iter().fold(0, |hash, c| mix(hash ^ u64::from(u32::from(*c)).wrapping_mul(3)))
    };
    let mut shingles: Vec<u64> = chars.windows(LENGTH).map(hash).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Giày Nike Air Force trắng full size nam nữ, đủ hộp giấy gói tag treo, \
        form chuẩn đi đúng size thường. Đổi size trong 7 ngày nếu chưa ra đường. Giá 289k, \
        liên hệ 0912 345 678, shop đóng gói 2 lớp chống móp hộp";

    fn sketch(text: &str) -> Sketched {
        Sketched::new([text]).unwrap()
    }

    #[test]
    fn another_price_number_emoji_or_script_makes_no_other_text() {
        let one = sketch(TEXT);
        let other = TEXT.replace("289k", "1.250.000đ").replace("0912 345 678", "0987.654.321");
        let other = other.replace("Giày", "🔥🔥 GI\u{200b}ÀY").replace("form", "fоrm");
        assert_eq!(sketch(&other), one);
    }

    #[test]
    fn the_estimate_is_near_the_jaccard_index() {
        let words: Vec<String> = (0..400_u64)
            .map(|i| {
                let letters = mix(i).to_le_bytes();
                letters[..5].iter().map(|b| char::from(b'a' + b % 26)).collect()
            })
            .collect();
        for shared in [0, 100, 200, 300, 400] {
            let one = words[..400].join(" ");
            let two: Vec<String> = words[..shared]
                .iter()
                .cloned()
                .chain(words[shared..].iter().map(|w| w.chars().rev().collect()))
                .collect();
            let two = two.join(" ");
            let (a, b) = (shingles([one.as_str()]), shingles([two.as_str()]));
            let both = a.iter().filter(|s| b.binary_search(s).is_ok()).count() as f64;
            let jaccard = both / (a.len() as f64 + b.len() as f64 - both);
            let got = sketch(&one).sketch.similarity(&sketch(&two).sketch);
            assert!((got - jaccard).abs() < 0.16, "{shared}: {got} for {jaccard}");
        }
    }

    #[test]
    fn short_texts_have_no_sketch_and_one_word_repeated_is_short() {
        assert_eq!(Sketched::new(["Giày Nike", ""]), None);
        assert_eq!(Sketched::new(["giày ".repeat(13_000).as_str()]), None);
        assert_eq!(Sketched::new(["1 2 3 ".repeat(9_999).as_str()]), None);
    }

    #[test]
    fn a_sketch_comes_back_from_its_text() {
        let one = sketch(TEXT).sketch;
        assert_eq!(Sketch::decode(&one.encode()), Some(one));
        for bad in ["", "é", "AAAA", &"A".repeat(92)] {
            assert_eq!(Sketch::decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn sketches_are_those_that_are_stored() {
        let sketched = sketch(TEXT);
        assert_eq!(sketched.bands[0], STORED_BAND);
        assert_eq!(&sketched.sketch.encode()[..24], STORED);
    }

    const STORED_BAND: u64 = 7111957680951424808;
    const STORED: &str = "AAAApqFl4J6x6cFKgFzpi7e3";
}
