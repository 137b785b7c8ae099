use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of a trade item (GTIN-8, -12, -13 or -14) whose check digit is right, in its form of 14
/// digits: shorter ones have zeros before them, so that one number is one value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gtin([u8; 14]);

/// The text is not a GTIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GtinError {
    /// The length or a character is not that of a GTIN, or all digits are 0.
    #[error("not a GTIN (8, 12, 13 or 14 digits)")]
    Malformed,
    /// The last digit is not the one that the others make (GS1 General Specifications, 7.9).
    #[error("the check digit of the GTIN is wrong")]
    WrongCheckDigit,
}

impl Gtin {
    /// Reads 8, 12, 13 or 14 digits; blanks and hyphens between them are let pass.
    ///
    /// # Errors
    /// When it is no GTIN.
    pub fn parse(text: &str) -> Result<Self, GtinError> {
        let mut digits = [0_u8; 14];
        let mut len = 0;
        for c in text.trim().bytes().filter(|c| !matches!(c, b' ' | b'-')) {
            if !c.is_ascii_digit() || len == digits.len() {
                return Err(GtinError::Malformed);
            }
            digits[len] = c;
            len += 1;
        }
        Self::from_digits(&digits[..len])
    }

    /// Reads exactly 8, 12, 13 or 14 ASCII digits.
    fn from_digits(digits: &[u8]) -> Result<Self, GtinError> {
        if !matches!(digits.len(), 8 | 12..=14) || digits.iter().all(|d| *d == b'0') {
            return Err(GtinError::Malformed);
        }
        let mut padded = [b'0'; 14];
        padded[14 - digits.len()..].copy_from_slice(digits);
        let value = |d: &u8| u32::from(d - b'0');
        let sum: u32 =
            padded[..13].iter().zip([3, 1].into_iter().cycle()).map(|(d, w)| value(d) * w).sum();
        if (10 - sum % 10) % 10 == value(&padded[13]) {
            Ok(Self(padded))
        } else {
            Err(GtinError::WrongCheckDigit)
        }
    }

    /// The 14 digits.
    pub fn as_str(&self) -> &str {
        // Only digits are ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether the number is one of the short ones, GTIN-8, which have prefixes of their own.
    pub fn is_short(&self) -> bool {
        self.0.starts_with(b"000000")
    }

    /// The GS1 prefix: the first three digits of the form of 13, or of 8 where that is all. It says
    /// who issued the number, never where goods were made.
    pub fn prefix(&self) -> u16 {
        let at = if self.is_short() { 6 } else { 1 };
        self.0[at..at + 3].iter().fold(0, |n, d| 10 * n + u16::from(d - b'0'))
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gtin({self})")
    }
}

impl FromStr for Gtin {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, GtinError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Gtin {
    type Error = GtinError;

    fn try_from(text: String) -> Result<Self, GtinError> {
        Self::parse(&text)
    }
}

impl From<Gtin> for String {
    fn from(gtin: Gtin) -> Self {
        gtin.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn check_digits_follow_gs1() {
        // The example of GS1's own check digit calculator, and one of each length.
        for (text, want, prefix) in [
            ("6291041500213", "06291041500213", 629),
            (" 629-1041 500213 ", "06291041500213", 629),
            ("96385074", "00000096385074", 963),
            ("036000291452", "00036000291452", 3),
            ("10614141543219", "10614141543219", 61),
        ] {
            let gtin = Gtin::parse(text).unwrap();
            assert_eq!((gtin.as_str(), gtin.prefix()), (want, prefix), "{text}");
        }
        assert_eq!(Gtin::parse("6291041500214"), Err(GtinError::WrongCheckDigit));
        for bad in [
            "",
            "893",
            "893460118001X",
            "123456789012345678",
            "0000000000000",
            "８９３４６０１１８００１６",
        ] {
            assert_eq!(Gtin::parse(bad), Err(GtinError::Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_seen(digits in "[1-9][0-9]{11}", at in 0_usize..13, by in 1_u8..10) {
            let check = (0..10).find_map(|d| Gtin::parse(&format!("{digits}{d}")).ok());
            let mut bytes = check.unwrap().as_str().as_bytes()[1..].to_vec();
            bytes[at] = b'0' + (bytes[at] - b'0' + by) % 10;
            prop_assert!(Gtin::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Ok(gtin) = Gtin::parse(&text) {
                prop_assert_eq!(Gtin::parse(gtin.as_str()), Ok(gtin));
            }
        }
    }
}
