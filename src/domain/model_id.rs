use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A model's name: 1 to 64 of `a-z 0-9 - _ .`, beginning with a letter or digit.
///
/// The name is also a folder's name, so nothing that could leave the models folder is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelId(Arc<str>);

/// The text is not a model's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a model id (1 to 64 of a-z, 0-9, '-', '_', '.', starting with a-z or 0-9)")]
pub struct ModelIdError(String);

impl ModelId {
    /// Checks `name`.
    ///
    /// # Errors
    /// When the name is empty, too long, or holds another character.
    pub fn new(name: &str) -> Result<Self, ModelIdError> {
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts && name.len() <= 64 && name.chars().all(ok) {
            Ok(Self(name.into()))
        } else {
            Err(ModelIdError(name.chars().take(80).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ModelId {
    type Error = ModelIdError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<ModelId> for String {
    fn from(id: ModelId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// Which model made a score: its name and the SHA-256 of its weights, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    pub id: ModelId,
    pub weights_sha256: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_folder() {
        assert!(ModelId::new("vi-fast-2026-11").is_ok());
        for bad in ["", "..", "../x", "a/b", "A", "é", ".hidden", &"a".repeat(65)] {
            assert!(ModelId::new(bad).is_err(), "{bad}");
        }
    }
}
