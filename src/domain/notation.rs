/// Bytes in hexadecimal, lower case.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |d: u8| char::from(DIGITS[usize::from(d)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// Digits, with a minus before them or not, in threes from the right.
pub fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && !out.ends_with('-') {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// An amount of đồng as it is written in Vietnam: 1.250.000.
pub fn vnd(amount: f64) -> String {
    whole(amount, '.')
}

/// An amount of đồng as it is written in English: 1,250,000.
pub fn vnd_en(amount: f64) -> String {
    whole(amount, ',')
}

fn whole(amount: f64, separator: char) -> String {
    grouped(&format!("{:.0}", amount.min(1e15)), separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_as_in_vietnam() {
        let written = [0.0, 950.0, 1e3, 12_345_678.4].map(vnd);
        assert_eq!(written, ["0", "950", "1.000", "12.345.678"]);
        assert_eq!(vnd_en(12_345_678.4), "12,345,678");
    }

    #[test]
    fn a_minus_is_no_digit() {
        assert_eq!(grouped("-950", ','), "-950");
        assert_eq!(grouped("-123456", ','), "-123,456");
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0, 15, 16, 255]), "000f10ff");
    }
}
