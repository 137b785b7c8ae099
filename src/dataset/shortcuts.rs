//! Side doors to the label: how much of it can be told from things that should not tell it.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Groups, Row};
use crate::eval::Metrics;
use crate::preprocess::map_batch;

/// AUC of one feature alone from which it is a shortcut.
pub const MAX_AUC: f64 = 0.60;
/// Mutual information with the label, in bits, from which a feature is a shortcut.
pub const MAX_BITS: f64 = 0.03;
/// AUC of all features together from which they are a shortcut.
pub const MAX_AUC_TOGETHER: f64 = 0.65;

const FOLDS: usize = 5;
/// Rows of average label that are added to each value's rows, so that a rare value says little.
const SMOOTHING: f64 = 4.0;

/// One feature and what it tells of the label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shortcut {
    pub feature: &'static str,
    pub values: usize,
    /// Mean AUC over five folds, fitted on the other folds, groups kept whole; `null` when no
    /// fold has both labels. Below one half where the labels are balanced by design: then the
    /// other folds lean away from the held-out one.
    pub auc: Option<f64>,
    /// Mutual information in bits, corrected for the number of values (Miller and Madow).
    pub bits: f64,
    pub warns: bool,
}

/// A feature's name and its value for a row.
type Feature = (&'static str, fn(&Row) -> String);

const FEATURES: &[Feature] = &[
    ("platform", |r| lower(r.listing.platform.as_deref())),
    ("province", |r| lower(r.listing.seller.as_ref().and_then(|s| s.location.as_deref()))),
    ("lang", |r| r.lang.as_str().to_owned()),
    ("category", |r| r.category_prefix().to_owned()),
    ("has_description", |r| filled(r.listing.description.as_deref()).to_string()),
    ("has_brand", |r| filled(r.listing.brand.as_deref()).to_string()),
    ("has_category", |r| filled(r.listing.category.as_deref()).to_string()),
    ("has_price", |r| r.listing.price.is_some().to_string()),
    ("round_price", round_price),
    ("month", |r| r.listing.captured_at.as_deref().unwrap_or_default().chars().take(7).collect()),
    ("diacritics", |r| text(r).chars().any(|c| !c.is_ascii() && c.is_alphabetic()).to_string()),
    ("emoji", |r| text(r).chars().any(|c| u32::from(c) >= 0x1_F000).to_string()),
    ("hashtag", |r| text(r).contains('#').to_string()),
    ("shouting", |r| {
        let text = text(r);
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let upper = text.chars().filter(|c| c.is_uppercase()).count();
        (upper * 3 > letters).to_string()
    }),
];

fn text(row: &Row) -> String {
    super::groups::text(row)
}

fn lower(text: Option<&str>) -> String {
    text.unwrap_or_default().trim().to_lowercase()
}

fn filled(text: Option<&str>) -> bool {
    text.is_some_and(|t| !t.trim().is_empty())
}

fn round_price(row: &Row) -> String {
    let amount = row.listing.price.as_ref().and_then(|p| p.amount);
    amount.map_or("none", |a| if a % 10_000.0 < 0.5 { "round" } else { "odd" }).to_owned()
}

/// Quartile of the text's length, which depends on all rows.
fn length_quartiles(rows: &[Row]) -> Vec<String> {
    let lengths: Vec<usize> = rows.iter().map(|r| text(r).chars().count()).collect();
    let mut sorted = lengths.clone();
    sorted.sort_unstable();
    let border = |q: usize| sorted[(sorted.len() * q / 4).min(sorted.len() - 1)];
    let borders = [border(1), border(2), border(3)];
    lengths.iter().map(|l| borders.iter().filter(|b| l >= *b).count().to_string()).collect()
}

/// Measures every feature alone, then all together (`all`, as naive Bayes); strongest first,
/// `all` last. `rows` is not empty.
pub(super) fn shortcuts(rows: &[Row], groups: &Groups) -> Vec<Shortcut> {
    let mut columns: Vec<(&'static str, Vec<String>)> =
        map_batch(FEATURES, |(name, value)| (*name, rows.iter().map(value).collect()));
    columns.push(("length_quartile", length_quartiles(rows)));
    let labels: Vec<bool> = rows.iter().map(|r| r.label).collect();
    let folds = folds(rows, groups);
    let mut together = vec![0.0; rows.len()];
    let mut found: Vec<Shortcut> = Vec::new();
    for (feature, values) in &columns {
        let log_odds = held_out(values, &labels, &folds);
        for (sum, x) in together.iter_mut().zip(&log_odds) {
            *sum += x;
        }
        let auc = fold_auc(&log_odds, &labels, &folds);
        let (values, bits) = information(values, &labels);
        let warns = auc.is_some_and(|a| a > MAX_AUC) || bits > MAX_BITS;
        found.push(Shortcut { feature, values, auc, bits, warns });
    }
    found.sort_by(|a, b| b.auc.unwrap_or(0.0).total_cmp(&a.auc.unwrap_or(0.0)));
    let auc = fold_auc(&together, &labels, &folds);
    let warns = auc.is_some_and(|a| a > MAX_AUC_TOGETHER);
    found.push(Shortcut { feature: "all", values: columns.len(), auc, bits: 0.0, warns });
    found
}

/// A fold for each row, whole groups in one, independent of the rows' order.
fn folds(rows: &[Row], groups: &Groups) -> Vec<usize> {
    let mut first: Vec<Option<&str>> = vec![None; groups.count];
    for (row, group) in rows.iter().zip(&groups.of) {
        let least = first[*group].map_or(row.id.as_str(), |f| f.min(&row.id));
        first[*group] = Some(least);
    }
    let mut order: Vec<usize> = (0..groups.count).collect();
    order.sort_by_key(|g| first[*g]);
    let mut fold_of_group = vec![0; groups.count];
    for (at, group) in order.into_iter().enumerate() {
        fold_of_group[group] = at % FOLDS;
    }
    groups.of.iter().map(|g| fold_of_group[*g]).collect()
}

/// For each row the log-odds of its value in the other folds, less those of all their rows.
fn held_out(values: &[String], labels: &[bool], folds: &[usize]) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for fold in 0..FOLDS {
        let mut counts: HashMap<&str, (f64, f64)> = HashMap::new();
        let (mut positives, mut n) = (0.0, 0.0);
        for ((value, label), of) in values.iter().zip(labels).zip(folds) {
            if *of != fold {
                let count = counts.entry(value).or_default();
                let hit = f64::from(u8::from(*label));
                count.0 += hit;
                count.1 += 1.0;
                positives += hit;
                n += 1.0;
            }
        }
        let odds = |hits: f64, n: f64| ((hits + 0.5) / (n - hits + 0.5)).ln();
        let rate = if n > 0.0 { positives / n } else { 0.5 };
        for (i, value) in values.iter().enumerate().filter(|(i, _)| folds[*i] == fold) {
            let (hits, seen) = counts.get(value.as_str()).copied().unwrap_or_default();
            let smoothed = odds(hits + SMOOTHING * rate, seen + SMOOTHING);
            out[i] = smoothed - odds(SMOOTHING * rate, SMOOTHING);
        }
    }
    out
}

/// Mean over the folds, each weighing as many rows as it has: scores of different folds come from
/// different fits and are not compared.
fn fold_auc(scores: &[f64], labels: &[bool], folds: &[usize]) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for fold in 0..FOLDS {
        let rows: Vec<usize> = (0..scores.len()).filter(|i| folds[*i] == fold).collect();
        let scores: Vec<f64> = rows.iter().map(|i| scores[*i]).collect();
        let labels: Vec<bool> = rows.iter().map(|i| labels[*i]).collect();
        if let Some(auc) = Metrics::of(&scores, &labels).auc {
            sum += auc * rows.len() as f64;
            weight += rows.len() as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

/// Number of values, and their mutual information with the label in bits.
fn information(values: &[String], labels: &[bool]) -> (usize, f64) {
    let mut counts: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    let mut of_label = [0.0; 2];
    for (value, label) in values.iter().zip(labels) {
        counts.entry(value).or_default()[usize::from(*label)] += 1.0;
        of_label[usize::from(*label)] += 1.0;
    }
    let n = values.len() as f64;
    let mut bits = 0.0;
    for cell in counts.values() {
        let value = cell[0] + cell[1];
        for (both, label) in cell.iter().zip(of_label) {
            if *both > 0.0 {
                bits += both / n * (both * n / (value * label)).log2();
            }
        }
    }
    let spare = (counts.len() - 1) as f64 / (2.0 * n * std::f64::consts::LN_2);
    (counts.len(), (bits - spare).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::NEAR_COPY;
    use super::super::testing::rows;
    use super::*;

    fn measure(rows: &[Row]) -> HashMap<&'static str, Shortcut> {
        let groups = Groups::new(rows, NEAR_COPY);
        shortcuts(rows, &groups).into_iter().map(|s| (s.feature, s)).collect()
    }

    #[test]
    fn information_is_that_of_the_table() {
        let values = ["a", "a", "b", "b"].map(str::to_owned);
        let spare = 1.0 / (8.0 * std::f64::consts::LN_2);
        let (n, bits) = information(&values, &[true, true, false, false]);
        assert_eq!(n, 2);
        assert!((bits - (1.0 - spare)).abs() < 1e-12, "{bits}");
        assert!(information(&values, &[true, false, true, false]).1.abs() < 1e-12);
    }

    #[test]
    fn a_planted_shortcut_is_seen_and_noise_is_not() {
        let mut rows = rows(600, 9);
        let clean = measure(&rows);
        for s in clean.values() {
            assert!(!s.warns, "{s:?}");
            assert!(s.auc.is_none_or(|a| (a - 0.5).abs() < 0.08), "{s:?}");
        }
        for (i, row) in rows.iter_mut().enumerate() {
            let fake = row.label != (i % 4 == 0);
            row.listing.platform = Some(if fake { "facebook" } else { "tiki" }.to_owned());
        }
        let planted = measure(&rows);
        let platform = &planted["platform"];
        assert!(platform.warns && platform.auc.unwrap() > 0.7, "{platform:?}");
        assert!(planted["all"].warns);
        assert!(!planted["province"].warns);
    }
}
