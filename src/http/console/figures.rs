//! Numbers, money and times as people write them.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::lang::Lang;
use crate::domain::grouped;

/// Amounts beyond it are not written out.
const LARGEST: f64 = 1e15;

/// A probability in percent, never rounded to a certainty that it is not.
pub(super) fn percent(p: f64, lang: Lang) -> String {
    let value = (p * 100.0).clamp(0.1, 99.9);
    decimal(format!("{value:.1}"), lang) + lang.pick(" %", "%")
}

/// A share in log-odds with its sign.
pub(super) fn log_odds(x: f64, lang: Lang) -> String {
    let text = format!("{x:+.2}");
    let text = match text.strip_prefix('-') {
        Some("0.00") => "0.00".to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None if text == "+0.00" => "0.00".to_owned(),
        None => text,
    };
    decimal(text, lang)
}

/// A plain number with at most one decimal.
pub(super) fn number(x: f64, lang: Lang) -> String {
    let text = format!("{:.1}", x.clamp(-LARGEST, LARGEST));
    decimal(text.strip_suffix(".0").unwrap_or(&text).to_owned(), lang)
}

/// An amount with its currency; đồng without decimals.
pub(super) fn money(amount: f64, currency: Option<&str>, lang: Lang) -> String {
    let currency = currency.unwrap_or("VND");
    let amount = amount.clamp(-LARGEST, LARGEST);
    if currency.eq_ignore_ascii_case("VND") {
        return grouped(&format!("{amount:.0}"), lang.pick('.', ',')) + lang.pick(" ₫", " VND");
    }
    let text = format!("{amount:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    format!("{}{}{cents} {currency}", grouped(whole, lang.pick('.', ',')), lang.pick(',', '.'))
}

/// A whole number with its thousands apart.
pub(super) fn count(n: u64, lang: Lang) -> String {
    grouped(&n.to_string(), lang.pick('.', ','))
}

fn decimal(text: String, lang: Lang) -> String {
    match lang {
        Lang::Vi => text.replace('.', ","),
        Lang::En => text,
    }
}

/// A time in Vietnam, for people and for machines.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct When {
    shown: String,
    day: String,
    machine: String,
}

pub(super) fn when(at: OffsetDateTime) -> When {
    let vietnam = UtcOffset::from_hms(7, 0, 0).unwrap_or(UtcOffset::UTC);
    let machine = at.format(&Rfc3339).unwrap_or_default();
    // A time at the end of the calendar cannot be moved to another offset.
    let t = at.checked_to_offset(vietnam).unwrap_or(at);
    let day = format!("{:02}/{:02}/{}", t.day(), u8::from(t.month()), t.year());
    When { shown: format!("{day} {:02}:{:02}", t.hour(), t.minute()), day, machine }
}

/// A time as a listing gives it, where it is one.
pub(super) fn when_written(text: &str) -> Option<When> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(when)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_their_readers_do() {
        let (vi, en) = (Lang::Vi, Lang::En);
        assert_eq!([percent(0.9731, vi), percent(0.5, en)], ["97,3 %", "50.0%"]);
        assert_eq!([percent(1e-9, vi), percent(1.0 - 1e-9, vi)], ["0,1 %", "99,9 %"]);
        assert_eq!([log_odds(1.346, vi), log_odds(-2.2, en)], ["+1,35", "\u{2212}2.20"]);
        assert_eq!([log_odds(-0.001, vi), log_odds(0.0, en)], ["0,00", "0.00"]);
        assert_eq!(
            [money(1_250_000.0, None, vi), money(999.0, Some("VND"), en)],
            ["1.250.000 ₫", "999 VND"]
        );
        assert_eq!(
            [money(1234.5, Some("USD"), vi), money(-123.0, Some("EUR"), en)],
            ["1.234,50 USD", "-123.00 EUR"]
        );
        assert!(money(f64::MAX, None, vi).len() < 30);
        assert_eq!([number(4.0, vi), number(4.64, vi)], ["4", "4,6"]);
        assert_eq!(count(12_345, vi), "12.345");
    }

    #[test]
    fn times_are_those_of_vietnam() {
        let when = when_written("2026-11-16T20:14:00Z").unwrap();
        assert_eq!((when.shown.as_str(), when.day.as_str()), ("17/11/2026 03:14", "17/11/2026"));
        assert_eq!(when.machine, "2026-11-16T20:14:00Z");
        assert_eq!(when_written("hôm qua"), None);
        assert!(when_written("9999-12-31T23:59:59Z").is_some());
    }
}
