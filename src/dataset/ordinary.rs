//! Unlabelled listings in a platform's own words.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use crate::domain::{Money, NewListing, Seller};
use crate::preprocess::map_batch;

/// Lines read at once.
const BATCH: usize = 2048;
/// Longest line, in bytes; a longer one is skipped.
const LINE: usize = 1 << 20;
/// Of a listing that names neither source nor platform.
const NO_SOURCE: &str = "(unnamed)";
/// Longest name of a source, in characters.
const SOURCE_CHARS: usize = 80;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A line as crawls write it. Fields that are not named here are skipped.
#[derive(Debug, Deserialize)]
struct Line {
    title: Option<String>,
    description: Option<String>,
    price: Option<Price>,
    brand: Option<String>,
    category: Option<String>,
    #[serde(default)]
    seller: serde_json::Value,
    platform: Option<String>,
    source: Option<String>,
    #[serde(default)]
    official: bool,
    #[serde(default)]
    tiki_authentic_badge: bool,
    #[serde(default)]
    lazada_authentic_badge: bool,
    #[serde(default)]
    shop_sells_replicas: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Price {
    /// VND.
    Number(f64),
    Money(Money),
}

/// A listing that nobody has judged, and what its platform says of it.
#[derive(Debug, Clone)]
pub struct Ordinary {
    /// The crawl, else the platform, that it comes from.
    pub source: String,
    pub listing: NewListing,
    /// Whether the platform vouches for the shop or the goods.
    pub official: bool,
    /// Whether the shop says elsewhere that it sells replicas.
    pub replicas: bool,
}

impl Line {
    fn read(text: &[u8]) -> Option<Ordinary> {
        let line: Self = serde_json::from_slice(text).ok()?;
        let named = |name: &Option<String>| {
            let name: String = name.as_deref()?.trim().chars().take(SOURCE_CHARS).collect();
            (!name.is_empty()).then_some(name)
        };
        let source = named(&line.source).or_else(|| named(&line.platform));
        let price = match line.price {
            Some(Price::Number(amount)) => Some(Money { amount: Some(amount), currency: None }),
            Some(Price::Money(money)) => Some(money),
            None => None,
        };
        let seller = match line.seller.as_str() {
            Some(name) => Some(Seller { name: Some(name.to_owned()), ..Seller::default() }),
            None => serde_json::from_value(line.seller).ok(),
        };
        let listing = NewListing {
            title: line.title,
            description: line.description,
            // Crawls write 0 where they saw no price.
            price: price.filter(|p| p.amount.is_some_and(|a| a > 0.0)),
            brand: line.brand,
            category: line.category,
            seller,
            platform: line.platform,
            ..NewListing::default()
        };
        Some(Ordinary {
            source: source.unwrap_or_else(|| NO_SOURCE.to_owned()),
            listing,
            official: line.official || line.tiki_authentic_badge || line.lazada_authentic_badge,
            replicas: line.shop_sells_replicas,
        })
    }
}

/// A file of ordinary listings, JSON lines with or without gzip.
pub struct OrdinaryFile {
    reader: Box<dyn BufRead>,
}

impl std::fmt::Debug for OrdinaryFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrdinaryFile").finish_non_exhaustive()
    }
}

impl OrdinaryFile {
    /// # Errors
    /// When the file cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
        let packed = file.fill_buf()?.starts_with(&GZIP);
        let reader: Box<dyn BufRead> = if packed {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self { reader })
    }

    /// The next listings, `None` for a line that is too long or none; empty at the end. Blank
    /// lines are left out.
    ///
    /// # Errors
    /// When the file breaks off.
    pub fn batch(&mut self) -> io::Result<Vec<Option<Ordinary>>> {
        let lines = lines(&mut *self.reader)?;
        Ok(map_batch(&lines, |line| line.as_deref().and_then(Line::read)))
    }
}

/// The next lines, blank ones left out, `None` for one that is too long.
fn lines(reader: &mut dyn BufRead) -> io::Result<Vec<Option<Vec<u8>>>> {
    let mut lines = Vec::with_capacity(BATCH);
    while lines.len() < BATCH {
        let mut line = Vec::new();
        if (&mut *reader).take(LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > LINE && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
            lines.push(None);
        } else if !line.trim_ascii().is_empty() {
            lines.push(Some(line));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_says_is_kept() {
        let read = |json: &str| Line::read(json.as_bytes()).unwrap();
        let line = read(r#"{"title":"Nồi","official":true,"platform":"tiki","price":0}"#);
        assert!(line.official && !line.replicas && line.listing.price.is_none());
        assert_eq!(line.source, "tiki");
        assert!(read(r#"{"title":"Giày","tiki_authentic_badge":true}"#).official);
        let shop = read(r#"{"title":"Giày","shop_sells_replicas":true,"source":"a"}"#);
        assert!(shop.replicas && !shop.official);
        assert!(Line::read(b"no JSON").is_none());
    }

    #[test]
    fn a_line_without_end_is_skipped() {
        let long = format!("{}\n{{\"title\":\"a\"}}\n", "x".repeat(3 * LINE));
        let got = lines(&mut long.as_bytes()).unwrap();
        assert_eq!((got.len(), &got[0]), (2, &None));
        let many = "{}\n".repeat(BATCH + 1);
        let mut reader = many.as_bytes();
        assert_eq!(lines(&mut reader).unwrap().len(), BATCH);
        assert_eq!(lines(&mut reader).unwrap().len(), 1);
    }
}
