use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::verdict::UnknownName;

/// What two sellers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    Phone,
    Email,
    Facebook,
    Zalo,
    /// Listings that are near copies of each other.
    CopiedText,
}

impl LinkKind {
    pub const ALL: [Self; 5] =
        [Self::Phone, Self::Email, Self::Facebook, Self::Zalo, Self::CopiedText];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Facebook => "facebook",
            Self::Zalo => "zalo",
            Self::CopiedText => "copied_text",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LinkKind {
    type Err = UnknownName;

    fn from_str(s: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == s)
            .ok_or_else(|| UnknownName::new("kind of link", s, &Self::ALL.map(Self::as_str)))
    }
}
