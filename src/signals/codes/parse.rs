use super::{Carrier, CodeError, ProductCode};
use crate::domain::{Gtin, GtinError};

/// Longest text that is read as a code, in bytes; what a QR code can hold of letters and digits is
/// less than twice as much, and a GS1 one far less.
const MAX_BYTES: usize = 2048;
/// Longest batch, serial number and variant (GS1 General Specifications, section 3).
const VALUE_CHARS: usize = 20;
/// Ends a value of no fixed length.
const SEPARATOR: char = '\u{1d}';
/// What scanners put before an element string.
const SYMBOLOGIES: [&str; 5] = ["]C1", "]d2", "]Q3", "]e0", "]J1"];

/// Reads a product code, wherever its text comes from: a plain GTIN, a GS1 Digital Link, or an
/// element string with its application identifiers in brackets or with separators.
///
/// # Errors
/// When it holds no GTIN, or something in it is not as GS1 has it.
pub fn parse_code(text: &str) -> Result<ProductCode, CodeError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.len() > MAX_BYTES {
        return Err(CodeError::TooLong);
    }
    if is_link(text) {
        return link(text);
    }
    if text.starts_with('(') {
        return elements(text);
    }
    let symbology = SYMBOLOGIES.iter().find_map(|s| text.strip_prefix(s));
    if let Some(rest) = symbology {
        return separated(rest);
    }
    match Gtin::parse(text) {
        Err(GtinError::Malformed)
            if text.contains(SEPARATOR) || (text.len() > 15 && text.starts_with("01")) =>
        {
            separated(text)
        }
        gtin => Ok(ProductCode::new(gtin?, Carrier::Plain)),
    }
}

pub(super) fn is_link(text: &str) -> bool {
    let has = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    has("https://") || has("http://")
}

/// `https://example.com/some/stem/01/<gtin>/22/<variant>/10/<lot>/21/<serial>?17=<yymmdd>`
fn link(text: &str) -> Result<ProductCode, CodeError> {
    let (_, rest) = text.split_once("://").ok_or(CodeError::NoGtin)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = path.split('/');
    // The host may be anybody's: a Digital Link proves nothing about who printed it.
    parts.next();
    let mut parts = parts.skip_while(|p| !matches!(*p, "01" | "gtin"));
    parts.next().ok_or(CodeError::NoGtin)?;
    let digits = parts.next().ok_or(CodeError::NoGtin)?;
    let mut code = ProductCode::new(Gtin::parse(digits)?, Carrier::DigitalLink);
    while let Some(name) = parts.next().filter(|name| !name.is_empty()) {
        // An identifier without a value leads nowhere; one that is unknown is somebody else's.
        let Some(value) = parts.next() else { break };
        code.set(long_name(name), &decoded(value)?)?;
    }
    for pair in query.split(['&', ';']) {
        if let Some((name, value)) = pair.split_once('=') {
            code.set(long_name(name), &decoded(value)?)?;
        }
    }
    Ok(code)
}

/// The application identifier of a short name.
fn long_name(name: &str) -> &str {
    match name {
        "lot" => "10",
        "ser" => "21",
        "cpv" => "22",
        "exp" => "17",
        other => other,
    }
}

fn decoded(text: &str) -> Result<String, CodeError> {
    let mut bytes = Vec::with_capacity(text.len().min(MAX_BYTES));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut hex = || rest.next().and_then(|b| char::from(b).to_digit(16));
            let (high, low) = (hex(), hex());
            let (Some(high), Some(low)) = (high, low) else { return Err(CodeError::BadValue) };
            u8::try_from(16 * high + low).map_err(|_| CodeError::BadValue)?
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| CodeError::BadValue)
}

/// `(01)<gtin>(17)<yymmdd>(10)<lot>(21)<serial>`
fn elements(text: &str) -> Result<ProductCode, CodeError> {
    let mut found = Found::default();
    let mut rest = text;
    while let Some((ai, after)) = bracketed(rest) {
        // A value may hold brackets; it ends where another identifier in brackets begins.
        let end = after.match_indices('(').map(|(at, _)| at);
        let end = end.into_iter().find(|at| bracketed(&after[*at..]).is_some());
        let (value, next) = after.split_at(end.unwrap_or(after.len()));
        found.set(ai, value.trim_end_matches(SEPARATOR).trim_end())?;
        rest = next;
    }
    if rest.is_empty() { found.finish() } else { Err(CodeError::NoGtin) }
}

/// An identifier of two to four digits in brackets, and what follows.
pub(super) fn bracketed(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('(')?;
    let length = rest.bytes().take(5).position(|b| b == b')').filter(|n| (2..=4).contains(n))?;
    let (ai, rest) = rest.split_at_checked(length)?;
    let digits = ai.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| (ai, rest.strip_prefix(')').unwrap_or_default()))
}

/// `01<gtin>17<yymmdd>10<lot>␝21<serial>`
fn separated(text: &str) -> Result<ProductCode, CodeError> {
    let mut found = Found::default();
    let mut rest = text.trim_start_matches(SEPARATOR);
    while !rest.is_empty() {
        let ai = rest.get(..2).filter(|ai| ai.bytes().all(|b| b.is_ascii_digit()));
        let ai = ai.ok_or(CodeError::NoGtin)?;
        let fixed = fixed_length(ai);
        let end = match fixed {
            Some(length) => length,
            None => rest.find(SEPARATOR).unwrap_or(rest.len()),
        };
        let (element, next) = rest.split_at_checked(end).ok_or(CodeError::BadValue)?;
        found.set(ai, element.get(2..).ok_or(CodeError::BadValue)?)?;
        rest = next.trim_start_matches(SEPARATOR);
    }
    found.finish()
}

/// Length of an element, identifier included, where it is fixed (GS1 General Specifications,
/// figure 7.8.5-1).
fn fixed_length(ai: &str) -> Option<usize> {
    Some(match ai {
        "00" => 20,
        "01" | "02" | "03" => 16,
        "04" => 18,
        "11" | "12" | "13" | "14" | "15" | "16" | "17" | "18" | "19" => 8,
        "20" => 4,
        "31" | "32" | "33" | "34" | "35" | "36" => 10,
        "41" => 16,
        _ => return None,
    })
}

/// What is met in an element string, in whatever order.
#[derive(Default)]
struct Found<'a> {
    gtin: Option<Gtin>,
    others: Vec<(&'a str, &'a str)>,
}

impl<'a> Found<'a> {
    fn set(&mut self, ai: &'a str, value: &'a str) -> Result<(), CodeError> {
        if ai != "01" {
            self.others.push((ai, value));
            return Ok(());
        }
        if value.len() != 14 || self.gtin.is_some() {
            return Err(CodeError::BadValue);
        }
        self.gtin = Some(Gtin::parse(value)?);
        Ok(())
    }

    fn finish(self) -> Result<ProductCode, CodeError> {
        let gtin = self.gtin.ok_or(CodeError::NoGtin)?;
        let mut code = ProductCode::new(gtin, Carrier::ElementString);
        for (ai, value) in self.others {
            code.set(ai, value)?;
        }
        Ok(code)
    }
}

impl ProductCode {
    /// Takes the value of an application identifier that is known here; others are left alone.
    fn set(&mut self, ai: &str, value: &str) -> Result<(), CodeError> {
        let slot = match ai {
            "10" => &mut self.lot,
            "21" => &mut self.serial,
            "22" => &mut self.variant,
            "17" => {
                self.expiry = Some(date(value).ok_or(CodeError::BadValue)?);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let fits = (1..=VALUE_CHARS).contains(&value.len()) && value.bytes().all(is_gs1_char);
        if !fits || slot.is_some() {
            return Err(CodeError::BadValue);
        }
        *slot = Some(value.to_owned());
        Ok(())
    }
}

/// GS1's character set 82.
fn is_gs1_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!\"%&'()*+,-./_:;<=>?".contains(&b)
}

/// Six digits, YYMMDD; day 00 is the last of the month.
fn date(text: &str) -> Option<time::Date> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u8>().ok();
    // What is made today expires in this century.
    let year = 2000 + i32::from(number(0..2)?);
    let month = time::Month::try_from(number(2..4)?).ok()?;
    let day = match number(4..6)? {
        0 => month.length(year),
        day => day,
    };
    time::Date::from_calendar_date(year, month, day).ok()
}
