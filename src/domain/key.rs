use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::verdict::UnknownName;

/// What the holder of a key may do. A route names the roles that it lets in; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends listings and reads their scores.
    Crawler,
    /// Works down the ranked suspects.
    Analyst,
    /// Plans and reports; sees what analysts see.
    Supervisor,
    /// Benchmarks and promotes models.
    Scientist,
    /// Another authority.
    Partner,
    /// Everything, keys included.
    Admin,
}

impl Role {
    pub const ALL: [Self; 6] = [
        Self::Crawler,
        Self::Analyst,
        Self::Supervisor,
        Self::Scientist,
        Self::Partner,
        Self::Admin,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crawler => "crawler",
            Self::Analyst => "analyst",
            Self::Supervisor => "supervisor",
            Self::Scientist => "scientist",
            Self::Partner => "partner",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|r| r.as_str() == s)
            .ok_or_else(|| UnknownName::new("role", s, &Self::ALL.map(Self::as_str)))
    }
}

/// A secret API key, `tg_` and 43 letters of base64url (256 random bits).
///
/// It is shown once, when made; the store keeps only its SHA-256. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// The text does not look like a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key (tg_ and 43 characters)")]
pub struct KeyError;

const PREFIX: &str = "tg_";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl ApiKey {
    /// A key from 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut text = String::from(PREFIX);
        for chunk in bytes.chunks(3) {
            let mut word = [0_u8; 4];
            word[1..=chunk.len()].copy_from_slice(chunk);
            let word = u32::from_be_bytes(word);
            for i in 0..=chunk.len() {
                let at = (word >> (18 - 6 * i)) & 63;
                text.push(char::from(ALPHABET[at as usize]));
            }
        }
        Self(text)
    }

    /// Checks the form of a key that a client sent.
    ///
    /// # Errors
    /// When prefix, length or letters are not those of a key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix(PREFIX).ok_or(KeyError)?;
        if rest.len() == 43 && rest.bytes().all(|b| ALPHABET.contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError)
        }
    }

    /// The secret itself, to print once or to hash.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_round_trips_and_hides_itself() {
        let key = ApiKey::from_bytes(&[7; 32]);
        assert_eq!(key.reveal().len(), 46);
        assert_eq!(ApiKey::parse(key.reveal()), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
        assert_ne!(ApiKey::from_bytes(&[8; 32]), key);
        for bad in ["", "tg_", "tg_short", "xx_AAAA"] {
            assert_eq!(ApiKey::parse(bad), Err(KeyError));
        }
    }
}
