//! Unlabelled listings in a platform's own words, scored a few at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use super::super::output;
use super::judge::Judge;
use crate::dataset::file_sha256;
use crate::domain::{Limits, Listing, Money, NewListing, Seller};
use crate::eval::{OrdinaryReport, OrdinaryScore, measure_ordinary};
use crate::preprocess::map_batch;
use crate::signals::{Knowledge, Reading};

/// Lines read and scored at once.
const BATCH: usize = 2048;
/// Longest line, in bytes; a longer one is skipped.
const LINE: usize = 1 << 20;
/// From this share of its reference on a price is plausible for genuine goods.
const PLAUSIBLE: f64 = 0.5;
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
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Price {
    /// VND.
    Number(f64),
    Money(Money),
}

impl Line {
    /// The source and the listing; `None` where there is no listing that could be scored.
    fn read(text: &[u8], limits: &Limits) -> Option<(String, Listing)> {
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
        Some((source.unwrap_or_else(|| NO_SOURCE.to_owned()), listing.parse(limits).ok()?))
    }
}

/// Scores the listings of `path`, JSON lines with or without gzip.
pub(super) fn measure(
    judge: &Judge,
    knowledge: &Knowledge,
    path: &Path,
) -> anyhow::Result<OrdinaryReport> {
    let context = || format!("cannot read {}", path.display());
    let limits = Limits::default();
    let mut reader = open(path).with_context(context)?;
    let bar = output::progress(None, "ordinary listings");
    let (mut scores, mut skipped) = (Vec::new(), 0);
    loop {
        let (lines, more) = batch(&mut reader).with_context(context)?;
        let scored = map_batch(&lines, |line| {
            let (source, listing) = Line::read(line.as_deref()?, &limits)?;
            let price = Reading::new(knowledge, &listing).price;
            let branded = price.is_some_and(|p| p.ratio() >= PLAUSIBLE);
            let (score, band) = judge.score(&listing);
            Some(OrdinaryScore { source, score, band, branded })
        });
        skipped += scored.iter().filter(|s| s.is_none()).count();
        scores.extend(scored.into_iter().flatten());
        bar.inc(lines.len() as u64);
        if !more {
            break;
        }
    }
    bar.finish_and_clear();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(measure_ordinary(&name, &file_sha256(path)?, skipped, &scores))
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    if file.fill_buf()?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}

/// The next lines, blank ones left out, `None` for one that is too long; and whether there may be
/// more.
fn batch(reader: &mut dyn BufRead) -> io::Result<(Vec<Option<Vec<u8>>>, bool)> {
    let mut lines = Vec::with_capacity(BATCH);
    while lines.len() < BATCH {
        let mut line = Vec::new();
        if (&mut *reader).take(LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok((lines, false));
        }
        if line.len() > LINE && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
            lines.push(None);
        } else if !line.trim_ascii().is_empty() {
            lines.push(Some(line));
        }
    }
    Ok((lines, true))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::judge::tests::by_length;
    use super::*;

    fn knowledge() -> Knowledge {
        let concept = |id: &str| {
            format!(
                "[[concept]]\nid = {id:?}\npolarity = \"context\"\nreason_vi = \"a\"\nreason_en = \"a\"\nterms = [{id:?}]\n"
            )
        };
        let lexicon = ["negator", "warning_guide", "denial_phrase"].map(concept).concat();
        let brands = "[[kind]]\nid = \"shoes\"\nwords = [\"giày\"]\n[[brand]]\nid = \"nike\"\nname = \"Nike\"\n\
             aliases = [\"nike\"]\nprices = [{ kind = \"shoes\", low = 1000000, typical = 2000000, basis = \"estimate\" }]";
        Knowledge::parse(&lexicon, brands, "[expand]").unwrap()
    }

    const LINES: &str = concat!(
        r#"{"title":"Giày Nike","price":900000,"source":"a","seller":"shop x","rating":4.5}"#,
        "\n\n",
        r#"{"title":"Giày Nike","price":{"amount":90000,"currency":"VND"},"platform":"tiki","seller":{"id":"s"}}"#,
        "\n",
        r#"{"title":"Nồi","price":0,"source":"a","description":null}"#,
        "\n",
        r#"{"title":""}"#,
        "\nno JSON\n",
        r#"{"title":"Giày Nike","brand":"Nike","price":2000000.5}"#,
    );

    #[test]
    fn lines_are_read_in_the_words_of_crawls() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("x.jsonl");
        std::fs::write(&plain, LINES).unwrap();
        let got = measure(&by_length(), &knowledge(), &plain).unwrap();
        assert_eq!((got.name.as_str(), got.n, got.skipped), ("x.jsonl", 4, 2));
        let sources: Vec<_> = got.sources.iter().map(|(s, r)| (s.as_str(), r.shares.n)).collect();
        assert_eq!(sources, [(NO_SOURCE, 1), ("a", 2), ("tiki", 1)]);
        // The cheap pair is no sign of a mistake; of the others two are at a plausible price.
        assert_eq!((got.branded.n, got.branded.high.value), (2, Some(0.0)));

        let packed = dir.path().join("x.jsonl.gz");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(LINES.as_bytes()).unwrap();
        std::fs::write(&packed, gz.finish().unwrap()).unwrap();
        let again = measure(&by_length(), &knowledge(), &packed).unwrap();
        assert_eq!(again.sources, got.sources);
        assert_ne!(again.sha256, got.sha256);
    }

    #[test]
    fn a_line_without_end_is_skipped() {
        let long = format!("{}\n{{\"title\":\"a\"}}\n", "x".repeat(3 * LINE));
        let (lines, more) = batch(&mut long.as_bytes()).unwrap();
        assert_eq!((lines.len(), more, &lines[0]), (2, false, &None));
        let many = "{}\n".repeat(BATCH + 1);
        let mut reader = many.as_bytes();
        assert_eq!(batch(&mut reader).unwrap().0.len(), BATCH);
        assert_eq!(batch(&mut reader).unwrap().0.len(), 1);
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gz");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(LINES.as_bytes()).unwrap();
        let bytes = gz.finish().unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = measure(&by_length(), &knowledge(), &path).unwrap_err();
        assert!(error.to_string().starts_with("cannot read "), "{error}");
    }
}
