use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use super::StoreError;
use crate::domain::hex;

/// The secret of a sign-in link or a session: 43 letters of base64url (256 random bits).
///
/// The store keeps only its SHA-256. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The text does not look like a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token (43 letters of base64url)")]
pub struct TokenError;

impl Token {
    /// Checks the form of a token that a client sent.
    ///
    /// # Errors
    /// When length or letters are not those of a token.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let ok = text.len() == 43 && text.bytes().all(letter);
        ok.then(|| Self(text.to_owned())).ok_or(TokenError)
    }

    /// The secret itself, to put into a link or cookie or to hash.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn random() -> Result<Self, StoreError> {
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?)))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Bytes from the system's random number generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|e| StoreError::Random(e.to_string()))?;
    Ok(bytes)
}

/// SHA-256 in hexadecimal.
///
/// Enough to keep a secret of 256 random bits: what cannot be guessed needs no slow hash.
pub(super) fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_have_their_form_and_hide() {
        let (a, b) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(Token::parse(a.reveal()), Ok(a.clone()));
        assert_eq!(format!("{a:?}"), "Token(…)");
        for bad in ["", "short", &"é".repeat(21), &"a".repeat(44)] {
            assert_eq!(Token::parse(bad), Err(TokenError));
        }
    }

    #[test]
    fn hashes_are_the_known_ones() {
        assert_eq!(
            sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
