use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::CursorError;

/// First byte of a cursor; another one belongs to another form.
const VERSION: u8 = 1;
/// Longest text that is worth decoding.
const MAX_TEXT: usize = 16_384;
const CHECK_BYTES: usize = 4;

/// A place in the ranked list: just after the listing `id` with its score.
///
/// Its text form is opaque base64url. It names a place and not a page number, so rows that are
/// added meanwhile neither repeat a row nor hide one.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    pub(super) score: f64,
    pub(super) id: String,
}

impl Cursor {
    /// Just after the listing `id`, whose score is `score`.
    pub fn after(score: f64, id: &str) -> Self {
        Self { score, id: id.to_owned() }
    }

    pub fn score(&self) -> f64 {
        self.score
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Tells a cursor from text that was cut, mistyped or made up. It keeps no secret: a cursor gives
/// no rights.
fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(b"thatgia cursor").chain_update(bytes).finalize();
    let mut out = [0; CHECK_BYTES];
    out.copy_from_slice(&digest[..CHECK_BYTES]);
    out
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend(self.score.to_bits().to_be_bytes());
        bytes.extend(self.id.bytes());
        bytes.extend(check(&bytes));
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if text.len() > MAX_TEXT {
            return Err(CursorError);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        let (bytes, sum) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(CursorError)?;
        if check(bytes) != *sum {
            return Err(CursorError);
        }
        let (version, rest) = bytes.split_first().ok_or(CursorError)?;
        let (score, id) = rest.split_first_chunk::<8>().ok_or(CursorError)?;
        let score = f64::from_bits(u64::from_be_bytes(*score));
        let id = std::str::from_utf8(id).map_err(|_| CursorError)?;
        if *version != VERSION || !(0.0..=1.0).contains(&score) || id.is_empty() {
            return Err(CursorError);
        }
        Ok(Self { score, id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_cursor_comes_back(score in 0.0_f64..=1.0, id in "\\PC{1,40}") {
            let cursor = Cursor { score, id };
            let text = cursor.to_string();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            prop_assert_eq!(text.parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn garbage_is_refused(text in "\\PC{0,60}") {
            prop_assert_eq!(text.parse::<Cursor>(), Err(CursorError));
        }

        #[test]
        fn a_changed_letter_is_refused(at in 0_usize..20, letter in "[A-Za-z0-9_-]") {
            let mut text = Cursor { score: 0.5, id: "a1".to_owned() }.to_string();
            prop_assume!(text[at..=at] != letter);
            text.replace_range(at..=at, &letter);
            prop_assert_eq!(text.parse::<Cursor>(), Err(CursorError));
        }
    }

    #[test]
    fn a_right_sum_over_wrong_bytes_is_refused() {
        let sealed = |version: u8, score: f64, id: &[u8]| {
            let mut bytes = vec![version];
            bytes.extend(score.to_bits().to_be_bytes());
            bytes.extend(id);
            bytes.extend(check(&bytes));
            BASE64_URL_SAFE_NO_PAD.encode(bytes).parse::<Cursor>()
        };
        assert!(sealed(VERSION, 0.5, b"a").is_ok());
        assert_eq!(sealed(2, 0.5, b"a"), Err(CursorError));
        assert_eq!(sealed(VERSION, f64::NAN, b"a"), Err(CursorError));
        assert_eq!(sealed(VERSION, -1.0, b"a"), Err(CursorError));
        assert_eq!(sealed(VERSION, 0.5, b""), Err(CursorError));
        assert_eq!(sealed(VERSION, 0.5, b"\xff"), Err(CursorError));
        assert_eq!("A".repeat(MAX_TEXT + 1).parse::<Cursor>(), Err(CursorError));
    }
}
