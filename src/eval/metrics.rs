//! The metrics, each a function of [`Block`]s: rows with the same score, counted by label.
//!
//! Counting ties together makes every metric free of the order of rows, and lets a bootstrap
//! round be a change of counts instead of a new sort.

use serde::{Deserialize, Serialize};

/// Cut-off of [`Metrics::precision_at_100`].
pub const TOP: f64 = 100.0;
/// The false-positive rate at which [`Metrics::recall_at_fpr_1pct`] is read.
pub const MAX_FPR: f64 = 0.01;
/// Bins of the expected calibration error, equal in mass.
pub const ECE_BINS: usize = 15;
/// Probabilities are kept this far from 0 and 1 in the log loss.
const CLIP: f64 = 1e-15;

/// One value of each metric. `T` is a value, an interval, or a difference.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics<T> {
    /// Chance that a positive scores above a negative, ties counting half.
    pub auc: T,
    /// Area under the precision–recall steps, without interpolation.
    pub average_precision: T,
    /// Share of positives among the 100 highest scores.
    pub precision_at_100: T,
    /// Highest recall at which at most 1 % of the negatives are called positive.
    pub recall_at_fpr_1pct: T,
    /// Expected calibration error over 15 bins of equal mass.
    pub ece: T,
    /// Mean squared distance of score and label.
    pub brier: T,
    /// Mean negative log-likelihood, in nats.
    pub log_loss: T,
}

impl<T> Metrics<T> {
    /// The metrics' names as in JSON, in the order of [`Self::to_array`].
    pub const NAMES: [&'static str; 7] = [
        "auc",
        "average_precision",
        "precision_at_100",
        "recall_at_fpr_1pct",
        "ece",
        "brier",
        "log_loss",
    ];

    /// One value for each name of [`Self::NAMES`].
    pub fn from_fn(mut f: impl FnMut(usize) -> T) -> Self {
        Self {
            auc: f(0),
            average_precision: f(1),
            precision_at_100: f(2),
            recall_at_fpr_1pct: f(3),
            ece: f(4),
            brier: f(5),
            log_loss: f(6),
        }
    }

    /// The values in the order of [`Self::NAMES`].
    pub fn to_array(&self) -> [&T; 7] {
        [
            &self.auc,
            &self.average_precision,
            &self.precision_at_100,
            &self.recall_at_fpr_1pct,
            &self.ece,
            &self.brier,
            &self.log_loss,
        ]
    }
}

impl Metrics<Option<f64>> {
    /// All metrics of one population.
    pub fn of(scores: &[f64], labels: &[bool]) -> Self {
        let rows: Vec<usize> = (0..scores.len()).collect();
        let blocks = Ranking::new(scores, labels, &rows).blocks();
        Self::from_blocks(&blocks, &blocks)
    }

    /// Rank metrics of `ranked`, calibration metrics of `own`.
    pub fn from_blocks(ranked: &[Block], own: &[Block]) -> Self {
        Self {
            auc: auc(ranked),
            average_precision: average_precision(ranked),
            precision_at_100: precision_at(ranked, TOP),
            recall_at_fpr_1pct: recall_at_fpr(ranked, MAX_FPR),
            ece: ece(own, ECE_BINS),
            brier: brier(own),
            log_loss: log_loss(own),
        }
    }
}

/// Rows with the same score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    pub score: f64,
    pub positives: f64,
    pub negatives: f64,
}

impl Block {
    pub fn mass(&self) -> f64 {
        self.positives + self.negatives
    }
}

/// Rows sorted by score once, to be counted many times.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Row, its label, and the index of its block.
    rows: Vec<(usize, bool, usize)>,
    /// Distinct scores, highest first.
    scores: Vec<f64>,
}

impl Ranking {
    /// Ranks the `rows` of a table of scores and labels.
    pub fn new(scores: &[f64], labels: &[bool], rows: &[usize]) -> Self {
        let mut order = rows.to_vec();
        order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let mut distinct: Vec<f64> = Vec::new();
        let rows = order
            .into_iter()
            .map(|row| {
                let score = scores[row];
                if distinct.last().is_none_or(|last| last.total_cmp(&score).is_ne()) {
                    distinct.push(score);
                }
                (row, labels[row], distinct.len() - 1)
            })
            .collect();
        Self { rows, scores: distinct }
    }

    /// Every row counted once; highest score first.
    pub fn blocks(&self) -> Vec<Block> {
        self.count(|_| 1)
    }

    /// Row `i` counted `weights[i]` times.
    pub fn weighted(&self, weights: &[u32]) -> Vec<Block> {
        self.count(|row| weights[row])
    }

    fn count(&self, weight: impl Fn(usize) -> u32) -> Vec<Block> {
        let empty = |score| Block { score, positives: 0.0, negatives: 0.0 };
        let mut blocks: Vec<Block> = self.scores.iter().map(|s| empty(*s)).collect();
        for (row, label, block) in &self.rows {
            let weight = f64::from(weight(*row));
            if *label {
                blocks[*block].positives += weight;
            } else {
                blocks[*block].negatives += weight;
            }
        }
        blocks
    }
}

fn totals(blocks: &[Block]) -> (f64, f64) {
    blocks.iter().fold((0.0, 0.0), |(p, n), b| (p + b.positives, n + b.negatives))
}

/// Chance that a random positive scores above a random negative, ties counting half; `None`
/// without both labels.
pub fn auc(blocks: &[Block]) -> Option<f64> {
    let (positives, negatives) = totals(blocks);
    let mut below = negatives;
    let mut won = 0.0;
    for b in blocks {
        below -= b.negatives;
        won += b.positives * (below + b.negatives / 2.0);
    }
    (positives > 0.0 && negatives > 0.0).then(|| won / (positives * negatives))
}

/// Σ (recallᵢ − recallᵢ₋₁) · precisionᵢ over the distinct scores; `None` without positives.
pub fn average_precision(blocks: &[Block]) -> Option<f64> {
    let (positives, _) = totals(blocks);
    let (mut found, mut called, mut sum) = (0.0, 0.0, 0.0);
    for b in blocks.iter().filter(|b| b.mass() > 0.0) {
        found += b.positives;
        called += b.mass();
        sum += b.positives * found / called;
    }
    (positives > 0.0).then(|| sum / positives)
}

/// Share of positives among the `k` highest; of a tie across the cut, the expected share. `None`
/// with fewer than `k` rows.
pub fn precision_at(blocks: &[Block], k: f64) -> Option<f64> {
    let (mut left, mut found) = (k, 0.0);
    for b in blocks.iter().filter(|b| b.mass() > 0.0) {
        let taken = b.mass().min(left);
        found += b.positives * taken / b.mass();
        left -= taken;
        if left <= 0.0 {
            return Some(found / k);
        }
    }
    None
}

/// Highest recall over the thresholds at which at most `fpr` of the negatives are above; `None`
/// without both labels.
pub fn recall_at_fpr(blocks: &[Block], fpr: f64) -> Option<f64> {
    let (positives, negatives) = totals(blocks);
    let (mut found, mut wrong, mut best) = (0.0, 0.0, 0.0);
    for b in blocks {
        found += b.positives;
        wrong += b.negatives;
        if wrong <= fpr * negatives {
            best = found;
        }
    }
    (positives > 0.0 && negatives > 0.0).then(|| best / positives)
}

/// Rows between two quantiles of the score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub n: f64,
    /// Mean score.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
}

/// `bins` bins of equal mass, lowest score first; a tie across a border is shared out.
pub fn reliability(blocks: &[Block], bins: usize) -> Vec<Bin> {
    let (positives, negatives) = totals(blocks);
    let size = (positives + negatives) / bins as f64;
    let mut out = Vec::with_capacity(bins);
    let (mut n, mut score, mut found) = (0.0, 0.0, 0.0);
    for b in blocks.iter().rev().filter(|b| b.mass() > 0.0) {
        let mut left = b.mass();
        while left > size * 1e-9 {
            let taken = left.min(size - n);
            n += taken;
            score += b.score * taken;
            found += b.positives * taken / b.mass();
            left -= taken;
            if n >= size * (1.0 - 1e-9) {
                out.push(Bin { n, predicted: score / n, observed: found / n });
                (n, score, found) = (0.0, 0.0, 0.0);
            }
        }
    }
    out
}

/// Mean distance of score and observed share over bins of equal mass; `None` with fewer rows than
/// bins.
pub fn ece(blocks: &[Block], bins: usize) -> Option<f64> {
    let (positives, negatives) = totals(blocks);
    let n = positives + negatives;
    (n >= bins as f64).then(|| {
        let gaps = reliability(blocks, bins);
        gaps.iter().map(|b| b.n * (b.predicted - b.observed).abs()).sum::<f64>() / n
    })
}

/// Mean squared distance of score and label; `None` without rows.
pub fn brier(blocks: &[Block]) -> Option<f64> {
    mean(blocks, |p| ((1.0 - p) * (1.0 - p), p * p))
}

/// Mean negative log-likelihood in nats; `None` without rows.
pub fn log_loss(blocks: &[Block]) -> Option<f64> {
    mean(blocks, |p| {
        let p = p.clamp(CLIP, 1.0 - CLIP);
        (-p.ln(), -(1.0 - p).ln())
    })
}

/// Mean of a loss that is `f(score).0` for a positive and `.1` for a negative.
fn mean(blocks: &[Block], f: impl Fn(f64) -> (f64, f64)) -> Option<f64> {
    let (positives, negatives) = totals(blocks);
    let n = positives + negatives;
    let sum = |b: &Block| {
        let (positive, negative) = f(b.score);
        b.positives * positive + b.negatives * negative
    };
    (n > 0.0).then(|| blocks.iter().map(sum).sum::<f64>() / n)
}

#[cfg(test)]
mod tests;
