//! How a scorer takes ordinary listings without labels: nearly all of them are genuine.
//!
//! A model that learned a platform's manner or the length of a text in place of what a listing
//! says shows it here: in a source whose scores stand out, or in brands' goods at a plausible
//! price called suspect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::quantile;
use super::report::Interval;
use crate::domain::Band;

/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Quantiles of the scores, by name.
const QUANTILES: [(&str, f64); 6] =
    [("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95), ("p99", 0.99)];

/// Sources that are listed; the smallest of more are taken together.
const MAX_SOURCES: usize = 100;
/// What the smallest sources are called together.
const OTHERS: &str = "(others)";

/// What the scorer said of one listing.
#[derive(Debug, Clone, PartialEq)]
pub struct OrdinaryScore {
    /// Where the listing came from.
    pub source: String,
    pub score: f64,
    /// `None` for a scorer without bands.
    pub band: Option<Band>,
    /// Whether a brand was found at a plausible price (half of its reference or more).
    pub branded: bool,
}

/// How many were called suspect, each share with its Wilson interval (95 %).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandShares {
    pub n: usize,
    /// All `null` for a scorer without bands, and without listings.
    pub high: Interval,
    pub review: Interval,
}

/// The scores of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceScores {
    #[serde(flatten)]
    pub shares: BandShares,
    /// `null` without listings.
    pub mean: Option<f64>,
    /// `p05` to `p99`.
    pub quantiles: BTreeMap<String, f64>,
}

/// A scorer on ordinary listings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrdinaryReport {
    /// The file's name and the SHA-256 of its bytes.
    pub name: String,
    pub sha256: String,
    /// Listings scored.
    pub n: usize,
    /// Lines that hold no listing that could be scored.
    pub skipped: usize,
    pub sources: BTreeMap<String, SourceScores>,
    /// Brands' goods at a plausible price.
    pub branded: BandShares,
    pub all: SourceScores,
}

/// Sums up `scores` of the file `name`.
pub fn measure_ordinary(
    name: &str,
    sha256: &str,
    skipped: usize,
    scores: &[OrdinaryScore],
) -> OrdinaryReport {
    let mut by_source: BTreeMap<&str, Vec<&OrdinaryScore>> = BTreeMap::new();
    for score in scores {
        by_source.entry(&score.source).or_default().push(score);
    }
    if by_source.len() > MAX_SOURCES {
        let mut sizes: Vec<_> = by_source.iter().map(|(s, rows)| (rows.len(), *s)).collect();
        sizes.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        for (_, source) in sizes.drain(MAX_SOURCES - 1..) {
            let rows = by_source.remove(source).unwrap_or_default();
            by_source.entry(OTHERS).or_default().extend(rows);
        }
    }
    let branded: Vec<&OrdinaryScore> = scores.iter().filter(|s| s.branded).collect();
    let all: Vec<&OrdinaryScore> = scores.iter().collect();
    OrdinaryReport {
        name: name.to_owned(),
        sha256: sha256.to_owned(),
        n: scores.len(),
        skipped,
        sources: by_source.into_iter().map(|(s, rows)| (s.to_owned(), summed(&rows))).collect(),
        branded: shares(&branded),
        all: summed(&all),
    }
}

fn summed(rows: &[&OrdinaryScore]) -> SourceScores {
    let mut scores: Vec<f64> = rows.iter().map(|r| r.score).collect();
    scores.sort_unstable_by(f64::total_cmp);
    let mean = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
    let quantiles = QUANTILES.iter().filter(|_| mean.is_some());
    SourceScores {
        shares: shares(rows),
        mean,
        quantiles: quantiles.map(|(name, q)| ((*name).to_owned(), quantile(&scores, *q))).collect(),
    }
}

fn shares(rows: &[&OrdinaryScore]) -> BandShares {
    let banded = rows.iter().all(|r| r.band.is_some());
    let share = |band: Band| {
        let count = rows.iter().filter(|r| r.band == Some(band)).count();
        if banded { wilson(count, rows.len()) } else { Interval::default() }
    };
    BandShares { n: rows.len(), high: share(Band::High), review: share(Band::Review) }
}

/// The share `count` of `n` with its Wilson score interval, 95 %; all `None` for `n` of 0.
pub fn wilson(count: usize, n: usize) -> Interval {
    if n == 0 {
        return Interval::default();
    }
    let (n, p) = (n as f64, count as f64 / n as f64);
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
    // At its ends the interval holds the share itself; rounding must not put it outside.
    Interval { value: Some(p), low: Some(low.min(p)), high: Some(high.max(p)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(source: &str, score: f64, band: Option<Band>, branded: bool) -> OrdinaryScore {
        OrdinaryScore { source: source.into(), score, band, branded }
    }

    #[test]
    fn wilson_is_that_of_the_textbook() {
        // Newcombe (1998), table I: 81/263, 15/148, 0/20, 1/29.
        for (count, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let got = wilson(count, n);
            assert!((got.low.unwrap() - low).abs() < 5e-5, "{got:?}");
            assert!((got.high.unwrap() - high).abs() < 5e-5, "{got:?}");
        }
        assert_eq!(wilson(0, 0), Interval::default());
        assert_eq!(wilson(7, 7).high, Some(1.0));
    }

    #[test]
    fn sources_are_told_apart_and_branded_goods_counted() {
        let rows = [
            score("tiki", 0.1, Some(Band::Low), false),
            score("tiki", 0.3, Some(Band::Low), true),
            score("shopee", 0.9, Some(Band::High), true),
            score("shopee", 0.5, Some(Band::Review), false),
        ];
        let got = measure_ordinary("x.jsonl", "00", 3, &rows);
        assert_eq!((got.n, got.skipped, got.branded.n), (4, 3, 2));
        assert_eq!(got.branded.high.value, Some(0.5));
        let tiki = &got.sources["tiki"];
        assert_eq!((tiki.shares.n, tiki.shares.high.value), (2, Some(0.0)));
        assert!((tiki.mean.unwrap() - 0.2).abs() < 1e-12);
        assert!((tiki.quantiles["p50"] - 0.2).abs() < 1e-12);
        assert_eq!(got.all.shares.review.value, Some(0.25));
        let json = serde_json::to_value(&got).unwrap();
        assert_eq!(json["sources"]["shopee"]["high"]["value"], 0.5);
        assert_eq!(serde_json::from_value::<OrdinaryReport>(json).unwrap(), got);
    }

    #[test]
    fn a_scorer_without_bands_has_no_shares() {
        let got = measure_ordinary("x", "00", 0, &[score("a", 0.4, None, false)]);
        assert_eq!(got.all.shares.high, Interval::default());
        assert_eq!(got.all.mean, Some(0.4));
        let empty = measure_ordinary("x", "00", 0, &[]);
        assert_eq!((empty.all.mean, empty.all.quantiles.len()), (None, 0));
    }

    #[test]
    fn a_source_for_each_row_does_not_swell_the_report() {
        let rows: Vec<_> = (0..500).map(|i| score(&format!("s{i}"), 0.5, None, false)).collect();
        let got = measure_ordinary("x", "00", 0, &rows);
        assert_eq!(got.sources.len(), MAX_SOURCES);
        assert_eq!(got.sources[OTHERS].shares.n, 500 - (MAX_SOURCES - 1));
    }
}
