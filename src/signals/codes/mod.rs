//! Product codes: GTINs, GS1 Digital Links and element strings.
//!
//! Owns how a code is read ([`parse_code`]: from whatever text, be it a field, a description or what
//! a barcode in a picture holds), where codes stand in a listing ([`find_codes`]), and what each says
//! by itself. A code is only a number that anyone may print: that it is right proves nothing, and its
//! prefix says who issued it, never where goods were made. Whether it is registered is another
//! question: see [`super::origin`].

mod claim;
mod find;
mod parse;
mod prefix;

use time::Date;

pub use find::{SeenCode, find_codes};
pub use parse::parse_code;
pub use prefix::{Issuer, issuer};

use super::clue::Clue;
use crate::domain::{Field, Gtin, GtinError, Listing, Part, Reason};

/// How a code was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The digits alone.
    Plain,
    /// With application identifiers, as in GS1-128 and GS1 `DataMatrix`.
    ElementString,
    /// A web address, as in a QR code.
    DigitalLink,
}

/// A product code that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductCode {
    pub gtin: Gtin,
    pub carrier: Carrier,
    /// Batch or lot, AI 10.
    pub lot: Option<String>,
    /// Serial number, AI 21.
    pub serial: Option<String>,
    /// Consumer product variant, AI 22.
    pub variant: Option<String>,
    /// Expiry, AI 17.
    pub expiry: Option<Date>,
}

impl ProductCode {
    fn new(gtin: Gtin, carrier: Carrier) -> Self {
        Self { gtin, carrier, lot: None, serial: None, variant: None, expiry: None }
    }
}

/// Why a text is no product code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("longer than any product code")]
    TooLong,
    #[error(transparent)]
    Gtin(#[from] GtinError),
    #[error("it holds no GTIN (application identifier 01)")]
    NoGtin,
    #[error("a value in it is not as GS1 has it")]
    BadValue,
}

/// What the codes of a listing say by themselves.
pub fn code_clues(listing: &Listing, codes: &[SeenCode]) -> Vec<Clue> {
    let mut clues: Vec<Clue> = codes.iter().map(clue_of).collect();
    let valid = |seen: &SeenCode| seen.code.as_ref().ok().map(|code| code.gtin);
    // Several numbers are several variants, unless the listing itself says which one it is.
    let stated = codes.iter().find(|seen| seen.field == "gtin").and_then(valid);
    let others: Vec<_> = codes.iter().filter(|seen| seen.field != "gtin").collect();
    if let Some(stated) = stated
        && let Some(other) = others.iter().find(|seen| valid(seen).is_some())
        && others.iter().all(|seen| valid(seen) != Some(stated))
    {
        clues.push(other.clue("gtin_disagrees"));
    }
    let expired = |seen: &&SeenCode| {
        let expiry = seen.code.as_ref().ok().and_then(|code| code.expiry);
        expiry.zip(listing.captured_at()).is_some_and(|(expiry, at)| expiry < at.date())
    };
    if let Some(seen) = codes.iter().find(expired) {
        clues.push(seen.clue("code_expired"));
    }
    clues.extend(origin_differs(listing, codes));
    clues
}

fn clue_of(seen: &SeenCode) -> Clue {
    let gtin = match &seen.code {
        Ok(code) => &code.gtin,
        Err(CodeError::Gtin(GtinError::WrongCheckDigit)) => {
            return seen.clue("gtin_wrong_check_digit");
        }
        Err(_) => return seen.clue("gtin_malformed"),
    };
    match issuer(gtin) {
        Issuer::Restricted | Issuer::Coupon => seen.clue("gtin_restricted_prefix"),
        Issuer::Unassigned => seen.clue("gtin_unassigned_prefix"),
        Issuer::Member { name, .. } => seen.clue("gtin_valid").reason(Reason {
            vi: format!(
                "Mã GTIN đúng số kiểm tra, đầu số {:03} do {name} cấp; điều này không chứng minh hàng \
                 thật, cũng không cho biết nơi sản xuất",
                gtin.prefix()
            ),
            en: format!(
                "The GTIN's check digit is right and its prefix {:03} is of {name}, which proves nothing \
                 and does not say where the goods were made",
                gtin.prefix()
            ),
        }),
        Issuer::Global | Issuer::Serial | Issuer::Book => seen.clue("gtin_valid"),
    }
}

/// A note where the origin that the listing claims is not where the number was issued.
fn origin_differs(listing: &Listing, codes: &[SeenCode]) -> Option<Clue> {
    let issued = |seen: &SeenCode| match issuer(&seen.code.as_ref().ok()?.gtin) {
        Issuer::Member { name, countries } => Some((name, countries)),
        Issuer::Global
        | Issuer::Restricted
        | Issuer::Coupon
        | Issuer::Serial
        | Issuer::Book
        | Issuer::Unassigned => None,
    };
    let (name, countries) = codes.iter().find_map(issued)?;
    let claim = claim::claimed_origin(listing)?;
    let country = claim.country;
    if countries.contains(&country.code) {
        return None;
    }
    let clue =
        Clue::new(Part::Codes, "code_origin_differs", claim.field).text(claim.text).at(claim.start);
    Some(clue.reason(Reason {
        vi: format!(
            "Tin nói xuất xứ {}, mã GTIN do {name} cấp; hai điều này không mâu thuẫn: đầu số chỉ cho biết \
             nơi cấp mã, không phải nơi sản xuất",
            country.vi
        ),
        en: format!(
            "The listing says made in {}, the GTIN was issued by {name}; that is no contradiction: a \
             prefix says who issued the number, not where goods were made",
            country.en
        ),
    }))
}

impl SeenCode {
    fn clue(&self, kind: &'static str) -> Clue {
        Clue::new(Part::Codes, kind, Field::clone(&self.field)).text(&self.text).at(self.start)
    }
}

#[cfg(test)]
mod tests;
