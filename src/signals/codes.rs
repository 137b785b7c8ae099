use super::clue::Clue;
use crate::domain::Part;

/// What a product code says by itself; `fusion.toml` says what each weighs, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeFinding {
    /// Digits, length and check digit are right. That proves nothing: anyone may print a number.
    Valid,
    /// The check digit is wrong (GS1 General Specifications, section 7.9).
    WrongCheckDigit,
    /// The length or a character is not that of a GTIN.
    NotAGtin,
    /// A number for use inside a shop (GS1 prefixes 02, 04 and 20 to 29), not a product's.
    Restricted,
}

impl CodeFinding {
    pub const ALL: [Self; 4] =
        [Self::Valid, Self::WrongCheckDigit, Self::NotAGtin, Self::Restricted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "gtin_valid",
            Self::WrongCheckDigit => "gtin_wrong_check_digit",
            Self::NotAGtin => "gtin_malformed",
            Self::Restricted => "gtin_restricted_prefix",
        }
    }

    /// What is found of the number in the field `gtin`.
    pub fn clue(self, text: &str) -> Clue {
        Clue::new(Part::Codes, self.as_str(), "gtin".into()).text(text)
    }
}

/// Checks a GTIN-8, -12, -13 or -14; spaces and hyphens between digits are let pass.
pub fn check_gtin(text: &str) -> CodeFinding {
    let mut digits = [0_u32; 14];
    let mut len = 0;
    for c in text.trim().chars().filter(|c| !matches!(c, ' ' | '-')) {
        match c.to_digit(10) {
            Some(d) if len < 14 => {
                digits[len] = d;
                len += 1;
            }
            _ => return CodeFinding::NotAGtin,
        }
    }
    if ![8, 12, 13, 14].contains(&len) {
        return CodeFinding::NotAGtin;
    }
    let (body, check) = (&digits[..len - 1], digits[len - 1]);
    let sum: u32 = body.iter().rev().zip([3, 1].into_iter().cycle()).map(|(d, w)| d * w).sum();
    if (10 - sum % 10) % 10 != check {
        return CodeFinding::WrongCheckDigit;
    }
    // The prefix is read in the 13-digit form: a GTIN-12 begins with a 0, a GTIN-14 with one more.
    let prefix = match len {
        12 => digits[0],
        13 => digits[0] * 10 + digits[1],
        14 => digits[1] * 10 + digits[2],
        _ => return CodeFinding::Valid,
    };
    match prefix {
        2 | 4 | 20..=29 => CodeFinding::Restricted,
        _ => CodeFinding::Valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_follow_gs1() {
        // The example of GS1's own check digit calculator.
        assert_eq!(check_gtin("6291041500213"), CodeFinding::Valid);
        assert_eq!(check_gtin("629-1041 500213"), CodeFinding::Valid);
        assert_eq!(check_gtin("6291041500214"), CodeFinding::WrongCheckDigit);
        assert_eq!(check_gtin("96385074"), CodeFinding::Valid);
        assert_eq!(check_gtin("036000291452"), CodeFinding::Valid);
        assert_eq!(check_gtin("2001234567893"), CodeFinding::Restricted);
        for bad in ["", "893", "893460118001X", "123456789012345678", "８９３４６０１１８００１６"]
        {
            assert_eq!(check_gtin(bad), CodeFinding::NotAGtin, "{bad}");
        }
    }
}
